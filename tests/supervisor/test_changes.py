"""Changes of guests under Windows' rules: nothing of a request is left, however its call has ended."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from .guests import guest
from .sandbox import Sandbox, Watcher

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.platform.base import Stop
    from picobox.provider import PicoProvider

CHANGES = frozenset(
    (
        "unlink", "unlinkat", "rmdir", "rename", "renameat2", "link", "linkat", "symlink", "symlinkat", "mkdir",
        "mkdirat", "mknod", "mknodat",
        "truncate", "ftruncate", "chmod", "fchmod", "fchmodat", "utime", "utimes", "utimensat",
    )
)  # fmt: skip
SCRIPT = """
import os
os.mkdir("dir"); os.mknod("node"); os.symlink("node", "link"); os.link("node", "other")
os.truncate("node", 5); os.chmod("node", 0o600); os.utime("node")
fd = os.open("node", os.O_RDWR); os.ftruncate(fd, 3); os.fchmod(fd, 0o600); os.utime(fd)
for change in (lambda: os.unlink("node"), lambda: os.rename("dir", "node"), lambda: os.unlink("missing")):
    try: change()
    except OSError: pass
    else: raise SystemExit(1)
os.close(fd)
os.rename("node", "dir/node"); os.unlink("dir/node"); os.unlink("other"); os.unlink("link"); os.rmdir("dir")
"""


class ChangeWatcher(Watcher):
    """Notes which changes the executive has decided, and which of them failed."""

    def __init__(self) -> None:
        self.performed: set[str] = set()
        self.refused = 0

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None:
        if call is None or call.row is None or call.row.name not in CHANGES or result is None:
            return
        if result < 0:
            self.refused += 1
        elif call.performed:
            self.performed.add(call.row.name)


def assert_nothing_is_left(provider: PicoProvider) -> None:
    assert provider.opens is not None
    for volume in provider.opens.volumes:
        assert len(volume.nodes) == 0
        assert volume.reservations == {}


@pytest.mark.parametrize("profile", ["windows10", "windows11"])
def test_each_change_is_decided_by_the_executive(profile: str) -> None:
    sandbox, watcher = Sandbox(subscribe=True, profile=profile), ChangeWatcher()
    provider = sandbox.run_ours(sys.executable, "-c", SCRIPT, observer=watcher)
    decided = {
        "mkdir", "symlink", "mknod", "linkat", "truncate", "ftruncate", "chmod", "fchmod", "utimensat", "rename",
        "unlink", "rmdir",
    }  # fmt: skip
    # Which of two calls a library makes for one function is its own choice.
    alike = {
        "mknodat": "mknod",
        "symlinkat": "symlink",
        "mkdirat": "mkdir",
        "link": "linkat",
        "fchmodat": "chmod",
        "renameat2": "rename",
        "unlinkat": "unlink",
    }
    assert {alike.get(name, name) for name in watcher.performed} == decided
    assert watcher.refused == 3
    assert provider.nt.counters["NtSetInformationFile"] >= len(decided) - 3
    assert_nothing_is_left(provider)


def test_under_nt_changes_are_the_host_s() -> None:
    sandbox, watcher = Sandbox(subscribe=True, profile="nt"), ChangeWatcher()
    program = "import os; f = open('file', 'w'); os.unlink('file'); os.mkdir('dir'); os.rmdir('dir')"
    provider = sandbox.run_ours(sys.executable, "-c", program, observer=watcher)
    assert provider.changes is None
    assert (watcher.performed, watcher.refused) == (set(), 0)
    assert "NtSetInformationFile" not in provider.nt.counters


@pytest.mark.timeout(120)
def test_racing_changes_leave_nothing() -> None:
    provider = Sandbox(profile="windows11").run_ours(guest("changes"))
    assert provider.nt.counters["NtSetInformationFile"] > 100
    assert_nothing_is_left(provider)
