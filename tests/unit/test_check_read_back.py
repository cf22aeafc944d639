"""Modes that are known when a file is made, and what stat(1) and touch(1) are asked for (check/read_back.py)."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest
from fake_judge import LIBRARY, FakeJudge, frames

from picobox.findings.finding import Frame
from picobox.runtimes import PYTHON

if TYPE_CHECKING:
    from pathlib import Path

AT_FDCWD = -100


@pytest.fixture
def judge(tmp_path: Path) -> FakeJudge:
    """A judge whose drive has a file."""
    drive = tmp_path / "drive"
    drive.mkdir()
    (drive / "file").touch(0o644)
    return FakeJudge(drive)


def inside(judge: FakeJudge, name: str) -> bytes:
    return judge.drive + b"/" + name.encode()


@pytest.mark.parametrize(
    ("mask", "row", "mode", "rules"),
    [
        (0o022, "open", 0o600, ["PB021"]),
        (0o022, "creat", 0o600, ["PB021"]),
        (0o022, "openat", 0o666, []),
        (0o077, "openat", 0o666, ["PB021"]),
        (0o002, "openat", 0o666, []),
        (0o022, "mkdir", 0o700, ["PB021"]),
        (0o022, "mkdir", 0o777, []),
        (0o077, "mkdirat", 0o777, ["PB021"]),
    ],
)
def test_modes_of_what_is_made(
    judge: FakeJudge, tmp_path: Path, mask: int, row: str, mode: int, rules: list[str]
) -> None:
    script = tmp_path / "test_it.py"
    script.write_text("assert os.stat(path).st_mode & 0o777 == 0o600\n")
    judge.executable, judge.written_on = b"/usr/bin/python3", PYTHON
    judge.frames = (Frame(str(script), "test", 1),)
    path = inside(judge, "made")
    flags = {"open": (os.O_WRONLY | os.O_CREAT,), "openat": (os.O_WRONLY | os.O_CREAT,)}.get(row, ())
    directory = (AT_FDCWD,) if row.endswith("at") and row != "creat" else ()
    judge.call("umask", mask)
    judge.call(row, *directory, path, *flags, mode, result=3)
    assert judge.call("stat", path, 0) == rules
    judge.call("umask", 0o022)
    assert judge.call("stat", path, 0) == []


def test_modes_of_what_is_opened_or_made_by_others(judge: FakeJudge, tmp_path: Path) -> None:
    script = tmp_path / "test_it.py"
    script.write_text("assert os.stat(path).st_mode & 0o777 == 0o600\n")
    judge.executable, judge.written_on = b"/usr/bin/python3", PYTHON
    judge.frames = (Frame(str(script), "test", 1),)
    judge.call("open", inside(judge, "file"), os.O_CREAT, 0o600)
    judge.call("open", inside(judge, "made"), os.O_RDONLY, 0o600)
    judge.frames = (*frames(f"{LIBRARY}/tempfile.py"), Frame(str(script), "test", 1))
    judge.call("open", inside(judge, "made"), os.O_CREAT, 0o600)
    assert not judge.looks_wanted
    judge.executable = b"/home/someone/program"
    judge.frames = ()
    judge.call("open", inside(judge, "made"), os.O_CREAT, 0o600)
    assert not judge.looks_wanted


@pytest.mark.parametrize(
    ("mode", "arguments", "rules"),
    [
        (0o600, ("stat", "-c", "%a", "file"), ["PB021"]),
        (0o644, ("stat", "-c", "%a", "file"), []),
        (0o600, ("stat", "-c", "%s", "file"), []),
    ],
)
def test_stat_shows_a_mode_that_nobody_was_seen_to_set(
    judge: FakeJudge, mode: int, arguments: tuple[str, ...], rules: list[str]
) -> None:
    path = inside(judge, "file")
    os.chmod(path, mode)
    assert judge.call("execve", b"/bin/ls", 0, 0) == []
    assert not judge.looks_wanted
    assert judge.call("execve", b"/usr/bin/stat", 0, 0) == []
    assert judge.looks_wanted
    judge.executable, judge.arguments = b"/usr/bin/stat", arguments
    assert judge.call("statx", AT_FDCWD, path, 0, 0, 0) == rules
    judge.executable = b"/home/someone/stat"
    assert judge.call("statx", AT_FDCWD, path, 0, 0, 0) == []


@pytest.mark.parametrize(
    ("touch", "stat", "rules"),
    [
        (("touch", "-d", "2024-01-01 00:00:00.123456789", "file"), ("stat", "-c", "%y", "file"), ["PB025"]),
        (("touch", "--date=2024-01-01 00:00:00.123456789", "file"), ("stat", "-c", "%.9Y", "file"), ["PB025"]),
        (("touch", "-d", "2024-01-01 00:00:00.123456789", "file"), ("stat", "-c", "%Y", "file"), []),
        (("touch", "-r", "other", "file"), ("stat", "-c", "%y", "file"), []),
        (("touch", "-r", "other", "-d", "1 day", "file"), ("stat", "-c", "%y", "file"), []),
        (("touch", "file"), ("stat", "-c", "%y", "file"), []),
    ],
)
def test_times_that_touch_was_given(
    judge: FakeJudge, touch: tuple[str, ...], stat: tuple[str, ...], rules: list[str]
) -> None:
    path = inside(judge, "file")
    judge.executable, judge.arguments = b"/usr/bin/touch", touch
    judge.call("utimensat", AT_FDCWD, path, 64, 0, mappings={64: struct.pack("<4q", 1, 123, 1, 123)})
    judge.executable, judge.arguments = b"/usr/bin/stat", stat
    assert judge.call("statx", AT_FDCWD, path, 0, 0, 0) == rules


def test_what_nobody_looks_at_is_not_waited_for(judge: FakeJudge, tmp_path: Path) -> None:
    script = tmp_path / "test_it.py"
    script.write_text("assert os.stat(path).st_mode & 0o777 == 0o600\n" * 2)
    judge.executable, judge.written_on = b"/usr/bin/python3", PYTHON
    judge.frames = (Frame(str(script), "test", 1),)
    path, other = inside(judge, "file"), inside(judge, "other")
    awaited = []
    for looks in (2000, 1000, 500, 250, 125, 125):
        judge.call("chmod", path, 0o600)
        for _ in range(looks):
            judge.call("stat", other, 0)
        awaited.append(judge.looks_wanted)
        judge.call("stat", other, 0)
        awaited.append(judge.looks_wanted)
    assert awaited == [True, False] * 6, "ever fewer looks are seen"
    judge.call("chmod", path, 0o600)
    assert judge.call("stat", path, 0) == ["PB021"], "in time"
    for _ in range(32):
        judge.call("chmod", path, 0o600)
    judge.call("chmod", path, 0o600)
    assert judge.call("stat", path, 0) == ["PB021"], "the last of them that counted"
    for _ in range(33):
        judge.call("chmod", path, 0o600)
    for _ in range(2001):
        judge.call("stat", other, 0)
    judge.call("chmod", path, 0o600)
    assert judge.call("stat", path, 0) == [], "this place sets in vain"
    judge.frames = (Frame(str(script), "test", 2),)
    judge.call("chmod", path, 0o600)
    assert judge.call("stat", path, 0) == ["PB021"], "another may not"
