"""Instances come, change and go as WSL's do, whoever is killed on the way and whoever else is at work."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from picobox.session import locks, registry
from picobox.session.errors import ErrorCode, SessionError
from picobox.session.manager import Manager, checked_name
from picobox.session.place import SessionPlace
from picobox.session.registry import Instance, transaction
from picobox.session.states import State, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path) -> SessionPlace:
    return SessionPlace({"XDG_DATA_HOME": str(tmp_path / "data")})


@pytest.fixture
def manager(place: SessionPlace) -> Manager:
    return Manager(place)


def install(manager: Manager, name: str, directory: Path) -> Instance:
    with manager.installing(name, str(directory / name)) as installation:
        instance = installation.instance
        Path(instance.rootfs, "etc").mkdir()
        Path(instance.rootfs, "etc/hostname").write_text(name)
    return instance


def states(manager: Manager) -> dict[str, State]:
    return {each.instance.name: each.state for each in manager.list(all_states=True)}


def fails(code: ErrorCode, what: Callable[[], object]) -> None:
    with pytest.raises(SessionError) as caught:
        what()
    assert caught.value.code == code


def test_what_was_installed_is_found_by_another(manager: Manager, place: SessionPlace, tmp_path: Path) -> None:
    made = install(manager, "Debian", tmp_path)
    found = Manager(place).find("dEBIAN")
    assert found == Manager(place).find() == Manager(place).find(made.guid.upper())
    assert found.instance == made._replace(state=State.INSTALLED)
    assert (found.state, found.is_default) == (State.INSTALLED, True)
    assert Path(found.instance.rootfs, "etc/hostname").read_text() == "Debian"


def test_every_field_is_kept(manager: Manager, tmp_path: Path) -> None:
    fields = {
        "default_uid": 1000,
        "environment": ("A=ä", "B="),
        "drives": (f"D={tmp_path}",),
        "flags": registry.DRIVE_MOUNTING,
    }
    base = tmp_path / os.fsdecode(b"odd \xff\n name")
    with manager.installing("x", str(base), **fields):
        pass
    found = manager.find("x").instance
    assert {field: getattr(found, field) for field in fields} == fields
    assert found.base_path == str(base)


@pytest.mark.parametrize("name", ["", "a b", "ä", "a/b", "legacy", "Legacy", "x" * 257, "a\n", ".", ".."])
def test_a_name_that_none_may_have(name: str) -> None:
    fails(ErrorCode.E_INVALIDARG, lambda: checked_name(name))


def test_a_name_or_a_directory_that_is_taken(manager: Manager, tmp_path: Path) -> None:
    install(manager, "Debian", tmp_path)
    fails(ErrorCode.ERROR_ALREADY_EXISTS, lambda: install(manager, "DEBIAN", tmp_path))
    (tmp_path / "link").symlink_to(tmp_path / "Debian")
    fails(ErrorCode.ERROR_FILE_EXISTS, lambda: install(manager, "link", tmp_path))
    for within in ("Debian/rootfs", "Debian/rootfs/etc", "Debian/temp/x", "link/rootfs/y"):
        fails(ErrorCode.ERROR_FILE_EXISTS, partial(install, manager, "within", tmp_path / within))
    install(manager, "rootfs2", tmp_path / "Debian")
    manager.unregister("rootfs2")
    (tmp_path / "own/rootfs").mkdir(parents=True)
    fails(ErrorCode.ERROR_FILE_EXISTS, lambda: install(manager, "own", tmp_path))
    assert (tmp_path / "own/rootfs").is_dir()
    assert states(manager) == {"Debian": State.INSTALLED}


def test_a_failure_leaves_nothing(manager: Manager, tmp_path: Path) -> None:
    def fail() -> None:
        with manager.installing("x", str(tmp_path / "x")) as installation:
            instance = installation.instance
            Path(instance.rootfs, "closed/in").mkdir(parents=True)
            Path(instance.rootfs, "closed").chmod(0)
            assert states(manager) == {"x": State.INSTALLING}
            assert manager.list() == []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not (tmp_path / "x").exists()
    assert states(manager) == {}
    fails(ErrorCode.WSL_E_DISTRO_NOT_FOUND, lambda: manager.find("x"))
    fails(ErrorCode.WSL_E_DEFAULT_DISTRO_NOT_FOUND, manager.find)


def test_what_is_not_of_the_instance_is_not_deleted(manager: Manager, tmp_path: Path) -> None:
    instance = install(manager, "Debian", tmp_path)
    own = tmp_path / "Debian/mine"
    own.write_text("mine")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("outside")
    Path(instance.rootfs, "link").symlink_to(outside)
    manager.unregister("Debian")
    assert own.read_text() == "mine"
    assert (outside / "file").read_text() == "outside"
    assert not Path(instance.rootfs).exists()


def test_the_next_one_becomes_the_default(manager: Manager, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        install(manager, name, tmp_path)
    assert manager.find().instance.name == "a"
    manager.set_default("B")
    assert [each.instance.name for each in manager.list()] == ["b", "a", "c"]
    manager.unregister("b")
    assert manager.find().instance.name in ("a", "c")
    for name in ("a", "c"):
        manager.unregister(name)
    fails(ErrorCode.WSL_E_DEFAULT_DISTRO_NOT_FOUND, manager.find)


def test_one_that_is_exported_is_left_alone(manager: Manager, place: SessionPlace, tmp_path: Path) -> None:
    install(manager, "Debian", tmp_path)
    other = Manager(place)
    with manager.taken("Debian", Step.EXPORT):
        assert states(other) == {"Debian": State.EXPORTING}
        assert other.list() == []
        for step in (
            lambda: other.claim("Debian"),
            lambda: other.unregister("Debian"),
            lambda: other.configure("Debian", default_uid=1),
            lambda: other.taken("Debian", Step.CONVERT).__enter__(),
        ):
            fails(ErrorCode.E_ILLEGAL_STATE_CHANGE, step)
        other.set_default("Debian")
    assert states(other) == {"Debian": State.INSTALLED}


@pytest.mark.parametrize("fields", [{"default_uid": -1}, {"default_uid": (1 << 32) - 1}, {"flags": 8}])
def test_what_cannot_be_configured(manager: Manager, tmp_path: Path, fields: dict[str, int]) -> None:
    install(manager, "Debian", tmp_path)
    fails(ErrorCode.E_INVALIDARG, lambda: manager.configure("Debian", **fields))


# Runs an instance until it is told to end, and says so.
RUNNER = """
import signal, sys
from picobox.session.manager import Manager
from picobox.session.place import SessionPlace
import os
claimed = Manager(SessionPlace(os.environ)).claim(sys.argv[1])
print("joins" if claimed is None else "runs", flush=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[2:] else signal.SIG_DFL)
sys.stdin.read()
"""


def python(place: SessionPlace, program: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {"XDG_DATA_HOME": str(Path(place.directory).parent), "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def runner(manager: Manager, place: SessionPlace, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """An instance `Debian` that runs."""
    install(manager, "Debian", tmp_path)
    with python(place, RUNNER, "Debian") as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "runs\n"
            yield process
        finally:
            process.kill()


def test_one_that_runs_is_joined(manager: Manager, runner: subprocess.Popen[str]) -> None:
    assert states(manager) == {"Debian": State.RUNNING}
    assert [each.instance.name for each in manager.list(running=True)] == ["Debian"]
    assert manager.claim("Debian") is None
    runner.kill()
    runner.wait()
    assert states(manager) == {"Debian": State.INSTALLED}
    assert manager.list(running=True) == []
    claimed = manager.claim("Debian")
    assert claimed is not None
    os.close(claimed[1])


@pytest.mark.parametrize("what", ["terminate", "unregister", "configure", "export"])
def test_what_ends_one_that_runs(manager: Manager, runner: subprocess.Popen[str], what: str) -> None:
    if what == "configure":
        manager.configure("Debian", default_uid=0)
        assert runner.poll() is None, "nothing was changed"
        manager.configure("Debian", default_uid=7)
        assert manager.find("Debian").instance.default_uid == 7
    elif what == "export":
        with manager.taken("Debian", Step.EXPORT):
            assert runner.wait(timeout=20) == -signal.SIGTERM
    else:
        getattr(manager, what)("Debian")
    assert runner.wait(timeout=20) == -signal.SIGTERM
    assert states(manager) == ({} if what == "unregister" else {"Debian": State.INSTALLED})


def test_a_number_that_another_process_has_now(manager: Manager, place: SessionPlace, tmp_path: Path) -> None:
    """Who said that he runs an instance is dead, his lock was inherited, and his number is somebody else's."""
    instance = install(manager, "Debian", tmp_path)
    with python(place, "input()") as bystander:
        fd = locks.acquire(os.path.join(place.running, instance.guid))
        locks.say(fd, f"{bystander.pid} 1".encode())
        child = os.fork()
        if child == 0:
            time.sleep(0.5)
            os._exit(0)
        os.close(fd)
        manager.terminate("Debian")
        os.waitpid(child, 0)
        assert bystander.poll() is None
        bystander.communicate("\n")


# Does everything in turn, again and again.
WORKER = """
import os, sys
from pathlib import Path
from picobox.session.manager import Manager
from picobox.session.place import SessionPlace
from picobox.session.states import Step
manager = Manager(SessionPlace(os.environ))
base, name = sys.argv[1:]
print("ready", flush=True)
while True:
    with manager.installing(name, base) as installation:
        for number in range(40):
            directory = Path(installation.instance.rootfs, f"{number}")
            directory.mkdir()
            (directory / "file").write_text(name)
    manager.configure(name, default_uid=5)
    with manager.taken(name, Step.EXPORT):
        pass
    manager.unregister(name)
"""


@pytest.mark.timeout(1800)
def test_the_store_survives_kills(
    manager: Manager, place: SessionPlace, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """At random points of everything that is done to an instance, beside one that nothing is done to.

    test_kills.py kills the commands themselves; here the work is denser.
    """
    install(manager, "kept", tmp_path)
    base = tmp_path / "worked on"
    seen: set[str] = set()
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    wanted, enough = {"INSTALLING", "INVALID"}, 1000 if request.config.getoption("--full") else 15
    for number in itertools.count():
        # More, where the moments were none of those that count.
        if number >= enough and (wanted <= seen or number >= 20 * enough):
            break
        with python(place, WORKER, str(base), "other") as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            # The whole of it takes some 0.1 s.
            time.sleep(chance.uniform(0, 0.15))
            worker.kill()
        left = {each.name: each.state for each in entries(place)}
        seen.add(left.get("other", State.INVALID).name)
        after = states(manager)
        assert after.pop("kept") == State.INSTALLED, (seed, number)
        assert manager.find().instance.name == "kept"
        if after:
            assert after == {"other": State.INSTALLED}, (seed, number)
            assert len(list((base / "rootfs").iterdir())) == 40, (seed, number)
            manager.unregister("other")
        assert not base.exists(), (seed, number)
        assert os.listdir(place.locks) == [], (seed, number)
    assert wanted <= seen, "kills came where nothing was done"


def entries(place: SessionPlace) -> list[Instance]:
    """What is written down, before anybody puts it in order."""
    with transaction(place) as opened:
        return opened.instances()


@pytest.mark.timeout(1800)
def test_of_many_that_start_one_runs(
    manager: Manager, place: SessionPlace, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Two processes claim the same stopped instance at the same instant."""
    install(manager, "Debian", tmp_path)
    program = """
import os, sys
from picobox.session.manager import Manager
from picobox.session.place import SessionPlace
manager = Manager(SessionPlace(os.environ))
print("ready", flush=True)
for _ in sys.stdin:
    claimed = manager.claim("Debian")
    print("joins" if claimed is None else "runs", flush=True)
    sys.stdin.readline()
    if claimed is not None:
        os.close(claimed[1])
    print("done", flush=True)
"""
    both = [python(place, program) for _ in range(2)]

    def tell() -> list[str]:
        for process in both:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        return heard()

    def heard() -> list[str]:
        return [process.stdout.readline().strip() for process in both if process.stdout is not None]

    try:
        assert heard() == ["ready"] * 2
        for _ in range(500 if request.config.getoption("--full") else 50):
            assert sorted(tell()) == ["joins", "runs"]
            assert tell() == ["done"] * 2
    finally:
        for process in both:
            process.communicate()
