"""Issue 7: a program's events are the same with the gate, without it, and without the notify channel."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest
from build import compile_program, program_names

from .command import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

GATED, EVERY_SITE, NO_GATE, NO_FAST = (), ("--gate", "1"), ("--no-gate",), ("--no-fast",)
# Few tasks, many calls: these run in the fast tier.
FAST = {
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
# Of these only the kinds of calls are compared: what each task does differs from run to run in one mode.
PACED = {
    "e16_leases": "with the gate no NT call is told of an open that says EWOULDBLOCK, which must not be made twice",
    "g1_instants": "signals come at random instants",
    "g1_makings": "two threads open one FIFO, signals come from a third",
    "g1_signals": "signals come at random instants",
    "g2_threads": "64 threads share descriptors and a barrier",
    "g3_waits": "who waits while code is changed is stopped and resumed, and sleeps until the others have come",
    "g4_tasks": "tasks that share memory are killed in the middle",
    "g5_unwinding": "a thread is cancelled in the middle of calls",
    "h10_shared_table": "threads share the numbers of descriptors",
    "h2_exit_group": "threads call until they are killed",
    "h2_fair": "a thread counts what others do meanwhile",
    "h2_fork_tree": "a parent may end before its children have been told of",
    "h2_killed_children": "children are killed in the middle",
    "h2_leader_exits": "a thread waits for another one's end in /proc, again and again",
    "h2_threads": "1,000 threads share descriptors and heaps",
    "h3_exec_fork": "threads fork while another one executes",
    "h3_exec_threads": "threads are ended by another one's execve",
    "h4_ignored": "ignored signals come while calls wait",
    "h4_restart_syscall": "signals come while calls wait, which then wait for the rest of their time",
    "h4_stop_continue": "tasks stop each other",
    "h4_timers": "timers expire as often as the time allows",
    "h4_unbegun": "signals come before tasks have begun",
    "h5_keys": "keys are typed until the terminal's foreground has changed",
    "h5_orphans": "a session's tasks get signals and errors as its leader ends",
    "h6_wait_options": "children are killed while they start",
    "h6_wait_thread": "threads wait for each other's children",
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
# Waiting for each other, ends of calls that waited, and the C library's memory, which other threads may have enough of.
OF_PACE = {
    "pause",
    "futex",
    "restart_syscall",
    "rt_sigreturn",
    "sched_yield",
    "clock_nanosleep",
    "brk",
    "mmap",
    "mprotect",
    "munmap",
    "madvise",
}
CALL = re.compile(r'"call":\s?"(\w+)"')
# When it was, how it came to us, and what is left of the time that it waited.
FREE = {"time", "duration", "channel"}
NUMBER = re.compile(r"\b\d+\b")
# Where tasks wait for each other, chance may have more than one look to come with.
TRIES = 4
# linux/errno.h: ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK
RESTARTED = {-512, -513, -514, -516}
RESUMES = -516
MARKED = re.compile(r"<([a-z.\d]+)\|(\d+)>")
MARKED_OR_NUMBER = re.compile(r"<([a-z.\d]+)\|(\d+)>|\b(\d+)\b")
GATE_CODE = re.compile(r'"0x7c[01][0-9a-f]{5}"')
MAKERS = {"fork", "vfork", "clone", "clone3"}

Histories = dict[str, list[str]]


def log(words: list[str], mode: tuple[str, ...], directory: Path) -> str:
    """The events of a run whose addresses are the same each time."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    trace = directory.parent / "events"
    command = ["setarch", "-R", *COMMAND, "trace", "--format", "jsonl", "-o", str(trace), *mode, "--", *words]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONHASHSEED": "0", "PICOBOX_GATE": "64"}
    done = subprocess.run(
        command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return trace.read_text()


def tasks_of(events: list[dict[str, Any]]) -> dict[int, str]:
    """A name for each task that is the same in each run: whose child it is, and which."""
    names, children = {events[0]["tid"]: "task"}, Counter[int]()
    for event in events:
        result = event.get("result")
        if event.get("call") in MAKERS and result is not None and result > 0:
            children[event["tid"]] += 1
            names[result] = f"{names.get(event['tid'], 'somebody')}.{children[event['tid']]}"
    return names


def is_of_chance(event: dict[str, Any]) -> bool:
    """Whether another task's pace or a signal's moment decides that there is such an event, whatever is done about it.

    Who takes a lock or joins a thread makes no futex call if the other one has been faster, and a call that a signal
    has made begin anew is told once more each time. A parent that ends before its child gets no SIGCHLD.
    """
    return event.get("call") == "futex" or event.get("signal") == "SIGCHLD" or event.get("result") in RESTARTED


class Descriptors:
    """Which descriptors of a task are of /proc, where states, times and the gate's own mappings are to be read."""

    def __init__(self) -> None:
        """None at first."""
        self._of_proc: set[tuple[int, int]] = set()

    def reads_proc(self, event: dict[str, Any]) -> bool:
        """Whether the call reads there: how much comes, and so how many such calls there are, is of chance."""
        call, args = event.get("call"), event.get("args", ())
        result = event.get("result")
        if call in {"open", "openat"} and result is not None and result >= 0:
            path = str(args[call == "openat"]["value"])
            change = self._of_proc.add if path.startswith("/proc/") else self._of_proc.discard
            change((event["tid"], result))
        return call in {"read", "pread64"} and args and (event["tid"], args[0]["value"]) in self._of_proc


class Resumed:
    """Calls that a stop has ended for a while: the kernel goes on with them by restart_syscall(2)."""

    def __init__(self) -> None:
        """None at first."""
        self._begun: dict[int, dict[str, Any]] = {}

    def whole(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event, of a resumed call what has been resumed with the result that it has got."""
        if event.get("result") == RESUMES and event["call"] != "restart_syscall":
            self._begun[event["tid"]] = event
        if event.get("call") != "restart_syscall" or event["tid"] not in self._begun:
            return event
        return {**self._begun[event["tid"]], **{name: event[name] for name in ("result", "errno")}}


def marked(number: str, names: dict[str, str]) -> str:
    """A number, with the name of the task whose it may be: it may be a size as well."""
    return f"<{names[number]}|{number}>" if number in names else number


def are_same(one: str, other: str) -> bool:
    """Whether two events are: a number is the same one, or the same task's."""
    if MARKED_OR_NUMBER.sub("#", one) != MARKED_OR_NUMBER.sub("#", other):
        return False
    pairs = zip(MARKED_OR_NUMBER.finditer(one), MARKED_OR_NUMBER.finditer(other), strict=True)
    return all(
        (mine[1] is not None and mine[1] == theirs[1]) or (mine[2] or mine[3]) == (theirs[2] or theirs[3])
        for mine, theirs in pairs
    )


def histories(text: str) -> Histories:
    """What each task did, in its order; between tasks there is none."""
    events = [json.loads(line) for line in text.splitlines()]
    names = tasks_of(events)
    words = {str(tid): name for tid, name in names.items()}
    descriptors, resumed = Descriptors(), Resumed()
    found = defaultdict(list)
    for each in events:
        event = resumed.whole(each)
        task = names.get(event["tid"], "somebody")
        if is_of_chance(event) or descriptors.reads_proc(event):
            continue
        if event["kind"] == "signal":
            # Between which calls one comes is free, too.
            found[f"signals of {task}"].append(json.dumps({"kind": "signal", "call": event["signal"]}))
            continue
        kept = {name: value for name, value in event.items() if name not in FREE}
        found[task].append(NUMBER.sub(lambda match: marked(match.group(), words), json.dumps(kept)))
    # Two signals of a kind may be one.
    return {task: sorted(set(events)) if task.startswith("signals") else events for task, events in found.items()}


def call_of(event: str) -> object:
    """What is left of an event that chance has had a part in."""
    found = json.loads(MARKED.sub(r"\2", event))
    return found["kind"], found.get("call")


def without_leftovers(changed: str, event: str) -> tuple[str, str]:
    """Both without the arguments that are addresses of the gate's code in the first one.

    After a call rcx has where it returned to, and programs pass it on as an argument that the next one does not have.
    """
    if not GATE_CODE.search(changed) or not event:
        return changed, event
    both = [json.loads(MARKED.sub("0", each)) for each in (changed, event)]
    for new, old in list(zip(both[0].get("args", ()), both[1].get("args", ()), strict=False)):
        if GATE_CODE.search(json.dumps(new)):
            new |= {"value": 0, "text": ""}
            old |= {"value": 0, "text": ""}
    return json.dumps(both[0]), json.dumps(both[1])


def differing(one: Histories, other: Histories, again: Histories | None = None) -> list[tuple[str, str, str]]:
    """The first event of each task that is not the same.

    `again`: a second run in one's mode. An event that differs there too, a time that was asked for say, need only be of
    the same call, and a task whose number of events does tells nothing.
    """
    found, again = [], one if again is None else again
    for task in sorted({*one, *other, *again}):
        first, second, third = (history.get(task, []) for history in (one, other, again))
        if len(first) != len(third):
            continue
        for event, repeated, changed in zip_longest(first, third, second, fillvalue=""):
            new, old = without_leftovers(changed, event)
            if are_same(new, old):
                continue
            if are_same(event, repeated) or not changed or call_of(changed) != call_of(event):
                found.append((task, event, changed))
                break
    return found


def differing_modes(
    words: list[str], directory: Path, modes: tuple[tuple[str, ...], ...]
) -> tuple[bool, list[tuple[tuple[str, ...], object]]]:
    """Whether a program's runs tell anything, and what is not the same in them."""
    stops, again = (histories(log(words, NO_FAST, directory)) for _ in range(2))
    found: list[tuple[tuple[str, ...], object]] = []
    for mode in modes:
        for attempt in range(TRIES):
            if attempt:
                stops, again = (histories(log(words, NO_FAST, directory)) for _ in range(2))
            each = differing(stops, histories(log(words, mode, directory)), again)
            if not each:
                break
        found += [(mode, event) for event in each]
    return {task: len(events) for task, events in stops.items()} == {
        task: len(events) for task, events in again.items()
    }, found


def calls_made(text: str) -> set[str]:
    """The kinds of calls that were made by anybody."""
    return set(CALL.findall(text)) - OF_PACE


def differing_calls(name: str, directory: Path, modes: tuple[tuple[str, ...], ...]) -> dict[tuple[str, ...], set[str]]:
    """The kinds of calls that one of the modes tells, and stops do not, or the other way round."""
    words = [str(compile_program(name))]
    stops, found = calls_made(log(words, NO_FAST, directory)), {}
    for mode in modes:
        for attempt in range(TRIES):
            if attempt:
                stops = calls_made(log(words, NO_FAST, directory))
            found[mode] = stops ^ calls_made(log(words, mode, directory))
            if not found[mode]:
                break
    return {mode: calls for mode, calls in found.items() if calls}


@pytest.mark.parametrize("name", sorted(FAST))
def test_events_are_the_same_in_each_mode(name: str, tmp_path: Path) -> None:
    assert differing_modes([str(compile_program(name))], tmp_path / "run", (GATED, NO_GATE)) == (True, [])


def test_an_open_that_has_broken_a_lease_is_made_once(tmp_path: Path) -> None:
    """The program fails if it is made again and succeeds."""
    words = [str(compile_program("e16_leases"))]
    for mode in (GATED, EVERY_SITE, NO_GATE, NO_FAST):
        assert "openat" in calls_made(log(words, mode, tmp_path / "run"))


@pytest.mark.parametrize("name", sorted(REAL))
def test_events_of_real_programs(name: str, tmp_path: Path) -> None:
    assert differing_modes(REAL[name], tmp_path / "run", (GATED, NO_GATE))[1] == []


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted({*program_names()} - {*PACED}))
def test_events_of_every_program(name: str, tmp_path: Path) -> None:
    words = [str(compile_program(name))]
    assert differing_modes(words, tmp_path / "run", (GATED, EVERY_SITE, NO_GATE))[1] == []


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(PACED))
def test_calls_of_programs_that_race(name: str, tmp_path: Path) -> None:
    assert differing_calls(name, tmp_path / "run", (GATED, EVERY_SITE, NO_GATE)) == {}


def test_programs_that_race_are_programs() -> None:
    assert {*PACED} - {*program_names()} == set()
    assert not {*PACED} & FAST


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


def test_a_resumed_call_is_told_once() -> None:
    call = {"kind": "call", "tid": 7, "call": "poll", "result": 1, "errno": None, "args": []}
    begun, resumed = (json.dumps({**call, **other}) for other in ({"result": -516}, {"call": "restart_syscall"}))
    assert differing(histories(json.dumps(call)), histories(f"{begun}\n{resumed}")) == []
    assert differing(histories(json.dumps(call)), histories(begun)) != []


def test_a_call_that_is_missing_is_seen() -> None:
    event = {"kind": "call", "tid": 7, "call": "getppid", "result": 1, "time": 1.5, "channel": "gate", "duration": 0.1}
    line = json.dumps(event)
    other = json.dumps({**event, "tid": 8, "time": 2.5, "channel": "trace", "duration": None})
    assert differing(histories(line), histories(other)) == []
    assert differing(histories(line), histories(f"{other}\n{other}")) != []
    assert differing(histories(line), histories(other.replace('"result": 1', '"result": 2'))) != []
