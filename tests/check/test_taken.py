"""Looks, reads and writes are made unseen until a check, or a lock, wants to see them: from then on they are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .checked import check

if TYPE_CHECKING:
    from pathlib import Path

# So often a call is made before and after it is wanted that its site has its jump.
OFTEN = 400
FILES = """
import os
work = os.getcwd()
for name in ('x', 'y'):
    open(name, 'w').write('text')
fd = os.open('x', os.O_RDWR)
other = os.open('y', os.O_RDONLY)
"""
LOOKS = {
    "stat": "os.stat('x')",
    "of an absolute path": "os.stat(work + '/x')",
    "lstat": "os.lstat('x')",
    "by a directory": "os.stat('x', dir_fd=directory)",
    "of a descriptor": "os.fstat(fd)",
    "of a copy": "os.fstat(os.dup(fd))",
}


def run_script(directory: Path, program: str, *options: str) -> list[str]:
    """The rules of what is found in a program that is a file of its own."""
    script = directory / "work" / "script.py"
    script.parent.mkdir()
    script.write_text(program)
    checked = check(directory, "import runpy; runpy.run_path('script.py')", *options)
    assert checked.status in (0, 1), checked.stderr
    assert "Error" not in checked.stderr, checked.stderr
    return checked.rules


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_that_was_unseen_is_seen_once_a_mode_is_set(tmp_path: Path, look: str) -> None:
    program = (
        f"{FILES}directory = os.open('.', os.O_RDONLY)\n"
        f"for _ in range({OFTEN}): {look}\n"
        "os.chmod('x', 0o640)\n"
        f"for _ in range({OFTEN}): os.stat('y'); os.fstat(other)\n"
        f"assert {look}.st_mode & 0o777 == 0o640\n"
    )
    assert run_script(tmp_path, program) == ["PB021"]


def test_a_file_in_the_place_of_the_one_that_was_set_is_seen_by_its_descriptor(tmp_path: Path) -> None:
    program = (
        f"{FILES}for _ in range({OFTEN}): os.fstat(fd)\n"
        "os.chmod('x', 0o640)\nos.unlink('y')\nos.close(fd)\nos.rename('x', 'z')\n"
        "open('x', 'w').close()\nfd = os.open('x', os.O_RDONLY)\nassert os.fstat(fd).st_mode\n"
    )
    assert "PB021" in run_script(tmp_path, program)


def test_a_look_at_a_bad_path_fails_as_ever(tmp_path: Path) -> None:
    program = f"""{FILES}import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(256)
def tries():
    found = []
    for path in (ctypes.c_void_p(8), b'', b'a' * 5000, b'nowhere'):
        ctypes.set_errno(0)
        found.append((libc.stat(path, room), ctypes.get_errno()))
    return found
for _ in range({OFTEN}): before = tries()
os.chmod('x', 0o640)
assert before == tries(), before
assert [error for _, error in before] == [errno.EFAULT, errno.ENOENT, errno.ENAMETOOLONG, errno.ENOENT], before
"""
    assert run_script(tmp_path, program) == []


@pytest.mark.usefixtures("fast_modes")
@pytest.mark.parametrize("call", ["os.stat('y')", "os.pread(other, 4, 0)", "os.pwrite(fd, b'text', 0)"])
def test_what_nobody_waits_for_makes_no_stop(tmp_path: Path, call: str) -> None:
    program = (
        f"{FILES}import resource\nos.chmod('x', 0o640)\nfor _ in range({OFTEN}): {call}\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw\n"
        f"for _ in range(2000): {call}\n"
        "stops = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before\nassert stops < 500, stops\n"
    )
    assert run_script(tmp_path, program) == []


@pytest.mark.parametrize("call", ["os.pread(other, 4, 0)", "os.read(other, 1)", "os.pwrite(other, b'a', 0)"])
def test_bytes_that_are_locked_are_refused_to_who_has_read_them_unseen(tmp_path: Path, call: str) -> None:
    program = f"""
import fcntl, os
open('x', 'w').write('text' * 1000)
other = os.open('x', os.O_RDWR)
for _ in range({OFTEN}): {call}
ready, go = os.pipe(), os.pipe()
import subprocess, sys
locks = "import fcntl, os; f = open('x', 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); os.write(1, b'r'); os.read(0, 1)"
locker = subprocess.Popen([sys.executable, '-c', locks], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
locker.stdout.read(1)
try:
    {call}
except PermissionError:
    print('refused')
else:
    print('done')
locker.communicate(b'g')
{call}
"""
    checked = check(tmp_path, program, "--enforce")
    assert checked.stdout == "refused\n", checked
