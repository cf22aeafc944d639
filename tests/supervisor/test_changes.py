"""Changes of guests under Windows' rules: nothing of a request is left, however its call has ended."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from picobox.abi.row import ACTION_CALL, ACTION_NATIVE
from picobox.abi.table import BY_NAME

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


LOCKED = """
import fcntl, os
file = os.open("file", os.O_RDWR | os.O_CREAT)
other = os.open("file", os.O_RDWR)
os.write(file, bytes(64))
if {locks}:
    fcntl.lockf(file, fcntl.LOCK_EX, 8, 8)
for offset in range(64):
    try:
        os.pread(other, 1, offset)
    except PermissionError:
        assert {locks} and 8 <= offset < 16
    else:
        assert not {locks} or not 8 <= offset < 16
if {locks}:
    fcntl.lockf(file, fcntl.LOCK_UN, 8, 8)
for offset in range(64):
    os.pread(other, 1, offset)
"""


@pytest.mark.parametrize("locks", [True, False])
def test_a_lock_takes_reading_off_the_fast_path_while_it_is_held(locks: bool) -> None:
    sandbox = Sandbox(profile="windows11")
    sandbox.run_ours(sys.executable, "-c", LOCKED.format(locks=locks))
    nr = BY_NAME["pread64"].nr
    # One call more finds that no lock is left.
    assert sandbox.counters[ACTION_CALL][nr] == (65 if locks else 0)
    assert sandbox.counters[ACTION_NATIVE][nr] >= (63 if locks else 128)


WAITING = """
import fcntl, os, signal
file = open("file", "w")
fcntl.flock(file, fcntl.LOCK_EX)
pid = os.fork()
if not pid:
    os.execlp("python3", "python3", "-c", '''
import fcntl, signal
def stop(*_): raise SystemExit(7)
signal.signal(signal.SIGALRM, stop)
file = open("file", "r")
signal.setitimer(signal.ITIMER_REAL, 0.2)
fcntl.flock(file, fcntl.LOCK_EX)
''')
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
"""


@pytest.mark.timeout(60)
def test_a_signal_reaches_who_waits_for_a_lock() -> None:
    Sandbox(profile="windows11").run_ours(sys.executable, "-c", WAITING)


PYTHON_LIBRARY = """
import os, shutil, tempfile
def is_refused(change, *arguments):
    try:
        change(*arguments)
    except PermissionError:
        return True
directory = tempfile.mkdtemp()
file = open(os.path.join(directory, "file"), "w")
assert is_refused(shutil.rmtree, directory) and is_refused(shutil.move, file.name, file.name + "2")
file.close()
shutil.rmtree(directory)
with tempfile.NamedTemporaryFile() as file:
    assert is_refused(os.unlink, file.name)
with tempfile.TemporaryDirectory() as directory:
    os.chdir(directory)
    assert is_refused(os.rmdir, directory)
    os.chdir("/")
with tempfile.TemporaryFile() as file:
    file.write(b"text")
"""


@pytest.mark.timeout(60)
def test_python_s_library_meets_what_it_meets_on_windows() -> None:
    Sandbox(profile="windows11").run_ours(sys.executable, "-c", PYTHON_LIBRARY)


GIT = """
export HOME=$PWD GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
exec >out 2>&1
git init -q . && echo one >file && git add file && git commit -qm one && git checkout -qb other && echo two >file &&
git commit -qam two && git checkout -q - || exit 3
grep -q . out && exit 4
exec 5<file
git checkout -q other
grep -q "unable to unlink old 'file'" out || exit 5
exec 5<&-
git checkout -qf other && git gc -q && test "$(cat file)" = two
"""


@pytest.mark.timeout(60)
def test_git_cannot_replace_a_file_that_another_program_has_open() -> None:
    Sandbox(profile="windows11").run_ours("/bin/sh", "-c", GIT)


@pytest.mark.timeout(120)
def test_racing_changes_leave_nothing() -> None:
    provider = Sandbox(profile="windows11").run_ours(guest("changes"))
    assert provider.nt.counters["NtSetInformationFile"] > 100
    assert_nothing_is_left(provider)
