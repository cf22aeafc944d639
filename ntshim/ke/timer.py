"""Timers: objects that are signalled at a time, once or again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ke.clock import UNITS_PER_MILLISECOND
from ntshim.ke.header import DispatcherObject
from ntshim.ke.wait_state import queue_user_apc, wait_state
from ntshim.ob.object import ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ke.due import Due, DueQueue
    from ntshim.ke.wait_state import UserApc
    from ntshim.ob.object import Object
    from ntshim.ps.process import Thread

TIMER_QUERY_STATE = 0x1
TIMER_MODIFY_STATE = 0x2

NOTIFICATION_TIMER = 0  # TIMER_TYPE
SYNCHRONIZATION_TIMER = 1


class TimerType(ObjectType):
    """The type Timer."""

    __slots__ = ()

    def delete(self, target: Object) -> None:
        """Let nothing happen any more."""
        if isinstance(target, Timer):
            target.cancel()


TIMER = make_type("Timer", TimerType)


class Timer(DispatcherObject):
    """A timer; one of type SYNCHRONIZATION_TIMER is reset by the first waiter that it releases.

    It is, or was, due at an interrupt time, 0 if it was never set; or at a time of day, until that has come.
    """

    __slots__ = (
        "_apc",
        "_due",
        "_interrupt_time",
        "_period",
        "_queue",
        "_system_time",
        "_thread",
        "signalled",
        "timer_type",
    )

    def __init__(self, queue: DueQueue, timer_type: int) -> None:
        """Make a timer that is not set; STATUS_INVALID_PARAMETER_4 for an unknown type."""
        if timer_type not in (NOTIFICATION_TIMER, SYNCHRONIZATION_TIMER):
            raise st.NtError(st.STATUS_INVALID_PARAMETER_4)
        super().__init__(TIMER)
        self.timer_type = timer_type
        self.signalled = False
        self._queue = queue
        self._interrupt_time = 0
        self._system_time: int | None = None
        self._due: Due | None = None
        self._period = 0
        self._apc: UserApc | None = None
        self._thread: Thread | None = None

    def set(self, due_time: int, period: int, apc: UserApc | None, thread: Thread | None) -> bool:
        """Reset the timer and have it signalled at `due_time`, as NT writes it, then every `period` milliseconds.

        Each time `thread` gets `apc`; its end cancels the timer. Gives the state before.
        """
        before = self.cancel()
        self.signalled = False
        self._period = period
        if due_time < 0:
            self._system_time = None
            self._interrupt_time = self._queue.clock.interrupt_time() - due_time
        else:
            self._system_time = due_time
        if apc is not None and thread is not None:
            thread.reference()
            self._apc, self._thread = apc, thread
            wait_state(thread).timers[self] = None
        if self._queue.has_come(due_time):
            self._expire()
        else:
            self._due = self._queue.insert(due_time, self._expire)
        return before

    def cancel(self) -> bool:
        """Let the timer not be signalled and take its APC back; gives its state, which stays."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        apc, self._apc = self._apc, None
        thread, self._thread = self._thread, None
        if apc is not None and thread is not None:
            state = wait_state(thread)
            state.timers.pop(self, None)
            state.apcs.pop(apc, None)
            thread.dereference()
        return self.signalled

    def remaining_time(self) -> int:
        """Give how long it is, in units of 100 ns, until the timer is signalled; negative if it was."""
        clock = self._queue.clock
        if self._system_time is not None:
            return self._system_time - clock.system_time()
        return self._interrupt_time - clock.interrupt_time()

    def is_signalled(self, thread: Thread | None) -> bool:  # noqa: ARG002 - anyone may wait
        """Whether the time has come."""
        return self.signalled

    def satisfy(self, thread: Thread | None) -> int:  # noqa: ARG002 - as above
        """Reset a synchronization timer."""
        if self.timer_type == SYNCHRONIZATION_TIMER:
            self.signalled = False
        return st.STATUS_SUCCESS

    def _expire(self) -> None:
        """The time has come: plan the next one, of those that are not past, then signal."""
        self._due = None
        late = -self.remaining_time()
        self._interrupt_time = self._queue.clock.interrupt_time() - late
        self._system_time = None
        if self._period:
            period = self._period * UNITS_PER_MILLISECOND
            self._interrupt_time += (late // period + 1) * period
            self._due = self._queue.insert_at(self._interrupt_time, self._expire)
        self.signalled = True
        if self._apc is not None and self._thread is not None:
            queue_user_apc(self._thread, self._apc)
        self.wake()
