"""The wait at a keyed event, of either side, until the other side comes with the same key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.ke.wait import Wait, check_caller

if TYPE_CHECKING:
    from ntshim.ke.keyed_event import KeyedEvent
    from ntshim.ps.executive import Executive
    from ntshim.ps.process import Process, Thread


class Place(NamedTuple):
    """Where those stand who may be met: the process, the key, and the side."""

    process: Process
    key: int
    releases: bool


class KeyedWait(Wait):
    """One side's wait for the other."""

    __slots__ = ("_event", "_place")

    def __init__(
        self, executive: Executive, caller: Process | Thread, event: KeyedEvent, place: Place, *, alertable: bool
    ) -> None:
        """Prepare to wait."""
        super().__init__(executive, caller, alertable=alertable)
        self._event = event
        self._place = place

    def _enqueue(self) -> None:
        """Stand in line at the event, which lives as long."""
        self._event.reference()
        if self._event.queues is None:
            self._event.queues = {}
        self._event.queues.setdefault(self._place, {})[self] = None

    def _withdraw(self) -> None:
        """Leave the line."""
        queues = self._event.queues
        if queues is not None:
            del queues[self._place][self]
            if not queues[self._place]:
                del queues[self._place]
            if not queues:
                self._event.queues = None
        self._event.dereference()


def meet(
    executive: Executive,
    caller: Process | Thread,
    event: KeyedEvent,
    place: Place,
    timeout: int | None,
    *,
    alertable: bool,
) -> int | KeyedWait:
    """End the oldest wait of the other side, or begin one; gives a status, or the wait."""
    check_caller(caller)
    other = (event.queues or {}).get(place._replace(releases=not place.releases))
    if other:
        next(iter(other)).end(st.STATUS_SUCCESS)
        return st.STATUS_SUCCESS
    wait = KeyedWait(executive, caller, event, place, alertable=alertable)
    status = wait.begin(timeout)
    return wait if status == st.STATUS_PENDING else status
