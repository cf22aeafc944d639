"""Threads come to one place at once, which the gate then has: a check waits in more calls there than a plain run."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from build import compile_program

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 60


@pytest.mark.parametrize("options", [("check", "-q", "--fail-on", "never"), ("-q",)], ids=["check", "run"])
def test_places_that_are_replaced(tmp_path: Path, options: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "picobox", *options, "--", str(compile_program("g2_moved"))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert (done.returncode, done.stdout) == (0, "made once each\n"), done.stderr
