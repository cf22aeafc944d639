"""A host that only takes notes and a provider that is not ours, for the tests of ntshim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.nt import NtServices
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ps import Executive, PsPicoProviderRoutines, PsRegisterPicoProvider
from ntshim.ps.services import ClientId

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ps import Process, PsPicoRoutines, Thread


def status_of(call: Callable[[], object]) -> int:
    """Run a call and give its status."""
    try:
        call()
    except st.NtError as error:
        return error.status
    return st.STATUS_SUCCESS


def open_process(executive: Executive, opener: Process, pid: int, access: int) -> int:
    """Open a process by its id; gives a handle of the opener."""
    return NtServices(executive).NtOpenProcess(opener, access, ObjectAttributes(), ClientId(pid))


class FakeHost:
    """Keeps registers in a dict and everything it is told in a log."""

    def __init__(self) -> None:
        self.log: list[tuple[object, ...]] = []
        self.registers: dict[int, Any] = {}
        self.bases: dict[tuple[int, int], int] = {}
        self.affinity: dict[int, int] = {}
        self.refuse_context = False

    def get_context(self, thread: Thread) -> Any:
        return self.registers[thread.tid]

    def set_context(self, thread: Thread, registers: Any) -> None:
        if self.refuse_context:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        self.registers[thread.tid] = registers
        self.log.append(("set_context", thread.tid))

    def suspend_thread(self, thread: Thread) -> None:
        self.log.append(("suspend_thread", thread.tid))

    def resume_thread(self, thread: Thread) -> None:
        self.log.append(("resume_thread", thread.tid))

    def terminate_thread(self, thread: Thread, status: int) -> None:
        self.log.append(("terminate_thread", thread.tid, status))

    def terminate_process(self, process: Process, status: int) -> None:
        self.log.append(("terminate_process", process.pid, status))

    def set_descriptor_base(self, thread: Thread, which: int, base: int) -> None:
        self.bases[thread.tid, which] = base

    def get_affinity(self, thread: Thread) -> int:
        return self.affinity.get(thread.tid, 3)

    def set_affinity(self, thread: Thread, mask: int) -> None:
        if not mask & 3:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        self.affinity[thread.tid] = mask & 3


class TinyProvider:
    """The least a provider can be: it logs its callbacks and ends what it is asked to end."""

    pico: PsPicoRoutines
    executive_host: FakeHost

    def __init__(self) -> None:
        self.log: list[tuple[str, int]] = []
        self.exceptions: list[tuple[object, int]] = []
        self.on_call: Callable[[Any], None] = lambda _frame: None
        self.handles_exceptions = False
        self.fail_exit = False

    def routines(self) -> PsPicoProviderRoutines:
        """Give the table to register."""
        return PsPicoProviderRoutines(
            DispatchSystemCall=self.dispatch_system_call,
            ExitThread=lambda thread: self.log.append(("ExitThread", thread.tid)),
            ExitProcess=self.exit_process,
            DispatchException=self.dispatch_exception,
            TerminateProcess=self.terminate_process,
            WalkUserStack=lambda _frame, _count: [0x1000, 0x2000, 0x3000],
        )

    def dispatch_system_call(self, frame: Any) -> None:
        self.on_call(frame)

    def exit_process(self, process: Process) -> None:
        self.log.append(("ExitProcess", process.pid))
        if self.fail_exit:
            raise st.NtError(st.STATUS_INTERNAL_ERROR)

    def dispatch_exception(self, record: object, _frame: object, chance: int) -> bool:
        self.exceptions.append((record, chance))
        return self.handles_exceptions

    def terminate_process(self, process: Process, status: int) -> None:
        self.log.append(("TerminateProcess", process.pid))
        self.pico.TerminateProcess(process, status)


def boot(provider: TinyProvider, host: FakeHost | None = None) -> Executive:
    """Boot an executive whose pico processes that provider serves."""
    provider.executive_host = FakeHost() if host is None else host
    executive = Executive(provider.executive_host)
    provider.pico = PsRegisterPicoProvider(executive, provider.routines())
    executive.boot()
    return executive
