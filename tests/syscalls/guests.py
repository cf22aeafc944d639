"""Runs commands under picobox with profile nt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]


class Result(NamedTuple):
    """What a user sees of one run."""

    status: int
    stdout: str
    stderr: str


def picobox(*command: str | Path, platform: str = "trace", options: tuple[str, ...] = ()) -> list[str]:
    """The command line that runs `command` under profile nt."""
    own = [sys.executable, "-m", "picobox", "-q", "--platform", platform, "--profile", "nt", *options, "--"]
    return own + [str(word) for word in command]


def _inherited() -> dict[str, str]:
    """Our own environment without what is meant for this run of pytest: a guest may be another one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def run(
    cwd: Path,
    *command: str | Path,
    timeout: float = 120,
    platform: str = "trace",
    options: tuple[str, ...] = (),
    **environment: str,
) -> Result:
    """Run a command without input under profile nt; when time is up, its session is killed and the test fails."""
    with subprocess.Popen(
        picobox(*command, platform=platform, options=options),
        cwd=cwd,
        env={**_inherited(), "PYTHONPATH": str(REPOSITORY), "LC_ALL": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        errors="surrogateescape",
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail(f"{command} took more than {timeout} s", pytrace=False)
        return Result(process.returncode, stdout, stderr)


def shell(
    cwd: Path,
    script: str,
    timeout: float = 120,
    platform: str = "trace",
    options: tuple[str, ...] = (),
    **environment: str,
) -> Result:
    """Run a script of the shell in a directory."""
    return run(cwd, "/bin/sh", "-c", script, timeout=timeout, platform=platform, options=options, **environment)
