"""A37: the supervisor is killed at any moment: no guest runs on, and what was written is whole."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from alive import marked

from .runs import REPOSITORY

MARK = "ATTACK_RUN"
# Many processes that come and go, and files that are made beside their place and put there whole.
BUILD = """
i=0
while :; do
    i=$((i + 1))
    for part in a b; do (echo "$i $part begin"; echo "$i $part end") > "$part.new" && mv "$part.new" "$part.out" & done
    wait
    cat a.out b.out > /dev/null
done
"""
WALLS = ("auto", "no-namespaces")


def described(pid: int) -> str:
    """What a process is and does, for who reads of a failure."""
    found = []
    for name in ("comm", "wchan", "status"):
        with suppress(OSError):
            found.append(Path(f"/proc/{pid}/{name}").read_text()[:200])
    return " ".join(found)


def end_at_once(directory: Path, walls: str, after: float, *, begun: bool) -> None:
    """Starts a build, kills its supervisor after some seconds, of the build if it has to have begun, and looks."""
    directory.mkdir()
    mark = secrets.token_hex(8)
    command = [
        sys.executable,
        "-m",
        "picobox",
        "-q",
        "--policy",
        "default",
        "--walls",
        walls,
        "--",
        "/bin/sh",
        "-c",
        BUILD,
    ]
    process = subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), MARK: mark},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 30
        while begun and not (directory / "a.out").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(after)
        process.kill()
        process.wait()
        # At once, but for a machine whose processors are busy with others.
        deadline = time.monotonic() + 5
        while marked(f"{MARK}={mark}") and time.monotonic() < deadline:
            time.sleep(0.01)
        left = {pid: described(pid) for pid in marked(f"{MARK}={mark}")}
        assert left == {}
    finally:
        for pid in marked(f"{MARK}={mark}"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    for part in ("a", "b"):
        with suppress(FileNotFoundError):
            text = (directory / f"{part}.out").read_text().split()
            assert text[1:3] == [part, "begin"]
            assert text[3:] == [text[0], part, "end"]


@pytest.mark.parametrize("walls", WALLS)
def test_no_guest_outlives_it(tmp_path: Path, walls: str) -> None:
    chance = random.Random(walls)
    for number in range(10):
        end_at_once(tmp_path / str(number), walls, chance.uniform(0, 0.2), begun=number > 2)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("walls", WALLS)
def test_no_guest_outlives_it_often(tmp_path: Path, walls: str) -> None:
    chance = random.Random()
    for number in range(100):
        end_at_once(tmp_path / str(number), walls, chance.uniform(0, 1), begun=number > 20)
