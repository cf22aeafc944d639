"""A name can be a lock for guests that spell it in different ways, whoever makes it: the gate, or stops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from build import compile_source

PROGRAM = Path(__file__).parent / "name_locks.c"
MODES = {"gate": (), "every site": ("--gate", "1"), "stops": ("--no-gate",), "no channel": ("--no-fast",)}


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("rounds", [20, pytest.param(500, marks=pytest.mark.full)])
def test_one_holds_it(tmp_path: Path, mode: str, rounds: int) -> None:
    command = [sys.executable, "-m", "picobox", "-q", "--profile", "nt", *MODES[mode], "--"]
    words = [*command, str(compile_source(PROGRAM)), str(tmp_path), str(rounds)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
