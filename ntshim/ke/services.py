"""The services on events, mutants and semaphores."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.ke.event import EVENT, EVENT_MODIFY_STATE, EVENT_QUERY_STATE, Event
from ntshim.ke.mutant import MUTANT, MUTANT_QUERY_STATE, Mutant
from ntshim.ke.semaphore import SEMAPHORE, SEMAPHORE_MODIFY_STATE, SEMAPHORE_QUERY_STATE, Semaphore
from ntshim.ob.open import Created, insert_object, open_by_name
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.ob.attributes import GivenAttributes
    from ntshim.ps.process import Process, Thread


class EventBasicInformation(NamedTuple):
    """What NtQueryEvent tells."""

    event_type: int
    event_state: bool


class MutantBasicInformation(NamedTuple):
    """What NtQueryMutant tells; `current_count` is 1 if the mutant is free."""

    current_count: int
    owned_by_caller: bool
    abandoned_state: bool


class SemaphoreBasicInformation(NamedTuple):
    """What NtQuerySemaphore tells."""

    current_count: int
    maximum_count: int


class DispatcherServices(ServiceFamily):
    """Events, mutants, semaphores.

    Statuses of creating and opening are those of facts/nt.md section 1.1; parameters are checked before names.
    """

    __slots__ = ()

    @service
    def NtCreateEvent(
        self,
        caller: Process | Thread,
        desired_access: int,
        attributes: GivenAttributes,
        event_type: int,
        initial_state: bool = False,
    ) -> Created:
        """Make an event; STATUS_INVALID_PARAMETER for an unknown type."""
        event = Event(event_type, signalled=initial_state)
        return insert_object(self.executive.namespace, caller, event, attributes, desired_access)

    @service
    def NtOpenEvent(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open an event."""
        return open_by_name(self.executive.namespace, caller, attributes, EVENT, desired_access)

    @service
    def NtSetEvent(self, caller: Process | Thread, handle: int) -> bool:
        """Set an event; gives the state before. Needs EVENT_MODIFY_STATE."""
        return self._object(caller, handle, Event, EVENT, EVENT_MODIFY_STATE).set(signalled=True)

    @service
    def NtResetEvent(self, caller: Process | Thread, handle: int) -> bool:
        """Reset an event; gives the state before. Needs EVENT_MODIFY_STATE."""
        return self._object(caller, handle, Event, EVENT, EVENT_MODIFY_STATE).set(signalled=False)

    @service
    def NtClearEvent(self, caller: Process | Thread, handle: int) -> None:
        """Reset an event. Needs EVENT_MODIFY_STATE."""
        self._object(caller, handle, Event, EVENT, EVENT_MODIFY_STATE).set(signalled=False)

    @service
    def NtPulseEvent(self, caller: Process | Thread, handle: int) -> bool:
        """Set an event, release those who wait now, and reset it; gives the state before. Needs EVENT_MODIFY_STATE.

        A notification event releases all of them, a synchronization event one.
        """
        return self._object(caller, handle, Event, EVENT, EVENT_MODIFY_STATE).pulse()

    @service
    def NtQueryEvent(self, caller: Process | Thread, handle: int) -> EventBasicInformation:
        """Tell type and state of an event; needs EVENT_QUERY_STATE."""
        event = self._object(caller, handle, Event, EVENT, EVENT_QUERY_STATE)
        return EventBasicInformation(event.event_type, event.signalled)

    @service
    def NtCreateMutant(
        self,
        caller: Process | Thread,
        desired_access: int,
        attributes: GivenAttributes,
        initial_owner: bool = False,
    ) -> Created:
        """Make a mutant, owned by the calling thread if asked; STATUS_INVALID_PARAMETER if no thread calls."""
        if initial_owner and caller.thread is None:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        if caller.thread is not None and caller.thread.exited:
            raise st.NtError(st.STATUS_THREAD_IS_TERMINATING)
        mutant = Mutant(caller.thread if initial_owner else None)
        return insert_object(self.executive.namespace, caller, mutant, attributes, desired_access)

    @service
    def NtOpenMutant(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open a mutant."""
        return open_by_name(self.executive.namespace, caller, attributes, MUTANT, desired_access)

    @service
    def NtReleaseMutant(self, caller: Process | Thread, handle: int) -> int:
        """Give a mutant back once; gives the count before. STATUS_MUTANT_NOT_OWNED; needs no right of its own."""
        return self._object(caller, handle, Mutant, MUTANT, 0).release(caller.thread)

    @service
    def NtQueryMutant(self, caller: Process | Thread, handle: int) -> MutantBasicInformation:
        """Tell the state of a mutant; needs MUTANT_QUERY_STATE."""
        mutant = self._object(caller, handle, Mutant, MUTANT, MUTANT_QUERY_STATE)
        owned = mutant.owner is not None and mutant.owner is caller.thread
        return MutantBasicInformation(mutant.count, owned, mutant.abandoned)

    @service
    def NtCreateSemaphore(
        self,
        caller: Process | Thread,
        desired_access: int,
        attributes: GivenAttributes,
        initial_count: int,
        maximum_count: int,
    ) -> Created:
        """Make a semaphore; STATUS_INVALID_PARAMETER unless 0 <= initial <= maximum and maximum > 0."""
        semaphore = Semaphore(initial_count, maximum_count)
        return insert_object(self.executive.namespace, caller, semaphore, attributes, desired_access)

    @service
    def NtOpenSemaphore(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open a semaphore."""
        return open_by_name(self.executive.namespace, caller, attributes, SEMAPHORE, desired_access)

    @service
    def NtReleaseSemaphore(self, caller: Process | Thread, handle: int, release_count: int = 1) -> int:
        """Raise the count; gives the count before. Needs SEMAPHORE_MODIFY_STATE.

        STATUS_INVALID_PARAMETER, STATUS_SEMAPHORE_LIMIT_EXCEEDED.
        """
        return self._object(caller, handle, Semaphore, SEMAPHORE, SEMAPHORE_MODIFY_STATE).release(release_count)

    @service
    def NtQuerySemaphore(self, caller: Process | Thread, handle: int) -> SemaphoreBasicInformation:
        """Tell count and limit of a semaphore; needs SEMAPHORE_QUERY_STATE."""
        semaphore = self._object(caller, handle, Semaphore, SEMAPHORE, SEMAPHORE_QUERY_STATE)
        return SemaphoreBasicInformation(*semaphore.state())
