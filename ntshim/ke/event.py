"""Events: a state that is set, reset, and reset by whom it releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ke.header import DispatcherObject
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ps.process import Thread

EVENT_QUERY_STATE = 0x1
EVENT_MODIFY_STATE = 0x2

NOTIFICATION_EVENT = 0  # EVENT_TYPE
SYNCHRONIZATION_EVENT = 1


EVENT = make_type("Event")


class Event(DispatcherObject):
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
        if signalled and not before:
            self.wake()
        return before

    def pulse(self) -> bool:
        """Release those who wait now, as far as the type does, and reset the event; gives the state before."""
        before = self.set(signalled=True)
        self.signalled = False
        return before

    def is_signalled(self, thread: Thread | None) -> bool:  # noqa: ARG002 - anyone may wait
        """Whether the event is set."""
        return self.signalled

    def satisfy(self, thread: Thread | None) -> int:  # noqa: ARG002 - as above
        """Reset a synchronization event."""
        if self.event_type == SYNCHRONIZATION_EVENT:
            self.signalled = False
        return st.STATUS_SUCCESS
