"""Disturbances as real programs meet them: failing calls, a limit on handles, listings in another order."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .found import check

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory to run in."""
    place = tmp_path / "project"
    place.mkdir()
    return place


ATTEMPTS = """
import errno, os
for number in range(6):
    try:
        os.mkdir(f"d{number}")
        print("made")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""


@pytest.mark.parametrize(
    ("inject", "failing", "name"),
    [
        (("mkdir:error=ENOSPC",), (1, 2, 3, 4, 5, 6), "ENOSPC"),
        (("mkdir:error=EIO:when=2",), (2,), "EIO"),
        (("mkdir:error=EIO:when=4+",), (4, 5, 6), "EIO"),
        (("mkdir,rename:error=EIO:when=1+2",), (1, 3, 5), "EIO"),
        (("mkdir:error=EIO:when=2..3",), (2, 3), "EIO"),
        (("mkdir:error=EIO:when=1", "mkdir:error=EIO:when=6"), (1, 6), "EIO"),
        (("mkdir:error=STATUS_SHARING_VIOLATION:when=2",), (2,), "EACCES"),
        (("rmdir:error=EIO",), (), ""),
    ],
)
def test_failing_calls(directory: Path, inject: tuple[str, ...], failing: tuple[int, ...], name: str) -> None:
    options = [word for each in inject for word in ("--inject", each)]
    done = check(directory, *options, "--", sys.executable, "-c", ATTEMPTS)
    assert done.output.splitlines() == [name if number in failing else "made" for number in range(1, 7)]
    assert sorted(each.name for each in directory.iterdir()) == [f"d{n}" for n in range(6) if n + 1 not in failing]


def test_failing_calls_of_each_task_count_for_themselves(directory: Path) -> None:
    script = "for i in 1 2; do mkdir a$i || echo refused $i; done"
    done = check(directory, "--inject", "mkdir:error=EACCES:when=1", "--", "sh", "-c", script)
    assert done.output.splitlines() == ["refused 1", "refused 2"]


def test_failing_calls_that_are_native_else(directory: Path) -> None:
    script = "import os\ntry: print(os.getppid() > 0)\nexcept OSError: pass\nos.close(os.dup(1))\nos.write(1, b'x')\n"
    done = check(directory, "--inject", "close:error=EIO:when=9999", "--", sys.executable, "-c", script)
    assert done.output in {"True\nx", "xTrue\n"}
    done = check(
        directory, "--inject", "lseek:error=EINVAL", "--", sys.executable, "-c", "import os; os.lseek(0, 0, 0)"
    )
    assert "Errno 22" in done.errors


def test_a_limit_on_handles(directory: Path) -> None:
    script = """
import errno, os
held = []
try:
    while True:
        held.append(open("file", "w"))
except OSError as error:
    os.dup2(1, held[0].fileno())
    held.pop().close()
    print(errno.errorcode[error.errno], len(os.listdir("/proc/self/fd")))
try:
    held.append(os.dup(1))
    os.pipe()
except OSError as error:
    print(errno.errorcode[error.errno])
"""
    done = check(directory, "--handle-limit", "12", "--", sys.executable, "-c", script)
    assert done.output.splitlines() == ["EMFILE 12", "EMFILE"]


SHUFFLED = """
import ctypes, os, sys
names = [f"f{n:03}" for n in range(300)]
for name in names:
    open(name, "w").close()
listed = os.listdir(".")
assert sorted(listed) == names and listed != names
assert os.listdir(".") == listed
libc = ctypes.CDLL(None, use_errno=True)
def read(fd, size):
    buffer = ctypes.create_string_buffer(size)
    got = libc.syscall(217, fd, buffer, size)
    assert got >= 0, ctypes.get_errno()
    found, place = [], 0
    while place < got:
        offset = int.from_bytes(buffer.raw[place + 8 : place + 16], "little")
        length = int.from_bytes(buffer.raw[place + 16 : place + 18], "little")
        name = buffer.raw[place + 19 : place + length].split(b"\\0")[0]
        found.append((os.fsdecode(name), offset, buffer.raw[place + 18]))
        place += length
    return found
for size in (32, 100, 4096, 100000):
    fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    found = []
    while some := read(fd, size):
        found += some
    assert [name for name, *_ in found if name not in (".", "..")] == listed, size
    assert all(kind == (4 if name[0] == "." else 8) for name, _, kind in found)
    # What telldir gives leads back, also through a copy of the descriptor, and rewinding begins anew.
    other = os.dup(fd)
    os.lseek(other, found[99][1], os.SEEK_SET)
    assert read(fd, 100000) == found[100:]
    os.lseek(fd, 0, os.SEEK_SET)
    os.unlink("f000")
    assert [each[0] for each in read(fd, 100000)] == [each[0] for each in found if each[0] != "f000"]
    open("f000", "w").close()
    os.close(fd)
    os.close(other)
buffer = ctypes.create_string_buffer(8)
fd = os.open(".", os.O_RDONLY)
assert libc.syscall(217, fd, buffer, 8) == -1 and ctypes.get_errno() == 22
assert libc.syscall(217, fd, None, 4096) == -1 and ctypes.get_errno() == 14
print(" ".join(listed))
"""


def test_listings_in_another_order(directory: Path) -> None:
    (directory.parent / "again").mkdir()
    first = check(directory, "--shuffle-dirs", "--", sys.executable, "-c", SHUFFLED)
    assert (first.status, first.errors) == (0, "")
    again = check(directory.parent / "again", "--shuffle-dirs=0", "--", sys.executable, "-c", SHUFFLED)
    assert again.output == first.output
    other = check(directory, "--shuffle-dirs=7", "--", sys.executable, "-c", SHUFFLED)
    assert other.status == 0
    assert other.output != first.output


def test_tools_work_with_listings_in_another_order(directory: Path) -> None:
    script = """
    mkdir -p a/b/c d; for i in 1 2 3 4 5 6 7 8 9; do echo $i > a/$i; echo $i > a/b/c/$i; done
    git init -q r; cp -r a r; cd r; git add -A; git -c user.name=x -c user.email=x@y commit -qm m; git status --short
    git ls-files | wc -l; cd ..; ls a; find a -type f | wc -l; rm -r a; ls -A; ls /proc/self/fd > list; rm -r r list
    """
    plain = subprocess.run(["sh", "-c", script], cwd=directory, capture_output=True, text=True, check=True)
    (directory.parent / "again").mkdir()
    done = check(directory.parent / "again", "--shuffle-dirs", "--", "sh", "-c", script)
    assert (done.status, done.output) == (0, plain.stdout)
