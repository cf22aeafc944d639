"""A31: a guest signals its own process group, in which its supervisor is, and whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .runs import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

WALLS = ("auto", "no-namespaces")


def status_of(directory: Path, module: list[str], walls: str) -> int:
    """The status of a supervisor whose guest kills its group; a death by a signal is negative."""
    options = ("-q", "--policy", "default", "--walls", walls)
    return subprocess.run(
        [sys.executable, "-m", *module, *options, "--", "/bin/sh", "-c", "kill -KILL 0"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        timeout=60,
        check=False,
    ).returncode


@pytest.mark.parametrize("walls", WALLS)
def test_the_supervisor_tells_of_the_guest_that_killed_its_group(tmp_path: Path, walls: str) -> None:
    assert status_of(tmp_path, ["picobox"], walls) == 128 + signal.SIGKILL


def test_without_its_wall_it_dies_as_well(tmp_path: Path) -> None:
    assert status_of(tmp_path, ["tests.attacks.without", "landlock"], "auto") == -signal.SIGKILL
