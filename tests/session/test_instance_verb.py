"""`picobox instance`: trees come in and go out as they were, and a failure changes nothing."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from session.archives_made import Image, archive_of, everything, member, told

REPOSITORY = Path(__file__).parents[2]


class User:
    """Somebody with data of his own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "data"
        self.environment = {**os.environ, "XDG_DATA_HOME": str(self.data), "PYTHONPATH": str(REPOSITORY)}

    def start(self, *arguments: str | Path, output: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "picobox", "instance", *map(str, arguments)]
        return subprocess.Popen(
            command, env=self.environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.PIPE
        )

    def run(self, *arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        with self.start(*arguments) as process:
            output, errors = process.communicate(given, timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def does(self, *arguments: str | Path, given: bytes = b"") -> bytes:
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, *arguments: str | Path, given: bytes = b"") -> str:
        done = self.run(*arguments, given=given)
        assert (done.returncode, done.stdout) == (125, b""), done
        assert done.stderr.count(b"\n") == 1, done.stderr
        return done.stderr.decode()

    def left(self) -> list[str]:
        """Everything but the registry."""
        return sorted(
            str(path.relative_to(self.data))
            for path in self.data.rglob("*")
            if not path.is_dir() and not path.name.startswith("registry")
        )


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "tgz"])
def test_there_and_back(user: User, tmp_path: Path, ending: str) -> None:
    user.does("import", "debian", "-", "-", given=everything())
    file = tmp_path / f"out.{ending}"
    user.does("export", "Debian", file)
    user.does("import", "again", "-", file)
    assert told(user.does("export", "again", "-")) == told(everything())
    assert (file.read_bytes()[:257] == user.does("export", "again", "-")[:257]) == (ending == "tar")


def test_a_listing(user: User, tmp_path: Path) -> None:
    assert user.does("list") == b""
    assert json.loads(user.does("list", "--json")) == []
    for name in ("debian", "Alpine"):
        user.does("import", name, tmp_path / name, "-", given=everything())
    assert user.does("list", "-q") == b"debian\nAlpine\n"
    user.does("set-default", "alpine")
    lines = user.does("list", "-v", "--color", "never").decode().splitlines()
    assert [line.split() for line in lines[-2:]] == [
        ["*", "Alpine", "Stopped", str(tmp_path / "Alpine")],
        ["debian", "Stopped", str(tmp_path / "debian")],
    ]
    assert user.does("list", "-q", "--running") == b""


def test_a_damaged_archive_leaves_nothing(user: User) -> None:
    content = gzip.compress(everything())
    user.does("list")
    for cut in (0, 10, len(content) // 2, len(content) - 1):
        assert "it is no whole archive" in user.fails("import", "x", "-", "-", given=content[:cut])
    assert user.left() == []
    assert list((user.data / "picobox/instances").iterdir()) == []
    user.does("import", "x", "-", "-", given=content)


@pytest.mark.parametrize("docker", [False, True])
def test_an_image(user: User, tmp_path: Path, docker: bool) -> None:
    image = Image(everything())
    if docker:
        image.saved_by_docker()
    (tmp_path / "image.tar").write_bytes(image.archive())
    user.does("import", "x", "-", tmp_path / "image.tar")
    assert told(user.does("export", "x", "-")) == told(everything())
    config = json.loads(user.does("config", "x"))
    assert (config["default_uid"], config["environment"][-2:]) == (1000, ["PATH=/bin", "A=b"])
    assert sum(entry.startswith("PATH=") for entry in config["environment"]) == 1


@pytest.mark.parametrize(("named", "uid"), [("app", 77), ("app:staff", 77), ("stranger", 0), ("", 0)])
def test_the_user_of_an_image(user: User, tmp_path: Path, named: str, uid: int) -> None:
    passwd = (member("etc/passwd"), b"root:x:0:0::/root:/bin/sh\napp:x:77:77::/:/bin/sh\n")
    image = Image(archive_of(member("etc", tarfile.DIRTYPE), passwd), user=named)
    (tmp_path / "image.tar").write_bytes(image.archive())
    user.does("import", "x", "-", tmp_path / "image.tar")
    assert json.loads(user.does("config", "x"))["default_uid"] == uid


def test_a_tree_that_is_gone(user: User, tmp_path: Path) -> None:
    user.does("import", "x", tmp_path / "x", "-", given=everything())
    user.does("import", "y", tmp_path / "y", "-", given=everything())
    shutil.rmtree(tmp_path / "x/rootfs")
    for words in (("export", "x", tmp_path / "x.tar"), ("clone", "x", "z")):
        assert "x/rootfs is not there: unregister the instance" in user.fails(*words)
    user.does("unregister", "x")
    assert user.does("list", "-q", "--all") == b"y\n"


def test_a_clone(user: User) -> None:
    user.does("import", "x", "-", "-", given=everything())
    user.does("config", "x", "--uid", "7", "--env", "A=b", "--idle", "3")
    user.does("clone", "x", "y")
    assert told(user.does("export", "y", "-")) == told(everything())
    first, second = (json.loads(user.does("config", name)) for name in "xy")
    assert {key for key in first if first[key] != second[key]} == {"guid", "name", "base_path", "default"}
    (Path(second["base_path"]) / "rootfs/etc/shadow").write_text("changed")
    user.does("unregister", "y")
    assert told(user.does("export", "x", "-")) == told(everything())
    assert json.loads(user.does("list", "--json"))[0]["name"] == "x"


def test_configuring(user: User) -> None:
    user.does("import", "x", "-", "-", given=everything())
    user.does("config", "x", "--uid", "1000", "--env", "LANG=", "--env", "B=c=d")
    config = json.loads(user.does("config", "x"))
    assert config["default_uid"] == 1000
    assert "B=c=d" in config["environment"]
    assert not any(entry.startswith("LANG=") for entry in config["environment"])
    assert "no user's number" in user.fails("config", "x", "--uid", "-1")
    for entry in ("B", "=c", "="):
        assert f"--env {entry}: write it as NAME=VALUE" in user.fails("config", "x", "--env", entry)
    for idle in ("soon", "inf", "nan"):
        assert f"{idle}: write a number of seconds, or never" in user.run("config", "x", "--idle", idle).stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "told_of"),
    [
        ([], "say what to do"),
        (["ls"], "ls: say what to do"),
        (["import", "x", "-"], "import: say NAME DIR|- FILE"),
        (["list", "x"], "list: takes no name"),
        (["export", "x", "-"], "no such instance"),
        (["unregister", "x"], "no such instance"),
        (["import", "a b", "-", "-"], "no name for an instance"),
        (["import", "x", "-", "/proc/nothing"], "No such file"),
        (["import", "x", "/proc/x", "-"], "No such file"),
        (["import", "x", "/proc/version/x", "-"], "Not a directory. Name a directory that can be made"),
        (["import", "x" * 256, "-", "-"], "File name too long. Name a directory that can be made"),
        (["import", "x", "", "-"], "import: say NAME DIR|- FILE"),
        (["run", "-u", "", "--", "true"], "-u: its value is empty"),
        (["list", "--all", "--running"], "exclude each other"),
        (["list", "-q", "-v"], "exclude each other"),
        (["import", "x", "-", "-", "--idle", "5"], "import takes no --idle"),
        (["list", "--format", "tar"], "list takes no --format"),
    ],
)
def test_what_cannot_be_done(user: User, arguments: list[str], told_of: str) -> None:
    assert told_of in user.fails(*arguments)
    assert user.does("list", "-q", "--all") == b""


def test_an_export_replaces_files_alone(user: User, tmp_path: Path) -> None:
    user.does("import", "x", "-", "-", given=everything())
    pipe, link, file = (tmp_path / name for name in ("pipe", "link", "file"))
    os.mkfifo(pipe)
    for place in (pipe, tmp_path):
        assert "write to - instead" in user.fails("export", "x", place)
    assert pipe.is_fifo()
    link.symlink_to(file)
    for _ in range(2):
        user.does("export", "x", link)
        assert link.is_symlink()
        assert tarfile.is_tarfile(file)


@pytest.mark.parametrize("form", ["tar", "tar.xz"])
def test_an_export_that_nobody_reads_is_told_of(user: User, form: str) -> None:
    user.does("import", "x", "-", "-", given=everything())
    reading, writing = os.pipe()
    os.close(reading)
    process = user.start("export", "x", "-", "--format", form, output=writing)
    os.close(writing)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 125
    assert told == b"picobox: standard output: Broken pipe. What was written is no whole archive.\n"


def test_an_export_that_fails_keeps_what_was_there(user: User, tmp_path: Path) -> None:
    user.does("import", "x", "-", "-", given=everything())
    file = tmp_path / "out.tar"
    file.write_bytes(b"before")
    closed = Path(json.loads(user.does("config", "x"))["base_path"], "rootfs/etc")
    closed.rename(closed.with_name("moved"))
    closed.write_text("")
    process = user.start("export", "x", "/proc/nothing/out.tar")
    process.communicate()
    assert process.returncode == 125
    assert file.read_bytes() == b"before"
    user.does("export", "x", file)
    assert tarfile.is_tarfile(file)
    assert sorted(os.listdir(tmp_path)) == ["data", "out.tar"]
