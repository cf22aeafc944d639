"""What is due when: timeouts and timers, each by the clock that its form of time goes by."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ke.clock import Clock

# A heap of at most this many entries is not looked through for cancelled ones.
_SMALL = 64


class Due:
    """Something that is to happen at a time, unless it is cancelled."""

    __slots__ = ("_queue", "routine")

    def __init__(self, queue: _Heap, routine: Callable[[], None]) -> None:
        """Plan a routine."""
        self._queue = queue
        self.routine: Callable[[], None] | None = routine

    def cancel(self) -> None:
        """Let it not happen; no effect once it has."""
        if self.routine is not None:
            self.routine = None
            self._queue.note_cancelled()


class _Heap:
    """What is due by one clock; of two that are due at one time, the one planned first comes first."""

    __slots__ = ("_cancelled", "entries")

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, Due]] = []
        self._cancelled = 0

    def note_cancelled(self) -> None:
        """Drop the cancelled entries when they are more than the others."""
        self._cancelled += 1
        if self._cancelled > _SMALL and self._cancelled * 2 > len(self.entries):
            self.entries = [entry for entry in self.entries if entry[2].routine is not None]
            heapify(self.entries)
            self._cancelled = 0

    def first(self) -> tuple[int, int, Due] | None:
        """Give what is due first."""
        while self.entries and self.entries[0][2].routine is None:
            heappop(self.entries)
            self._cancelled -= 1
        return self.entries[0] if self.entries else None

    def take(self) -> None:
        """Remove what is due first."""
        heappop(self.entries)


class DueQueue:
    """All that is due in an executive. Nothing happens by itself: whoever lets time pass calls `run_due`."""

    __slots__ = ("_absolute", "_relative", "_sequence", "clock")

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing to do."""
        self.clock = clock
        self._absolute = _Heap()
        self._relative = _Heap()
        self._sequence = count()

    def has_come(self, due_time: int) -> bool:
        """Whether a due time, as NT writes it (negative: from now; else since 1601), is not in the future."""
        return due_time >= 0 and due_time <= self.clock.system_time()

    def insert(self, due_time: int, routine: Callable[[], None]) -> Due:
        """Have a routine called by `run_due` once a due time, as NT writes it, has come."""
        if due_time < 0:
            return self.insert_at(self.clock.interrupt_time() - due_time, routine)
        return self._push(self._absolute, due_time, routine)

    def insert_at(self, interrupt_time: int, routine: Callable[[], None]) -> Due:
        """Have a routine called once this interrupt time has come."""
        return self._push(self._relative, interrupt_time, routine)

    def next_due(self) -> int | None:
        """Give how long it is until something is due: 0 if something is, None if there is nothing."""
        waits = [first[0] - now for now, first in self._firsts() if first is not None]
        return max(min(waits), 0) if waits else None

    def run_due(self) -> int:
        """Do what is due now, in the order of time, but not what that plans anew; gives how much it was."""
        planned = next(self._sequence)
        done = 0
        while True:
            late = [
                (now - first[0], -first[1], heap)
                for (now, first), heap in zip(self._firsts(), (self._relative, self._absolute), strict=True)
                if first is not None and first[0] <= now and first[1] < planned
            ]
            if not late:
                return done
            heap = max(late, key=lambda entry: entry[:2])[2]
            first = heap.first()
            if first is not None:
                heap.take()
                routine, first[2].routine = first[2].routine, None
                if routine is not None:
                    routine()
                    done += 1

    def _firsts(self) -> tuple[tuple[int, tuple[int, int, Due] | None], ...]:
        """Give, for each clock, its time and what is due first."""
        return (
            (self.clock.interrupt_time(), self._relative.first()),
            (self.clock.system_time(), self._absolute.first()),
        )

    def _push(self, heap: _Heap, when: int, routine: Callable[[], None]) -> Due:
        """Plan a routine in a heap."""
        due = Due(heap, routine)
        heappush(heap.entries, (when, next(self._sequence), due))
        return due
