"""An executive's dispatcher: its time, and the order in which it is told that waits have ended."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ntshim.ke.due import DueQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ntshim.ke.clock import Clock


class Dispatcher:
    """What all waits of an executive have in common: what is `due`, and whom to tell.

    The routines of a request that ended (`PendingRequest.when_done`) are called when the service that ended it has
    done all it had to, one after the other and never one within another.
    """

    __slots__ = ("_held", "_to_tell", "due")

    def __init__(self, clock: Clock) -> None:
        """Begin."""
        self.due = DueQueue(clock)
        self._to_tell: deque[Callable[[], None]] = deque()
        self._held = False

    def tell(self, routine: Callable[[], None]) -> None:
        """Have a routine called as soon as nothing else is under way."""
        self._to_tell.append(routine)
        if not self._held:
            with self.hold():
                pass

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Change several objects as one, as a thread does that has NT's dispatcher lock; then tell who waits."""
        if self._held:
            yield
            return
        self._held = True
        try:
            yield
        finally:
            try:
                while self._to_tell:
                    self._to_tell.popleft()()
            finally:
                self._held = False
