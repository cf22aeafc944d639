"""Owns what an exec does to ids: set-id programs, and what the new program is told of itself (getauxval(3))."""

from __future__ import annotations

import os
import stat
from struct import Struct
from typing import TYPE_CHECKING

from picobox.abi.x86_64 import USER_REGS
from picobox.errors import Errno
from picobox.session.fakeroot.mounts import Kind
from picobox.session.fakeroot.nodes import Node

if TYPE_CHECKING:
    from picobox.platform.base import GuestMemory, HostTid, Platform
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.root import FakeRoot
    from picobox.task import Task

_RSP = USER_REGS.index("rsp")
_PAGE = 4096
_MOST_PAGES = 2048  # of pointers to arguments and variables: execve(2) takes a quarter of the stack, 8 MiB at most
_word, _entry = Struct("<Q"), Struct("<2Q")
# linux/auxvec.h
_END, _UID, _EUID, _GID, _EGID, _SECURE = 0, 11, 12, 13, 14, 23


def tell_image(root: FakeRoot, platform: Platform, task: Task) -> None:
    """A task has become another program, and stands before its first instruction."""
    tid = task.tid
    if tid is None:
        return
    before = root.credentials(task)
    user, group = _made_by(root, tid)
    after = before.executing(user, group, is_watched=root.has_lesser_tracer(tid))
    root.become(task, after)
    try:
        stack = platform.registers(tid)[_RSP]
        # A set-id program that gets nothing by that is told that it is one (linux: security/commoncap.c).
        _correct(platform.memory(tid), stack, after, is_secure=before.executing(user, group).is_secure)
    except (Errno, OSError):
        return  # it is gone, or its memory is nobody's to read


def _made_by(root: FakeRoot, tid: HostTid) -> tuple[int | None, int | None]:
    """User and group that the file makes its runner: what a script names counts, not the script (execve(2))."""
    try:
        node = Node(root.world, os.open(b"/proc/%d/exe" % tid, os.O_PATH | os.O_CLOEXEC))
    except OSError:
        return None, None
    try:
        if node.kind is not Kind.STORE:
            return None, None
        told = node.shown
    except (Errno, OSError):
        return None, None
    finally:
        node.close()
    sets_group = told.mode & stat.S_ISGID and told.mode & stat.S_IXGRP
    return told.uid if told.mode & stat.S_ISUID else None, told.gid if sets_group else None


def _correct(memory: GuestMemory, stack: int, credentials: Credentials, *, is_secure: bool) -> None:
    """Writes the ids into the vector behind arguments and environment."""
    values = {
        _UID: credentials.users.real,
        _EUID: credentials.users.effective,
        _GID: credentials.groups.real,
        _EGID: credentials.groups.effective,
        _SECURE: int(is_secure),
    }
    words = _Words(memory, stack)
    words.skip(words.take())  # argv
    words.take()
    while words.take():
        pass  # environment
    while True:
        place = words.place
        kind = words.take()
        if kind == _END:
            return
        words.take()
        if kind in values:
            memory.write(place, _entry.pack(kind, values[kind]))


class _Words:
    """Words of a guest's memory, one after another, read a page at a time."""

    def __init__(self, memory: GuestMemory, place: int) -> None:
        self._memory = memory
        self._start = self.place = place
        self._bytes = b""
        self._pages = 0

    def take(self) -> int:
        """The next one. Raises Errno, of EINVAL's kind where there is no end."""
        at = self.place - self._start
        if at + _word.size > len(self._bytes):
            self._pages += 1
            if self._pages > _MOST_PAGES:
                raise OSError
            end = self._start + len(self._bytes)
            self._bytes += self._memory.read(end, _PAGE - end % _PAGE)
        self.place += _word.size
        return int(_word.unpack_from(self._bytes, at)[0])

    def skip(self, count: int) -> None:
        """Passes over words."""
        for _ in range(count):
            self.take()
