"""The services on dispatcher objects: what they are and what state they are in. Only a wait that need not wait ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.ke.event import EVENT, EVENT_MODIFY_STATE, EVENT_QUERY_STATE, Event
from ntshim.ke.keyed_event import KEYED_EVENT, KeyedEvent
from ntshim.ke.mutant import MUTANT, MUTANT_QUERY_STATE, Mutant
from ntshim.ke.semaphore import SEMAPHORE, SEMAPHORE_MODIFY_STATE, SEMAPHORE_QUERY_STATE, Semaphore
from ntshim.ob.object import SYNCHRONIZE
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
    """Events, mutants, semaphores, keyed events.

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

    @service
    def NtCreateKeyedEvent(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> Created:
        """Make a keyed event."""
        return insert_object(self.executive.namespace, caller, KeyedEvent(), attributes, desired_access)

    @service
    def NtOpenKeyedEvent(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open a keyed event."""
        return open_by_name(self.executive.namespace, caller, attributes, KEYED_EVENT, desired_access)

    @service
    def NtWaitForSingleObject(self, caller: Process | Thread, handle: int, timeout: int | None = None) -> int:
        """Wait for an object, whose state the end of the wait may change; gives the status of the wait.

        `timeout` is in units of 100 ns as NT counts them (negative: from now), None is for ever. STATUS_WAIT_0,
        STATUS_ABANDONED_WAIT_0; STATUS_TIMEOUT for 0. Needs SYNCHRONIZE; STATUS_OBJECT_TYPE_MISMATCH for what
        nobody can wait for. A wait that would have to block is STATUS_NOT_IMPLEMENTED.
        """
        target = self._entry(caller, handle, None, SYNCHRONIZE).object
        status = target.type.try_wait(target, caller.thread)
        if status is not None:
            return status
        if timeout == 0:
            return st.STATUS_TIMEOUT
        raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
