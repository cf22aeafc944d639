"""Runs rows under columns, interleaved run by run, and collects one sample from each run."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, NamedTuple

from bench.columns import Column
from bench.results import Cell, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

TIMEOUT_S = 300.0
PROBE_TIMEOUT_S = 30.0
NATIVE = Column("native", ())


class RunError(Exception):
    """A run failed or returned nonsense; the text says which."""


@dataclass(frozen=True)
class Row:
    """One benchmark: a command, how its time is taken, and what must come out of it.

    `clock` is "program" when the command prints its own time as a JSON line (`ns`), "wall" when we time it whole.
    `reset` runs before each run, untimed. `made` is a file that the command must have made.
    `parallel` rows need more than one CPU and are never pinned. `only` names the columns that can run the row at all.
    """

    name: str
    what: str
    kind: str
    command: tuple[str, ...]
    directory: Path
    clock: str = "wall"
    needs: tuple[str, ...] = ()
    reset: Callable[[], None] | None = None
    made: Path | None = None
    parallel: bool = False
    only: tuple[str, ...] = ()

    def suits(self, column: str) -> bool:
        """Whether a column can run the row at all."""
        return not self.only or column in self.only

    def missing(self) -> str | None:
        """The reason why the row cannot run on this machine at all."""
        absent = [program for program in self.needs if shutil.which(program) is None]
        return f"{', '.join(absent)} not installed" if absent else None


class Manner(NamedTuple):
    """How often each cell is run, whether on one CPU, and after how many seconds a run counts as hung."""

    rounds: int
    pin: bool
    timeout_s: float


def environment(home: Path) -> dict[str, str]:
    """The environment of every run: nothing of the user's that changes what a program does."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


@contextlib.contextmanager
def pinned_to_one_cpu(wanted: bool) -> Iterator[None]:
    """While it lasts, this process and all that it starts stay on one CPU."""
    before = os.sched_getaffinity(0)
    if wanted:
        os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wait_until(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Waits for the end of a process without polling, which would round its time; kills its group when late."""
    pidfd = os.pidfd_open(process.pid)
    ready: list[int] = []
    try:
        ready, _, _ = select.select([pidfd], [], [], timeout_s)
    finally:
        os.close(pidfd)
        if not ready:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if not ready:
        raise RunError(f"no end after {timeout_s:.0f} s")


def nothing(directory: Path) -> IO[bytes]:
    """An empty file as standard input: runsc gives its own away (fchown), which /dev/null should not be."""
    path = directory / "stdin"
    path.touch()
    return path.open("rb")


def last_line(path: Path) -> str:
    """The last line that a run wrote on stderr."""
    said = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return said[-1] if said else "nothing on stderr"


def run(command: Sequence[str], directory: Path, timeout_s: float) -> tuple[float, bytes]:
    """Runs a command with its output in files; returns wall seconds and stdout, raises RunError on any failure."""
    out, err = directory.parent / "stdout", directory.parent / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr, nothing(directory.parent) as stdin:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment(directory),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        wait_until(process, timeout_s)
        spent = time.perf_counter() - start
    if process.returncode != 0:
        raise RunError(f"status {process.returncode}: {last_line(err)}")
    return spent, out.read_bytes()


def seconds_printed(output: bytes) -> float:
    """The time in the JSON line that a program printed, in seconds; raises RunError on nonsense."""
    try:
        record = json.loads(output)
        nanoseconds, iterations = float(record["ns"]), int(record["iterations"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"no time printed: {output[:80]!r}") from error
    if not math.isfinite(nanoseconds) or nanoseconds <= 0 or iterations < 1:
        raise RunError(f"nonsense printed: {output[:80]!r}")
    return nanoseconds * 1e-9


def sample(row: Row, column: Column, expected: bytes | None, manner: Manner) -> tuple[float, bytes]:
    """One run of a row under a column: seconds and stdout; raises RunError unless it did what it does natively."""
    if row.reset is not None:
        row.reset()
    with pinned_to_one_cpu((manner.pin or column.pinned) and not row.parallel):
        spent, output = run(column.command(row.command), row.directory, manner.timeout_s)
    if row.clock == "program":
        return seconds_printed(output), output
    if row.made is not None and not row.made.exists():
        raise RunError(f"{row.made.name} was not made")
    if expected is not None and output != expected:
        raise RunError(f"output differs from native: {output[:60]!r} instead of {expected[:60]!r}")
    return spent, output


def cell_for(row: Row, column: Column, probes: dict[str, str | None]) -> Cell:
    """An empty cell, or one that already says why it will stay empty."""
    if column.missing is not None or row.missing() is not None:
        return Cell(missing=column.missing or row.missing())
    if not row.suits(column.name):
        return Cell(missing=f"only for {', '.join(row.only)}")
    if probes.get(column.name) is not None:
        return Cell(failed=probes[column.name])
    if column.pinned and row.parallel:
        return Cell(missing="needs more than one CPU")
    return Cell()


def probe(columns: Sequence[Column], directory: Path, program: Path) -> dict[str, str | None]:
    """Tries each installed column on a program that does nothing; the text says what went wrong."""
    outcome: dict[str, str | None] = {}
    for column in columns:
        if column.missing is not None:
            continue
        try:
            run(column.command((str(program),)), directory, PROBE_TIMEOUT_S)
        except (RunError, OSError) as error:
            outcome[column.name] = f"cannot run anything: {error}"
        else:
            outcome[column.name] = None
    return outcome


def progress(text: str) -> None:
    """Shows where the run is, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def measure(
    rows: Sequence[Row],
    columns: Sequence[Column],
    probes: dict[str, str | None],
    manner: Manner,
) -> list[Result]:
    """All rounds of all rows, with the columns side by side in each round.

    An untimed native run of each row comes first: it warms caches, and its output is the yardstick for all others.
    """
    results = []
    for row in rows:
        cells = {column.name: cell_for(row, column, probes) for column in columns}
        results.append(Result(row.name, row.what, row.kind, cells))
        expected = warm_up(row, cells, manner) if row.missing() is None and row.suits(NATIVE.name) else None
        for number in range(manner.rounds):
            for column in columns:
                progress(f"{row.name}: round {number + 1} of {manner.rounds}, {column.name}")
                take(row, column, cells[column.name], expected, manner)
    progress("")
    return results


def warm_up(row: Row, cells: dict[str, Cell], manner: Manner) -> bytes | None:
    """The native output of a row; a row that fails natively fails in each column that could have run it."""
    try:
        return sample(row, NATIVE, None, manner)[1]
    except (RunError, OSError) as error:
        for cell in cells.values():
            if cell.missing is None:
                cell.failed = f"fails natively: {error}"
        return None


def take(row: Row, column: Column, cell: Cell, expected: bytes | None, manner: Manner) -> None:
    """Adds one sample to a cell; the first failure ends the cell."""
    if cell.missing is not None or cell.failed is not None:
        return
    try:
        cell.samples.append(sample(row, column, expected, manner)[0])
    except (RunError, OSError) as error:
        cell.failed = str(error)
