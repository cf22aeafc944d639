"""The services on timers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.ke.timer import TIMER, TIMER_MODIFY_STATE, TIMER_QUERY_STATE, Timer
from ntshim.ke.wait_state import UserApc
from ntshim.ob.open import Created, insert_object, open_by_name
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ob.attributes import GivenAttributes
    from ntshim.ps.process import Process, Thread


class TimerBasicInformation(NamedTuple):
    """What NtQueryTimer tells: 100 ns until the timer is signalled, negative if it was; whether it is signalled."""

    remaining_time: int
    timer_state: bool


class TimerServices(ServiceFamily):
    """Timers (facts/nt.md section 6). They expire while somebody calls `executive.dispatcher.due.run_due`."""

    __slots__ = ()

    @service
    def NtCreateTimer(
        self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes, timer_type: int
    ) -> Created:
        """Make a timer that is not set; STATUS_INVALID_PARAMETER_4 for an unknown type."""
        timer = Timer(self.executive.dispatcher.due, timer_type)
        return insert_object(self.executive.namespace, caller, timer, attributes, desired_access)

    @service
    def NtOpenTimer(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open a timer."""
        return open_by_name(self.executive.namespace, caller, attributes, TIMER, desired_access)

    @service
    def NtSetTimer(
        self,
        caller: Process | Thread,
        handle: int,
        due_time: int,
        apc_routine: Callable[[Any, int, int], object] | None = None,
        apc_context: Any = None,
        period: int = 0,
    ) -> bool:
        """Set a timer, which is reset by that; gives the state before. Needs TIMER_MODIFY_STATE.

        `due_time` is in units of 100 ns: negative from now, else since 1601; `period` is in milliseconds, 0 for once.
        Each time, the calling thread gets an APC of `apc_routine` with the context, and the time that was due in two
        halves. STATUS_INVALID_PARAMETER_6 for a negative period, STATUS_INVALID_PARAMETER if no thread calls that
        could have the APC.
        """
        if not 0 <= period < 1 << 31:
            raise st.NtError(st.STATUS_INVALID_PARAMETER_6)
        timer = self._object(caller, handle, Timer, TIMER, TIMER_MODIFY_STATE)
        apc = None
        if apc_routine is not None:
            if caller.thread is None or caller.process.provider is not None:
                raise st.NtError(st.STATUS_INVALID_PARAMETER)
            when = due_time & 0xFFFFFFFFFFFFFFFF
            apc = UserApc(apc_routine, (apc_context, when & 0xFFFFFFFF, when >> 32))
        return timer.set(due_time, period, apc, caller.thread)

    @service
    def NtCancelTimer(self, caller: Process | Thread, handle: int) -> bool:
        """Let a timer not be signalled; gives its state, which stays. Needs TIMER_MODIFY_STATE."""
        return self._object(caller, handle, Timer, TIMER, TIMER_MODIFY_STATE).cancel()

    @service
    def NtQueryTimer(self, caller: Process | Thread, handle: int) -> TimerBasicInformation:
        """Tell the state of a timer; needs TIMER_QUERY_STATE."""
        timer = self._object(caller, handle, Timer, TIMER, TIMER_QUERY_STATE)
        return TimerBasicInformation(timer.remaining_time(), timer.signalled)
