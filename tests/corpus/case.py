"""What the corpus says of its programs, and how one of them is run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from build import CompileError, compile_source

CORPUS = Path(__file__).parent
REPOSITORY = CORPUS.parents[1]
MADE = "made for the rule"
# Seconds; far above what any of these programs takes on a loaded machine.
TIMEOUT = 60
# What a name in expected.toml means that begins with it: the temporary directory of the run.
TEMPORARY = "$TMPDIR/"
_INTERPRETERS = {".py": sys.executable, ".js": "node", ".pl": "perl", ".sh": "sh"}


class Case(NamedTuple):
    """A pair of programs `bug` and `clean`, and the finding that the first must give; see `expected.toml` of each.

    `path` is relative to the working directory, or begins with $TMPDIR; `*` stands for what is random in it. "": the
    finding is about no file. `profile`: the one whose Windows has the bug. `notes`: rules whose notes both programs
    may give; `also`: rules that the bug meets besides. `enforced`: what the program says when the rules are enforced,
    "" if it says nothing. `source`: the address of a public report of the same bug, often in another language, or
    MADE. `fast`: the pair is part of the fast tier.
    """

    name: str
    rule: str
    severity: str
    status: str
    source: str
    path: str = ""
    profile: str = "windows11"
    notes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    enforced: str = ""
    fast: bool = False

    def program(self, which: str) -> Path:
        """The file of the program `which`: "bug" or "clean"."""
        return next(path for path in (CORPUS / self.name).iterdir() if path.stem == which)


class Result(NamedTuple):
    """What a user sees of a run."""

    status: int
    stdout: str
    stderr: str


class Place(NamedTuple):
    """Where a program runs: a working directory and a temporary directory that are empty at first."""

    work: Path
    temporary: Path

    def absolute(self, path: str) -> str:
        """A path of expected.toml on this host."""
        if path.startswith(TEMPORARY):
            return str(self.temporary / path.removeprefix(TEMPORARY))
        return str(self.work / path)


def cases() -> list[Case]:
    """Every pair, in alphabetical order."""
    found = []
    for file in sorted(CORPUS.glob("*/expected.toml")):
        values = tomllib.loads(file.read_text())
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        found.append(Case(file.parent.name, **{**values, **lists}))
    return found


def empty_place(directory: Path) -> Place:
    """Make a place in an empty directory; the name of the working directory is part of the Windows path."""
    place = Place(directory / "project", directory / "temporary")
    place.work.mkdir(parents=True)
    place.temporary.mkdir()
    return place


def command_of(program: Path, place: Place) -> list[str]:
    """The command that runs a program in a place: a script lies in its working directory, as a project's does."""
    if program.suffix == ".c":
        try:
            return [str(compile_source(program))]
        except CompileError as error:
            pytest.fail(str(error), pytrace=False)
    interpreter = _INTERPRETERS[program.suffix]
    if shutil.which(interpreter) is None:
        pytest.fail(f"{interpreter} is not installed: install the packages of .ci/packages.txt", pytrace=False)
    shutil.copyfile(program, place.work / program.name)
    return [interpreter, program.name]


def run(command: list[str], place: Place) -> Result:
    """Run a command in a place with no input; its whole session is killed when time is up."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PICOBOX", "PYTEST", "GIT_"))}
    environment = {
        **kept,
        "PYTHONPATH": str(REPOSITORY),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(place.temporary),
        "HOME": str(place.temporary),
    }
    with subprocess.Popen(
        command,
        cwd=place.work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        encoding="utf-8",
        errors="backslashreplace",
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            pytest.fail(f"{command} did not end: {stdout}{stderr}", pytrace=False)
        return Result(process.returncode, stdout, stderr)
