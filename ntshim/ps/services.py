"""The services on processes and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ob.handles import CURRENT_THREAD
from ntshim.ps.process import (
    PROCESS_TERMINATE,
    THREAD_QUERY_INFORMATION,
    THREAD_SET_INFORMATION,
    THREAD_TERMINATE,
)
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread

THREAD_AFFINITY_MASK = 4  # THREADINFOCLASS


class ProcessServices(ServiceFamily):
    """Processes and threads: their end, their affinity."""

    __slots__ = ()

    @service
    def NtTerminateProcess(self, caller: Process | Thread, handle: int, exit_status: int) -> None:
        """End a process; 0 ends the caller's other threads only. Needs PROCESS_TERMINATE.

        A pico process is ended by its provider, unless the caller is a process of that provider: a kill by the
        provider never calls it back. STATUS_PROCESS_IS_TERMINATING if somebody was first (facts/wsl1.md section 1.2).
        """
        if not handle:
            for thread in list(caller.process.threads.values()):
                if thread is not caller.thread:
                    self.executive.terminate_thread(thread, exit_status)
            return
        process = self._process(caller, handle, PROCESS_TERMINATE)
        if process.terminating:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        if caller.process.provider is process.provider:
            self.executive.terminate_process(process, exit_status)
        else:
            self.executive.terminate_from_outside(process, exit_status)

    @service
    def NtTerminateThread(self, caller: Process | Thread, handle: int, exit_status: int) -> None:
        """End a thread; 0 is the caller itself, refused with STATUS_CANT_TERMINATE_SELF if it is the last one.

        Needs THREAD_TERMINATE. STATUS_THREAD_IS_TERMINATING if it is gone already.
        """
        if not handle and len(caller.process.threads) == 1:
            raise st.NtError(st.STATUS_CANT_TERMINATE_SELF)
        thread = self._thread(caller, handle or CURRENT_THREAD, THREAD_TERMINATE)
        if self.executive.terminate_thread(thread, exit_status) == st.STATUS_NOTHING_TO_TERMINATE:
            raise st.NtError(st.STATUS_THREAD_IS_TERMINATING)

    @service
    def NtQueryInformationThread(self, caller: Process | Thread, handle: int, information_class: int) -> int:
        """Give the affinity mask of a thread, bit n for processor n; needs THREAD_QUERY_INFORMATION.

        Any other class than ThreadAffinityMask is STATUS_INVALID_INFO_CLASS.
        """
        if information_class != THREAD_AFFINITY_MASK:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        return self.executive.host.get_affinity(self._thread(caller, handle, THREAD_QUERY_INFORMATION))

    @service
    def NtSetInformationThread(
        self, caller: Process | Thread, handle: int, information_class: int, affinity: int
    ) -> None:
        """Restrict a thread to the processors of a mask; needs THREAD_SET_INFORMATION.

        Any other class than ThreadAffinityMask is STATUS_INVALID_INFO_CLASS, an empty mask
        STATUS_INVALID_PARAMETER.
        """
        if information_class != THREAD_AFFINITY_MASK:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        if not affinity:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        self.executive.host.set_affinity(self._thread(caller, handle, THREAD_SET_INFORMATION), affinity)
