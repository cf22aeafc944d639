"""What the executive and the folded index cost by themselves, measured in this process without any guest."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from itertools import cycle, repeat
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, cast

from bench.results import Cell, Figure
from bench.runner import progress

if TYPE_CHECKING:
    from pathlib import Path

    from bench.inputs import Scale
    from ntshim.nt import NtServices
    from ntshim.ps.process import Host, Process

# Short ones: a batch within one slice of the scheduler is not interrupted by others.
BATCHES = 101
COLUMN = "executive"

FOLDED_WARM = "folded-lookup-warm"
FOLDED_COLD = "folded-lookup-cold"
NAMESPACE_OPEN = "namespace-open"
HANDLE_LOOKUP = "handle-lookup"
SHARE_CHECK = "share-check"


class MeasureError(Exception):
    """An operation gave another answer than the one that its figure is about."""


class Operation(NamedTuple):
    """What is done again and again, and what is done untimed after each batch."""

    run: Callable[[], object]
    after: Callable[[], None] = lambda: None


Maker = Callable[["Path", "Scale"], AbstractContextManager[Operation]]


@contextlib.contextmanager
def directory_of_names(directory: Path, names: int) -> Iterator[int]:
    """An open directory that holds so many empty files, `Name-00000.Txt` and so on."""
    root = directory / "names"
    root.mkdir(exist_ok=True)
    for number in range(names):
        (root / stored_name(number)).touch()
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def stored_name(number: int) -> str:
    """How a name is stored; it is asked for in capitals."""
    return f"Name-{number:05}.Txt"


@contextlib.contextmanager
def folded_warm(directory: Path, scale: Scale) -> Generator[Operation]:
    """Names in another case, each in its turn, in a directory that is known and has not changed."""
    from ntshim.fs.view import Found
    from picobox.platform.names import NativeIndex

    with directory_of_names(directory, scale.names) as fd:
        index = NativeIndex()
        asked = [stored_name(number).upper().encode() for number in range(scale.names)]
        if any(index.look_up(fd, name).found is not Found.FOLDED for name in asked):
            raise MeasureError("a name was not found in its other case")
        listings = index.statistics().listings
        look_up, following = index.look_up, cycle(asked).__next__
        yield Operation(lambda: look_up(fd, following()))
        if index.statistics().listings != listings:
            raise MeasureError("the directory was read again")


@contextlib.contextmanager
def folded_cold(directory: Path, scale: Scale) -> Generator[Operation]:
    """A name in another case in a directory that must be read first."""
    from picobox.platform.names import NativeIndex

    with directory_of_names(directory, scale.names) as fd:
        index = NativeIndex()
        name = stored_name(scale.names // 2).upper().encode()
        listings = index.statistics().listings
        done = 0

        def look() -> None:
            nonlocal done
            index.forget(fd)
            index.look_up(fd, name)
            done += 1

        yield Operation(look)
        if index.statistics().listings != listings + done:
            raise MeasureError("a look-up did not read the directory")


def new_caller() -> tuple[NtServices, Process]:
    """The services of an executive whose host is never asked, since nothing runs, and a process that calls them."""
    from ntshim.nt import NtServices
    from ntshim.ps.executive import Executive

    executive = Executive(cast("Host", None))
    return NtServices(executive), executive.create_minimal_process("bench")


@contextlib.contextmanager
def namespace_open(_directory: Path, _scale: Scale) -> Generator[Operation]:
    """NtOpenEvent of an absolute name of three components; the handles are closed after each batch."""
    from ntshim.ke.event import EVENT_QUERY_STATE, NOTIFICATION_EVENT
    from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes

    nt, caller = new_caller()
    nt.NtCreateDirectoryObject(caller, 0, ObjectAttributes(r"\BaseNamedObjects\Bench"))
    name = ObjectAttributes(r"\BaseNamedObjects\Bench\Event", attributes=OBJ_CASE_INSENSITIVE)
    nt.NtCreateEvent(caller, EVENT_QUERY_STATE, name, NOTIFICATION_EVENT)
    opened: list[int] = []

    def close() -> None:
        for handle in opened:
            nt.NtClose(caller, handle)
        opened.clear()

    yield Operation(lambda: opened.append(nt.NtOpenEvent(caller, EVENT_QUERY_STATE, name)), close)


@contextlib.contextmanager
def handle_lookup(_directory: Path, _scale: Scale) -> Generator[Operation]:
    """NtQueryEvent by one handle of a thousand."""
    from ntshim.ke.event import EVENT_QUERY_STATE, NOTIFICATION_EVENT
    from ntshim.ob.attributes import ObjectAttributes

    nt, caller = new_caller()
    handles = [
        nt.NtCreateEvent(caller, EVENT_QUERY_STATE, ObjectAttributes(), NOTIFICATION_EVENT).handle for _ in range(1000)
    ]
    following = cycle(handles).__next__
    yield Operation(lambda: nt.NtQueryEvent(caller, following()))


@contextlib.contextmanager
def share_check(_directory: Path, _scale: Scale) -> Generator[Operation]:
    """An open to read, write and delete that joins others which all share: each of the six conditions is tested."""
    from ntshim.io.share import FILE_SHARE_ALL, VISIBLE, ShareAccess

    share = ShareAccess()
    for _ in range(3):
        share.add(VISIBLE, FILE_SHARE_ALL)
    if not share.allows(VISIBLE, FILE_SHARE_ALL) or share.allows(VISIBLE, 0):
        raise MeasureError("the share rule has changed")
    yield Operation(lambda: share.allows(VISIBLE, FILE_SHARE_ALL))


FIGURES: dict[str, tuple[str, Maker]] = {
    FOLDED_WARM: ("a name in another case, its directory known and unchanged, check for changes included", folded_warm),
    FOLDED_COLD: ("the same after the directory was forgotten: it is read again", folded_cold),
    NAMESPACE_OPEN: ("NtOpenEvent of a name of three components", namespace_open),
    HANDLE_LOOKUP: ("NtQueryEvent by handle", handle_lookup),
    SHARE_CHECK: ("whether an open may join three others", share_check),
}


@contextlib.contextmanager
def own_garbage_only() -> Iterator[None]:
    """While it lasts, the collector runs as ever but looks at nothing that was there before."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def time_batch(operation: Operation, count: int) -> float:
    """The seconds that one operation of a batch of `count` takes, on average."""
    run = operation.run
    start = perf_counter()
    for _ in repeat(None, count):
        run()
    spent = perf_counter() - start
    operation.after()
    return spent / count


def time_batches(operation: Operation, budget_s: float) -> list[float]:
    """Seconds an operation in each of many batches that take about the budget together."""
    count = 1
    while (each := time_batch(operation, count)) * count < budget_s / BATCHES / 4:
        count *= 2
    count = max(1, round(budget_s / BATCHES / each))
    return [time_batch(operation, count) for _ in range(BATCHES)]


def measure(directory: Path, scale: Scale, missing: str | None) -> list[Figure]:
    """Every figure; `missing` is the reason why this Python has no executive to measure, if so."""
    figures = []
    for name, (what, make) in FIGURES.items():
        progress(f"{COLUMN}: {name}")
        cell = Cell(missing=missing)
        if missing is None:
            try:
                with make(directory, scale) as operation, own_garbage_only():
                    cell.samples = time_batches(operation, scale.budget_ms / 1000)
            except (MeasureError, OSError) as error:
                cell.failed = str(error)
        figures.append(Figure(name, what, cell))
    progress("")
    return figures
