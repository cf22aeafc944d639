"""Byte-range locks of guests on drives as Windows has them: LockFileEx's, which keep others from reading and writing.

The kernel keeps its own, advisory locks besides, so that programs find what Linux promises them too.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from errno import EDEADLK
from typing import TYPE_CHECKING

from ntshim.fs.native import NativeInode
from ntshim.io.file import File
from ntshim.io.locks import LockOwner
from ntshim.io.ranges import RangeIndex
from ntshim.ob.handles import index_to_handle
from ntshim.status import STATUS_LOCK_NOT_GRANTED, STATUS_PENDING, STATUS_RANGE_NOT_LOCKED, NtError
from picobox.check.subject import TRANSFER, Subject
from picobox.errors import Errno
from picobox.platform.host import position_of
from picobox.task import fd_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ntshim.fs.nodes import Node
    from ntshim.io.locks import ByteRangeLocks
    from ntshim.io.queued import QueuedIrp
    from ntshim.ps.process import Process
    from picobox.call import Call
    from picobox.platform.identity import Identities
    from picobox.provider import PicoProvider
    from picobox.windows import WindowsRules

# Who owns a lock on Linux: a process (fcntl), an open file description (fcntl's OFD locks, flock).
RECORD, DESCRIPTION, WHOLE_FILE = range(3)
_O_APPEND = 0o2000
WHOLE = (0, 1 << 63)


_Range = tuple[int, int, int]


class Held:
    """A lock that a process has taken through `file`; `kind`: which of Linux's locks goes with it.

    `request` is NT's: it still waits if who holds the lock is dead and not yet reported.
    """

    __slots__ = ("exclusive", "file", "kind", "last", "length", "offset", "order", "process", "request")

    def __init__(self, file: File, process: Process, range_: _Range, number: int, *, exclusive: bool) -> None:
        """Describe a lock of a range, which is its kind, offset and length; locks are numbered."""
        self.file = file
        self.process = process
        self.kind, self.offset, self.length = range_
        self.last = self.offset + self.length - 1
        self.order = (self.offset, number)
        self.exclusive = exclusive
        self.request: QueuedIrp | None = None

    @property
    def range(self) -> _Range:
        """Kind, offset and length: an owner has one lock of each."""
        return self.kind, self.offset, self.length

    @property
    def is_waiting(self) -> bool:
        """Whether NT has not granted it yet."""
        return self.request is not None and self.request.status == STATUS_PENDING


class _Owned:
    """The locks of one process through one file object; `is_inherited`: from one that has ended."""

    def __init__(self, *, is_inherited: bool = False) -> None:
        self.is_inherited = is_inherited
        self.by_range: dict[_Range, Held] = {}
        self.ranges: RangeIndex[Held] = RangeIndex()

    def add(self, held: Held) -> None:
        self.by_range[held.range] = held
        self.ranges.add(held)

    def remove(self, held: Held) -> None:
        if self.by_range.get(held.range) is held:
            del self.by_range[held.range]
            self.ranges.remove(held)


_Owners = dict[tuple[File, "Process"], _Owned]


class ByteLocks:
    """The locks that guests hold by NT's rules; as long as there are any, reading and writing is checked."""

    def __init__(self, provider: PicoProvider, windows: WindowsRules, identities: Identities) -> None:
        """Nothing is locked."""
        self._identities = identities
        self._provider = provider
        self._windows = windows
        self._held: dict[Node, _Owners] = {}
        self._numbers = itertools.count(1)
        self._locks: set[ByteRangeLocks] = set()

    def lock(self, call: Call, fd: int, kind: int, span: tuple[int, int], *, exclusive: bool, waits: bool) -> None:
        """Lock `span`, offset and length; raises NtError if NT refuses, Errno(EDEADLK) if waiting were for ever.

        A lock of just this range that the description has is given up first: on Windows nothing else can change it. A
        request that waits does so in the kernel, which knows the same holders, so that signals reach it.
        """
        file = self._file(call, fd)
        if file is None or (call.judgement is not None and call.judgement.is_elsewhere):
            return
        process = call.thread.process
        self._drop_inherited(call, file, kind)
        wanted = Held(file, process, (kind, *span), next(self._numbers), exclusive=exclusive)
        owned = self._of(call, file).get((file, process))
        former = None if owned is None else owned.by_range.get(wanted.range)
        is_granted = former is None or not former.is_waiting
        if former is not None:
            self._give_up(call, fd, former)
        try:
            self._take(call, fd, wanted, waits=not is_granted)
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
        for (_, process), owned in self._of(call, wanted.file).items():
            for each in owned.ranges.overlapping(wanted.offset, wanted.last):
                if process is wanted.process or each.kind != wanted.kind:
                    if _is_only_watched(call):
                        raise NtError(STATUS_LOCK_NOT_GRANTED)
                    raise Errno(EDEADLK)
        former = call.then

        def then(result: int) -> int | None:
            replaced = None if former is None else former(result)
            # Another thread may have made another file of the descriptor.
            if result == 0 and self._file(call, fd) is wanted.file:
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
        self._drop_inherited(call, file, kind)
        first, last = span[0], span[0] + span[1] - 1
        mine = [
            each
            for (_, owner), owned in self._of(call, file).items()
            if owner is process
            for each in owned.ranges.overlapping(first, last)
            if each.kind == kind
        ]
        if any(each.file is not file or each.offset < first or each.last > last for each in mine):
            if _is_only_watched(call):
                # The kernel unlocks it, so that nobody is kept out who would not be.
                for each in mine:
                    _release(each)
                    self._forget(each)
            raise NtError(STATUS_RANGE_NOT_LOCKED)
        for each in mine:
            self._give_up(call, fd, each)

    def _drop_inherited(self, call: Call, file: File, kind: int) -> None:
        """Whoever has a description may change its locks, though NT knows another owner of what was inherited."""
        owners = self._of(call, file)
        for (opened, _), owned in list(owners.items()):
            if opened is file and owned.is_inherited:
                for each in [each for each in owned.by_range.values() if each.kind == kind]:
                    _release(each)
                    self._forget(each)

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
        if call.judgement is not None:
            judged = self._identities.of_open(call.stop.tid, fd)
            if judged is not None:
                call.judgement.subject = Subject(TRANSFER, judged)
        owners = self._of(call, file)
        at = offset
        if at is None:
            found = position_of(call.stop.tid, fd)
            if found is None:
                return
            at = found.size if writes and found.flags & _O_APPEND else found.position
        call.shown_by = self._windows.runtimes.of(call.stop.tid)
        process = next(
            (owner for (opened, owner), owned in owners.items() if opened is file and owned.is_inherited),
            call.thread.process,
        )
        file.device.check_locks(file, process, 0, at, length, writes=writes)

    def holders(self, node: Node) -> Iterator[tuple[File, Process]]:
        """Who has locked bytes of a file, and through which description."""
        return iter(self._held.get(node, {}))

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

    def _of(self, call: Call, file: File) -> _Owners:
        """The locks of a file that are still held, by their owners."""
        owners = self._held.get(file.context.node, {})
        for (opened, process), owned in list(owners.items()):
            if opened.cleaned_up or process.terminating:
                del owners[opened, process]
            if process.terminating and not opened.cleaned_up:
                # The end of a process ends its locks, also where another one has the description still.
                for each in owned.by_range.values():
                    _release(each)
                    if each.kind != RECORD and _is_only_watched(call):
                        self._leave(owners, each)
        return owners

    def _leave(self, owners: _Owners, held: Held) -> None:
        """What the kernel leaves locked has another owner, as flock(1) locks for the shell that has the descriptor."""
        tasks = (task for task, _ in self._provider.open_files.holders(held.file))
        heir = next((task.group.process for task in tasks if task.group.process is not None), None)
        if heir is None or heir.terminating or held.file.context is None:
            return
        locks = held.file.context.stream.locks
        inherited = Held(held.file, heir, held.range, next(self._numbers), exclusive=held.exclusive)
        with suppress(NtError):
            inherited.request = locks.request(
                LockOwner(held.file, heir, 0),
                held.offset,
                held.length,
                exclusive=held.exclusive,
                fail_immediately=True,
            )
            owners.setdefault((held.file, heir), _Owned(is_inherited=True)).add(inherited)

    def _take(self, call: Call, fd: int, wanted: Held, *, waits: bool) -> None:
        wanted.request = self._provider.nt.NtLockFile(
            call.thread,
            index_to_handle(fd_index(fd)),
            wanted.offset,
            wanted.length,
            fail_immediately=not waits,
            exclusive_lock=wanted.exclusive,
        )
        call.performed = True
        opened = wanted.file.context
        owners = self._held.setdefault(opened.node, {})
        owners.setdefault((wanted.file, wanted.process), _Owned()).add(wanted)
        self._locks.add(opened.stream.locks)
        self._provider.check_transfers(wanted=True)

    def _give_up(self, call: Call, fd: int, held: Held) -> None:
        if held.is_waiting:
            _release(held)
        else:
            self._provider.nt.NtUnlockFile(call.thread, index_to_handle(fd_index(fd)), held.offset, held.length)
        call.performed = True
        self._forget(held)

    def _forget(self, held: Held) -> None:
        owners = self._held.get(held.file.context.node, {})
        owned = owners.get((held.file, held.process))
        if owned is not None:
            owned.remove(held)
            if not owned.by_range:
                del owners[held.file, held.process]

    def _undo(self, call: Call, fd: int, wanted: Held, former: Held | None) -> None:
        """The kernel has refused, or nobody knows."""
        if wanted.file.cleaned_up or wanted.process.terminating:
            return
        _release(wanted)
        self._forget(wanted)
        if former is not None and self._file(call, fd) is former.file:
            with suppress(NtError):
                self._take(call, fd, former, waits=False)

    def _any_held(self) -> bool:
        self._locks = {locks for locks in self._locks if locks.any_held}
        if not self._locks:
            self._held.clear()
        return bool(self._locks)


def _release(held: Held) -> None:
    """End a lock without a handle: the descriptor may be closed, and its owner dead."""
    if held.request is not None and held.is_waiting:
        held.request.cancel()
        return
    with suppress(NtError):
        held.file.context.stream.locks.unlock(LockOwner(held.file, held.process, 0), held.offset, held.length)


def _is_only_watched(call: Call) -> bool:
    """Whether the guest gets Linux' answer whatever NT says."""
    return call.judgement is not None and call.judgement.observes


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
