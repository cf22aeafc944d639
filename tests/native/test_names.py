"""Builds the directory index with a C program in place of Python and runs it, plainly and under the sanitizers."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from build import COMPILER

from .test_core import BUILDS, FLAGS, HERE, NATIVE, TIMEOUT

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ("names.c", "name_directories.c", "name_observers.c", "name_table.c", "release.c")


@pytest.mark.parametrize("flags", BUILDS)
def test_names(tmp_path: Path, flags: tuple[str, ...]) -> None:
    program = tmp_path / "names_test"
    sources = [str(HERE / "names_test.c"), *(str(NATIVE / name) for name in SOURCES)]
    command = [COMPILER, *FLAGS, *flags, f"-I{NATIVE}", "-o", str(program), *sources]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.stderr == ""
    place = tmp_path / "place"
    place.mkdir()
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    done = subprocess.run(
        [str(program), str(place)], env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "passed\n", "")
