"""Byte-range locks of guests on drives as Windows has them: LockFileEx's, which keep others from reading and writing.

The kernel keeps its own, advisory locks besides, so that programs find what Linux promises them too.
"""

from __future__ import annotations

from contextlib import suppress
from errno import EDEADLK
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.native import NativeInode
from ntshim.io.file import File
from ntshim.io.locks import LockOwner
from ntshim.ob.handles import index_to_handle
from ntshim.status import STATUS_RANGE_NOT_LOCKED, NtError
from picobox.errors import Errno
from picobox.platform.host import position_of
from picobox.task import fd_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.nodes import Node
    from ntshim.io.locks import ByteRangeLocks
    from ntshim.ps.process import Process
    from picobox.call import Call
    from picobox.provider import PicoProvider
    from picobox.windows import WindowsRules

# Who owns a lock on Linux: a process (fcntl), an open file description (fcntl's OFD locks, flock).
RECORD, DESCRIPTION, WHOLE_FILE = range(3)
_O_APPEND = 0o2000
WHOLE = (0, 1 << 63)


class Held(NamedTuple):
    """A lock that a process has taken through `file`; `kind`: which of Linux's locks goes with it."""

    file: File
    process: Process
    kind: int
    offset: int
    length: int
    exclusive: bool

    def meets(self, offset: int, length: int) -> bool:
        """Whether it has a byte of a range."""
        return self.offset < offset + length and offset < self.offset + self.length


class ByteLocks:
    """The locks that guests hold by NT's rules; as long as there are any, reading and writing is checked."""

    def __init__(self, provider: PicoProvider, windows: WindowsRules) -> None:
        """Nothing is locked."""
        self._provider = provider
        self._windows = windows
        self._held: dict[Node, list[Held]] = {}
        self._locks: set[ByteRangeLocks] = set()

    def lock(self, call: Call, fd: int, kind: int, span: tuple[int, int], *, exclusive: bool, waits: bool) -> None:
        """Lock `span`, offset and length; raises NtError if NT refuses, Errno(EDEADLK) if waiting were for ever.

        A lock of just this range that the description has is given up first: on Windows nothing else can change it. A
        request that waits does so in the kernel, which knows the same holders, so that signals reach it.
        """
        file = self._file(call, fd)
        if file is None:
            return
        wanted = Held(file, call.thread.process, kind, *span, exclusive)
        held = self._of(file)
        former = next((each for each in held if each[:5] == wanted[:5]), None)
        if former is not None:
            self._give_up(call, fd, former)
        try:
            self._take(call, fd, wanted, waits=False)
        except NtError:
            if former is not None:
                self._take(call, fd, former, waits=False)
            if not waits:
                raise
            self._wait(call, fd, wanted)
            return
        _unless_done(call, lambda: self._undo(call, fd, wanted, former))

    def _wait(self, call: Call, fd: int, wanted: Held) -> None:
        """The kernel waits for those who hold the same kind of lock; for others it would not."""
        for each in self._of(wanted.file):
            if each.meets(wanted.offset, wanted.length) and (
                each.process is wanted.process or each.kind != wanted.kind
            ):
                raise Errno(EDEADLK)
        former = call.then

        def then(result: int) -> int | None:
            replaced = None if former is None else former(result)
            if result == 0:
                # Whoever held it has given it up, or is dead and not yet reported: then it is granted with the report.
                with suppress(NtError):
                    self._take(call, fd, wanted, waits=True)
            return replaced

        call.then = then

    def unlock(self, call: Call, fd: int, kind: int, span: tuple[int, int]) -> None:
        """Unlock what lies in a range; STATUS_RANGE_NOT_LOCKED for a part of a lock, or another descriptor's."""
        file = self._file(call, fd)
        if file is None:
            return
        process = call.thread.process
        mine = [each for each in self._of(file) if each.process is process and each.kind == kind and each.meets(*span)]
        end = span[0] + span[1]
        if any(each.file is not file or each.offset < span[0] or each.offset + each.length > end for each in mine):
            raise NtError(STATUS_RANGE_NOT_LOCKED)
        for each in mine:
            self._give_up(call, fd, each)

    def check(self, call: Call, fd: int, length: int, offset: int | None, *, writes: bool) -> None:
        """Whether bytes may be read or written at an offset, None: where the description stands; raises NtError."""
        if not self._any_held():
            self._provider.check_transfers(wanted=False)
            return
        entry = call.thread.process.handles.peek(fd_index(fd)) if fd >= 0 else None
        file = None if entry is None else entry.object
        if not isinstance(file, File) or file.device is None or not isinstance(_inode(file), NativeInode):
            return
        if file.context.stream.locks is None:
            return
        self._of(file)
        at = offset
        if at is None:
            found = position_of(call.stop.tid, fd)
            if found is None:
                return
            at = found.size if writes and found.flags & _O_APPEND else found.position
        call.shown_by = self._windows.runtimes.of(call.stop.tid)
        file.device.check_locks(file, call.thread.process, 0, at, length, writes=writes)

    def _file(self, call: Call, fd: int) -> File | None:
        """What a descriptor leads to, if that is a file of a drive."""
        try:
            entry = call.thread.process.handles.look_up(index_to_handle(fd_index(fd))) if fd >= 0 else None
        except NtError:
            return None
        file = None if entry is None else entry.object
        inode = _inode(file)
        if not isinstance(file, File) or not isinstance(inode, NativeInode) or inode.is_directory:
            return None
        if not self._windows.is_on_drive(inode.path):
            return None
        call.shown_by = self._windows.runtimes.of(call.stop.tid)
        return file

    def _of(self, file: File) -> list[Held]:
        """The locks of a file that are still held."""
        held = self._held.get(file.context.node, [])
        for each in list(held):
            if each.file.cleaned_up or each.process.terminating:
                held.remove(each)
            if each.process.terminating and not each.file.cleaned_up:
                # The end of a process ends its locks, also where another one has the description still.
                with suppress(NtError):
                    locks = file.context.stream.locks
                    locks.unlock(LockOwner(each.file, each.process, 0), each.offset, each.length)
        return held

    def _take(self, call: Call, fd: int, wanted: Held, *, waits: bool) -> None:
        handle = index_to_handle(fd_index(fd))
        self._provider.nt.NtLockFile(
            call.thread,
            handle,
            wanted.offset,
            wanted.length,
            fail_immediately=not waits,
            exclusive_lock=wanted.exclusive,
        )
        call.performed = True
        opened = wanted.file.context
        self._held.setdefault(opened.node, []).append(wanted)
        self._locks.add(opened.stream.locks)
        self._provider.check_transfers(wanted=True)

    def _give_up(self, call: Call, fd: int, held: Held) -> None:
        self._provider.nt.NtUnlockFile(call.thread, index_to_handle(fd_index(fd)), held.offset, held.length)
        call.performed = True
        self._of(held.file).remove(held)

    def _undo(self, call: Call, fd: int, wanted: Held, former: Held | None) -> None:
        """The kernel has refused, or nobody knows."""
        with suppress(NtError, ValueError):
            self._give_up(call, fd, wanted)
            if former is not None:
                self._take(call, fd, former, waits=False)

    def _any_held(self) -> bool:
        self._locks = {locks for locks in self._locks if locks.any_held}
        if not self._locks:
            self._held.clear()
        return bool(self._locks)


def _inode(file: object) -> object:
    node = getattr(getattr(file, "context", None), "node", None)
    return getattr(node, "inode", None)


def _unless_done(call: Call, undo: Callable[[], None]) -> None:
    """Have a routine called unless the kernel does the call."""
    former = call.then
    done = False

    def then(result: int) -> int | None:
        nonlocal done
        done = result >= 0
        return None if former is None else former(result)

    def over() -> None:
        if not done:
            undo()

    call.then = then
    call.when_over(over)
