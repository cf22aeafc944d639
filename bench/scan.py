"""What `picobox names` takes for many names, given on standard input and read from the index of a git repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from bench.results import Cell, Figure
from bench.runner import environment, progress

if TYPE_CHECKING:
    from bench.inputs import Scale

ROUNDS = 5
TIMEOUT_S = 120.0
PER_DIRECTORY = 20
LISTED = "names-listed"
INDEXED = "names-indexed"
_EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def path_of(number: int) -> str:
    """A harmless path of a usual length; its directory has some more."""
    return f"src/package-{number // PER_DIRECTORY:05}/module_name_{number % PER_DIRECTORY:05}.py"


def list_names(directory: Path, count: int) -> Path:
    """A file of so many paths, each with a NUL at its end."""
    path = directory / "listed"
    path.write_bytes(b"".join(path_of(number).encode() + b"\0" for number in range(count)))
    return path


def index_names(directory: Path, count: int) -> Path:
    """A git repository that has so many paths in its index, and no file."""
    root = directory / "indexed"
    root.mkdir()
    entries = "".join(f"100644 {_EMPTY_BLOB} 0\t{path_of(number)}\n" for number in range(count))
    for words, given in ((["init", "-q"], ""), (["update-index", "--index-info"], entries)):
        subprocess.run(["git", *words], cwd=root, env=environment(directory), input=given, text=True, check=True)
    return root


def time_once(words: list[str], directory: Path, home: Path, given: Path | None) -> float:
    """Seconds of one run. Raises subprocess.CalledProcessError if it finds something, which is not there, or fails."""
    command = [sys.executable, "-m", "picobox", "names", *words]
    where = environment(home) | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with (given or Path("/dev/null")).open("rb") as stdin:
        start = perf_counter()
        subprocess.run(
            command, cwd=directory, env=where, stdin=stdin, capture_output=True, timeout=TIMEOUT_S, check=True
        )
        return perf_counter() - start


def measure(scratch: Path, scale: Scale, missing: str | None) -> list[Figure]:
    """Both figures; `missing` is the reason why this Python has no picobox to measure, if so."""
    figures = []
    for name, what in (
        (LISTED, f"`picobox names -0 -` of {scale.scanned:,} names"),
        (INDEXED, f"`picobox names --git` of {scale.scanned:,} names"),
    ):
        progress(name)
        cell = Cell(missing=missing)
        if missing is None and name == INDEXED and shutil.which("git") is None:
            cell = Cell(missing="git not installed")
        if cell.missing is None:
            try:
                cell.samples = _samples(name, scratch, scale.scanned)
            except (subprocess.SubprocessError, OSError) as error:
                cell.failed = str(error)
        figures.append(Figure(name, what, cell))
    progress("")
    return figures


def _samples(name: str, scratch: Path, count: int) -> list[float]:
    if name == LISTED:
        given = list_names(scratch, count)
        return [time_once(["-0", "-"], scratch, scratch, given) for _ in range(ROUNDS)]
    root = index_names(scratch, count)
    return [time_once(["--git"], root, scratch, None) for _ in range(ROUNDS)]
