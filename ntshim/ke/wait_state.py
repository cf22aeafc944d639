"""What a thread's waits leave with it: those that go on, its alert, its user APCs, its completion port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.io.completion import IoCompletion
    from ntshim.ke.timer import Timer
    from ntshim.ke.wait import Wait
    from ntshim.ps.process import Process, Thread


class UserApc:
    """A routine that a thread is to call, with three arguments, when it waits alertably."""

    __slots__ = ("arguments", "routine")

    def __init__(self, routine: Callable[[Any, Any, Any], object], arguments: tuple[Any, Any, Any]) -> None:
        """Plan the call."""
        self.routine = routine
        self.arguments = arguments


class WaitState:
    """Made for a thread, or a process that calls as a whole, when it first has to wait, is alerted or gets an APC.

    `user_apc_pending` says that a wait or NtTestAlert has found APCs, which run when the thread goes back to user
    mode: `deliver_user_apcs`. `timers` are those that give the thread APCs, `port` is the
    completion port that counts the thread among its active ones.
    """

    __slots__ = ("alerted", "apcs", "pending", "port", "timers", "user_apc_pending")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.pending: dict[Wait, None] = {}
        self.apcs: dict[UserApc, None] = {}
        self.alerted = False
        self.user_apc_pending = False
        self.timers: dict[Timer, None] = {}
        self.port: IoCompletion | None = None

    def alert_status(self, *, alertable: bool) -> int | None:
        """Give what keeps the thread from waiting: STATUS_ALERTED, whose alert that uses up, or STATUS_USER_APC."""
        if alertable and self.alerted:
            self.alerted = False
            return st.STATUS_ALERTED
        if (alertable and self.apcs) or self.user_apc_pending:
            self.user_apc_pending = True
            return st.STATUS_USER_APC
        return None

    def first_alertable(self) -> Wait | None:
        """Give the wait that an alert or an APC ends."""
        return next((wait for wait in self.pending if wait.alertable), None)

    def began(self, wait: Wait) -> None:
        """Note a wait that goes on; who waits is not active."""
        self.pending[wait] = None
        if self.port is not None and len(self.pending) == 1:
            self.port.deactivate()

    def ended(self, wait: Wait) -> None:
        """Note the end of a wait."""
        del self.pending[wait]
        if self.port is not None and not self.pending:
            self.port.active += 1

    def join(self, port: IoCompletion) -> None:
        """Belong to a completion port from now on, as one of its active threads."""
        if self.port is not port:
            self.leave()
            port.reference()
            self.port = port
            port.active += not self.pending

    def leave(self) -> None:
        """Belong to no completion port."""
        port, self.port = self.port, None
        if port is not None:
            if not self.pending:
                port.deactivate()
            port.dereference()

    def end(self) -> None:
        """The thread ends: it waits no longer, and no APC reaches it, nor do timers try to send one."""
        while self.pending:
            next(iter(self.pending)).cancel()
        while self.timers:
            next(iter(self.timers)).cancel()
        self.apcs.clear()
        self.leave()


def wait_state(caller: Process | Thread) -> WaitState:
    """Give the state of a caller, made on first need."""
    if caller.waits is None:
        caller.waits = WaitState()
    return caller.waits


def alert_thread(thread: Thread) -> None:
    """End the alertable wait of a thread with STATUS_ALERTED, or let its next one not begin (KeAlertThread)."""
    state = wait_state(thread)
    wait = state.first_alertable()
    if wait is None:
        state.alerted = True
    else:
        wait.end(st.STATUS_ALERTED)


def queue_user_apc(thread: Thread, apc: UserApc) -> None:
    """Give a thread an APC, which ends its alertable wait with STATUS_USER_APC (KeInsertQueueApc).

    STATUS_UNSUCCESSFUL for a thread that is ending.
    """
    if thread.exit_status is not None:
        raise st.NtError(st.STATUS_UNSUCCESSFUL)
    state = wait_state(thread)
    state.apcs[apc] = None
    wait = state.first_alertable()
    if wait is not None:
        state.user_apc_pending = True
        wait.end(st.STATUS_USER_APC)


def deliver_user_apcs(thread: Thread) -> int:
    """Run the APCs of a thread that a wait or NtTestAlert has found, and those that come meanwhile; gives their number.

    For whoever plays the thread: to be called when a service gave STATUS_USER_APC, before the thread goes on, and
    after NtTestAlert. What a routine raises is passed on.
    """
    state = thread.waits
    if state is None or not state.user_apc_pending:
        return 0
    delivered = 0
    state.user_apc_pending = False
    while state.apcs:
        apc = next(iter(state.apcs))
        del state.apcs[apc]
        delivered += 1
        apc.routine(*apc.arguments)
    return delivered
