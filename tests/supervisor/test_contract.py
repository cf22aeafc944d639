"""The pico contract carries the guests: each routine is called when its time comes, and its answer binds."""

from __future__ import annotations

from collections import Counter
from errno import EAGAIN, ENOMEM, ENOSYS
from typing import TYPE_CHECKING, Any

import pytest

from ntshim import status as st
from ntshim.nt import NtServices
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ps.pico import PicoProcessAttributes, PicoThreadAttributes, PsPicoProviderRoutines, PsRegisterPicoProvider
from ntshim.ps.process import PROCESS_TERMINATE, Process, Thread
from ntshim.ps.services import ClientId
from picobox.abi.filter import DISPOSITION_ACTION, DISPOSITION_ERRNO_SHIFT, compile_dispositions
from picobox.abi.row import ACTION_CALL, ACTION_ERRNO, ACTION_NATIVE, ACTION_UNKNOWN
from picobox.abi.table import BY_NAME, BY_NR, ROWS
from picobox.abi.x86_64 import SYSCALL_LIMIT
from picobox.call import Call
from picobox.platform.base import STOP_SYSCALL, HostTid, Stop
from picobox.provider import PicoProvider

from .guests import guest
from .sandbox import ACTIONS, Sandbox, Watcher, is_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

# The rows whose service is to be shown by a counter inside ntshim.nt (design section 4).
PERFORMED_ROWS = [row.name for row in ROWS if row.do.action == ACTION_CALL and row.nt is not None]


class TinyProvider:
    """Another provider: it lets the kernel serve every call, and knows one process of one thread."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.log: list[str] = []
        routines = PsPicoProviderRoutines(
            DispatchSystemCall=lambda frame: self.log.append(BY_NR[frame.stop.nr].name),
            ExitThread=lambda _thread: self.log.append("ExitThread"),
            ExitProcess=lambda _process: self.log.append("ExitProcess"),
            DispatchException=lambda _record, _frame, _chance: False,
            TerminateProcess=lambda _process, _status: self.log.append("TerminateProcess"),
            WalkUserStack=lambda _frame, _count: [],
        )
        self.pico = PsRegisterPicoProvider(sandbox.executive, routines)

    def first_thread(self, tid: HostTid) -> Thread:
        process = self.pico.CreateProcess(PicoProcessAttributes(context=f"the process of {tid}"))
        thread = self.pico.CreateThread(PicoThreadAttributes(process, context=tid))
        self.pico.ResumeThread(thread)
        return thread


class LoggingProvider(PicoProvider):
    """Ours, which also notes what it is told."""

    handles_exceptions = True

    def __init__(self, sandbox: Sandbox) -> None:
        self.ended_threads: list[Thread] = []
        self.ended_processes: list[Process] = []
        self.made_threads: list[Thread] = []
        self.made_processes: list[Process] = []
        self.exceptions: list[tuple[int, int]] = []
        self.actions: Counter[tuple[int, int]] = Counter()
        super().__init__(sandbox.platform, sandbox.executive)
        self.pico = self.pico._replace(
            CreateProcess=noting(self.pico.CreateProcess, self.made_processes),
            CreateThread=noting(self.pico.CreateThread, self.made_threads),
        )

    def DispatchSystemCall(self, frame: Call) -> None:
        super().DispatchSystemCall(frame)
        # A call that starts anew is counted when it does. What no array can hold shares the last place of it.
        if frame.row is not None and not frame.restart:
            self.actions[frame.row.do.action, frame.row.nr] += 1
        elif frame.row is None:
            self.actions[ACTION_UNKNOWN, min(frame.stop.nr, SYSCALL_LIMIT - 1)] += 1

    def DispatchException(self, record: int, frame: Any, chance: int) -> bool:
        self.exceptions.append((record, chance))
        return self.handles_exceptions and super().DispatchException(record, frame, chance)

    def ExitThread(self, thread: Thread) -> None:
        self.ended_threads.append(thread)
        super().ExitThread(thread)

    def ExitProcess(self, process: Process) -> None:
        self.ended_processes.append(process)
        super().ExitProcess(process)


def noting(routine: Callable[[Any], Any], made: list[Any]) -> Callable[[Any], Any]:
    """The routine, which also keeps what it gives."""

    def noted(attributes: Any) -> Any:
        made.append(routine(attributes))
        return made[-1]

    return noted


class Checkpoints(Watcher):
    """Calls a function at each checkpoint, with its number from 1."""

    def __init__(self, act: Callable[[int, Call], None]) -> None:
        self.act = act
        self.count = 0

    def entered(self, call: Call) -> bool:
        if is_checkpoint(call):
            self.count += 1
            self.act(self.count, call)
        return True


def test_another_provider_boots_and_runs_a_program() -> None:
    sandbox = Sandbox()
    provider = TinyProvider(sandbox)
    assert sandbox.run(provider, "/bin/true") == (0, "")
    assert "exit_group" in provider.log
    assert provider.log[-2:] == ["ExitThread", "ExitProcess"]
    assert provider.log.count("ExitThread") == 1
    assert sandbox.executive.counters["DispatchSystemCall"] == len(provider.log) - 2
    assert sandbox.executive.processes == {4: sandbox.executive.system_process}


def test_there_is_room_for_one_provider() -> None:
    sandbox = Sandbox()
    TinyProvider(sandbox)
    with pytest.raises(st.NtError) as error:
        PicoProvider(sandbox.platform, sandbox.executive)
    assert error.value.status == st.STATUS_TOO_LATE
    sandbox.platform.close()


@pytest.mark.parametrize("routine", ["CreateProcess", "CreateThread"])
@pytest.mark.parametrize("status", [st.STATUS_NO_MEMORY, st.STATUS_INSUFFICIENT_RESOURCES])
def test_a_refused_creation_fails_the_call(routine: str, status: int) -> None:
    sandbox = Sandbox(subscribe=True)
    provider = PicoProvider(sandbox.platform, sandbox.executive)
    works = provider.pico

    def refuse(attributes: object) -> Any:
        raise st.NtError(status)

    def act(checkpoint: int, call: Call) -> None:
        refusing = {
            "CreateProcess": works._replace(CreateProcess=refuse),
            "CreateThread": works._replace(CreateThread=refuse),
        }
        provider.pico = refusing[routine] if checkpoint == 1 else works

    result, told = sandbox.run(provider, guest("contract"), "creation", observer=Checkpoints(act))
    errno = st.errno_of(status)
    assert errno in (EAGAIN, ENOMEM)
    lines = dict(line.split() for line in told.splitlines())
    # A thread needs no new process; the C library knows one error only (man 3 pthread_create).
    assert lines.pop("thread") == ("0" if routine == "CreateProcess" else str(EAGAIN))
    assert lines == dict.fromkeys(("fork", "vfork", "clone", "clone3"), str(errno))
    assert result == 0
    assert (provider.processes, provider.threads) == (0, 0)
    assert list(sandbox.executive.processes.values()) == [sandbox.executive.system_process]


def test_every_end_is_told_once() -> None:
    sandbox = Sandbox()
    provider = LoggingProvider(sandbox)
    assert sandbox.run(provider, guest("contract"), "family") == (0, "")
    # An exec is a new NT process (facts/wsl1.md section 3).
    assert (len(provider.made_threads), len(provider.made_processes)) == (9, 4)
    assert Counter(map(id, provider.ended_threads)) == Counter(map(id, provider.made_threads))
    assert Counter(map(id, provider.ended_processes)) == Counter(map(id, provider.made_processes))
    counters = sandbox.executive.counters
    assert (counters["ExitThread"], counters["ExitProcess"], counters["TerminateProcess"]) == (9, 4, 0)


def test_faults_are_dispatched() -> None:
    sandbox = Sandbox()
    provider = LoggingProvider(sandbox)
    status, told = sandbox.run(provider, guest("contract"), "faults")
    assert (status, told) == (0, "11 handled 11\n8 handled 8\n4 handled 4\n5 handled 5\n7 handled 7\n")
    # At the first chance each, and none for a signal that no hardware raised.
    assert provider.exceptions == [
        (st.STATUS_ACCESS_VIOLATION, 1),
        (st.STATUS_INTEGER_DIVIDE_BY_ZERO, 1),
        (st.STATUS_ILLEGAL_INSTRUCTION, 1),
        (st.STATUS_BREAKPOINT, 1),
        (st.STATUS_IN_PAGE_ERROR, 1),
    ]
    assert sandbox.executive.counters["DispatchException"] == 5


def test_a_fault_that_the_provider_does_not_handle_ends_the_process() -> None:
    sandbox = Sandbox()
    provider = LoggingProvider(sandbox)
    provider.handles_exceptions = False
    status, told = sandbox.run(provider, guest("contract"), "faults")
    assert (status, told) == (0, "11 killed 9\n8 killed 9\n4 killed 9\n5 killed 9\n7 killed 9\n")
    killed = [process.exit_status for process in provider.ended_processes[:5]]
    assert killed == [record for record, _ in provider.exceptions]


def test_somebody_outside_ends_a_process() -> None:
    sandbox = Sandbox(subscribe=True)
    provider = LoggingProvider(sandbox)
    outsider = sandbox.executive.create_minimal_process("outsider")

    def act(_checkpoint: int, call: Call) -> None:
        nt = NtServices(sandbox.executive)
        client_id = ClientId(call.thread.process.pid)
        handle = nt.NtOpenProcess(outsider, PROCESS_TERMINATE, ObjectAttributes(), client_id)
        nt.NtTerminateProcess(outsider, handle, st.STATUS_CONTROL_C_EXIT)
        outsider.handles.close(handle)

    assert sandbox.run(provider, guest("contract"), "ended", observer=Checkpoints(act)) == (0, "")
    assert sandbox.executive.counters["TerminateProcess"] == 1
    assert [process.exit_status for process in provider.ended_processes] == [st.STATUS_CONTROL_C_EXIT, 0]


class Services(Watcher):
    """Keeps the calls after the checkpoint, and what the service counters were at it."""

    def __init__(self, provider: PicoProvider) -> None:
        self.provider = provider
        self.before: dict[str, int] | None = None
        self.calls: list[Call] = []

    def entered(self, call: Call) -> bool:
        if is_checkpoint(call):
            self.before = dict(self.provider.nt.counters)
            self.calls.clear()
        else:
            self.calls.append(call)
        return True


@pytest.mark.parametrize("name", PERFORMED_ROWS)
def test_a_row_invokes_its_service(name: str) -> None:
    sandbox = Sandbox(subscribe=True)
    provider = PicoProvider(sandbox.platform, sandbox.executive)
    services = Services(provider)
    # What dup has duplicated has a handle, which is more than a descriptor that nobody looked at.
    assert sandbox.run(provider, guest("contract"), name, observer=services) == (0, "")
    calls = [call for call in services.calls if call.row is not None and call.row.name == name]
    assert calls
    assert all(call.performed for call in calls)
    assert services.before is not None
    service = next(row.nt for row in ROWS if row.name == name)
    assert service is not None
    assert provider.nt.counters[service] - services.before.get(service, 0) >= len(calls)


# What waits for a child, or ends the process, passes where nobody is told of calls (docs/decisions.md, Gate).
PASSING = {BY_NAME[name].nr for name in ("wait4", "waitid", "exit_group")}


def test_both_forms_of_dispatch_count_the_same() -> None:
    compiled = Sandbox()
    compiled.run_ours(guest("contract"), "counted")
    subscribed = Sandbox(subscribe=True)
    provider = LoggingProvider(subscribed)
    assert subscribed.run(provider, guest("contract"), "counted", observer=Watcher()) == (0, "")
    for action in ACTIONS:
        counted = {nr: count for nr, count in enumerate(compiled.counters[action]) if count}
        told = {nr: count for (done, nr), count in provider.actions.items() if done == action and nr not in PASSING}
        assert {nr: count for nr, count in counted.items() if nr not in PASSING} == told
        assert sum(counted.values()) >= 20


def test_both_forms_of_dispatch_answer_the_same() -> None:
    sandbox = Sandbox()
    provider = PicoProvider(sandbox.platform, sandbox.executive)
    thread = provider.first_thread(HostTid(1))
    for nr, word in enumerate(compile_dispositions(ROWS)[:SYSCALL_LIMIT]):
        action = word & DISPOSITION_ACTION
        if action == ACTION_CALL:
            continue
        stop = Stop(STOP_SYSCALL, 1)
        stop.nr, stop.args = nr, (0,) * 6
        frame = Call(sandbox.platform, thread, stop)
        sandbox.executive.dispatch_system_call(thread, frame)
        answers = {ACTION_NATIVE: None, ACTION_ERRNO: -(word >> DISPOSITION_ERRNO_SHIFT), ACTION_UNKNOWN: -ENOSYS}
        assert frame.result == answers[action], nr
    sandbox.platform.close()
