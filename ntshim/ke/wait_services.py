"""The services with which a thread waits, lets others wait no longer, and is alerted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.ke.event import EVENT_MODIFY_STATE, Event
from ntshim.ke.header import DispatcherObject
from ntshim.ke.mutant import Mutant
from ntshim.ke.semaphore import SEMAPHORE_MODIFY_STATE, Semaphore
from ntshim.ke.wait import Delay, Wait, wait_for
from ntshim.ke.wait_state import UserApc, alert_thread, queue_user_apc, wait_state
from ntshim.ob.object import SYNCHRONIZE
from ntshim.ps.process import THREAD_ALERT, THREAD_SET_CONTEXT, THREAD_SUSPEND_RESUME
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ntshim.ob.handles import HandleEntry
    from ntshim.ps.process import Process, Thread

MAXIMUM_WAIT_OBJECTS = 64

WAIT_ALL = 0  # WAIT_TYPE
WAIT_ANY = 1


class WaitServices(ServiceFamily):
    """Waits, alerts and user APCs (facts/nt.md section 6).

    Each wait gives its status if it has ended: STATUS_WAIT_0 plus the place of the object, STATUS_ABANDONED_WAIT_0
    plus that of a mutant whose owner died, STATUS_TIMEOUT, STATUS_ALERTED, STATUS_USER_APC. If it has to go on, it
    gives a `ke.wait.Wait`, whose `status` is STATUS_PENDING until then; STATUS_CANCELLED if the caller's end was
    first. `ke.run.run_until` waits for that; whoever runs several threads uses `when_done`, and lets time pass with
    `executive.dispatcher.due`.

    A timeout is in units of 100 ns: negative from now, else since 1601-01-01 UTC, 0 does not wait, None is for ever.
    """

    __slots__ = ()

    @service
    def NtWaitForSingleObject(
        self, caller: Process | Thread, handle: int, timeout: int | None = None, *, alertable: bool = False
    ) -> int | Wait:
        """Wait for an object; needs SYNCHRONIZE. STATUS_OBJECT_TYPE_MISMATCH for what nobody can wait for."""
        target = _waitable(self._entry(caller, handle, None, SYNCHRONIZE))
        return wait_for(self.executive, caller, (target,), timeout, alertable=alertable)

    @service
    def NtWaitForMultipleObjects(
        self,
        caller: Process | Thread,
        handles: Sequence[int],
        wait_type: int,
        timeout: int | None = None,
        *,
        alertable: bool = False,
    ) -> int | Wait:
        """Wait for one of several objects (WAIT_ANY) or for all at once (WAIT_ALL), of which none is changed before.

        STATUS_INVALID_PARAMETER_1 unless 1 to 64 handles, STATUS_INVALID_PARAMETER_3 for another type of wait; then,
        handle by handle, as NtWaitForSingleObject; STATUS_INVALID_PARAMETER_MIX if two of all are one object.
        """
        if not 0 < len(handles) <= MAXIMUM_WAIT_OBJECTS:
            raise st.NtError(st.STATUS_INVALID_PARAMETER_1)
        if wait_type not in (WAIT_ALL, WAIT_ANY):
            raise st.NtError(st.STATUS_INVALID_PARAMETER_3)
        targets = [_waitable(self._entry(caller, handle, None, SYNCHRONIZE)) for handle in handles]
        wait_all = wait_type == WAIT_ALL
        if wait_all and len(set(targets)) < len(targets):
            raise st.NtError(st.STATUS_INVALID_PARAMETER_MIX)
        return wait_for(self.executive, caller, targets, timeout, wait_all=wait_all, alertable=alertable)

    @service
    def NtSignalAndWaitForSingleObject(
        self,
        caller: Process | Thread,
        signal_handle: int,
        wait_handle: int,
        timeout: int | None = None,
        *,
        alertable: bool = False,
    ) -> int | Wait:
        """Set an event, or release a mutant or one of a semaphore, and wait for an object, as one.

        What is signalled needs the right of its own service, and may refuse as that does; STATUS_OBJECT_TYPE_MISMATCH
        for another type. What is waited for needs SYNCHRONIZE; it is looked at first.
        """
        signal = self._entry(caller, signal_handle, None, 0)
        target = _waitable(self._entry(caller, wait_handle, None, SYNCHRONIZE))
        with self.executive.dispatcher.hold():
            _signal(signal, caller)
            return wait_for(self.executive, caller, (target,), timeout, alertable=alertable)

    @service
    def NtDelayExecution(self, caller: Process | Thread, delay_interval: int, *, alertable: bool = False) -> int | Wait:
        """Wait for a time; STATUS_SUCCESS once it has come."""
        wait = Delay(self.executive, caller, alertable=alertable)
        status = wait.begin(delay_interval)
        return wait if status == st.STATUS_PENDING else status

    @service
    def NtAlertThread(self, caller: Process | Thread, handle: int) -> None:
        """End the alertable wait of a thread, or its next one, with STATUS_ALERTED. Needs THREAD_ALERT."""
        alert_thread(self._thread(caller, handle, THREAD_ALERT))

    @service
    def NtAlertResumeThread(self, caller: Process | Thread, handle: int) -> int:
        """Alert a thread and resume it; gives the suspend count before. Needs THREAD_SUSPEND_RESUME."""
        thread = self._thread(caller, handle, THREAD_SUSPEND_RESUME)
        alert_thread(thread)
        return self.executive.resume_thread(thread)

    @service
    def NtTestAlert(self, caller: Process | Thread) -> int:
        """Take an alert back: STATUS_ALERTED if there was one, else STATUS_SUCCESS.

        If the calling thread has APCs, they are to be run now: `ke.wait_state.deliver_user_apcs`.
        """
        if caller.thread is None or caller.waits is None:
            return st.STATUS_SUCCESS
        state = wait_state(caller)
        state.user_apc_pending = state.user_apc_pending or bool(state.apcs)
        alerted, state.alerted = state.alerted, False
        return st.STATUS_ALERTED if alerted else st.STATUS_SUCCESS

    @service
    def NtQueueApcThread(
        self,
        caller: Process | Thread,
        handle: int,
        routine: Callable[[Any, Any, Any], object],
        argument1: Any = None,
        argument2: Any = None,
        argument3: Any = None,
    ) -> None:
        """Have a thread call a routine when it waits alertably. Needs THREAD_SET_CONTEXT.

        The routine is called by `ke.wait_state.deliver_user_apcs`. STATUS_UNSUCCESSFUL for a thread that is ending;
        STATUS_NOT_SUPPORTED for one of a pico process, which has nothing in user mode that would take the call
        (facts/wsl1.md section 1.1).
        """
        thread = self._thread(caller, handle, THREAD_SET_CONTEXT)
        if thread.process.provider is not None:
            raise st.NtError(st.STATUS_NOT_SUPPORTED)
        queue_user_apc(thread, UserApc(routine, (argument1, argument2, argument3)))


def _waitable(entry: HandleEntry) -> DispatcherObject:
    """Give what a handle leads to, if it can be waited for."""
    if not isinstance(entry.object, DispatcherObject):
        raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
    return entry.object


def _signal(entry: HandleEntry, caller: Process | Thread) -> None:
    """Signal the object of a handle once."""
    target, access, _ = entry
    if isinstance(target, Event):
        _require(EVENT_MODIFY_STATE, access)
        target.set(signalled=True)
    elif isinstance(target, Semaphore):
        _require(SEMAPHORE_MODIFY_STATE, access)
        target.release(1)
    elif isinstance(target, Mutant):
        target.release(caller.thread)
    else:
        raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)


def _require(needed: int, access: int) -> None:
    """Raise STATUS_ACCESS_DENIED unless a handle's access has what is needed."""
    if needed & ~access:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
