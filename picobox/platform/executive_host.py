"""What the executive leaves to the kernel below: running, stopping and ending threads, and their registers."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from ntshim import status as st
from picobox.abi.x86_64 import USER_REGS

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread
    from picobox.platform.base import HostTid, Platform, Stop

_FS_BASE = USER_REGS.index("fs_base")
_GS_BASE = USER_REGS.index("gs_base")


class ExecutiveHost:
    """Performs for `ntshim.ps` (Protocol Host) what stays with the host kernel, through the platform."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._tids: dict[Thread, HostTid] = {}
        self._held: dict[Thread, Stop] = {}
        self.current: Thread | None = None

    def bind(self, thread: Thread, tid: HostTid) -> None:
        """The kernel's thread of an NT thread."""
        self._tids[thread] = tid

    def unbind(self, thread: Thread) -> None:
        self._tids.pop(thread, None)
        self._held.pop(thread, None)

    def hold(self, thread: Thread, stop: Stop) -> None:
        """Lets a new thread run if nobody suspends it, else keeps its stop until `resume_thread`."""
        if thread.suspend_count:
            self._held[thread] = stop
        else:
            self._platform.resume(stop)

    def get_context(self, thread: Thread) -> list[int]:
        return self._platform.registers(self._tid(thread))

    def set_context(self, thread: Thread, registers: list[int]) -> None:
        self._platform.set_registers(self._tid(thread), registers)

    def suspend_thread(self, thread: Thread) -> None:
        raise st.NtError(st.STATUS_NOT_SUPPORTED)

    def resume_thread(self, thread: Thread) -> None:
        stop = self._held.pop(thread, None)
        if stop is not None:
            self._platform.resume(stop)

    def terminate_thread(self, thread: Thread, status: int) -> None:
        """A thread that ends itself does so by its own exit call; Linux has no way to end another one alone."""
        if thread is not self.current:
            raise st.NtError(st.STATUS_NOT_SUPPORTED)

    def terminate_process(self, process: Process, status: int) -> None:
        """A process that ends itself does so by its own exit_group."""
        if self.current is not None and self.current.process is process:
            return
        for thread in process.threads.values():
            tid = self._tids.get(thread)
            if tid:
                os.kill(tid, signal.SIGKILL)
                return

    def set_descriptor_base(self, thread: Thread, which: int, base: int) -> None:
        registers = self.get_context(thread)
        registers[_GS_BASE if which else _FS_BASE] = base
        self.set_context(thread, registers)

    def get_affinity(self, thread: Thread) -> int:
        return sum(1 << cpu for cpu in os.sched_getaffinity(self._tid(thread)))

    def set_affinity(self, thread: Thread, mask: int) -> None:
        cpus = [cpu for cpu in range(mask.bit_length()) if mask >> cpu & 1]
        try:
            os.sched_setaffinity(self._tid(thread), cpus)
        except OSError as error:
            raise st.NtError(st.STATUS_INVALID_PARAMETER) from error

    def _tid(self, thread: Thread) -> HostTid:
        tid = self._tids.get(thread)
        if tid is None:
            raise st.NtError(st.STATUS_THREAD_IS_TERMINATING)
        return tid
