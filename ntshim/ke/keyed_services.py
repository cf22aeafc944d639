"""The services on keyed events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ke.keyed_event import KEYED_EVENT, KEYEDEVENT_WAIT, KEYEDEVENT_WAKE, KeyedEvent
from ntshim.ke.keyed_wait import Place, meet
from ntshim.ob.open import Created, insert_object, open_by_name
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.ke.wait import Wait
    from ntshim.ob.attributes import GivenAttributes
    from ntshim.ps.executive import Executive
    from ntshim.ps.process import Process, Thread

_POINTER_MASK = (1 << 64) - 1


class KeyedEventServices(ServiceFamily):
    """Keyed events (facts/nt.md section 6). Both sides wait for each other; they meet within one process only.

    A key is an address whose lowest bit is 0, else STATUS_INVALID_PARAMETER_1; handle 0 is the event that all share.
    Timeouts, and what a wait gives that has to go on, are as for `ke.wait_services`.
    """

    __slots__ = ()

    @service
    def NtCreateKeyedEvent(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> Created:
        """Make a keyed event."""
        return insert_object(self.executive.namespace, caller, KeyedEvent(), attributes, desired_access)

    @service
    def NtOpenKeyedEvent(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open a keyed event."""
        return open_by_name(self.executive.namespace, caller, attributes, KEYED_EVENT, desired_access)

    @service
    def NtWaitForKeyedEvent(
        self, caller: Process | Thread, handle: int, key: int, timeout: int | None = None, *, alertable: bool = False
    ) -> int | Wait:
        """Wait until somebody releases the key; needs KEYEDEVENT_WAIT."""
        _check_key(key)
        event = _default(self.executive)
        if handle:
            event = self._object(caller, handle, KeyedEvent, KEYED_EVENT, KEYEDEVENT_WAIT)
        place = Place(caller.process, key & _POINTER_MASK, releases=False)
        return meet(self.executive, caller, event, place, timeout, alertable=alertable)

    @service
    def NtReleaseKeyedEvent(
        self, caller: Process | Thread, handle: int, key: int, timeout: int | None = None, *, alertable: bool = False
    ) -> int | Wait:
        """Release one who waits for the key, or wait until one comes; needs KEYEDEVENT_WAKE."""
        _check_key(key)
        event = _default(self.executive)
        if handle:
            event = self._object(caller, handle, KeyedEvent, KEYED_EVENT, KEYEDEVENT_WAKE)
        place = Place(caller.process, key & _POINTER_MASK, releases=True)
        return meet(self.executive, caller, event, place, timeout, alertable=alertable)


def _check_key(key: int) -> None:
    """Raise STATUS_INVALID_PARAMETER_1 for a key that is odd."""
    if key & 1:
        raise st.NtError(st.STATUS_INVALID_PARAMETER_1)


def _default(executive: Executive) -> KeyedEvent:
    """Give what handle 0 stands for."""
    found = executive.namespace.directory(r"\KernelObjects").find("CritSecOutOfMemoryEvent")
    if not isinstance(found, KeyedEvent):
        raise st.NtError(st.STATUS_INVALID_HANDLE)
    return found
