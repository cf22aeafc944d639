"""Owns the comparison of two traces of a program: event by event of each task, as between tasks there is no order."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter, defaultdict
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from .command import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# When it was, how it came to us, and what is left of the time that it waited.
FREE = {"time", "duration", "channel"}
NUMBER = re.compile(r"\b\d+\b")
# linux/errno.h: ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK
RESTARTED = {-512, -513, -514, -516}
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


def events_of(text: str) -> list[dict[str, Any]]:
    """The events of a trace."""
    return [json.loads(line) for line in text.splitlines()]


def tasks_of(events: list[dict[str, Any]]) -> dict[int, str]:
    """A name for each task that is the same in each run: whose child it is, and which.

    A child may be quicker with its own children than its creator's call is over.
    """
    makers, counts = dict[int, tuple[int, int]](), Counter[int]()
    for event in events:
        result = event.get("result")
        if event.get("call") in MAKERS and result is not None and result > 0:
            counts[event["tid"]] += 1
            makers[result] = event["tid"], counts[event["tid"]]
    names = {events[0]["tid"]: "task"}
    for tid in makers:
        way = [tid]
        while way[-1] not in names and makers.get(way[-1], (way[0],))[0] not in way:
            way.append(makers[way[-1]][0])
        for child in reversed(way):
            maker, count = makers.get(child, (0, 0))
            names.setdefault(child, f"{names.get(maker, 'somebody')}.{count}")
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


def told_events(events: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each event that does not depend on chance, with the name of its task."""
    names, descriptors = tasks_of(events), Descriptors()
    for event in events:
        if not is_of_chance(event) and not descriptors.reads_proc(event):
            yield names.get(event["tid"], "somebody"), event


def histories(text: str) -> Histories:
    """What each task did, in its order; between tasks there is none."""
    events = events_of(text)
    words = {str(tid): name for tid, name in tasks_of(events).items()}
    found = defaultdict(list)
    for task, event in told_events(events):
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
