"""Opens that tell a check nothing are made in the gate: outside of its drives, and of files as directories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .checked import check

if TYPE_CHECKING:
    from pathlib import Path

    from .checked import Checked

# The directory of the run is a drive, the one it lies in is none. In the end the gate knows `outside`, and makes opens.
OPENS = """
import os
work = os.getcwd()
top = os.path.dirname(work)
outside = top + '/outside'
os.makedirs(outside + '/later')
os.mkdir('held')
for place in (work + '/x', outside + '/x', top + '/x', work + '/list'):
    open(place, 'w').close()
def fails(path, flags):
    try: os.close(os.open(path, flags))
    except OSError: return True
    return False
def opens(path, flags=os.O_RDONLY):
    for _ in range(300): os.close(os.open(path, flags))
opens(outside + '/x')
assert all(fails('list', os.O_DIRECTORY) and fails(outside + '/gone/x', 0) for _ in range(300))
"""
COUNTED = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
for _ in range(1000): {what}
stops = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
assert stops < 500, stops
"""


def _who_opened(found: Checked) -> list[str]:
    """Who was seen to open something; what is found open later has no stack."""
    return [side.call for finding in found.findings for side in finding.others if side.stack]


@pytest.mark.usefixtures("fast_modes")
@pytest.mark.parametrize(
    "what",
    [
        "os.close(os.open(outside + '/x', os.O_RDONLY | os.O_CLOEXEC))",
        "os.close(os.open(outside + '/x', os.O_WRONLY | os.O_TRUNC))",
        "assert fails(outside + '/none', os.O_RDONLY)",
        "assert fails('list', os.O_RDONLY | os.O_DIRECTORY)",
    ],
)
def test_such_an_open_makes_no_stop(tmp_path: Path, what: str) -> None:
    found = check(tmp_path, OPENS + COUNTED.format(what=what))
    assert (found.status, found.rules) == (0, []), found.stderr


WAYS_TO_A_DRIVE = {
    "a link": "os.symlink(work + '/x', outside + '/link'); path = outside + '/link'",
    "a directory that was not there": "os.symlink(work, outside + '/gone'); path = outside + '/gone/x'",
    "dots": "path = outside + '/../work/x'",
    "relative": "os.chdir(outside); path = '../work/x'",
}


@pytest.mark.parametrize("way", WAYS_TO_A_DRIVE.values(), ids=WAYS_TO_A_DRIVE)
def test_what_leads_to_a_drive_from_there_is_shown(tmp_path: Path, way: str) -> None:
    found = check(tmp_path, f"{OPENS}{way}\nfd = os.open(path, os.O_RDONLY)\nos.unlink(work + '/x')")
    assert found.rules == ["PB010"]
    assert _who_opened(found) == ["openat"]


@pytest.mark.usefixtures("fast_modes")
@pytest.mark.parametrize(
    "what",
    ["os.open(work, os.O_RDONLY)", "os.open(outside + '/x', os.O_CREAT)"],
    ids=["a drive", "what may make a file"],
)
def test_a_drive_in_a_directory_that_is_none_is_shown_and_what_may_make_a_file(tmp_path: Path, what: str) -> None:
    program = OPENS + "opens(top + '/x')\n" + COUNTED.format(what=f"os.close({what})")
    assert "AssertionError: 1" in check(tmp_path, program).stderr


def test_a_directory_that_is_listed_is_shown(tmp_path: Path) -> None:
    program = f"{OPENS}os.mkdir('held/x')\nfd = os.open('held/x', os.O_DIRECTORY)\nos.rename('held', 'other')"
    found = check(tmp_path, program)
    assert found.rules == ["PB013"]
    assert _who_opened(found) == ["openat"]


def test_what_makes_a_file_is_judged(tmp_path: Path) -> None:
    assert check(tmp_path, f"{OPENS}os.close(os.open('aux', os.O_CREAT))").rules == ["PB003"]


def test_a_signal_takes_nobody_away_from_what_is_open(tmp_path: Path) -> None:
    program = (
        f"{OPENS}import signal\nsignal.signal(signal.SIGALRM, lambda *_: None)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)\n"
        "for _ in range(5000): os.close(os.open(outside + '/x', os.O_RDONLY))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\nassert len(os.listdir('/proc/self/fd')) < 6\n"
    )
    found = check(tmp_path, program)
    assert found.status == 0, found.stderr


def test_an_open_at_no_address_fails(tmp_path: Path) -> None:
    program = (
        f"{OPENS}import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "for address in (0, 1, 1 << 40, (1 << 64) - 4096):\n"
        "    for flags in (os.O_RDONLY, os.O_DIRECTORY):\n"
        "        assert libc.open(ctypes.c_void_p(address), flags) == -1\n"
        "        assert ctypes.get_errno() == 14\n"
    )
    found = check(tmp_path, program)
    assert found.status == 0, found.stderr
