"""Mandatory byte-range locks of one stream: which are held, which are waited for, what they keep from whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.io.queued import QueuedIrp
from ntshim.io.ranges import RangeIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ntshim.io.file import File
    from ntshim.ps.process import Process

_UNSIGNED_END = 1 << 64
_SIGNED_START = -1 << 63
_KEY_END = 1 << 32


class LockOwner(NamedTuple):
    """Whose a lock is: all handles to the file object share it, another process or key does not."""

    file: File
    process: Process
    key: int


class Lock:
    """The lock of bytes `offset` to `last`, held or waited for."""

    __slots__ = ("exclusive", "irp", "last", "offset", "order", "owner")

    def __init__(
        self, owner: LockOwner, offset: int, length: int, number: int, irp: QueuedIrp, *, exclusive: bool
    ) -> None:
        """Describe the lock that a request wants; requests are numbered in the order in which they come."""
        self.owner = owner
        self.offset = offset
        self.last = offset + length - 1
        self.order = (offset, number)
        self.irp = irp
        self.exclusive = exclusive


# What NtUnlockFile must name, of the locks of a file object: process, key, offset, last byte, and whether exclusive.
_Identity = tuple["Process", int, int, int, bool]


class ByteRangeLocks:
    """The locks of a stream, as FILE_LOCK.

    Which ranges conflict: facts/nt.md section 3.8, [MS-FSA] 2.1.4.10. Waiting requests are granted in the order in
    which they came, each as soon as no lock that is held is in its way; one that still waits keeps nobody out.
    """

    __slots__ = ("_exclusive", "_held", "_number", "_shared", "_waiting", "_waiting_ranges")

    def __init__(self) -> None:
        """Begin without locks."""
        self._exclusive: RangeIndex[Lock] = RangeIndex()
        self._shared: RangeIndex[Lock] = RangeIndex()
        self._held: dict[File, dict[_Identity, list[Lock]]] = {}
        self._waiting: dict[QueuedIrp, Lock] = {}
        self._waiting_ranges: RangeIndex[Lock] = RangeIndex()
        self._number = 0

    @property
    def any_held(self) -> bool:
        """Whether somebody holds a lock."""
        return bool(self._held)

    def all(self) -> Iterator[tuple[Lock, bool]]:
        """Give each lock, and whether it is still waited for."""
        yield from [(lock, False) for held in self._held.values() for locks in held.values() for lock in locks]
        yield from [(lock, True) for lock in self._waiting.values()]

    def request(
        self, owner: LockOwner, offset: int, length: int, *, exclusive: bool, fail_immediately: bool
    ) -> QueuedIrp:
        """Lock a range that `byte_range` has checked; the request is finished if that can be done at once.

        STATUS_LOCK_NOT_GRANTED if it cannot, for who does not want to wait.
        """
        conflicts = self._conflict(owner, offset, offset + length - 1, writes=exclusive, locks=True)
        if conflicts and fail_immediately:
            raise st.NtError(st.STATUS_LOCK_NOT_GRANTED)
        self._number += 1
        irp = QueuedIrp(owner.file, self._withdraw)
        lock = Lock(owner, offset, length, self._number, irp, exclusive=exclusive)
        if conflicts:
            self._waiting[irp] = lock
            self._waiting_ranges.add(lock)
        else:
            self._hold(lock)
            irp.finish()
        return irp

    def unlock(self, owner: LockOwner, offset: int, length: int) -> None:
        """Release the lock of just this range: the exclusive one if the owner has a shared one too.

        STATUS_RANGE_NOT_LOCKED if the owner has none.
        """
        held = self._held.get(owner.file, {})
        for exclusive in (True, False):
            identity = (owner.process, owner.key, offset, offset + length - 1, exclusive)
            locks = held.get(identity)
            if locks:
                lock = locks.pop()
                if not locks:
                    del held[identity]
                if not held:
                    del self._held[owner.file]
                self._index(lock).remove(lock)
                self._grant([lock])
                return
        raise st.NtError(st.STATUS_RANGE_NOT_LOCKED)

    def release(self, file: File) -> None:
        """Give up all that a file object holds or waits for: its last handle is gone."""
        for irp in list(file.queued):
            if irp in self._waiting:
                irp.cancel()
        released = [lock for locks in self._held.pop(file, {}).values() for lock in locks]
        for lock in released:
            self._index(lock).remove(lock)
        self._grant(released)

    def check(self, owner: tuple[File, Process, int], offset: int, length: int, *, writes: bool) -> None:
        """Refuse to read or write what a lock keeps from file object, process and key: STATUS_FILE_LOCK_CONFLICT."""
        if length and self._conflict(owner, offset, offset + length - 1, writes=writes, locks=False):
            raise st.NtError(st.STATUS_FILE_LOCK_CONFLICT)

    def _conflict(self, owner: tuple[File, Process, int], offset: int, last: int, *, writes: bool, locks: bool) -> bool:
        """Whether a held lock is in the way of reading or writing a range, or of a shared or exclusive lock of it.

        An exclusive lock keeps out all but its owner, and another exclusive one even of the owner; a shared lock
        keeps out who writes or locks exclusively, its owner too.
        """
        for lock in self._exclusive.overlapping(offset, last):
            if (writes and locks) or lock.owner != owner:
                return True
        return writes and next(self._shared.overlapping(offset, last), None) is not None

    def _index(self, lock: Lock) -> RangeIndex[Lock]:
        """Give the index that a held lock is in."""
        return self._exclusive if lock.exclusive else self._shared

    def _hold(self, lock: Lock) -> None:
        """Make a lock held."""
        owner = lock.owner
        identity = (owner.process, owner.key, lock.offset, lock.last, lock.exclusive)
        self._held.setdefault(owner.file, {}).setdefault(identity, []).append(lock)
        self._index(lock).add(lock)

    def _withdraw(self, irp: QueuedIrp) -> None:
        """Forget a request that waits."""
        self._waiting_ranges.remove(self._waiting.pop(irp))

    def _grant(self, released: Iterable[Lock]) -> None:
        """Grant what waited for released locks and need wait no longer."""
        candidates = {
            waiting.order[1]: waiting
            for lock in released
            for waiting in self._waiting_ranges.overlapping(lock.offset, lock.last)
        }
        for _, lock in sorted(candidates.items()):
            # Who is told of a lock may act at once: by now this one may be granted, or given up.
            if lock.irp in self._waiting and not self._conflict(
                lock.owner, lock.offset, lock.last, writes=lock.exclusive, locks=True
            ):
                self._withdraw(lock.irp)
                self._hold(lock)
                lock.irp.finish()


def byte_range(offset: int, length: int) -> tuple[int, int]:
    """Give offset and length of a lock as the unsigned numbers of 64 bits that they are.

    STATUS_INVALID_LOCK_RANGE if the range does not end by the last byte that such a number can tell,
    STATUS_INVALID_PARAMETER for a number that has more bits.
    """
    if not (_SIGNED_START <= offset < _UNSIGNED_END and _SIGNED_START <= length < _UNSIGNED_END):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    offset, length = offset % _UNSIGNED_END, length % _UNSIGNED_END
    if length and offset + length > _UNSIGNED_END:
        raise st.NtError(st.STATUS_INVALID_LOCK_RANGE)
    return offset, length


def check_key(key: int) -> None:
    """Refuse a key that has more than 32 bits: STATUS_INVALID_PARAMETER."""
    if not 0 <= key < _KEY_END:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
