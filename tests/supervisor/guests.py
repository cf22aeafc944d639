"""Builds the C guests of these tests and runs commands natively and under picobox."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from build import CompileError, compile_source

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PLATFORMS = ("trace", "reference")


class Result(NamedTuple):
    """What a user sees of one run; `status` is negative after a signal."""

    status: int
    stdout: str
    stderr: str


@functools.cache
def guest(name: str) -> Path:
    """The executable of `NAME.c` beside this file, or of a program of table H; the compiler's text fails the test."""
    beside = HERE / f"{name}.c"
    try:
        return compile_source(beside if beside.exists() else HERE.parent / "programs" / f"{name}.c")
    except CompileError as error:
        pytest.fail(str(error), pytrace=False)


def picobox(*command: str | Path, platform: str = "trace") -> list[str]:
    """The command line that runs `command` under picobox."""
    return [sys.executable, "-m", "picobox", "-q", "--platform", platform, "--", *map(str, command)]


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, fit to start picobox from anywhere."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "LC_ALL": "C", **extra}


def run(command: list[str], timeout: float, cwd: Path) -> Result:
    """Run a command without input; when time is up, its session is killed and the test fails."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        errors="backslashreplace",
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            pytest.fail(f"{command} took more than {timeout} s:\n{stdout[-2000:]}\n{stderr[-2000:]}", pytrace=False)
        return Result(process.returncode, stdout, stderr)
