"""A program that is about to map the gate can be written to by others, and gains no call by it."""

from __future__ import annotations

import os
import shutil
import subprocess
from errno import EPERM
from typing import TYPE_CHECKING

import pytest
from build import compile_source

from .guests import REPOSITORY, command_line

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = REPOSITORY / "tests" / "confine" / "begins.c"


@pytest.mark.parametrize("verb", ["run", "trace"])
def test_who_is_led_astray_where_it_begins_makes_no_call_of_its_own(user: str, place: Path, verb: str) -> None:
    program = place / "begins"
    shutil.copy(compile_source(SOURCE), program)
    traced = ("trace", "-q", "-o", os.devnull) if verb == "trace" else ("-q",)
    done = subprocess.run(
        command_line(user, *traced, "--policy", "default", "--", str(program)),
        cwd=place,
        env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    ends = dict(line.split() for line in done.stdout.splitlines())
    assert done.returncode == 0, done
    # Most were stopped in time.
    assert int(ends[str(EPERM)]) > 25, ends
    assert set(ends) == {str(EPERM)}
