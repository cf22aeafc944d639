"""Each side of a conflict has its time, of a working directory and of a mapping as well."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from .checked import check

if TYPE_CHECKING:
    from pathlib import Path

LATER = "import mmap, os, subprocess, sys, time\nos.mkdir('d')\nbegun = time.time()\ntime.sleep(0.1)\n"
REMOVE = "os.rmdir(os.path.abspath('../d'))"


@pytest.mark.parametrize(
    ("program", "rule", "call"),
    [
        pytest.param(f"os.chdir('d')\n{REMOVE}", "PB014", "chdir", id="chdir"),
        pytest.param(f"os.fchdir(os.open('d', os.O_RDONLY | os.O_PATH))\n{REMOVE}", "PB014", "chdir", id="fchdir"),
        pytest.param(
            "run = [sys.executable, '-c', 'print(flush=True); input()']\n"
            "child = subprocess.Popen(run, cwd='d', stdin=-1, stdout=-1)\n"
            "child.stdout.readline()\nos.rmdir('d')\nchild.communicate()",
            "PB014",
            "chdir",
            id="started there",
        ),
        pytest.param(
            "f = open('x', 'w+b')\nf.write(b'x')\nf.flush()\nm = mmap.mmap(f.fileno(), 1)\nf.close()\n"
            "time.sleep(0.1)\nos.truncate('x', 0)",
            "PB016",
            "mmap",
            id="mapped",
        ),
    ],
)
def test_when(tmp_path: Path, program: str, rule: str, call: str) -> None:
    done = check(tmp_path, f"{LATER}{program}\nprint(begun)")
    begun = float(done.stdout)
    finding = next(each for each in done.findings if each.rule == rule)
    times = [side.time for side in finding.others if side.call == call]
    assert times, done
    # The kernel tells the beginning of a process to a hundredth of a second.
    assert all(begun <= each <= finding.side.time < time.time() for each in times), (begun, times, done)
