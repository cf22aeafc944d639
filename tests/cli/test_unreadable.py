"""Shows that a program which its user may execute but not read runs: its memory is closed to the supervisor as well."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from build import compile_program

from picobox.cli.options import PLATFORMS

if TYPE_CHECKING:
    from pathlib import Path

# An ordinary user's rights, also for root: without them the kernel lets nobody read such a program (ptrace(2)).
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--")
LONG = ("h2_threads", "h3_exec_fork")


def run(program: Path, *prefix: str) -> subprocess.CompletedProcess[str]:
    command = [*UNPRIVILEGED, *prefix, str(program)]
    return subprocess.run(command, cwd=program.parent, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        # These two make many threads and processes, for which the reference platform takes seconds.
        pytest.param(platform, name, marks=pytest.mark.full if platform == "reference" and name in LONG else ())
        for platform in PLATFORMS
        for name in ("h1_fork", "h1_vfork", *LONG)
    ],
)
def test_an_execute_only_program(tmp_path: Path, platform: str, name: str) -> None:
    copy = tmp_path / name
    shutil.copy(compile_program(name), copy)
    copy.chmod(0o111)
    native = run(copy)
    done = run(copy, sys.executable, "-m", "picobox", "-q", "--platform", platform, "--")
    assert native.returncode == 0
    assert (done.stdout, done.stderr, done.returncode) == (native.stdout, native.stderr, 0)
