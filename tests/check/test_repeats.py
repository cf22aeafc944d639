"""Calls that are made over and over are not looked at any more, and what they mean is found all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from picobox.check.repeats import ENOUGH

from .checked import check

if TYPE_CHECKING:
    from pathlib import Path

TIMES = 3 * ENOUGH
# Opens the file by its absolute path, so often that it is seen no more.
WORN = f"""
import fcntl, os, subprocess, sys
x = os.path.abspath('x')
def again(flags=os.O_RDWR | os.O_CREAT, path=x):
    fd = os.open(path, flags, 0o666)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd
for i in range({TIMES}):
    try:
        os.mkdir(os.getcwd())
    except FileExistsError:
        pass
    os.close(again())
"""


@pytest.mark.parametrize(
    ("program", "rules"),
    [
        pytest.param("os.unlink(x)", [], id="closed"),
        pytest.param("fd = again()\nos.unlink(x)", ["PB010"], id="deleted"),
        pytest.param("fd = again()\nos.rename(x, 'y')", ["PB011"], id="renamed"),
        pytest.param("fd = again()\nos.close(os.open('y', os.O_CREAT))\nos.replace('y', x)", ["PB012"], id="replaced"),
        pytest.param("fd = again()\nos.mkdir('d')\nos.rename(x, 'd/x')", ["PB011"], id="moved"),
        pytest.param("fd = again()\nsubprocess.run(['rm', x])", ["PB010"], id="deleted by another process"),
        pytest.param("os.close(again())\nfd = os.dup(again())\nos.unlink(x)", ["PB010"], id="a duplicate"),
        pytest.param("os.chmod(x, 0o444)\nos.close(again())", ["PB017"], id="read-only by now"),
        pytest.param("os.chmod(x, 0o444)\nos.unlink(x)", ["PB017"], id="read-only and deleted"),
        pytest.param(
            "import shutil\nos.unlink(x)\nshutil.copy('/bin/cat', x)\n"
            "running = subprocess.Popen([x], stdin=subprocess.PIPE)\nos.unlink(x)\nrunning.communicate()",
            ["PB016"],
            id="running and deleted",
        ),
        pytest.param(
            "fd = again()\nos.fchmod(fd, 0o444)\nos.close(fd)\nos.close(again())", ["PB017"], id="by descriptor"
        ),
        pytest.param(
            f"for i in range({TIMES}): os.close(again(os.O_RDWR | os.O_CREAT | os.O_TRUNC))\n"
            "import mmap\nfd = os.open(x, os.O_RDWR)\nos.write(fd, b'x')\nview = mmap.mmap(fd, 1)\nos.close(fd)\n"
            "os.close(again(os.O_RDWR | os.O_CREAT | os.O_TRUNC))",
            ["PB016"],
            id="mapped by now",
        ),
        pytest.param(
            f"exclusive = os.O_RDWR | os.O_CREAT | os.O_EXCL\nos.unlink(x)\n"
            f"for i in range({TIMES}): os.close(again(exclusive)); os.unlink(x)\n"
            "open('X', 'w').close()\nos.close(again(exclusive))",
            ["PB001"],
            id="a twin by now",
        ),
        pytest.param(
            "os.mkdir('d'); os.chdir('d'); os.chdir('..')\n"
            f"for i in range({TIMES}): os.close(again(os.O_RDWR | os.O_CREAT, os.path.abspath('d/y')))\n"
            "fd = again(os.O_RDWR | os.O_CREAT, os.path.abspath('d/y'))\nos.rename('d', 'e')",
            ["PB013"],
            id="a directory above it",
        ),
    ],
)
def test_what_they_mean_is_found(tmp_path: Path, program: str, rules: list[str]) -> None:
    done = check(tmp_path, WORN + program)
    assert (done.stderr, [rule for rule in done.rules if rule != "PB022"]) == (done.stderr, rules), done
    assert done.status == bool(rules), done


def test_a_name_that_is_used_again(tmp_path: Path) -> None:
    """Who shares deleting has a name free on Linux at once, and taken on Windows."""
    done = check(tmp_path, f"{WORN}first = again()\nos.unlink(x)\nagain()", "--share", "RWD")
    assert done.rules == ["PB015"], done


def test_who_has_it_open_is_told(tmp_path: Path) -> None:
    done = check(tmp_path, WORN + "fd = again()\nprint(fd)\nos.unlink(x)")
    finding = done.findings[0]
    (holder,) = finding.others
    assert (holder.call, holder.fd, holder.path) == ("openat", int(done.stdout), str(tmp_path / "work" / "x"))
    assert holder.stack[0].function == "again"
    assert 0 < holder.time <= finding.side.time


def test_each_is_counted(tmp_path: Path) -> None:
    done = check(tmp_path, WORN + f"for i in range({TIMES}):\n fd = again()\n os.unlink(x)\n os.close(fd)")
    assert [(finding.rule, finding.count) for finding in done.findings] == [("PB010", TIMES)]


# Has had so many locks seen that no more are, and a file open that was opened unseen.
LOCKS = f"""
import ctypes, fcntl, os, threading
open('held', 'w').close(); open('other', 'w').close()
held = os.open('held', os.O_RDWR)
libc = ctypes.CDLL(None)
x = os.path.abspath('x')
def take(): return os.open(x, os.O_RDWR | os.O_CREAT)
def wear():
    for _ in range({2 * TIMES}):
        fd = take()
        fcntl.flock(fd, fcntl.LOCK_EX); fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)
    return take()
def write(path):
    with open(path, 'r+') as file: file.write('x')
def lock(fd, path):
    fcntl.flock(fd, fcntl.LOCK_EX)
    write(path)
"""
# Gets a file from a process whose locks were seen, and locks it in a thread that it makes when that is no more.
HEIR = """
import socket
mine, theirs = socket.socketpair()
if not os.fork():
    socket.send_fds(theirs, [b'x'], [wear()])
    os._exit(0)
os.wait()
fd = socket.recv_fds(mine, 1, 1)[1][0]
thread = threading.Thread(target=lock, args=(fd, x))
thread.start()
thread.join()
"""


@pytest.mark.parametrize(
    ("program", "rules"),
    [
        pytest.param("wear()\nlock(held, 'held')", ["PB018"], id="of a descriptor that is watched"),
        pytest.param("fd = wear()\nos.rename('other', 'another')\nlock(fd, x)", ["PB018"], id="begun anew"),
        pytest.param(
            "fd = wear()\nif not os.fork():\n    lock(fd, x)\n    os._exit(0)\nos.wait()",
            ["PB022", "PB018"],
            id="of a child",
        ),
        pytest.param(HEIR, ["PB022", "PB018"], id="of who has another's block"),
        pytest.param(
            "fd = wear()\nassert not libc.close_range(5000, 5001, 2)\nlock(fd, x)",
            ["PB018"],
            id="with a table of its own",
        ),
    ],
)
def test_locks_are_seen_where_they_may_mean_something(
    tmp_path: Path, program: str, rules: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate has each site at once."""
    monkeypatch.setenv("PICOBOX_GATE", "1")
    done = check(tmp_path, LOCKS + program)
    assert done.rules == rules, done


@pytest.mark.usefixtures("fast_modes")
def test_locks_seen_often_make_no_stop(tmp_path: Path) -> None:
    program = (
        f"{LOCKS}import resource\nfd = wear()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw\n"
        "for _ in range(1000): fcntl.flock(fd, fcntl.LOCK_EX); fcntl.flock(fd, fcntl.LOCK_UN)\n"
        "stops = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before\nassert stops < 500, stops\n"
    )
    assert (found := check(tmp_path, program)).status == 0, found.stderr


def test_a_lock_that_waits_in_the_gate_is_ended_by_a_signal(tmp_path: Path) -> None:
    program = (
        f"{LOCKS}import signal\n"
        "def ended(*_): raise TimeoutError\n"
        "signal.signal(signal.SIGALRM, ended)\n"
        "first, second = wear(), take()\nfcntl.flock(first, fcntl.LOCK_EX)\nsignal.setitimer(signal.ITIMER_REAL, 0.1)\n"
        "try: fcntl.flock(second, fcntl.LOCK_EX)\nexcept TimeoutError: print('ended')\n"
        "fcntl.flock(first, fcntl.LOCK_UN)\nfcntl.flock(second, fcntl.LOCK_EX)\nprint('taken')"
    )
    done = check(tmp_path, program)
    assert done.stdout == "ended\ntaken\n", done
