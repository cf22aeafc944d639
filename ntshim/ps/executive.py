"""The executive: boot, the list of processes, and how processes and threads begin, stop and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.ob.handles import HandleTable, IndexAllocator, handle_to_index, index_to_handle
from ntshim.ps import pico
from ntshim.ps.process import MAXIMUM_SUSPEND_COUNT, Frame, Host, Process, Registers, Thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ke.clock import Clock
    from ntshim.ke.dispatcher import Dispatcher
    from ntshim.ob.namespace import Namespace
    from ntshim.ob.object import Object
    from ntshim.ps.job import Job
    from ntshim.ps.pico import PicoProcessAttributes, PicoThreadAttributes, PsPicoProviderRoutines


class Executive:
    """One NT system. Nothing of it is global, so that several can live in one interpreter.

    A provider registers between construction and `boot`. The host reports each thread that is gone to
    `thread_exited`; processes that have ended leave `processes`, and their ids are given again once no handle and no
    reference knows them. `counters` tells how often each routine of the provider was called. It is not made for use
    by two threads of the interpreter at a time.
    """

    __slots__ = (
        "_client_ids",
        "_clock",
        "_dispatcher",
        "_ids",
        "_namespace",
        "booted",
        "catch_up",
        "counters",
        "current_thread",
        "host",
        "processes",
        "processor_count",
        "provider",
        "system_process",
    )

    def __init__(self, host: Host, clock: Clock | None = None) -> None:
        """Make an executive whose boot window is open; its system process is a minimal one.

        `clock` None is the machine's. `processor_count` is how many threads a completion port lets run that was not
        told.
        """
        self.host = host
        self.processor_count = 1
        # The host tells of every process and thread that runs, if it has kept some to itself.
        self.catch_up: Callable[[], None] = lambda: None
        self._clock = clock
        self._dispatcher: Dispatcher | None = None
        self.provider: PsPicoProviderRoutines | None = None
        self.booted = False
        self.current_thread: Thread | None = None
        self.counters = dict.fromkeys(pico.PsPicoProviderRoutines._fields[: pico.PROVIDER_CALLBACKS], 0)
        self.processes: dict[int, Process] = {}
        self._ids = IndexAllocator(1)
        self._client_ids: dict[int, Object | None] = {}
        self._namespace: Namespace | None = None
        table = HandleTable()
        self.system_process = self._add_process(Process(self, self._new_client_id(), table, image_name="System"))

    @property
    def namespace(self) -> Namespace:
        """The names of objects; the standard tree is made when somebody first looks."""
        if self._namespace is None:
            from ntshim.ob.namespace import build_namespace

            self._namespace = build_namespace(self)
        return self._namespace

    @property
    def dispatcher(self) -> Dispatcher:
        """The time that waits and timers go by, made when something first has to wait."""
        if self._dispatcher is None:
            from ntshim.ke.clock import SystemClock
            from ntshim.ke.dispatcher import Dispatcher

            self._dispatcher = Dispatcher(SystemClock() if self._clock is None else self._clock)
        return self._dispatcher

    def boot(self) -> None:
        """Close the boot window: from now on no provider can register."""
        self.booted = True

    def create_minimal_process(self, image_name: str, parent: Process | None = None) -> Process:
        """Make a minimal process: empty address space, no provider, no threads; its parent is the system process.

        STATUS_QUOTA_EXCEEDED if it is one too many for the parent's job.
        """
        parent = self.system_process if parent is None else parent
        job = _job_of_child(parent, breakaway=False)
        process = Process(self, self._new_client_id(), HandleTable(), parent, image_name=image_name)
        return self._add_process(process, job)

    def create_pico_process(self, attributes: PicoProcessAttributes) -> Process:
        """Make a pico process, as PsPicoRoutines.CreateProcess; the executive keeps the reference until it ends.

        Raises STATUS_INVALID_PARAMETER (no context, flags), STATUS_PROCESS_IS_TERMINATING (the parent is), and for
        the parent's job STATUS_ACCESS_DENIED (the child may not break away), STATUS_QUOTA_EXCEEDED.
        """
        pico.check_process_attributes(attributes)
        parent = self.system_process if attributes.parent is None else attributes.parent
        if parent.terminating:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        job = _job_of_child(parent, breakaway=bool(attributes.flags & pico.PS_PICO_CREATE_PROCESS_BREAKAWAY))
        table = HandleTable() if attributes.handle_table is None else attributes.handle_table
        process = Process(
            self, self._new_client_id(), table, parent, self.provider, attributes.context, attributes.image_name
        )
        if attributes.token is not None:
            process.token = attributes.token
        if attributes.flags & pico.PS_PICO_CREATE_PROCESS_INHERIT_HANDLES and table is not parent.handle_table:
            table.inherit_from(parent.handles)
        return self._add_process(process, job)

    def create_pico_thread(self, attributes: PicoThreadAttributes) -> Thread:
        """Make a suspended thread in a process, as PsPicoRoutines.CreateThread.

        Raises STATUS_INVALID_PARAMETER without context, STATUS_PROCESS_IS_TERMINATING if the process is ending.
        """
        process = attributes.process
        if attributes.context is None:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        if process.terminating:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        thread = Thread(process, self._new_client_id(), attributes.context)
        if attributes.registers is not None:
            try:
                self.host.set_context(thread, attributes.registers)
            except st.NtError:
                thread.dereference()
                raise
        self._client_ids[handle_to_index(thread.tid)] = thread
        process.threads[thread.tid] = thread
        return thread

    def dispatch_system_call(self, thread: Thread, frame: Frame) -> None:
        """Hand a stopped call of a thread to the provider, which answers in the frame.

        Raises STATUS_INVALID_SYSTEM_SERVICE for a thread that is not pico.
        """
        provider = thread.process.provider
        if provider is None:
            raise st.NtError(st.STATUS_INVALID_SYSTEM_SERVICE)
        previous, self.current_thread = self.current_thread, thread
        try:
            self.counters["DispatchSystemCall"] += 1
            provider.DispatchSystemCall(frame)
        finally:
            self.current_thread = previous

    def dispatch_exception(self, thread: Thread, record: Any, frame: Frame, chance: int) -> bool:
        """Ask the provider to handle a fault of a thread, or of the executive probing a buffer for it.

        `chance` is 1 or 2. False means unhandled: a probe fails, a fault at the second chance ends the process.
        """
        provider = thread.process.provider
        if provider is None:
            return False
        previous, self.current_thread = self.current_thread, thread
        try:
            self.counters["DispatchException"] += 1
            return provider.DispatchException(record, frame, chance)
        finally:
            self.current_thread = previous

    def walk_user_stack(self, thread: Thread, frame: Frame, count: int) -> list[int]:
        """Give at most `count` return addresses of a thread's stack, the innermost first."""
        provider = thread.process.provider
        if provider is None:
            return []
        self.counters["WalkUserStack"] += 1
        return provider.WalkUserStack(frame, count)[:count]

    def suspend_thread(self, thread: Thread) -> int:
        """Raise the suspend count by one; gives the count before.

        Raises STATUS_THREAD_IS_TERMINATING, or STATUS_SUSPEND_COUNT_EXCEEDED above 127.
        """
        if thread.exit_status is not None:
            raise st.NtError(st.STATUS_THREAD_IS_TERMINATING)
        if thread.suspend_count == MAXIMUM_SUSPEND_COUNT:
            raise st.NtError(st.STATUS_SUSPEND_COUNT_EXCEEDED)
        thread.suspend_count += 1
        if thread.suspend_count == 1:
            self.host.suspend_thread(thread)
        return thread.suspend_count - 1

    def resume_thread(self, thread: Thread) -> int:
        """Lower the suspend count by one, let the thread run at 0; gives the count before (0: it was running)."""
        before = thread.suspend_count
        if before:
            thread.suspend_count = before - 1
        if before == 1 and not thread.exited:
            self.host.resume_thread(thread)
        return before

    def get_context_thread(self, thread: Thread) -> Registers:
        """Give the registers of a suspended thread, or of the one whose call is being served."""
        self._check_stopped(thread)
        return self.host.get_context(thread)

    def set_context_thread(self, thread: Thread, registers: Registers) -> None:
        """Replace the registers of a suspended thread, or of the one whose call is being served."""
        self._check_stopped(thread)
        self.host.set_context(thread, registers)

    def set_thread_descriptor_base(self, thread: Thread, which: int, base: int) -> None:
        """Set the base of FS or GS; raises STATUS_INVALID_PARAMETER for another segment."""
        if which not in (pico.PICO_DESCRIPTOR_FS, pico.PICO_DESCRIPTOR_GS):
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        self._check_stopped(thread)
        self.host.set_descriptor_base(thread, which, base)

    def terminate_thread(self, thread: Thread, status: int) -> int:
        """End a thread; the first status wins. Gives STATUS_NOTHING_TO_TERMINATE if it is gone already."""
        if thread.exited:
            return st.STATUS_NOTHING_TO_TERMINATE
        if thread.exit_status is None:
            thread.exit_status = status
            if thread.waits is not None:
                thread.waits.end()
            self.host.terminate_thread(thread, status)
        return st.STATUS_SUCCESS

    def terminate_process(self, process: Process, status: int) -> int:
        """End a process, as PsPicoRoutines.TerminateProcess; the first terminator's status wins.

        Never calls the provider's TerminateProcess: it is the provider that calls, or nobody has one. Gives
        STATUS_NOTHING_TO_TERMINATE if no thread is left; a process that has none at all ends at once.
        """
        if process.exit_status is None:
            process.exit_status = status
        if not process.threads:
            self._exit_process(process)
            return st.STATUS_NOTHING_TO_TERMINATE
        if not process.kill_requested:
            process.kill_requested = True
            _end_waits(process)
            self.host.terminate_process(process, process.exit_status)
        return st.STATUS_SUCCESS

    def terminate_from_outside(self, process: Process, status: int) -> None:
        """End a process for somebody who is not its provider: the provider of a pico process does the ending.

        Raises STATUS_PROCESS_IS_TERMINATING if somebody was first.
        """
        if process.terminating:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        process.exit_status = status
        if process.provider is None:
            self.terminate_process(process, status)
        else:
            self.counters["TerminateProcess"] += 1
            process.provider.TerminateProcess(process, status)

    def thread_exited(self, thread: Thread, status: int) -> None:
        """Run a thread down: the host has seen it end with `status`. A second report is ignored.

        The provider's ExitThread is called once, and after that of the last thread its ExitProcess.
        """
        if thread.exited:
            return
        thread.exited = True
        if thread.exit_status is None:
            thread.exit_status = status
        if thread.waits is not None:
            thread.waits.end()
        while thread.mutants:
            thread.mutants[-1].abandon()
        process = thread.process
        try:
            if process.provider is not None:
                self.counters["ExitThread"] += 1
                process.provider.ExitThread(thread)
        finally:
            thread.context = None
            thread.impersonate(None)
            del process.threads[thread.tid]
            thread.wake()
            try:
                if not process.threads:
                    self._last_thread_exited(process, thread.exit_status)
            finally:
                thread.dereference()

    def find_client(self, client_id: int) -> Object | None:
        """Give the process or thread of an id, borrowed; the two low bits do not count, as those of a handle."""
        return self._client_ids.get(handle_to_index(client_id))

    def free_client_id(self, client_id: int) -> None:
        """Make a process or thread id available again."""
        index = handle_to_index(client_id)
        del self._client_ids[index]
        self._ids.free(index)

    def _new_client_id(self) -> int:
        """Reserve an id: ids come from a table like that of handles, so they are multiples of 4 and the first is 4."""
        index = self._ids.allocate(self._client_ids)
        self._client_ids[index] = None
        return index_to_handle(index)

    def _add_process(self, process: Process, job: Job | None = None) -> Process:
        """Enter a process in the list, under its id, and in its job."""
        self._client_ids[handle_to_index(process.pid)] = process
        self.processes[process.pid] = process
        if job is not None:
            job.add(process)
        return process

    def _last_thread_exited(self, process: Process, status: int) -> None:
        """End a process with its last thread, whose status is the process's if nobody terminated that."""
        if process.exit_status is None:
            process.exit_status = status
        self._exit_process(process)

    def _exit_process(self, process: Process) -> None:
        """Run a process without threads down, once: provider, then handles, then the executive's own reference."""
        if process.exited:
            return
        process.exited = True
        _end_waits(process)
        try:
            if process.provider is not None:
                self.counters["ExitProcess"] += 1
                process.provider.ExitProcess(process)
        finally:
            process.context = None
            if process.job is not None:
                process.job.remove(process)
            if process.views is not None:
                process.views.release()
            table, process.handle_table = process.handle_table, None
            del self.processes[process.pid]
            try:
                if table is not None:
                    table.release()
            finally:
                process.wake()
                process.dereference()

    def _check_stopped(self, thread: Thread) -> None:
        """Raise STATUS_UNSUCCESSFUL for a thread that runs: nobody knows its registers (facts/wsl1.md section 1.2)."""
        if not thread.suspend_count and thread is not self.current_thread:
            raise st.NtError(st.STATUS_UNSUCCESSFUL)


def _end_waits(process: Process) -> None:
    """Let nobody in a process wait any longer."""
    states = [process.waits, *[thread.waits for thread in process.threads.values()]]
    for state in states:
        if state is not None:
            state.end()


def _job_of_child(parent: Process, *, breakaway: bool) -> Job | None:
    """Give the job in which a child begins, if it has one and there is room in it."""
    if parent.job is None:
        return None
    job = parent.job.job_of_child(breakaway=breakaway)
    if job is not None:
        job.check_room()
    return job
