"""Builds what is known of brief files with a C program in place of guests, plainly and under the sanitizers."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from build import COMPILER

from .test_core import BUILDS, FLAGS, HERE, NATIVE, TIMEOUT, core_sources

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("flags", BUILDS)
def test_brief_files(tmp_path: Path, flags: tuple[str, ...]) -> None:
    program = tmp_path / "brief_test"
    command = [COMPILER, *FLAGS, *flags, f"-I{NATIVE}", "-o", str(program), str(HERE / "brief_test.c"), *core_sources()]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.stderr == ""
    place = tmp_path / "place"
    place.mkdir()
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    done = subprocess.run(
        [str(program), str(place)], env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "passed\n", "")
