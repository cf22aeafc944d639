"""Tasks that Python has not seen: what is made of them once they ask, and that nothing is lost while nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from picobox.abi.row import UNSEEN
from picobox.abi.table import BY_NAME
from picobox.provider import PicoProvider

from .guests import guest
from .sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ps.process import Process
    from picobox.call import Call

PRCTL = BY_NAME["prctl"].nr
QUESTION = 41000


class AskedProvider(PicoProvider):
    """Keeps every process that is made and who asked each question; `look` is called with the question's number."""

    def __init__(self, sandbox: Sandbox, most_tasks: int | None = None) -> None:
        super().__init__(sandbox.platform, sandbox.executive, sandbox.names)
        self.sandbox = sandbox
        self.most_tasks = most_tasks
        self.made: list[Process] = []
        self.askers: dict[int, list[tuple[int, int]]] = {}
        self.look: Callable[[int, Call], None] = lambda _number, _call: None
        works = self.pico

        def make_process(attributes: object) -> Process:
            self.made.append(works.CreateProcess(attributes))  # type: ignore[arg-type]
            return self.made[-1]

        self.pico = works._replace(CreateProcess=make_process)

    def DispatchSystemCall(self, frame: Call) -> None:
        number = frame.stop.args[0] - QUESTION
        if frame.stop.nr == PRCTL and 0 < number < 10:
            process = frame.thread.process
            self.askers.setdefault(number, []).append((process.pid, process.parent_pid))
            self.look(number, frame)
        super().DispatchSystemCall(frame)


@pytest.fixture(autouse=True, params=["stops", "channel"])
def channel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that make tasks are stops, or come by the notify channel."""
    if request.param == "channel":
        monkeypatch.setattr(Sandbox, "features", frozenset({UNSEEN}))


def run(way: str, profile: str = "linux", most_tasks: int | None = None) -> tuple[AskedProvider, str]:
    """Runs the program in one of its ways, which must end well; what it prints on standard error comes back."""
    sandbox = Sandbox(profile=profile)
    provider = AskedProvider(sandbox, most_tasks)
    return provider, finish(provider, way)


def finish(provider: AskedProvider, way: str) -> str:
    sandbox = provider.sandbox
    sandbox.prepare = lambda supervisor: supervisor.leave_unseen(provider.most_tasks or 0)
    status, told = sandbox.run(provider, guest("unseen"), way)
    assert status == 0, (hex(status), told)
    assert (provider.processes, provider.threads) == (0, 0)
    assert list(sandbox.executive.processes.values()) == [sandbox.executive.system_process]
    assert sandbox.supervisor.threads() == {}
    assert sandbox.tasks_left == 0
    return told


@pytest.mark.parametrize("profile", ["linux", "nt"])
def test_who_only_ends_is_never_made(profile: str) -> None:
    provider, _ = run("ends", profile)
    assert len(provider.made) == 1
    assert [pid for pid, _ in provider.askers[1]] == [provider.made[0].pid]


def test_whoever_asks_has_the_parents_that_it_had() -> None:
    sandbox = Sandbox()
    provider = AskedProvider(sandbox)
    counts: dict[int, tuple[int, int]] = {}

    def look(number: int, _call: Call) -> None:
        made = len(provider.made)
        counts[number] = made, len(sandbox.supervisor.threads())

    provider.look = look
    finish(provider, "chain")
    # The chain is made from its end; the program knew of nobody before.
    assert counts == {1: (3, 3), 2: (3, 3), 3: (3, 1)}
    main, child, grandchild = provider.made
    assert (child.parent_pid, grandchild.parent_pid) == (main.pid, child.pid)


def test_somebody_who_asks_for_all_tasks_gets_all() -> None:
    sandbox = Sandbox()
    provider = AskedProvider(sandbox)
    listed: list[set[str]] = []

    def look(number: int, _call: Call) -> None:
        if number == 1:
            from ntshim.ps.directory import ProcessDirectory

            listed.append(set(ProcessDirectory(sandbox.executive).entries()))

    provider.look = look
    finish(provider, "orphan")
    assert len(listed) == 1
    assert len(listed[0]) == 3  # the system process, the program, and its grandchild


def test_an_orphan_has_the_parent_that_it_had() -> None:
    provider, _ = run("orphan")
    _, child, grandchild = provider.made
    assert provider.askers[1] == [(grandchild.pid, child.pid)]


@pytest.mark.parametrize("profile", ["linux", "nt"])
def test_a_new_image_that_asks_is_one_process(profile: str) -> None:
    provider, _ = run("image", profile)
    assert len(provider.askers[1]) == 2
    if profile == "linux":
        assert len(provider.made) == 3


def test_what_no_task_can_run_is_refused_as_ever() -> None:
    provider, _ = run("refused")
    # A program of 32 bits, a script of one, and what is not there: none of it goes to the kernel unseen.
    assert len(provider.made) == 4


def test_who_leaves_a_child_with_another_image_is_known_before() -> None:
    provider, _ = run("leaver")
    (asker,) = provider.askers[1]
    (left,) = provider.askers[2]
    # An exec is a new NT process; whose child it was is the one before.
    assert asker[0] != left[1]
    assert left[1] in {process.pid for process in provider.made}


def test_a_child_has_what_its_creator_had_set_before() -> None:
    run("dumpable")


def test_as_many_tasks_as_there_may_be() -> None:
    sandbox = Sandbox()
    provider = AskedProvider(sandbox, 12)
    finish(provider, "crowd")
    assert provider.made == []


def test_a_thread_that_executes_leaves_nobody_unknown() -> None:
    provider, _ = run("thread")
    assert len(provider.askers[2]) == 1


def test_children_of_creators_that_were_killed_are_served() -> None:
    provider, _ = run("killed")
    assert provider.askers[1]


def test_they_are_served_beside_one_whose_fork_has_failed() -> None:
    provider, _ = run("failed")
    assert provider.askers[1]


def test_every_task_is_told_where_nobody_wants_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    sandbox = Sandbox()
    provider = AskedProvider(sandbox)
    status, told = sandbox.run(provider, guest("unseen"), "ends")
    assert (status, told) == (0, "")
    assert len(provider.made) == 72
