"""Learning behind real walls: the program runs under what was learned, and not without any one rule of it."""

from __future__ import annotations

import os
import signal
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from nt_files.test_tree import needs_fuse

from picobox.nt_files.fuse import DEVICE

from .guests import USERS, command_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Each costs some twenty runs of the command: the fast tier has them once.
AS_THE_FIRST = pytest.mark.parametrize(
    "user", [USERS[0], *(pytest.param(name, marks=pytest.mark.full) for name in USERS[1:])], indirect=True
)


def picobox(user: str, directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line as a user whose home is a directory beside this one."""
    home = directory.parent / f"{directory.name}-home"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PICOBOX")}
    return subprocess.run(
        command_line(user, *words),
        cwd=directory,
        env={**kept, "HOME": str(home), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def without_each(policy: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A learned policy without one rule of it, for each rule."""
    for key, value in policy.items():
        rest = {name: each for name, each in policy.items() if name != key}
        if key == "extends":
            continue
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", {**rest, key: part}) for name, part in without_each(value))
        elif isinstance(value, list):
            for entry in value:
                yield f"{key} {entry}", {**rest, key: [each for each in value if each != entry]}
        else:
            yield key, rest


def as_toml(policy: dict[str, Any]) -> str:
    flat = {name: value for name, value in policy.items() if not isinstance(value, dict)}
    lines = [f"{name} = {value!r}" for name, value in flat.items()]
    for name, table in policy.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {value!r}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


SCRIPT = (
    'cat in/data > out/copy && mkdir out/new && mv out/copy out/new/moved && test "$WORD" = yes && : > /tmp/scratch'
)


@pytest.fixture
def project(place: Path, user: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files to read and a directory to write to, and what the script does not use."""
    for name in ("in", "out", "more"):
        (place / name).mkdir()
        os.chown(place / name, place.stat().st_uid, place.stat().st_gid)
    (place / "in" / "data").write_text("data")
    (place / "in" / "other").write_text("other")
    monkeypatch.setenv("WORD", "yes")
    monkeypatch.setenv("OTHER_WORD", "no")
    del user
    return place


@AS_THE_FIRST
def test_what_is_learned_is_enough_and_none_of_it_too_much(user: str, project: Path) -> None:
    done = picobox(user, project, "learn", "-o", "learned.toml", "--", "/bin/sh", "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    # Nothing was changed by all these runs.
    assert sorted(path.name for path in project.rglob("*")) == ["data", "in", "learned.toml", "more", "other", "out"]
    policy = tomllib.loads((project / "learned.toml").read_text())["policy"]
    assert policy["extends"] == "nothing"
    assert policy["private-tmp"] is True
    assert policy["environment"] == {"keep": ["WORD"]}
    assert policy["files"]["write"] == ["out"]
    assert "in/data" in policy["files"]["read"]
    assert "network" not in policy
    for name, rest in without_each(policy):
        (project / "less.toml").write_text(as_toml(rest))
        less = picobox(user, project, "--policy", "less.toml", "--", "/bin/sh", "-c", SCRIPT)
        assert less.returncode != 0, f"it runs without {name}"
        subprocess.run(["rm", "-rf", *map(str, (project / "out").iterdir())], check=True)
    done = picobox(user, project, "--policy", "learned.toml", "--", "/bin/sh", "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    assert (project / "out" / "new" / "moved").read_text() == "data"


@pytest.mark.full
def test_a_status_that_is_not_0_is_one_to_keep(user: str, project: Path) -> None:
    done = picobox(user, project, "learn", "--", "/bin/sh", "-c", "read word < in/data; exit 7")
    assert "ends with status 7" in done.stdout
    policy = tomllib.loads(done.stdout)["policy"]
    assert policy["files"].get("write") is None
    assert all("data" not in path for path in policy["files"]["read"])


@pytest.mark.full
def test_the_output_counts_if_that_is_wanted(user: str, project: Path) -> None:
    done = picobox(user, project, "learn", "--same-output", "--", "/bin/sh", "-c", "cat in/data; exit 7")
    assert "data" in done.stderr
    assert any(path.endswith("in/data") for path in tomllib.loads(done.stdout)["policy"]["files"]["read"])


@AS_THE_FIRST
def test_what_cannot_be_run_is_told(user: str, project: Path) -> None:
    done = picobox(user, project, "learn", "--", "/no/such/program")
    assert done.returncode == 125
    assert done.stderr.splitlines()[-1].startswith("picobox: /no/such/program: command not found")
    assert done.stdout == ""


@pytest.mark.full
def test_the_loopback_is_learned(user: str, project: Path) -> None:
    program = "import socket; a = socket.create_server(('127.0.0.1', 0)); socket.create_connection(a.getsockname())"
    done = picobox(user, project, "learn", "--", "/usr/bin/python3", "-I", "-S", "-c", program)
    assert done.returncode == 0, done.stderr
    assert tomllib.loads(done.stdout)["policy"]["network"] == "loopback"


@AS_THE_FIRST
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_ends_learning_ends_the_command(user: str, project: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        command_line(user, "learn", "--", "/bin/sh", "-c", "echo begun >&2; exec sleep 300"),
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as learning:
        assert learning.stderr is not None
        assert b"begun" in learning.stderr.readline()
        learning.send_signal(number)
        assert learning.wait(30) == 128 + number
        # The pipe ends when nobody has it any more.
        assert b"Traceback" not in learning.stderr.read()


@pytest.fixture
def dead(tmp_path: Path) -> Iterator[Path]:
    """A file system that nobody serves, though somebody could: a look at it never ends."""
    place = tmp_path / "dead"
    place.mkdir()
    server = os.open(DEVICE, os.O_RDWR)
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other"
    subprocess.run(("mount", "-i", "-t", "fuse", "-o", options, "dead", place), pass_fds=(server,), check=True)
    yield place
    subprocess.run(("umount", "-l", place), check=True)
    os.close(server)


@needs_fuse
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount there")
@pytest.mark.usefixtures("dead")
@pytest.mark.parametrize("user", USERS[:1], indirect=True)
def test_a_dead_file_system_of_the_host_is_left_alone(user: str, project: Path) -> None:
    done = picobox(user, project, "learn", "-o", "policy.toml", "--", "/bin/true")
    assert done.returncode == 0, done
    assert (project / "policy.toml").exists()
