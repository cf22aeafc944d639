"""Compares runs of programs that race: what each task did, without what chance decides."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from .histories import events_of, told_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Waiting for each other, ends of calls that waited, and the C library's memory, which other threads may have enough of.
OF_PACE = {
    "pause",
    "futex",
    "restart_syscall",
    "sched_yield",
    "clock_nanosleep",
    "brk",
    "mmap",
    "mprotect",
    "munmap",
    "madvise",
    # Its result is what the interrupted call has said, whichever that was.
    "rt_sigreturn",
}
ENDS = {"exit", "exit_group"}
# Who closes the descriptor meanwhile decides whether there is a handle to copy.
COPIES = {"dup", "dup2", "dup3", "fcntl"}
# The first object of an IPC namespace has the identifier 0, which says no more than another number.
IDENTIFIES = {"msgget", "semget", "shmget"}
# Loops of so many calls are told once.
LONGEST_LOOP = 12
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"(?:\.\.\.)?|0x[0-9a-f]+|\d+')
_TIMES = re.compile(r'"(?:time|duration)":[^,]*,')

Shapes = dict[str, frozenset[tuple[str, ...]]]


def shape_of(event: dict[str, Any]) -> str:
    """What is left of an event without numbers and texts, but for how it ended."""
    if event["kind"] != "call":
        return " ".join(str(event.get(name)) for name in ("kind", "signal", "status", "core"))
    arguments = ", ".join(_LITERAL.sub("#", argument["text"]) for argument in event["args"])
    has_more = (event["result"] or 0) > 0 or event["call"] in IDENTIFIES
    nt = dict(event["nt"] or {})
    status = (nt.get("status") or {}).get("name")
    if event["call"] in COPIES:
        nt["performed"] = None
    return (
        f"{event['call']}({arguments}) = {event['errno'] or has_more}, {event['disposition']}, "
        f"{nt.get('service')} {nt.get('performed')} {status}"
    )


def is_of_pace(event: dict[str, Any]) -> bool:
    """Whether chance decides that there is such an event: how long one had to wait, or which call a kill has ended."""
    if event["kind"] != "call":
        return False
    return event["call"] in OF_PACE or (event["result"] is None and event["call"] not in ENDS)


def collapsed(shapes: Iterable[str]) -> tuple[str, ...]:
    """What is repeated at once stands there once."""
    left = list(shapes)
    for length in range(1, LONGEST_LOOP + 1):
        found: list[str] = []
        for shape in left:
            found.append(shape)
            if found[-length:] == found[-2 * length : -length]:
                del found[-length:]
        left = found
    return tuple(left)


def in_order(text: str) -> Shapes:
    """Of each task what it did in its order, and whatever it repeats once."""
    return {task: frozenset([collapsed(shapes)]) for task, shapes in _by_name(text, str).items()}


def of_tasks(text: str) -> Shapes:
    """Of each task what it ever did."""
    return {task: frozenset((shape,) for shape in shapes) for task, shapes in _by_name(text, str).items()}


def of_kin(text: str) -> Shapes:
    """What each generation ever did, where chance decides which of several tasks does something.

    Who was made by a call that a kill has ended does what others of its kind do.
    """
    return {
        kin: frozenset((shape,) for shape in shapes)
        for kin, shapes in _by_name(text, lambda task: re.sub(r"\.\d+", ".*", task)).items()
        if "somebody" not in kin
    }


def of_many_kin(text: str) -> Shapes:
    """The same of millions of events, which each task repeats."""
    return of_kin("\n".join({_TIMES.sub("", line): line for line in text.splitlines()}.values()))


def _by_name(text: str, name_of: Callable[[str], str]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for task, event in told_events(events_of(text)):
        if not is_of_pace(event):
            is_signal = event["kind"] == "signal"
            found[f"{'signals of ' if is_signal else ''}{name_of(task)}"].append(shape_of(event))
    return {task: sorted({*shapes}) if task.startswith("signals") else shapes for task, shapes in found.items()}


def untold(one: list[Shapes], other: list[Shapes], races: str) -> list[tuple[str, str]]:
    """What a task did in one mode and in no run of the other one, unless it is one of the program's races."""
    found = []
    for task in sorted({task for shapes in one for task in shapes}):
        known: set[tuple[str, ...]] = set().union(*(shapes.get(task, frozenset()) for shapes in other))
        told: set[tuple[str, ...]] = set().union(*(shapes.get(task, frozenset()) for shapes in one))
        found += [(task, "; ".join(history)) for history in sorted(told - known) if not re.match(races, history[0])]
    return found
