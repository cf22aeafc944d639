"""NT's namespace as files in an instance that is to have it."""

from __future__ import annotations

import os
import select
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confine.guests import USERS
from nt_files.test_tree import needs_fuse

from picobox.nt_files import fuse
from session.test_running import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator


_SECONDS = 60
# An ordinary user may serve a file system where the machine lets him open the device.
_SERVERS = USERS if os.path.exists(fuse.DEVICE) and os.stat(fuse.DEVICE).st_mode & 0o6 == 0o6 else USERS[:1]
_NULL = "Name:\t\\Device\\Null\nType:\tDevice\nHandles:\t         0\nReferences:\t         1\n"
# The ids are asked for before anything else has been looked up.
_LOOKS = r"""
busybox stat -c '%u %g %a %F' /nt/Device/Null /nt/device/NULL /nt/DosDevices /nt /nt/..
cat /nt/Device/Null
cd /nt/Device; busybox stat -c '%n %u' Zero ../Device/Null 2>&1; pwd
readlink /nt/DosDevices
for each in touch mkdir 'busybox mknod -m 600'; do $each /nt/new p 2>/dev/null || echo refused; done
cat /nt/nothing 2>&1 || true
"""
_SEEN = f"""0 0 444 regular file
0 0 444 regular file
0 0 777 symbolic link
0 0 555 directory
0 0 755 directory
{_NULL}stat: can't stat 'Zero': No such file or directory
../Device/Null 0
/nt/Device
/nt/??
refused
refused
refused
cat: can't open '/nt/nothing': No such file or directory
"""
_MANY_AT_ONCE = """
look() {
    for n in 1 2 3 4 5 6; do
        cat /nt/Device/Null /nt/device/null /nt/nothing /nt/Device/$1
        busybox stat -c %u /nt/Device/Null /nt/Device/null
    done
}
for each in 1 2 3; do look $each >/tmp/said$each 2>&1 & done
wait
cat /tmp/said? | busybox grep -v -e ^[NTHR].*: -e 'No such file' | busybox sort | busybox uniq -c
"""


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="picobox-served-") as directory:
        yield Path(directory)


@needs_fuse
@pytest.mark.parametrize("user", _SERVERS)
def test_what_is_there(place: Path, user: str) -> None:
    with home_of(place, user) as home:
        assert home.runs("ls /nt", status=1) == "ls: /nt: No such file or directory\n"
        home.does("config", "box", "--nt-files", "on")
        assert home.runs(_LOOKS) == _SEEN
        # Of another user, and of a program of another client's.
        assert home.runs("cat /nt/Device/Null", "-u", "other") == _NULL
        home.runs("sleep 1000 >/dev/null 2>&1 &")
        # NT's own, that one and who looks; a shell that has just ended may be gone between two looks.
        found = home.runs("cat /nt/Sessions/0/Processes/* 2>&1 || true")
        assert found.count("Type:\tProcess\n") >= 3, found
        assert home.runs(_MANY_AT_ONCE).split() == ["36", "0"]
        home.does("config", "box", "--nt-files", "off")
        assert home.runs("ls /nt/", status=1) == "ls: /nt/: No such file or directory\n"


@needs_fuse
def test_who_serves_it_ends_with_the_instance(tmp_path: Path) -> None:
    with home_of(tmp_path, USERS[0]) as home:
        home.does("config", "box", "--nt-files", "on")
        home.runs("true")
        server = home.server()
        gone = os.pidfd_open(_who_serves(server))
        os.kill(server, 9)
        assert select.select([gone], [], [], _SECONDS)[0]
        os.close(gone)
        # Whoever comes next finds it again.
        assert home.runs("cat /nt/Device/Null") == _NULL


def test_a_place_that_is_taken(tmp_path: Path) -> None:
    with home_of(tmp_path, USERS[0], _put_a_file) as home:
        home.does("config", "box", "--nt-files", "on")
        said = home.runs("echo ran", status=125)
        assert "ran" not in said.split()
        assert "a /nt of its own" in said
        assert "`picobox instance config box --nt-files off`" in said
        home.does("config", "box", "--nt-files", "off")
        assert home.runs("cat /nt/file") == "here"


@pytest.mark.skipif(
    "nobody" not in USERS or "nobody" in _SERVERS, reason=f"nobody here is kept from {fuse.DEVICE}, or only root can be"
)
def test_where_the_machine_serves_none(place: Path) -> None:
    with home_of(place, "nobody") as home:
        home.does("config", "box", "--nt-files", "on")
        assert f"needs {fuse.DEVICE} (package fuse3): Permission denied" in home.runs("true", status=125)


def _put_a_file(tree: Path) -> None:
    (tree / "nt").mkdir()
    (tree / "nt/file").write_text("here")


def _who_serves(instance: int) -> int:
    """The process that a running instance has made and that is not its child: of a session of its own."""
    mine = os.readlink(f"/proc/{instance}/ns/mnt")
    found = []
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
        with suppress(OSError):
            if pid != instance and os.readlink(f"/proc/{pid}/ns/mnt") == mine and os.getsid(pid) == pid:
                found.append(pid)
    (server,) = found
    return server
