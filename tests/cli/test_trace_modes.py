"""Issue 7: a program's events are the same with the gate, without it, and without the notify channel."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from build import compile_program, program_names, ruled_programs

from .histories import differing, histories, log
from .shapes import Shapes, collapsed, in_order, of_kin, of_many_kin, of_tasks, untold

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GATED, EVERY_SITE, NO_GATE, NO_FAST = (), ("--gate", "1"), ("--no-gate",), ("--no-fast",)
# Few tasks, many calls: these run in the fast tier.
FAST = {
    "e16_leases",
    "h10_close_range",
    "h10_dup",
    "h10_pidfd_getfd",
    "h10_proc_fd",
    "h12_prctl",
    "h3_exec_errors",
    "h3_exec_state",
    "h3_shebang",
    "h4_altstack",
    "h7_registers",
    "w1_gaps",
}
# Of these less is compared than each event: what each task does differs from run to run in one mode.
RACING: dict[str, tuple[Callable[[str], Shapes], str]] = {
    "g1_instants": (of_kin, "signals come at random instants"),
    "g1_makings": (in_order, "two threads open one FIFO, signals come from a third"),
    "g1_signals": (of_kin, "signals come at random instants"),
    "g2_moved": (in_order, "20 threads share descriptors and a barrier"),
    "g2_threads": (in_order, "64 threads share descriptors and a barrier"),
    "g3_waits": (
        of_tasks,
        "who waits while code is changed is stopped and resumed, and sleeps until the others have come",
    ),
    "g4_tasks": (of_kin, "tasks that share memory are killed in the middle"),
    "g5_unwinding": (of_kin, "a thread is cancelled in the middle of calls"),
    "h10_shared_table": (in_order, "threads share the numbers of descriptors"),
    "h2_exit_group": (of_many_kin, "threads call until they are killed"),
    "h2_fair": (in_order, "a thread counts what others do meanwhile"),
    "h2_killed_children": (of_kin, "children are killed in the middle"),
    "h2_leader_exits": (of_tasks, "a thread waits for another one's end in /proc, again and again"),
    "h2_threads": (of_tasks, "1,000 threads share descriptors and heaps"),
    "h3_exec_fork": (of_kin, "threads fork while another one executes"),
    "h3_exec_threads": (of_kin, "threads are ended by another one's execve"),
    "h4_ignored": (in_order, "a parent looks in /proc until its child waits"),
    "h4_restart_syscall": (in_order, "signals come while calls wait, which then wait for the rest of their time"),
    "h4_stop_continue": (of_kin, "tasks stop each other"),
    "h4_trap_signals": (of_kin, "children are killed while they start"),
    "h4_timers": (of_kin, "timers expire as often as the time allows"),
    "h4_unbegun": (in_order, "signals come before tasks have begun"),
    "h5_keys": (of_kin, "keys are typed until the terminal's foreground has changed"),
    "h5_orphans": (of_kin, "a session's tasks get signals and errors as its leader ends"),
    "h6_wait_options": (of_kin, "children are killed while they start"),
    "h6_wait_thread": (in_order, "threads wait for each other's children"),
    "w_delete": (of_kin, "a child is killed while it starts"),
    "w_working_directory": (of_kin, "a child is killed while it starts"),
}
# The first words of what a task does only if it is faster than another one.
RACES = {
    "h5_keys": "wait4",  # a parent hears of its child, which one key ends as well as itself
    "h5_orphans": "read",  # of a terminal whose session is over: nothing, or EIO
}
REAL = {
    "bash": ["bash", "-c", "mkdir d; for i in 1 2 3; do echo $i >d/$i; cat d/$i; done; ls d; rm -r d; cat none; true"],
    "git": ["bash", "-c", "git init -q r && cd r && echo a >a && git add a && git status --short"],
    "python3": [
        sys.executable,
        "-S",
        "-c",
        "import json; open('f', 'w').write(json.dumps(sorted(vars()))); open('f').read()",
    ],
    "make": ["bash", "-c", "printf 'a: b\\n\\tcp b a\\nb:\\n\\techo b >b\\n' >Makefile; make; make"],
}
# Where tasks wait for each other, chance may have more than one look to come with.
TRIES = 4


def differing_modes(
    words: list[str], directory: Path, modes: tuple[tuple[str, ...], ...], options: tuple[str, ...] = ()
) -> tuple[bool, list[tuple[tuple[str, ...], object]]]:
    """Whether a program's runs tell anything, and what is not the same in them."""
    stops, again = (histories(log(words, (*options, *NO_FAST), directory)) for _ in range(2))
    found: list[tuple[tuple[str, ...], object]] = []
    for mode in modes:
        for attempt in range(TRIES):
            if attempt:
                stops, again = (histories(log(words, (*options, *NO_FAST), directory)) for _ in range(2))
            each = differing(stops, histories(log(words, (*options, *mode), directory)), again)
            if not each:
                break
        found += [(mode, event) for event in each]
    return {task: len(events) for task, events in stops.items()} == {
        task: len(events) for task, events in again.items()
    }, found


def differing_shapes(
    name: str, directory: Path, mode: tuple[str, ...], options: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """What one of the modes tells of a program that races, and stops do not, or the other way round."""
    words, (shapes_of, _) = [str(compile_program(name))], RACING[name]
    stops, others, found = list[Shapes](), list[Shapes](), [("task", "nothing")]
    while found and len(others) < TRIES:
        stops.append(shapes_of(log(words, (*options, *NO_FAST), directory)))
        others.append(shapes_of(log(words, (*options, *mode), directory)))
        races = RACES.get(name, "$.")
        found = untold(stops, others, races) + untold(others, stops, races)
    return found


@pytest.mark.parametrize("name", sorted(FAST))
def test_events_are_the_same_in_each_mode(name: str, tmp_path: Path) -> None:
    assert differing_modes([str(compile_program(name))], tmp_path / "run", (GATED, NO_GATE)) == (True, [])


@pytest.mark.parametrize("name", sorted(REAL))
def test_events_of_real_programs(name: str, tmp_path: Path) -> None:
    assert differing_modes(REAL[name], tmp_path / "run", (GATED, NO_GATE))[1] == []


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted({*program_names()} - {*RACING}))
def test_events_of_every_program(name: str, tmp_path: Path) -> None:
    words = [str(compile_program(name))]
    assert differing_modes(words, tmp_path / "run", (GATED, EVERY_SITE, NO_GATE))[1] == []


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "rules"), ruled_programs())
def test_events_where_others_rule(name: str, rules: str, tmp_path: Path) -> None:
    options, modes, directory = ("--profile", *rules.split()), (GATED, EVERY_SITE, NO_GATE), tmp_path / "run"
    if name in RACING:
        assert [differing_shapes(name, directory, mode, options) for mode in modes] == [[], [], []]
    else:
        assert differing_modes([str(compile_program(name))], directory, modes, options)[1] == []


def test_a_call_that_an_ignored_signal_cuts_short_is_told_once(tmp_path: Path) -> None:
    assert differing_shapes("h4_ignored", tmp_path / "run", GATED) == []


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", [GATED, EVERY_SITE, NO_GATE], ids=["gate", "every site", "no gate"])
@pytest.mark.parametrize("name", sorted({*RACING} & {*program_names()}))
def test_programs_that_race(name: str, mode: tuple[str, ...], tmp_path: Path) -> None:
    assert differing_shapes(name, tmp_path / "run", mode) == []


def test_programs_that_race_are_programs() -> None:
    assert {*RACING} - {*program_names()} - {name for name, _ in ruled_programs()} == set()
    assert not {*RACING} & FAST


def test_only_what_chance_decides_on_is_left_out() -> None:
    call = {"kind": "call", "tid": 7, "call": "read", "result": 1, "time": 1.5, "channel": "gate", "duration": 0.1}
    once, lock, anew = (json.dumps({**call, **other}) for other in ({}, {"call": "futex"}, {"result": -512}))
    assert differing(histories(once), histories(f"{lock}\n{anew}\n{once}\n{lock}")) == []
    failed = json.dumps({**call, "result": -4})
    assert differing(histories(once), histories(f"{once}\n{failed}")) != []


def test_a_number_that_is_a_task_by_chance_is_the_same() -> None:
    event = {"kind": "call", "tid": 7, "call": "lseek", "result": 4096, "time": 1.5, "channel": "gate", "duration": 0.1}
    fork = {**event, "call": "fork", "result": 9}
    one, other = (f"{json.dumps({**fork, 'result': tid})}\n{json.dumps(event)}" for tid in (9, 4096))
    assert differing(histories(one), histories(other)) == []
    assert differing(histories(one), histories(other.replace('"lseek", "result": 4096', '"lseek", "result": 9'))) != []


def test_what_is_repeated_stands_there_once() -> None:
    assert collapsed("abababcc") == ("a", "b", "c")
    assert collapsed("abcab") == ("a", "b", "c", "a", "b")
    assert collapsed(()) == ()


def test_what_one_mode_tells_is_seen() -> None:
    call = {
        "kind": "call",
        "tid": 7,
        "call": "read",
        "args": [{"text": "3", "value": 3}],
        "disposition": "native",
        "nt": None,
    }
    one, other = (
        json.dumps({**call, "result": result, "errno": errno}) for result, errno in ((1, None), (-4, "EINTR"))
    )
    for shapes in (in_order, of_tasks, of_kin, of_many_kin):
        told = [shapes(f"{one}\n{one}")]
        assert untold(told, [shapes(one)], "$.") == []
        assert [task for task, _ in untold([shapes(f"{one}\n{other}")], told, "$.")] == ["task"]
        assert untold([shapes(f"{one}\n{other}")], told, "read") == []


def test_the_first_identifier_of_a_machine_is_one_like_others() -> None:
    call = {"kind": "call", "tid": 7, "call": "msgget", "args": [], "disposition": "native", "nt": None}
    first, later, failed = (
        in_order(json.dumps({**call, "result": result, "errno": errno}))
        for result, errno in ((0, None), (1, None), (-28, "ENOSPC"))
    )
    assert untold([first], [later], "$.") == []
    assert untold([failed], [later], "$.") != []


def test_a_call_that_is_missing_is_seen() -> None:
    event = {"kind": "call", "tid": 7, "call": "getppid", "result": 1, "time": 1.5, "channel": "gate", "duration": 0.1}
    line = json.dumps(event)
    other = json.dumps({**event, "tid": 8, "time": 2.5, "channel": "trace", "duration": None})
    assert differing(histories(line), histories(other)) == []
    assert differing(histories(line), histories(f"{other}\n{other}")) != []
    assert differing(histories(line), histories(other.replace('"result": 1', '"result": 2'))) != []
