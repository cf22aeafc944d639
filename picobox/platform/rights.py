"""Tells what a task may do with a file, by the mode of the file and the task's own credentials."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.platform.base import HostTid

_LIST = 5
_EXECUTE = 1
_ALL_CLASSES = 0o111
# linux/capability.h: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
_OVERRIDE = 1 << 1
_READ_SEARCH = 1 << 2
_ACL = "system.posix_acl_access"
# proc(5), status. The name of a program is escaped there: it begins no line.
_STATUS = re.compile(
    rb"^Uid:(?:\s+\d+){3}\s+(\d+)$.*?^Gid:(?:\s+\d+){3}\s+(\d+)$.*?^Groups:([ \t\d]*)$.*?^CapEff:\s+([0-9a-f]+)$",
    re.MULTILINE | re.DOTALL,
)


class Credentials(NamedTuple):
    """File system user and group of a task, its other groups, its effective capabilities over files that we see."""

    user: int
    group: int
    groups: frozenset[int]
    capabilities: int


class Rights:
    """The rights of tasks whose credentials are asked of the kernel once, until somebody says that they may be others.

    Nobody but a task itself changes its credentials, and that only by a call (credentials(7)). `forget` must be called
    before such a call begins, or before the task goes on after it. A file is looked at each time.
    """

    def __init__(self) -> None:
        self._known: dict[HostTid, Credentials] = {}

    def forget(self) -> None:
        """A task is about to change its credentials, or its number is another's now: all are asked for again."""
        self._known.clear()

    def may_list(self, tid: HostTid, directory: int, found: os.stat_result) -> bool:
        """Whether a task could learn the names in an open directory, whose status is `found`, by itself."""
        path = b"/proc/self/fd/%d" % directory
        credentials = self._known.get(tid)
        if credentials is None:
            if _anybody_may(found, path, _LIST):
                return True
            try:
                credentials = self._known[tid] = credentials_of(tid)
            except OSError:
                return False
        return _may(credentials, found, path, _LIST, _OVERRIDE | _READ_SEARCH)


def may_execute(tid: HostTid, path: bytes) -> bool:
    """Whether a task may run a file, given by a path of ours. OSError if it is not there."""
    if os.statvfs(path).f_flag & os.ST_NOEXEC:
        return False
    found = os.stat(path)
    if _anybody_may(found, path, _EXECUTE):
        return True
    try:
        credentials = credentials_of(tid)
    except OSError:
        return False
    return _may(credentials, found, path, _EXECUTE, _OVERRIDE if found.st_mode & _ALL_CLASSES else 0)


def _anybody_may(found: os.stat_result, path: bytes, wanted: int) -> bool:
    everybody = wanted * _ALL_CLASSES
    return found.st_mode & everybody == everybody and not _has_list(path)


def _may(credentials: Credentials, found: os.stat_result, path: bytes, wanted: int, overriding: int) -> bool:
    """Whether credentials give the wanted rights (path_resolution(7), Permissions).

    Where an access control list says more than the mode does, the answer is no unless the task owns the file or may
    override it.
    """
    mode = found.st_mode
    if credentials.capabilities & overriding:
        return True
    if credentials.user == found.st_uid:
        return mode >> 6 & wanted == wanted
    if _has_list(path):
        return False
    member = found.st_gid == credentials.group or found.st_gid in credentials.groups
    return mode >> (3 if member else 0) & wanted == wanted


def _has_list(path: bytes) -> bool:
    with suppress(OSError):
        os.getxattr(path, _ACL)
        return True
    return False


def credentials_of(tid: HostTid) -> Credentials:
    """The credentials of a task now; raises OSError if it has gone."""
    with open(f"/proc/{tid}/status", "rb", buffering=0) as status:
        fields = _STATUS.search(status.readall())
    if fields is None:
        raise ProcessLookupError(tid)
    user, group, groups, capabilities = fields.groups()
    effective = int(capabilities, 16)
    # Capabilities of another user namespace are none over what does not belong to it (user_namespaces(7)).
    if effective and os.readlink(b"/proc/%d/ns/user" % tid) != os.readlink(b"/proc/self/ns/user"):
        effective = 0
    return Credentials(int(user), int(group), frozenset(map(int, groups.split())), effective)
