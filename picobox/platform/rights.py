"""Tells whether a task may list a directory, by the mode of the directory and the task's own credentials."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.platform.base import HostTid

_LIST = 0o5
_LISTED_BY_ALL = 0o555
# linux/capability.h: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
_OVERRIDING = 1 << 1 | 1 << 2
_ACL = "system.posix_acl_access"


def may_list(tid: HostTid, directory: int) -> bool:
    """Whether a task could learn the names in an open directory by itself (path_resolution(7), Permissions).

    Where an access control list says more than the mode does, the answer is no unless the task may override it.
    """
    found = os.fstat(directory)
    mode = found.st_mode
    listed = _has_list(directory)
    if not listed and mode & _LISTED_BY_ALL == _LISTED_BY_ALL:
        return True
    try:
        user, group, groups, capabilities = _credentials(tid)
        if capabilities & _OVERRIDING and _same_user_namespace(tid):
            return True
    except (OSError, KeyError):
        return False
    if user == found.st_uid:
        return mode >> 6 & _LIST == _LIST
    if listed:
        return False
    return mode >> (3 if found.st_gid in (group, *groups) else 0) & _LIST == _LIST


def _has_list(directory: int) -> bool:
    with suppress(OSError):
        os.getxattr(b"/proc/self/fd/%d" % directory, _ACL)
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
