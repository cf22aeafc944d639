"""Tells what a task may do with a file, by the mode of the file and the task's own credentials."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.platform.base import HostTid

_LIST = 5
_EXECUTE = 1
_ALL_CLASSES = 0o111
# linux/capability.h: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
_OVERRIDE = 1 << 1
_READ_SEARCH = 1 << 2
_ACL = "system.posix_acl_access"


def may_list(tid: HostTid, directory: int) -> bool:
    """Whether a task could learn the names in an open directory by itself."""
    return _may(tid, os.fstat(directory), b"/proc/self/fd/%d" % directory, _LIST, _OVERRIDE | _READ_SEARCH)


def may_execute(tid: HostTid, path: bytes) -> bool:
    """Whether a task may run a file, given by a path of ours. OSError if it is not there."""
    if os.statvfs(path).f_flag & os.ST_NOEXEC:
        return False
    found = os.stat(path)
    return _may(tid, found, path, _EXECUTE, _OVERRIDE if found.st_mode & _ALL_CLASSES else 0)


def _may(tid: HostTid, found: os.stat_result, path: bytes, wanted: int, overriding: int) -> bool:
    """Whether a task has the wanted rights (path_resolution(7), Permissions).

    Where an access control list says more than the mode does, the answer is no unless the task owns the file or may
    override it.
    """
    mode = found.st_mode
    has_list = _has_list(path)
    if not has_list and mode & wanted * _ALL_CLASSES == wanted * _ALL_CLASSES:
        return True
    try:
        user, group, groups, capabilities = _credentials(tid)
        if capabilities & overriding and _same_user_namespace(tid):
            return True
    except (OSError, KeyError):
        return False
    if user == found.st_uid:
        return mode >> 6 & wanted == wanted
    if has_list:
        return False
    return mode >> (3 if found.st_gid in (group, *groups) else 0) & wanted == wanted


def _has_list(path: bytes) -> bool:
    with suppress(OSError):
        os.getxattr(path, _ACL)
        return True
    return False


def _credentials(tid: HostTid) -> tuple[int, int, list[int], int]:
    """File system user and group of a task, its other groups, its effective capabilities (proc(5), status)."""
    with open(f"/proc/{tid}/status", "rb") as status:
        fields = dict(line.split(b":", 1) for line in status if b":" in line)
    groups = [int(group) for group in fields[b"Groups"].split()]
    return int(fields[b"Uid"].split()[3]), int(fields[b"Gid"].split()[3]), groups, int(fields[b"CapEff"], 16)


def _same_user_namespace(tid: HostTid) -> bool:
    return os.readlink(f"/proc/{tid}/ns/user") == os.readlink("/proc/self/ns/user")
