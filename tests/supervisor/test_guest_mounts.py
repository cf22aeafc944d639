"""File systems that guests serve: nobody of ours waits for a guest that waits for us."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build import compile_source
from nt_files.test_tree import needs_fuse

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).with_name("served.c")
SECONDS = 60
RUNS = {
    "check": ("check",),
    "check-asked": ("check", "--no-gate"),
    "nt": ("-q", "--policy", "open"),
    "nt-asked": ("-q", "--policy", "open", "--no-gate"),
    "trace-asked": ("trace", "-q", "-o", os.devnull, "--policy", "open", "--no-gate"),
    "windows11": ("-q", "--policy", "open", "--profile", "windows11"),
    "windows11-asked": ("-q", "--policy", "open", "--profile", "windows11", "--no-gate"),
    "wsl1-asked": ("-q", "--policy", "open", "--profile", "wsl1", "--no-gate"),
}
pytestmark = [needs_fuse, pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount there")]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory in which nothing stays mounted."""
    yield tmp_path
    subprocess.run(("umount", "-l", tmp_path / "tree"), stderr=subprocess.DEVNULL, timeout=SECONDS, check=False)


def output(place: Path, *words: str) -> str:
    done = subprocess.run(
        words, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.stdout.count("\n") > 1, done
    return done.stdout


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("where", [(), ("namespace",)], ids=["ours", "namespace"])
def test_a_program_that_serves_files_ends_as_it_does_natively(
    place: Path, options: tuple[str, ...], where: tuple[str, ...]
) -> None:
    program = (str(compile_source(SOURCE)), *where)
    native = output(place, *program)
    assert output(place, sys.executable, "-m", "picobox", *options, "--", *program) == native
    assert native.endswith("unmount 0\n")
