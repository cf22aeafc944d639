"""Floods meet a limit, are reported with it, and leave the supervisor as small as it was and the host usable."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .runs import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

FORKS = """
import os, signal
made = []
try:
    while True:
        child = os.fork()
        if not child:
            signal.pause()
        made.append(child)
except OSError as error:
    print(len(made), error.errno)
for child in made:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""
DESCRIPTORS = """
import os
count = 0
try:
    while True:
        os.open("/", os.O_RDONLY)
        count += 1
except OSError as error:
    print(count, error.errno)
"""
WRITES = """
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
count = 0
try:
    fd = os.open("large", os.O_CREAT | os.O_WRONLY)
    while True:
        count += os.write(fd, bytes(65536))
except OSError as error:
    print(count, error.errno)
"""


@pytest.mark.parametrize(
    ("program", "limit", "most", "errno"),
    [(FORKS, "processes=20", 20, 11), (DESCRIPTORS, "open-files=50", 50, 24), (WRITES, "file-size=1M", 1 << 20, 27)],
    ids=["forks", "descriptors", "writes"],
)
def test_a_flood_meets_its_limit(tmp_path: Path, program: str, limit: str, most: int, errno: int) -> None:
    command = [sys.executable, "-m", "picobox", "--policy", "default", "--limit", limit, "--report", "--"]
    done = subprocess.run(
        [*command, "/usr/bin/env", "python3", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done
    count, number = map(int, done.stdout.split())
    assert (number, count <= most, count >= most // 2) == (errno, True, True)
    assert re.search(rf"limit +{limit.split('=', 1)[0]} ", done.stderr), done.stderr
