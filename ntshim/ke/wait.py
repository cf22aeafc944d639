"""Waits: how a thread's wait begins, what ends it, and the wait for objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.ke.pending import PendingRequest
from ntshim.ke.wait_state import wait_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ntshim.ke.dispatcher import Dispatcher
    from ntshim.ke.due import Due
    from ntshim.ke.header import DispatcherObject
    from ntshim.ps.executive import Executive
    from ntshim.ps.process import Process, Thread


class Wait(PendingRequest):
    """A wait of a caller. A subclass says where it stands in line; `result` is what it gives besides its status.

    The end of the caller cancels it: STATUS_CANCELLED.
    """

    __slots__ = ("_dispatcher", "_due", "alertable", "caller", "result")

    timeout_status = st.STATUS_TIMEOUT

    def __init__(self, executive: Executive, caller: Process | Thread, *, alertable: bool) -> None:
        """Prepare to wait; `alertable` matters to a thread only."""
        super().__init__()
        self._dispatcher: Dispatcher = executive.dispatcher
        self._due: Due | None = None
        self.caller = caller
        self.alertable = alertable and caller.thread is not None
        self.result: Any = None

    def begin(self, timeout: int | None) -> int:
        """Stand in line, unless something ends the wait at once; gives its status.

        `timeout` is in units of 100 ns: negative from now, else since 1601; None is for ever. An alert or an APC
        comes before a timeout that has passed (facts/nt.md section 6).
        """
        check_caller(self.caller)
        state = wait_state(self.caller)
        status = state.alert_status(alertable=self.alertable)
        due = self._dispatcher.due
        if status is None and timeout is not None and due.has_come(timeout):
            status = self.timeout_status
        if status is not None:
            self._finish(status)
            return status
        self._enqueue()
        if timeout is not None:
            self._due = due.insert(timeout, self._time_out)
        state.began(self)
        return self.status

    def end(self, status: int, result: Any = None) -> None:
        """End the wait; no effect on one that has ended."""
        if self.status != st.STATUS_PENDING:
            return
        self.status = status
        self.result = result
        if self._due is not None:
            self._due.cancel()
        self._withdraw()
        wait_state(self.caller).ended(self)
        self._dispatcher.tell(self._tell)

    def cancel(self) -> None:
        """Give the wait up: STATUS_CANCELLED."""
        self.end(st.STATUS_CANCELLED)

    def _time_out(self) -> None:
        """The timeout has come."""
        self._due = None
        self.end(self.timeout_status)

    def _enqueue(self) -> None:
        """Stand in line."""

    def _withdraw(self) -> None:
        """Stand in line no longer."""


class Delay(Wait):
    """A wait for nothing but its timeout, which is its success."""

    __slots__ = ()

    timeout_status = st.STATUS_SUCCESS


class ObjectWait(Wait):
    """A wait for one of several objects, or for all of them at once. It holds a reference on each."""

    __slots__ = ("_all", "_objects")

    def __init__(
        self,
        executive: Executive,
        caller: Process | Thread,
        objects: Sequence[DispatcherObject],
        *,
        wait_all: bool,
        alertable: bool,
    ) -> None:
        """Prepare to wait."""
        super().__init__(executive, caller, alertable=alertable)
        self._objects = tuple(objects)
        self._all = wait_all

    def retry(self) -> None:
        """End the wait if the objects allow that by now."""
        if self.status != st.STATUS_PENDING:
            return
        try:
            status = acquire(self._objects, self.caller.thread, wait_all=self._all)
        except st.NtError as error:
            status = error.status
        if status is not None:
            self.end(status)

    def _enqueue(self) -> None:
        """Stand in line at each object, once."""
        for target in self._objects:
            target.reference()
            if target.waiters is None:
                target.waiters = {}
            target.waiters[self] = None

    def _withdraw(self) -> None:
        """Leave all lines, then let go of the objects."""
        for target in self._objects:
            if target.waiters is not None:
                target.waiters.pop(self, None)
                if not target.waiters:
                    target.waiters = None
        for target in self._objects:
            target.dereference()


def check_caller(caller: Process | Thread) -> None:
    """Raise STATUS_THREAD_IS_TERMINATING or STATUS_PROCESS_IS_TERMINATING for a caller that has ended."""
    if caller.thread is not None and caller.thread.exited:
        raise st.NtError(st.STATUS_THREAD_IS_TERMINATING)
    if caller.process.exited:
        raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)


def acquire(objects: Sequence[DispatcherObject], thread: Thread | None, *, wait_all: bool) -> int | None:
    """End a wait if the objects are signalled, and change them as that does; gives its status, or None.

    For one of several, the first that is signalled, STATUS_WAIT_0 or STATUS_ABANDONED_WAIT_0 plus its place. For
    all, none is touched before all are signalled; STATUS_ABANDONED_WAIT_0 if a mutant among them was abandoned.
    """
    if not wait_all:
        for place, target in enumerate(objects):
            if target.is_signalled(thread):
                return target.satisfy(thread) + place
        return None
    if not all(target.is_signalled(thread) for target in objects):
        return None
    return max([target.satisfy(thread) for target in objects])


def wait_for(
    executive: Executive,
    caller: Process | Thread,
    objects: Sequence[DispatcherObject],
    timeout: int | None,
    *,
    wait_all: bool = False,
    alertable: bool = False,
) -> int | ObjectWait:
    """Wait for objects; gives the status of a wait that has ended, or else the wait (KeWaitForMultipleObjects)."""
    check_caller(caller)
    status = acquire(objects, caller.thread, wait_all=wait_all)
    if status is not None:
        return status
    wait = ObjectWait(executive, caller, objects, wait_all=wait_all, alertable=alertable)
    status = wait.begin(timeout)
    return wait if status == st.STATUS_PENDING else status
