"""The supervisor over a platform that tells a fixed sequence of stops: what a race would decide by chance."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, cast

from ntshim.ps.executive import Executive
from picobox import supervisor as module
from picobox.abi.table import BY_NAME
from picobox.platform import host
from picobox.platform.base import STOP_DEAD, STOP_EMPTY, STOP_FORK, STOP_NEW, STOP_SYSCALL, HostTid, SpawnRequest, Stop
from picobox.platform.executive_host import ExecutiveHost
from picobox.provider import PicoProvider
from picobox.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

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

    def resume(self, stop: Stop, *, signal: int = 0, want_exit: bool = False) -> None:
        stop.use()
        self.resumed.append(stop)

    def answer(self, stop: Stop, result: int) -> None:
        stop.use()

    def set_creating(self, stop: Stop) -> None: ...

    def kill_all(self) -> None: ...

    def task_count(self) -> int:
        return len(self.stops)

    def memory(self, tid: HostTid) -> None: ...

    def on_closed(self, routine: Callable[[int, int], None]) -> None: ...

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
        self.supervisor = Supervisor(self.platform, self.executive, executive_host, self.provider.first_thread)

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
    assert run.killed == [CHILD]


def test_a_task_born_while_the_run_ends_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    newborn = Stop(STOP_NEW, CHILD)
    run = Run(
        monkeypatch,
        call(MAIN, "fork"), fork_event(MAIN, CHILD), death(MAIN, 256), newborn, death(CHILD, signal.SIGKILL),
    )  # fmt: skip
    assert run.to_end() == 256
    assert run.killed == [CHILD]
    assert newborn in run.platform.resumed
