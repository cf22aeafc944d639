"""Removals, and directories that are made, are not shown to a check where nobody is in their way; the others are."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from .checked import check
from .test_unshown import shown

if TYPE_CHECKING:
    from pathlib import Path

# The first change has all that guests have inherited looked at: those after it are the core's.
START = """
import array, mmap, os, socket, subprocess, sys, tempfile, threading
for name in ('first', 'x', 'y'):
    open(name, 'w').write('text')
os.unlink('first')
os.mkdir('d')
open('d/x', 'w').close()
def opens(name='x', flags=os.O_RDONLY): return os.open(name, flags)
def removes(name='x', **where): os.unlink(name, **where)
# Who is asked about while nothing is in the way of another change may have to do with this one.
def others():
    os.rename('y', 'z')
CHILD = '''
import os, sys
for line in sys.stdin:
    exec(line)
    print(flush=True)
'''
class Other:
    def __init__(self):
        self.made = subprocess.Popen([sys.executable, '-c', CHILD], stdin=-1, stdout=-1, text=True)
    def does(self, line):
        print(line, file=self.made.stdin, flush=True)
        self.made.stdout.readline()
"""
DIRECTORY = "directory = opens('.', os.O_RDONLY | os.O_DIRECTORY)\n"
# Windows closes no file that is passed on.
PASSED = """
one, other = socket.socketpair()
if not os.fork():
    socket.send_fds(one, [b'x'], [opens()])
    os._exit(0)
os.wait()
fds = socket.recv_fds(other, 1, 1)[1]
"""
TOLD: dict[str, tuple[str, list[str]]] = {
    "an open file": ("fd = opens()\nremoves()", ["PB010"]),
    "an open file, in a directory": (f"{DIRECTORY}fd = opens()\nremoves(dir_fd=directory)", ["PB010"]),
    "an open file of another": (
        "other = Other()\nother.does('fd = os.open(\"x\", os.O_RDONLY)')\nremoves()",
        ["PB010"],
    ),
    "a file that is open since somebody else was asked about": ("fd = opens()\nothers()\nremoves()", ["PB010"]),
    "a file that is open since all were asked about": ("fd = opens()\nos.mkdir('aux')\nremoves()", ["PB003", "PB010"]),
    "a file that somebody gets": (f"{PASSED}removes()", ["PB010"]),
    "a file that a copy of a descriptor has": (
        "fd = opens()\ncopy = os.dup(fd)\nos.close(fd)\nremoves()",
        ["PB010"],
    ),
    "a mapped file": (
        "fd = opens()\nview = mmap.mmap(fd, 4, mmap.MAP_SHARED, 1)\nos.closerange(3, 64)\nremoves()",
        ["PB016"],
    ),
    "a running program": ("other = subprocess.Popen(['./runs', '60'])\nremoves('runs')\nother.kill()", ["PB016"]),
    "a protected file": ("os.chmod('x', 0o444)\nremoves()", ["PB017"]),
    "a temporary file that was opened again": (
        "with tempfile.NamedTemporaryFile(dir='.') as file: os.close(opens(file.name))",
        ["PB009"],
    ),
    "a working directory": ("os.mkdir('e')\nos.chdir('e')\nos.rmdir('../e')", ["PB014"]),
    "another's working directory": (
        "os.mkdir('e')\nother = Other()\nother.does('os.chdir(\"e\")')\nos.rmdir('e')",
        ["PB014"],
    ),
    "a directory in which a file was open": (
        "fd = opens('d/x')\nremoves('d/x')\nos.rmdir('d')",
        ["PB010", "PB014"],
    ),
    "a file in another case": ("try: removes('X')\nexcept OSError: pass", ["PB002"]),
    "a directory in another case": ("try: os.rmdir('D')\nexcept OSError: pass", ["PB002"]),
    "a directory that is made beside its twin": ("os.mkdir('D')", ["PB001"]),
    "a directory beside the twin that was just made": ("os.mkdir('e')\nos.mkdir('E')", ["PB001"]),
    "a directory beside a file": ("os.mkdir('X')", ["PB001"]),
    "a directory with a device's name": ("os.mkdir('nul')", ["PB003"]),
    "a directory with a dot at its end": ("os.mkdir('e.')", ["PB006"]),
    "a directory with a path that is too long": (
        "path = 'n' * 120\nos.mkdir(path)\nos.mkdir(path + '/' + path)",
        ["PB007"],
    ),
    "a directory whose mode is looked at": (
        "os.mkdir('e', 0o700)\nassert os.stat('e').st_mode & 0o777 == 0o700",
        ["PB021"],
    ),
    "a directory whose mode a umask makes": (
        "os.umask(0o077)\nos.mkdir('e')\nassert os.stat('e').st_mode & 0o777 == 0o700",
        ["PB021"],
    ),
}
# What the programs here do besides: forks and kills.
_OF_PROGRAMS = ("PB022", "PB023")


def found_in(directory: Path, program: str, *options: str) -> list[str]:
    """The rules by which something is found in a program."""
    work = directory / "work"
    work.mkdir(exist_ok=True)
    shutil.copy(shutil.which("sleep") or "", work / "runs")
    (work / "script.py").write_text(START + program + "\n")
    checked = check(directory, "import runpy; runpy.run_path('script.py')", *options)
    assert "Error" not in checked.stderr, checked.stderr
    return [rule for rule in checked.rules if rule not in _OF_PROGRAMS]


@pytest.mark.parametrize("case", TOLD)
def test_what_is_in_the_way_is_told(tmp_path: Path, case: str) -> None:
    program, rules = TOLD[case]
    assert found_in(tmp_path, program) == rules


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_name_whose_file_is_open_still_is_a_directory_s(tmp_path: Path, name: str) -> None:
    program = f"fd = opens('x')\nremoves('x')\nos.unlink('y')\nos.mkdir('{name}')"
    assert ("PB015" in found_in(tmp_path, program, "--share", "RWD")) == (name == "x")


CALM = """
fd = opens(); os.close(fd); removes()
fd = opens('y'); copy = os.dup(fd); os.close(fd); os.close(copy); removes('y')
os.unlink('d/x'); os.rmdir('d'); os.mkdir('d'); os.mkdir('d/e'); os.chdir('d/e'); os.chdir('../..'); os.rmdir('d/e')
fd = opens('d'); os.close(fd); os.rmdir('d')
"""


def test_what_is_over_is_in_nobodys_way(tmp_path: Path) -> None:
    assert found_in(tmp_path, CALM) == []


CHANGES = """
import os
directory = os.open('.', os.O_RDONLY)
for n in range(200):
    os.mkdir(f'd{n}')
    os.mkdir(f'e{n}', dir_fd=directory)
    open(f'd{n}/x', 'w').close()
    open(f'd{n}/y', 'w').close()
    try: os.mkdir(f'd{n}')
    except FileExistsError: pass
    os.rename(f'd{n}/x', f'd{n}/z')
    os.rename(f'd{n}/z', f'd{n}/y')
    open(f'd{n}/x', 'w').close()
    os.unlink(f'd{n}/x')
    os.unlink(f'd{n}/y', dir_fd=directory)
    os.rmdir(f'd{n}')
    os.rmdir(f'e{n}', dir_fd=directory)
"""
_NAMES = ("mkdir", "mkdirat", "rename", "unlink", "unlinkat", "rmdir")


@pytest.mark.usefixtures("fast_modes")
def test_what_nobody_is_in_the_way_of_is_not_shown(tmp_path: Path) -> None:
    counted = shown(tmp_path, CHANGES)
    changes = {name: counted.get(name, 0) for name in _NAMES}
    # Each name is looked up without waiting for a disk, which other programs' changes may keep from its end.
    assert max(changes.values()) <= 100, changes
    assert os.listdir(tmp_path / "work") == []


# Threads that have one file in turn, each of which is not shown any more how it opens that.
IN_TURN = """
import os, threading
path, turn, together = os.path.abspath('lock'), threading.Lock(), threading.Barrier(9)
def takes():
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
def takes_in_turn():
    for n in range(100):
        with turn:
            os.close(takes())
            os.unlink(path)
    together.wait()
    together.wait()
threads = [threading.Thread(target=takes_in_turn) for n in range(8)]
for thread in threads: thread.start()
together.wait()
"""
DONE = "together.wait()\nfor thread in threads: thread.join()\n"


@pytest.mark.usefixtures("fast_modes")
def test_what_threads_have_in_turn_is_not_shown(tmp_path: Path) -> None:
    counted = shown(tmp_path, IN_TURN + DONE)
    assert counted.get("unlink", 0) <= 200, counted


@pytest.mark.parametrize(
    "program", [f"fd = takes()\nos.unlink(path)\n{DONE}", f"fd = takes()\n{DONE}os.unlink(path)\n"]
)
def test_what_one_of_many_threads_has_is_told(tmp_path: Path, program: str) -> None:
    assert found_in(tmp_path, IN_TURN + program) == ["PB010"]


def test_what_a_thread_that_has_ended_had_opened_is_told(tmp_path: Path) -> None:
    program = "other = threading.Thread(target=takes)\nother.start()\nother.join()\nos.unlink(path)\n"
    assert found_in(tmp_path, IN_TURN + DONE + program) == ["PB010"]


def test_all_is_shown_that_is_enforced(tmp_path: Path) -> None:
    counted = shown(tmp_path, CHANGES, "--enforce")
    assert min(counted.get(name, 0) for name in _NAMES) >= 200, counted
