"""Under profile nt every open of a file is NtCreateFile: decided by the executive, with a handle once it succeeded."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from ntshim.fs.nodes import Open
from ntshim.io.file import FILE_READ_DATA, FILE_WRITE_DATA, File
from ntshim.io.share import FILE_SHARE_ALL
from picobox.abi.table import BY_NAME
from picobox.task import fd_index

from .sandbox import Sandbox, Watcher

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.platform.base import Stop

OPENS = frozenset(("open", "openat", "openat2", "creat"))
# What is opened: a file that is there, one that is made, one that is missing, a directory, no file of a volume.
SCRIPT = (
    "echo text >made; cat MADE /etc/passwd; cat missing; (cd / && ls); cat /proc/self/status; exec 3<>Other; exit 0"
)


class OpenWatcher(Watcher):
    """Looks at each open that has ended."""

    def __init__(self) -> None:
        self.performed: list[tuple[str, int, Open]] = []
        self.others: list[int] = []

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None:
        if call is None or call.row is None or call.row.name not in OPENS or result is None:
            return
        if not call.performed or result < 0:
            self.others.append(result)
            return
        entry = call.thread.process.handles.peek(fd_index(result))
        assert entry is not None
        assert isinstance(entry.object, File)
        assert isinstance(entry.object.context, Open)
        found = os.stat(f"/proc/{stop.tid}/fd/{result}")
        assert entry.object.host_key == (found.st_dev, found.st_ino) == entry.object.context.node.inode.key
        self.performed.append((call.row.name, entry.access, entry.object.context))


class RefusalWatcher(Watcher):
    """Counts the opens that the executive has allowed and the kernel has not."""

    def __init__(self) -> None:
        self.refused = 0

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None:
        self.refused += call is not None and call.performed and result is not None and result < 0


def test_each_open_of_a_file_is_performed_and_counted() -> None:
    sandbox = Sandbox(subscribe=True, profile="nt")
    watcher = OpenWatcher()
    provider = sandbox.run_ours("/bin/sh", "-c", f"({SCRIPT}) 2>/dev/null", observer=watcher)
    names = [opened.link.name for _, _, opened in watcher.performed]
    assert names.count("made") == 2, "once made, once found by another spelling"
    assert {"passwd", "Other"} <= set(names)
    assert "missing" not in names
    assert "status" not in names
    access = {
        opened.link.name: granted & (FILE_READ_DATA | FILE_WRITE_DATA) for _, granted, opened in watcher.performed
    }
    assert access["passwd"] == FILE_READ_DATA
    assert access["Other"] == FILE_READ_DATA | FILE_WRITE_DATA
    assert {opened.share for _, _, opened in watcher.performed} == {FILE_SHARE_ALL}
    assert provider.nt.counters["NtCreateFile"] >= len(watcher.performed)
    assert watcher.others, "a missing file and /proc are the host's affair"


def test_who_asks_for_opens_is_shown_what_they_do_though_there_is_a_gate() -> None:
    sandbox = Sandbox(subscribe=True, calls=frozenset((BY_NAME["creat"].nr,)), profile="nt", gate=1)
    watcher = OpenWatcher()
    program = "import ctypes; assert ctypes.CDLL(None).creat(b'made', 0o600) >= 0"
    sandbox.run_ours(sys.executable, "-c", program, observer=watcher)
    assert [opened.link.name for _, _, opened in watcher.performed] == ["made"]


def test_no_handle_is_made_of_what_nobody_asks_for() -> None:
    provider = Sandbox(profile="nt", gate=1).run_ours("/bin/sh", "-c", f"({SCRIPT}) 2>/dev/null")
    assert "NtCreateFile" not in provider.nt.counters


def test_nothing_is_kept_of_an_open_that_the_kernel_refuses() -> None:
    program = "import os\ntry:\n    os.open('/', os.O_WRONLY)\nexcept IsADirectoryError:\n    pass\n"
    sandbox = Sandbox(subscribe=True, profile="nt")
    watcher = RefusalWatcher()
    provider = sandbox.run_ours(sys.executable, "-c", program, observer=watcher)
    assert watcher.refused, "the executive had allowed it"
    assert provider.opens is not None
    assert [len(volume.nodes) for volume in provider.opens.volumes] == [0] * len(provider.opens.volumes)


HIDDEN = """\
import os, sys
made = []
os.chmod(".", 0o755)
os.mkdir("shut", 0o700)
open("shut/file", "w").close()
for user in (0, 65534):
    os.setuid(user)
    for flags in (os.O_DIRECTORY, os.O_CREAT | os.O_EXCL, os.O_WRONLY | os.O_DIRECTORY):
        try:
            os.open("shut/file", flags, 0o600)
        except OSError as error:
            made.append(error.errno)
assert made == [20, 17, 20, 13, 13, 13], made
"""


def test_who_may_not_search_a_directory_does_not_hear_what_is_in_it() -> None:
    if os.geteuid():
        pytest.skip("only root becomes another user")
    # subscribed to, an open is shown to the executive
    Sandbox(subscribe=True, profile="nt").run_ours(sys.executable, "-c", HIDDEN, observer=OpenWatcher())


@pytest.mark.parametrize("profile", ["linux"])
def test_without_names_no_open_reaches_the_executive(profile: str) -> None:
    sandbox = Sandbox(subscribe=True, profile=profile)
    provider = sandbox.run_ours("/bin/sh", "-c", "cat /etc/passwd", observer=OpenWatcher())
    assert provider.opens is None
    assert "NtCreateFile" not in provider.nt.counters
