"""The real commands, killed at random points of their life: the store opens, and each was done or was not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from picobox.session.manager import Manager
from picobox.session.place import SessionPlace
from picobox.session.states import State
from picobox.session.transfer import export_instance, import_instance
from session.archives_made import everything, told

if TYPE_CHECKING:
    from picobox.session.registry import Instance

REPOSITORY = Path(__file__).parents[2]
_SECONDS = 60
_ACTIONS = ("import", "export", "unregister", "config")
# Ends itself before one of the calls that Python tells of (sys.audit), if its number is named; else tells how many
# there were. Imports of modules open files too, and are none.
_COMMAND = """
import os, signal, sys
number, count = int(sys.argv[1]), 0
def heard(event, arguments):
    global count
    if event in {events!r} and not str(arguments[0]).endswith((".py", ".pyc", "__pycache__")):
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
from picobox.cli import main
sys.addaudithook(heard)
status = main(sys.argv[2:])
sys.stdout.write(str(count))
sys.exit(status)
""".format(
    events=(
        "open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.setxattr",
        "os.utime", "os.truncate", "os.listdir", "os.scandir", "fcntl.fcntl", "fcntl.flock",
    )
)  # fmt: skip


class _Whole(NamedTuple):
    """What a command takes that nobody kills."""

    seconds: float
    calls: int


class Victims:
    """Instances of a user: `kept`, and `other`, that is made anew for what needs it."""

    def __init__(self, directory: Path) -> None:
        self.content = everything()
        self.archive, self.output = directory / "in.tar", directory / "out.tar"
        self.archive.write_bytes(self.content)
        self.environment = {**os.environ, "XDG_DATA_HOME": str(directory / "data"), "PYTHONPATH": str(REPOSITORY)}
        self.place = SessionPlace(self.environment)
        self.manager = Manager(self.place)
        self.base = directory / "worked on"
        import_instance(self.manager, "kept", None, str(self.archive))

    def words(self, action: str) -> list[str]:
        return {
            "import": ["import", "other", str(self.base), str(self.archive)],
            "export": ["export", "kept", str(self.output)],
            "unregister": ["unregister", "other"],
            "config": ["config", "other", "--uid", "7", "--env", "A=b", "--idle", "3"],
        }[action]

    def prepare(self, action: str) -> None:
        if action in ("unregister", "config"):
            import_instance(self.manager, "other", str(self.base), str(self.archive))

    def start(self, action: str, number: int = 0) -> subprocess.Popen[bytes]:
        """`number`: before which call it is to end itself; 0: none."""
        command = [sys.executable, "-c", _COMMAND, str(number), "instance", *self.words(action)]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def whole(self, action: str) -> _Whole:
        self.prepare(action)
        began = time.monotonic()
        process = self.start(action)
        output, _ = process.communicate(timeout=_SECONDS)
        seconds = time.monotonic() - began
        assert process.returncode == 0
        self.check()
        return _Whole(seconds, int(output))

    def check(self) -> str:
        """That everything is as before the command or as after it, and removes what it has made. What there was."""
        listed = {each.instance.name: each for each in self.manager.list(all_states=True)}
        kept = listed.pop("kept")
        assert (kept.state, kept.is_default) == (State.INSTALLED, True)
        found = "nothing"
        if self.output.exists():
            assert told(self.output.read_bytes()) == told(self.content)
            self.output.unlink()
            found = "an archive"
        if listed:
            assert {name: each.state for name, each in listed.items()} == {"other": State.INSTALLED}
            found = self._check_other(listed["other"].instance)
            self.manager.unregister("other")
        assert not self.base.exists()
        # A lock is held or not, whether its file is there or not.
        assert set(os.listdir(self.place.locks)) <= {kept.instance.guid}
        assert sorted(os.listdir(self.output.parent)) == ["data", "in.tar"]
        return found

    def _check_other(self, instance: Instance) -> str:
        is_changed = instance.default_uid == 7
        assert ("A=b" in instance.environment) == is_changed
        assert (instance.idle_timeout == 3000) == is_changed
        export_instance(self.manager, "other", str(self.output), None)
        assert told(self.output.read_bytes()) == told(self.content)
        self.output.unlink()
        return "changed" if is_changed else "installed"


def _struck(process: subprocess.Popen[bytes], delay: float) -> None:
    """Kills a process after so many seconds of its life."""
    time.sleep(delay)
    process.kill()
    process.communicate(timeout=_SECONDS)


# Of a thousand rounds.
@pytest.mark.timeout(1800)
def test_a_command_is_done_or_not(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """In half of the rounds at a random time, in the other half before a random one of its calls."""
    victims = Victims(tmp_path)
    whole = {action: victims.whole(action) for action in _ACTIONS}
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    killed, found = 0, set()
    for number in range(1000 if request.config.getoption("--full") else 50):
        action = _ACTIONS[number % len(_ACTIONS)]
        victims.prepare(action)
        if number // len(_ACTIONS) % 2:
            process = victims.start(action)
            _struck(process, chance.uniform(0, whole[action].seconds))
        else:
            process = victims.start(action, chance.randint(1, whole[action].calls))
            process.communicate(timeout=_SECONDS)
        killed += process.returncode == -signal.SIGKILL
        try:
            found.add((action, victims.check()))
        except BaseException as error:
            error.add_note(f"seed {seed}, round {number}, {action}, {process.returncode}")
            raise
    assert killed > number / 2
    assert {("import", "nothing"), ("config", "installed")} <= found
