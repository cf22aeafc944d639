"""Events: a state that is set, reset, and reset by whom it releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ob.object import Object, ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ps.process import Thread

EVENT_QUERY_STATE = 0x1
EVENT_MODIFY_STATE = 0x2

NOTIFICATION_EVENT = 0  # EVENT_TYPE
SYNCHRONIZATION_EVENT = 1


class EventType(ObjectType):
    """The type Event."""

    __slots__ = ()

    def try_wait(self, target: Object, thread: Thread | None) -> int | None:  # noqa: ARG002 - anyone may wait
        """End a wait if the event is set; a synchronization event is reset by that."""
        if not isinstance(target, Event) or not target.signalled:
            return None
        if target.event_type == SYNCHRONIZATION_EVENT:
            target.signalled = False
        return st.STATUS_SUCCESS


EVENT = make_type("Event", EventType)


class Event(Object):
    """An event; one of type SYNCHRONIZATION_EVENT is reset by the first waiter that it releases."""

    __slots__ = ("event_type", "signalled")

    def __init__(self, event_type: int, *, signalled: bool = False) -> None:
        """Make an event; STATUS_INVALID_PARAMETER for an unknown type."""
        if event_type not in (NOTIFICATION_EVENT, SYNCHRONIZATION_EVENT):
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        super().__init__(EVENT)
        self.event_type = event_type
        self.signalled = signalled

    def set(self, *, signalled: bool) -> bool:
        """Set or reset the event; gives the state before."""
        before, self.signalled = self.signalled, signalled
        return before
