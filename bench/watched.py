"""What it costs a run that it can be asked, and that somebody asks: its start, and `picobox top` beside a build."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bench.columns import picobox_program
from bench.results import Cell, Figure
from bench.runner import environment, progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.build import Programs
    from bench.inputs import Scale

STARTS = ("start-that-cannot-be-asked", "start-that-can-be-asked")
BUILDS = ("build-alone", "build-under-top")
_START_ROUNDS, _BUILD_ROUNDS = 25, 3
TIMEOUT_S = 300.0
_BUILD = 'i=0; while [ "$i" -lt %d ]; do %s; i=$((i + 1)); done'


def measure(scratch: Path, programs: Programs, scale: Scale, missing: str | None) -> list[Figure]:
    """All figures, whose pairs are interleaved; `missing` is why this Python has no picobox to measure, if so."""
    cells = {name: Cell(missing=missing) for name in (*STARTS, *BUILDS)}
    found = picobox_program()
    if found is not None and missing is None:
        place = scratch / "watched"
        for name in ("home", "runtime"):
            (place / name).mkdir(parents=True)
        (place / "runtime").chmod(0o700)
        try:
            _take_starts(cells, place, [str(found), "-q", "--unconfined", "--", str(programs.true_static)])
            shell = ["/bin/sh", "-c", _BUILD % (scale.built, programs.true_dynamic)]
            _take_builds(cells, place, [str(found), "-q", "--unconfined", "--", *shell], str(found))
        except (subprocess.SubprocessError, OSError) as error:
            for cell in cells.values():
                cell.failed = str(error)
    progress("")
    what = {
        STARTS[0]: "a program that does nothing, where no socket can be made",
        STARTS[1]: "the same with the socket by which `picobox ps` and its like ask",
        BUILDS[0]: f"a shell that runs {scale.built:,} programs which do nothing",
        BUILDS[1]: "the same while `picobox top` looks on, at a terminal",
    }
    return [Figure(name, what[name], cell) for name, cell in cells.items()]


def _take_starts(cells: dict[str, Cell], place: Path, command: list[str]) -> None:
    progress("starts with and without a socket")
    # Where a file is in the directory's place, a run does without.
    blocked = place / "blocked"
    blocked.write_bytes(b"")
    for _ in range(_START_ROUNDS):
        for name, runtime in zip(STARTS, (blocked, place / "runtime"), strict=True):
            cells[name].samples.append(_time(command, place, runtime))


def _take_builds(cells: dict[str, Cell], place: Path, command: list[str], picobox: str) -> None:
    for number in range(_BUILD_ROUNDS):
        progress(f"builds alone and under top: round {number + 1} of {_BUILD_ROUNDS}")
        cells[BUILDS[0]].samples.append(_time(command, place, place / "runtime"))
        with _top(picobox, place):
            cells[BUILDS[1]].samples.append(_time(command, place, place / "runtime"))


def _environment(place: Path, runtime: Path) -> dict[str, str]:
    return environment(place / "home") | {"XDG_RUNTIME_DIR": str(runtime), "TERM": "xterm"}


def _time(command: list[str], place: Path, runtime: Path) -> float:
    began = time.perf_counter()
    subprocess.run(
        command, cwd=place, env=_environment(place, runtime), check=True, capture_output=True, timeout=TIMEOUT_S
    )
    return time.perf_counter() - began


@contextmanager
def _top(picobox: str, place: Path) -> Iterator[None]:
    """`picobox top` at a terminal, started anew whenever it has no run left to look at."""
    ends = threading.Event()
    thread = threading.Thread(target=_look_on, args=(picobox, place, ends))
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def _look_on(picobox: str, place: Path, ends: threading.Event) -> None:
    while not ends.is_set():
        ours, its = pty.openpty()
        with subprocess.Popen(
            [picobox, "top"], env=_environment(place, place / "runtime"), stdin=its, stdout=its, stderr=its
        ) as process:
            os.close(its)
            while process.poll() is None and not ends.is_set():
                time.sleep(0.05)
                os.set_blocking(ours, False)
                with suppress(OSError):
                    os.read(ours, 65536)
            process.kill()
        os.close(ours)
