"""A program that watches directories is told what it did itself, and nothing of what picobox had to know for it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from build import compile_program

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 60
LIMIT = 5
RUNS = {
    "nt": ("-q", "--"),
    "windows10": ("-q", "--profile", "windows10", "--"),
    "windows11": ("-q", "--profile", "windows11", "--"),
    "check": ("check", "-q", "--fail-on", "never", "--"),
    "check that enforces": ("check", "-q", "--fail-on", "never", "--enforce", "--"),
}
# Makes all inotify instances that the user may have, after picobox has had reasons to make some of its own.
EXHAUSTS = """
import ctypes, os
for name in "aAbBcC":
    os.path.exists("Name" + name)
    open(name, "w").close()
for number in range(60):
    os.close(os.open("brief", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.unlink("brief")
libc = ctypes.CDLL(None)
print(sum(1 for _ in iter(lambda: libc.inotify_init1(0), -1)))
for name in "dDeE":
    open(name + "x", "w").close()
"""
SIGNALS = """
import fcntl, os, signal
heard = []
signal.signal(signal.SIGIO, lambda *_: heard.append(1))
fcntl.fcntl(os.open(".", os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT)
for name in ("made", "other"):
    open(name, "w").close()
print(len(heard))
os.listdir(".")
print(len(heard))
"""


def _output(place: Path, command: list[str]) -> str:
    place.mkdir()
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done
    return done.stdout


def _same(tmp_path: Path, options: tuple[str, ...], command: list[str]) -> None:
    native = _output(tmp_path / "native", command)
    assert native
    assert _output(tmp_path / "under picobox", [sys.executable, "-m", "picobox", *options, *command]) == native


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_events_of_inotify(tmp_path: Path, options: tuple[str, ...]) -> None:
    _same(tmp_path, options, [str(compile_program("h18_watchers"))])


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_signals_of_a_directory(tmp_path: Path, options: tuple[str, ...]) -> None:
    _same(tmp_path, options, [sys.executable, "-c", SIGNALS])


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_instances_of_inotify(tmp_path: Path, options: tuple[str, ...]) -> None:
    """In a user namespace of its own, since other processes of the user take instances too."""
    limited = ["unshare", "-r", "sh", "-c", f'echo {LIMIT} > /proc/sys/user/max_inotify_instances && exec "$@"', "sh"]
    command = [*limited, sys.executable, "-m", "picobox", *options, sys.executable, "-c", EXHAUSTS]
    assert _output(tmp_path / "under picobox", command) == f"{LIMIT}\n"
