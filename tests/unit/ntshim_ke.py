"""A process of several threads that wait, and a clock that the test moves."""

from __future__ import annotations

from typing import Any

from ntshim_ob import World

from ntshim import status as st
from ntshim.ke.clock import UNITS_PER_MILLISECOND, ManualClock
from ntshim.ob.object import GENERIC_ALL
from ntshim.ps import PicoThreadAttributes

SECOND = 1000 * UNITS_PER_MILLISECOND
PENDING = st.STATUS_PENDING


class WaitingWorld(World):
    """An executive whose time is the test's."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        super().__init__(self.clock)

    def sibling(self) -> Any:
        """Make another thread of the process."""
        return self.executive.create_pico_thread(PicoThreadAttributes(self.process, object()))

    def event(self, kind: int = 0, *, signalled: bool = False) -> int:
        return self.nt.NtCreateEvent(self.thread, GENERIC_ALL, None, kind, signalled).handle

    def mutant(self, owner: Any = None) -> int:
        return self.nt.NtCreateMutant(owner or self.thread, GENERIC_ALL, None, owner is not None).handle

    def semaphore(self, count: int = 0, limit: int = 10) -> int:
        return self.nt.NtCreateSemaphore(self.thread, GENERIC_ALL, None, count, limit).handle

    def timer(self, kind: int = 0) -> int:
        return self.nt.NtCreateTimer(self.thread, GENERIC_ALL, None, kind).handle

    def port(self, count: int = 0) -> int:
        return self.nt.NtCreateIoCompletion(self.thread, GENERIC_ALL, None, count).handle

    def wait(self, handle: int, thread: Any = None, timeout: int | None = None, *, alertable: bool = False) -> Any:
        return self.nt.NtWaitForSingleObject(thread or self.thread, handle, timeout, alertable=alertable)

    def wait_many(self, handles: list[int], kind: int, thread: Any = None, timeout: int | None = None) -> Any:
        return self.nt.NtWaitForMultipleObjects(thread or self.thread, handles, kind, timeout)

    def pass_time(self, duration: int) -> int:
        """Let time pass; gives how much was due."""
        self.clock.sleep(duration)
        return self.executive.dispatcher.due.run_due()


def statuses(waits: list[Any]) -> list[int]:
    """Give the status of each wait, whether it ended at once or has to go on."""
    return [wait if isinstance(wait, int) else wait.status for wait in waits]
