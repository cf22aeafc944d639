"""What operations on objects cost among a million handles and names against a thousand, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.executive import COLUMN, new_caller
from bench.memory import status_bytes
from bench.results import Cell, Figure, Weight
from bench.runner import environment, progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.inputs import Scale
    from ntshim.nt import NtServices
    from ntshim.ob.attributes import ObjectAttributes
    from ntshim.ps.process import Process

OPERATIONS = ("create", "open", "query", "duplicate", "list", "close", "close the last")
OBJECTS = "handles and named objects"
BATCH = 200
ROUNDS = 101
TIMEOUT_S = 900.0


class Crowd(NamedTuple):
    """A directory of named events, each with a handle of the caller."""

    nt: NtServices
    caller: Process
    size: int
    directory: int
    handles: list[int]
    names: list[ObjectAttributes]


def make_crowd(count: int) -> Crowd:
    """Names and opens so many events; BATCH of them, spread evenly, are those that operations meet."""
    from ntshim.ke.event import NOTIFICATION_EVENT
    from ntshim.ob.attributes import ObjectAttributes
    from ntshim.ob.directory import DIRECTORY

    nt, caller = new_caller()
    all_access = DIRECTORY.valid_mask
    directory = nt.NtCreateDirectoryObject(caller, all_access, ObjectAttributes(r"\BaseNamedObjects\Crowd")).handle
    step = count // BATCH
    handles, names = [], []
    for number in range(count):
        name = event_name(number)
        handle = nt.NtCreateEvent(caller, 0x1F0003, name, NOTIFICATION_EVENT).handle
        if number % step == 0:
            handles.append(handle)
            names.append(name)
    return Crowd(nt, caller, count, directory, handles, names)


def event_name(number: int) -> ObjectAttributes:
    """The name of an event, without regard to case."""
    from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes

    return ObjectAttributes(rf"\BaseNamedObjects\Crowd\Event-{number:08}", attributes=OBJ_CASE_INSENSITIVE)


def timed(routine: Callable[[Any], Any], arguments: list[Any]) -> tuple[float, list[Any]]:
    """The seconds that a call takes on average, and the answers."""
    start = perf_counter()
    answers = [routine(argument) for argument in arguments]
    return (perf_counter() - start) / len(arguments), answers


def one_round(crowd: Crowd, fresh: list[ObjectAttributes]) -> dict[str, float]:
    """Seconds an operation: each is done to BATCH objects, and the crowd is afterwards as before."""
    from ntshim.ke.event import NOTIFICATION_EVENT
    from ntshim.ob.handles import CURRENT_PROCESS, DUPLICATE_SAME_ACCESS

    nt, caller, _, directory, handles, names = crowd
    spent: dict[str, float] = {}
    spent["create"], made = timed(lambda name: nt.NtCreateEvent(caller, 0x1F0003, name, NOTIFICATION_EVENT), fresh)
    spent["open"], opened = timed(lambda name: nt.NtOpenEvent(caller, 0x1F0003, name), names)
    spent["query"], _ = timed(lambda handle: nt.NtQueryEvent(caller, handle), handles)
    spent["duplicate"], copies = timed(
        lambda handle: nt.NtDuplicateObject(
            caller, CURRENT_PROCESS, handle, CURRENT_PROCESS, 0, 0, DUPLICATE_SAME_ACCESS
        ),
        handles,
    )
    spent["list"], _ = timed(
        lambda index: nt.NtQueryDirectoryObject(caller, directory, 4096, return_single_entry=True, context=index),
        list(range(crowd.size - len(handles), crowd.size)),
    )
    spent["close"], _ = timed(lambda handle: nt.NtClose(caller, handle), opened + copies)
    spent["close the last"], _ = timed(lambda answer: nt.NtClose(caller, answer.handle), made)
    return spent


def compare(counts: tuple[int, int]) -> dict[str, Any]:
    """Makes both crowds and times them in turn; gives the samples of each operation, and the memory in bytes."""
    resident, crowds = [], []
    for count in counts:
        crowds.append(make_crowd(count))
        resident.append((count, status_bytes_of_self("VmRSS")))
    fresh = [event_name(counts[1] + number) for number in range(BATCH)]
    samples: dict[str, tuple[list[float], list[float]]] = {}
    for _ in range(ROUNDS):
        for which, crowd in enumerate(crowds):
            for operation, spent in one_round(crowd, fresh).items():
                samples.setdefault(operation, ([], []))[which].append(spent)
    return {"samples": samples, "resident": resident, "peak": status_bytes_of_self("VmHWM")}


def status_bytes_of_self(key: str) -> int:
    """A size of this process."""
    return status_bytes(os.getpid(), key)


def figure_name(operation: str, count: int) -> str:
    """The name of a figure."""
    return f"{operation} among {count:,}"


def measure(directory: Path, scale: Scale, missing: str | None) -> tuple[list[Figure], Weight]:
    """The figures of each operation in both crowds, and the memory that both take together."""
    weight = Weight(COLUMN, OBJECTS, scale.crowds, missing=missing)
    if missing is not None:
        return [], weight
    progress(f"{COLUMN}: {scale.crowds[1]:,} {OBJECTS}")
    command = [sys.executable, "-m", "bench.crowd", *map(str, scale.crowds)]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[1],
        env=environment(directory),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    progress("")
    if done.returncode:
        weight.failed = f"status {done.returncode}: {done.stderr.strip()[-200:]}"
        return [], weight
    found = json.loads(done.stdout)
    weight.resident = [(count, resident) for count, resident in found["resident"]]
    weight.peak = found["peak"]
    figures = [
        Figure(figure_name(operation, count), f"the operation `{operation}` on an event", Cell(samples=samples))
        for operation, both in found["samples"].items()
        for count, samples in zip(scale.crowds, both, strict=True)
    ]
    return figures, weight


if __name__ == "__main__":
    print(json.dumps(compare((int(sys.argv[1]), int(sys.argv[2])))))
