"""Issue 7: a program's events are the same with the gate, without it, and without the notify channel."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
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
FAST = {"h3_exec_state", "h7_registers", "h10_dup", "h10_close_range", "h3_shebang"}
# When it was, how it came to us, and what is left of the time that it waited.
FREE = {"time", "duration", "channel"}
NUMBER = re.compile(r"\b\d+\b")
# Where tasks wait for each other, chance may have more than one look to come with.
TRIES = 4
# linux/errno.h: ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK
RESTARTED = {-512, -513, -514, -516}
GATE_CODE = re.compile(r'"0x7c[01][0-9a-f]{5}"')
MAKERS = {"fork", "vfork", "clone", "clone3"}

Histories = dict[str, list[str]]


def log(words: list[str], mode: tuple[str, ...], directory: Path) -> str:
    """The events of a run whose addresses are the same each time."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    trace = directory.parent / "events"
    command = ["setarch", "-R", *COMMAND, "trace", "--format", "jsonl", "-o", str(trace), *mode, "--", *words]
    environment = {**os.environ, "LC_ALL": "C", "PICOBOX_GATE": "64"}
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
    has made begin anew is told once more each time.
    """
    return event.get("call") == "futex" or event.get("result") in RESTARTED


def histories(text: str) -> Histories:
    """What each task did, in its order; between tasks there is none."""
    events = [json.loads(line) for line in text.splitlines()]
    names = tasks_of(events)
    words = {str(tid): name for tid, name in names.items()}
    found = defaultdict(list)
    for event in events:
        task = names.get(event["tid"], "somebody")
        if event["kind"] == "signal":
            # Between which calls one comes is free, too.
            found[f"signals of {task}"].append(json.dumps({"kind": "signal", "call": event["signal"]}))
            continue
        if is_of_chance(event):
            continue
        kept = {name: value for name, value in event.items() if name not in FREE}
        found[task].append(NUMBER.sub(lambda match: words.get(match.group(), match.group()), json.dumps(kept)))
    # Two signals of a kind may be one.
    return {task: sorted(set(events)) if task.startswith("signals") else events for task, events in found.items()}


def call_of(event: str) -> object:
    """What is left of an event that chance has had a part in."""
    found = json.loads(re.sub(r"task[.\d]*", "0", event))
    return found["kind"], found.get("call")


def without_leftovers(changed: str, event: str) -> tuple[str, str]:
    """Both without the arguments that are addresses of the gate's code in the first one.

    After a call rcx has where it returned to, and programs pass it on as an argument that the next one does not have.
    """
    if not GATE_CODE.search(changed) or not event:
        return changed, event
    both = [json.loads(re.sub(r"task[.\d]*", "0", each)) for each in (changed, event)]
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
            if new != old and (event == repeated or not changed or call_of(changed) != call_of(event)):
                found.append((task, event, changed))
                break
    return found


def differing_modes(
    name: str, directory: Path, modes: tuple[tuple[str, ...], ...]
) -> tuple[bool, list[tuple[str, tuple[str, ...], object]]]:
    """Whether a program's runs tell anything, and what is not the same in them."""
    words = [str(compile_program(name))]
    stops, again = (histories(log(words, NO_FAST, directory)) for _ in range(2))
    found: list[tuple[str, tuple[str, ...], object]] = []
    for mode in modes:
        for _ in range(TRIES):
            each = differing(stops, histories(log(words, mode, directory)), again)
            if not each:
                break
        found += [(name, mode, event) for event in each]
    return {task: len(events) for task, events in stops.items()} == {
        task: len(events) for task, events in again.items()
    }, found


@pytest.mark.parametrize("name", sorted(FAST))
def test_events_are_the_same_in_each_mode(name: str, tmp_path: Path) -> None:
    assert differing_modes(name, tmp_path / "run", (GATED, NO_GATE)) == (True, [])


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", program_names())
def test_events_of_every_program(name: str, tmp_path: Path) -> None:
    assert differing_modes(name, tmp_path / "run", (GATED, EVERY_SITE, NO_GATE))[1] == []


def test_only_what_chance_decides_on_is_left_out() -> None:
    call = {"kind": "call", "tid": 7, "call": "read", "result": 1, "time": 1.5, "channel": "gate", "duration": 0.1}
    once, lock, anew = (json.dumps({**call, **other}) for other in ({}, {"call": "futex"}, {"result": -512}))
    assert differing(histories(once), histories(f"{lock}\n{anew}\n{once}\n{lock}")) == []
    failed = json.dumps({**call, "result": -4})
    assert differing(histories(once), histories(f"{once}\n{failed}")) != []


def test_a_call_that_is_missing_is_seen() -> None:
    event = {"kind": "call", "tid": 7, "call": "getppid", "result": 1, "time": 1.5, "channel": "gate", "duration": 0.1}
    line = json.dumps(event)
    other = json.dumps({**event, "tid": 8, "time": 2.5, "channel": "trace", "duration": None})
    assert differing(histories(line), histories(other)) == []
    assert differing(histories(line), histories(f"{other}\n{other}")) != []
    assert differing(histories(line), histories(other.replace('"result": 1', '"result": 2'))) != []
