"""The supervisor over a platform that tells a fixed sequence of stops: what a race would decide by chance."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, cast

from ntshim.ps.executive import Executive
from ntshim.status import STATUS_ACCESS_VIOLATION
from picobox import supervisor as module
from picobox.abi.table import BY_NAME
from picobox.platform import host
from picobox.platform.base import (
    STOP_DEAD,
    STOP_EMPTY,
    STOP_EXEC,
    STOP_FORK,
    STOP_NEW,
    STOP_PARTING,
    STOP_SIGNAL,
    STOP_SYSCALL,
    HostTid,
    SpawnRequest,
    Stop,
)
from picobox.platform.executive_host import ExecutiveHost
from picobox.provider import PicoProvider
from picobox.supervisor import Served, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from ntshim.ps.process import Thread

MAIN, CHILD, GRANDCHILD = (HostTid(1 << 30 | number) for number in range(3))


class ScriptedPlatform:
    """Tells the stops that it was given, in their order, and keeps how they were answered."""

    def __init__(self, *stops: Stop) -> None:
        self.stops = list(stops)
        self.resumed: list[Stop] = []
        self.looks: dict[Stop, Callable[[], None]] = {}

    def spawn(self, request: SpawnRequest) -> HostTid:
        return MAIN

    def next(self) -> Stop:
        if not self.stops:
            return Stop(STOP_EMPTY, 0)
        stop = self.stops.pop(0)
        self.looks.get(stop, lambda: None)()
        return stop

    def debugging(self) -> object:
        return object()

    def resume(self, stop: Stop, *, signal: int = 0, want_exit: bool = False) -> None:
        stop.use()
        self.resumed.append(stop)

    def answer(self, stop: Stop, result: int) -> None:
        stop.use()

    def set_creating(self, stop: Stop) -> None: ...

    def leave_unseen(self, most_tasks: int) -> None: ...

    def unseen(self, creator: int) -> list[HostTid]:
        return []

    def kill_all(self) -> None: ...

    def task_count(self) -> int:
        return len(self.stops)

    def memory(self, tid: HostTid) -> None: ...

    def on_changed(self, routine: Callable[[int, int, int], None]) -> None: ...

    def is_task(self, tid: int) -> bool:
        return bool(tid)

    def calls_entered(self, tid: HostTid) -> int:
        return 0


def call(tid: HostTid, name: str) -> Stop:
    stop = Stop(STOP_SYSCALL, tid)
    stop.nr, stop.args = BY_NAME[name].nr, (0,) * 6
    return stop


def fork_event(tid: HostTid, child: HostTid) -> Stop:
    stop = Stop(STOP_FORK, tid)
    stop.other = child
    return stop


def execution(tid: HostTid) -> Stop:
    """The first image of a program; later ones have the number of their call."""
    stop = Stop(STOP_EXEC, tid)
    stop.other = tid
    return stop


def fault(tid: HostTid, code: int) -> Stop:
    stop = Stop(STOP_SIGNAL, tid)
    stop.signal, stop.code = signal.SIGSEGV, code
    return stop


def death(tid: HostTid, status: int) -> Stop:
    stop = Stop(STOP_DEAD, tid)
    stop.status = status
    return stop


class Run:
    """A supervisor and a provider over a script; `killed` are the tasks that the supervisor has killed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *stops: Stop) -> None:
        self.killed: list[HostTid] = []
        monkeypatch.setattr(module, "_kill", self.killed.append)
        monkeypatch.setattr(host, "thread_group", lambda tid: (tid, tid))
        self.platform = cast("Any", ScriptedPlatform(*stops))
        executive_host = ExecutiveHost(self.platform)
        self.executive = Executive(executive_host)
        self.provider = PicoProvider(self.platform, self.executive)
        self.executive.boot()
        self.times_asked = 0

        def serve() -> Served:
            self.times_asked += 1
            return Served(self.executive, executive_host, self.provider.first_thread, self.provider)

        self.supervisor = Supervisor(self.platform, serve)

    def to_end(self) -> int:
        self.supervisor.spawn(SpawnRequest((b"main",), (), (b"main",)))
        status = self.supervisor.run()
        assert (self.provider.processes, self.provider.threads) == (0, 0)
        assert list(self.executive.processes.values()) == [self.executive.system_process]
        return status


def test_a_fork_that_the_kernel_refused_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    after = call(MAIN, "getpid")
    run = Run(monkeypatch, call(MAIN, "fork"), after, call(MAIN, "fork"), call(MAIN, "getpid"), death(MAIN, 0))
    processes: list[int] = []
    run.platform.looks[after] = lambda: processes.append(run.provider.processes)
    assert run.to_end() == 0
    assert processes == [2]


def test_a_child_whose_creator_was_killed_inside_fork_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = Stop(STOP_NEW, GRANDCHILD)
    run = Run(
        monkeypatch,
        call(MAIN, "fork"), fork_event(MAIN, CHILD), Stop(STOP_NEW, CHILD),
        call(CHILD, "fork"), death(CHILD, signal.SIGKILL), orphan, death(GRANDCHILD, 0), death(MAIN, 0),
    )  # fmt: skip
    assert run.to_end() == 0
    assert run.killed == []
    assert orphan in run.platform.resumed


def test_a_task_that_nobody_made_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, Stop(STOP_NEW, CHILD), death(CHILD, signal.SIGKILL), death(MAIN, 0))
    assert run.to_end() == 0
    assert run.killed == run.supervisor.strangers == [CHILD]


def test_a_task_born_while_the_run_ends_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    newborn = Stop(STOP_NEW, CHILD)
    run = Run(
        monkeypatch,
        call(MAIN, "fork"), fork_event(MAIN, CHILD), death(MAIN, 256), newborn, death(CHILD, signal.SIGKILL),
    )  # fmt: skip
    assert run.to_end() == 256
    assert run.killed == [CHILD]
    assert newborn in run.platform.resumed


def unseen_run(monkeypatch: pytest.MonkeyPatch, *stops: Stop) -> Run:
    """A run whose tasks need not be known, which has ended well."""
    run = Run(monkeypatch, execution(MAIN), *stops, death(MAIN, 0))
    run.supervisor.leave_unseen(0)
    assert run.to_end() == 0
    assert run.supervisor.threads() == {}
    return run


def test_a_program_that_asks_nothing_needs_no_executive(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = fault(MAIN, 0)
    run = unseen_run(monkeypatch, sent, Stop(STOP_PARTING, MAIN))
    assert run.times_asked == 0
    assert sent in run.platform.resumed


def test_the_executive_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run = unseen_run(monkeypatch, call(MAIN, "getpid"), call(MAIN, "getppid"))
    assert run.times_asked == 1


def test_a_fault_is_told_to_the_executive(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, execution(MAIN), fault(MAIN, 1), death(MAIN, 0))
    run.supervisor.leave_unseen(0)
    told: list[int] = []

    def dispatch(_executive: Executive, _thread: Thread, record: int, _stop: Stop, _chance: int) -> bool:
        told.append(record)
        return True

    monkeypatch.setattr(Executive, "dispatch_exception", dispatch)
    assert run.to_end() == 0
    assert told == [STATUS_ACCESS_VIOLATION]


def test_who_asks_for_all_tasks_gets_the_program_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = fault(MAIN, 0)
    run = Run(monkeypatch, execution(MAIN), sent, death(MAIN, 0))
    run.supervisor.leave_unseen(0)
    found: list[HostTid] = []
    run.platform.looks[sent] = lambda: found.extend(run.supervisor.threads())
    assert run.to_end() == 0
    assert found == [MAIN]


def test_an_image_that_was_not_told_is_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    again, asking = execution(MAIN), call(MAIN, "getpid")
    again.nr = BY_NAME["execve"].nr
    run = Run(monkeypatch, execution(MAIN), again, asking, death(MAIN, 0))
    run.supervisor.leave_unseen(0)
    made: list[int] = []
    run.platform.looks[asking] = lambda: made.extend(run.executive.processes)
    assert run.to_end() == 0
    assert len(made) == 2


def test_who_is_being_launched_is_nobody_to_tracers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs what is ours, and its walls are not up yet."""
    began = Stop(STOP_EXEC, MAIN)
    began.other = MAIN
    end = death(MAIN, 0)
    run = Run(monkeypatch, began, end)
    debuggers = run.supervisor.debuggers()
    seen: list[set[HostTid]] = []
    run.platform.looks[end] = lambda: seen.append(debuggers.tids())
    run.supervisor.spawn(SpawnRequest((b"main",), (), (b"main",)))
    assert debuggers.tids() == set()
    assert run.supervisor.run() == 0
    assert seen == [{MAIN}]
