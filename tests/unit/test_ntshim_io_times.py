"""When a file's times and attributes move, and how an open stops that (facts/nt.md 3.10, [MS-FSA] 2.1.5.15.2)."""

from __future__ import annotations

from itertools import count
from nt.drive import DELETE, READ, READ_ATTRIBUTES, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs import memfs
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.fs.volume import Volume
from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.query import FileBasicInformation as Basic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASIC = query.FILE_BASIC_INFORMATION
ALL = READ | WRITE | DELETE | READ_ATTRIBUTES | WRITE_ATTRIBUTES
NAMES = ("creation", "access", "write", "change")
INVALID = st.STATUS_INVALID_PARAMETER
ARCHIVE, NORMAL, READONLY, HIDDEN, SYSTEM = 0x20, 0x80, 0x1, 0x2, 0x4


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch) -> Drive:
    """A drive whose clock goes on with each look."""
    clock = count(1000)
    monkeypatch.setattr(memfs, "now", lambda: next(clock))
    drive = Drive(MemFs())
    drive.make("x")
    return drive


def moved(drive: Drive, handle: int, act: Callable[[], object]) -> set[str]:
    """Do something; gives the names of the times that it has moved."""
    before = drive.get(handle, BASIC)[:4]
    act()
    after = drive.get(handle, BASIC)[:4]
    return {name for name, old, new in zip(NAMES, before, after, strict=True) if old != new}


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (lambda drive, handle: drive.nt.NtReadFile(drive.process, handle, 1, 0), set()),
        (lambda drive, handle: drive.nt.NtWriteFile(drive.process, handle, b"new", 0), {"write", "change"}),
        (lambda drive, handle: drive.nt.NtWriteFile(drive.process, handle, b"", 0), set()),
        (lambda drive, handle: drive.set(handle, 9, query.FILE_END_OF_FILE_INFORMATION), {"write", "change"}),
        (lambda drive, handle: drive.set(handle, 9, query.FILE_ALLOCATION_INFORMATION), {"change"}),
        (lambda drive, handle: drive.set(handle, 0, query.FILE_ALLOCATION_INFORMATION), {"write", "change"}),
        (lambda drive, handle: drive.rename(handle, "y"), {"change"}),
        (lambda drive, handle: drive.rename(handle, "X"), {"change"}),
        (lambda drive, handle: drive.rename(handle, "x"), set()),
        (lambda drive, handle: drive.link(handle, "y"), {"change"}),
        (lambda drive, handle: drive.set(handle, Basic(file_attributes=HIDDEN), BASIC), {"change"}),
        (lambda drive, handle: drive.set(handle, Basic(file_attributes=ARCHIVE), BASIC), set()),
        (lambda drive, handle: drive.set(handle, Basic(), BASIC), set()),
        (lambda drive, handle: drive.set(handle, Basic(last_write_time=7), BASIC), {"write", "change"}),
        (lambda drive, handle: drive.set(handle, Basic(creation_time=7), BASIC), {"creation", "change"}),
        (lambda drive, handle: drive.set(handle, Basic(change_time=7), BASIC), {"change"}),
        (lambda drive, handle: drive.set(handle, Basic(last_write_time=-1), BASIC), set()),
        (lambda drive, handle: drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION), set()),
        (lambda drive, _: drive.close(drive.create("x", WRITE, disposition=4).handle), {"write", "change"}),
        (lambda drive, _: drive.close(drive.create("x:s", WRITE, disposition=2).handle), {"write", "change"}),
    ],
)
def test_which_times_move(drive: Drive, does: Callable[[Drive, int], object], expected: set[str]) -> None:
    handle = drive.open("x", ALL)
    drive.nt.NtWriteFile(drive.process, handle, b"text", 0)
    assert moved(drive, handle, lambda: does(drive, handle)) == expected


def test_a_volume_may_note_when_files_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = Drive(MemFs())
    drive.volume.updates_access_time = True
    clock = count(1000)
    monkeypatch.setattr(memfs, "now", lambda: next(clock))
    drive.make("x")
    handle = drive.open("x", ALL)
    write = lambda: drive.nt.NtWriteFile(drive.process, handle, b"text", 0)  # noqa: E731 - it is a call, not a name
    read = lambda: drive.nt.NtReadFile(drive.process, handle, 1, 0)  # noqa: E731 - it is a call, not a name
    assert moved(drive, handle, write) == {"access", "write", "change"}
    assert moved(drive, handle, read) == {"access"}
    drive.set(handle, Basic(last_access_time=-1), BASIC)
    assert moved(drive, handle, read) == set()
    assert moved(drive, handle, write) == {"write", "change"}
    assert Volume(MemFs()).updates_access_time is False


def test_an_open_stops_times_and_resumes_them(drive: Drive) -> None:
    handle, other = drive.open("x", ALL), drive.open("x", ALL)
    write = lambda: drive.nt.NtWriteFile(drive.process, handle, b"text", 0)  # noqa: E731 - it is a call, not a name
    drive.set(handle, Basic(last_write_time=-1), BASIC)
    assert moved(drive, handle, write) == {"change"}
    drive.set(handle, Basic(change_time=-1), BASIC)
    assert moved(drive, handle, write) == set()
    assert moved(drive, handle, lambda: drive.set(handle, Basic(file_attributes=HIDDEN), BASIC)) == set()
    assert moved(drive, handle, lambda: drive.link(handle, "y")) == set()
    through_other = lambda: drive.nt.NtWriteFile(drive.process, other, b"text", 0)  # noqa: E731 - it is a call
    assert moved(drive, handle, through_other) == {"write", "change"}
    drive.set(handle, Basic(last_write_time=-2, change_time=-2), BASIC)
    assert moved(drive, handle, write) == {"write", "change"}


def test_a_time_that_an_open_has_set_no_longer_moves_through_it(drive: Drive) -> None:
    handle = drive.open("x", ALL)
    drive.set(handle, Basic(last_write_time=7), BASIC)
    drive.nt.NtWriteFile(drive.process, handle, b"text", 0)
    assert drive.get(handle, BASIC).last_write_time == 7
    drive.close(handle)
    again = drive.open("x", ALL)
    drive.nt.NtWriteFile(drive.process, again, b"text", 0)
    assert drive.get(again, BASIC).last_write_time > 7


def test_the_write_time_stands_still_on_the_host_too(tmp_path: Path) -> None:
    drive = Drive(HostFs(str(tmp_path)))
    drive.make("x")
    handle = drive.open("x", ALL)
    then = memfs.UNIX_EPOCH + 10_000_000
    drive.set(handle, Basic(last_write_time=then), BASIC)
    drive.nt.NtWriteFile(drive.process, handle, b"text", 0)
    assert drive.get(handle, BASIC).last_write_time == then
    drive.set(handle, Basic(last_write_time=-2), BASIC)
    drive.nt.NtWriteFile(drive.process, handle, b"text", 0)
    assert drive.get(handle, BASIC).last_write_time > then
    for record in (Basic(change_time=-1), Basic(change_time=7), Basic(creation_time=7)):
        assert status_of(lambda record=record: drive.set(handle, record, BASIC)) == st.STATUS_NOT_SUPPORTED  # type: ignore[misc]
    drive.set(handle, Basic(last_write_time=(1 << 63) - 1), BASIC)
    drive.close(handle)


@pytest.mark.parametrize("field", Basic._fields[:4])
@pytest.mark.parametrize("wrong", [-3, 1 << 63, -(1 << 70)])
def test_what_is_no_time(drive: Drive, field: str, wrong: int) -> None:
    handle = drive.open("x", ALL)
    record = Basic(file_attributes=HIDDEN)._replace(**{field: wrong})
    assert status_of(lambda: drive.set(handle, record, BASIC)) == INVALID
    assert drive.get(handle, BASIC).file_attributes == ARCHIVE


@pytest.mark.parametrize(
    ("path", "asked", "expected"),
    [
        ("x", 0, ARCHIVE),
        ("x", NORMAL, NORMAL),
        ("x", NORMAL | HIDDEN, HIDDEN),
        ("x", READONLY | SYSTEM, READONLY | SYSTEM),
        # SPARSE, REPARSE, COMPRESSED, ENCRYPTED and what is no attribute are not a caller's to set.
        ("x", 0x400 | 0x200 | 0x800 | 0x4000 | 1 << 30 | HIDDEN, HIDDEN),
        ("x", 0x1000 | 0x2000 | 0x100, 0x1000 | 0x2000 | 0x100),
        ("x", 0x10, None),
        ("dir", 0x10 | HIDDEN, 0x10 | HIDDEN),
        ("dir", NORMAL, 0x10),
        ("dir", 0x100, None),
        ("", HIDDEN | SYSTEM | READONLY, 0x10 | READONLY),
    ],
)
@pytest.mark.parametrize("kind", ["memory", "host"])
def test_attributes(path: str, asked: int, expected: int | None, kind: str, tmp_path: Path) -> None:
    drive = Drive(MemFs() if kind == "memory" else HostFs(str(tmp_path)))
    drive.make("x")
    drive.make_directory("dir")
    handle = drive.open(path, READ_ATTRIBUTES | WRITE_ATTRIBUTES)
    found = status_of(lambda: drive.set(handle, Basic(file_attributes=asked), BASIC))
    assert found == (INVALID if expected is None else 0)
    if expected is not None:
        assert drive.get(handle, BASIC).file_attributes == expected
    drive.process.handles.release()


def test_archive_comes_back_with_every_change(drive: Drive) -> None:
    handle = drive.open("x", ALL)

    def clear() -> None:
        drive.set(handle, Basic(file_attributes=NORMAL), BASIC)
        assert drive.get(handle, BASIC).file_attributes == NORMAL

    for change in (
        lambda: drive.nt.NtWriteFile(drive.process, handle, b"text", 0),
        lambda: drive.set(handle, 1, query.FILE_END_OF_FILE_INFORMATION),
        lambda: drive.rename(handle, "y"),
        lambda: drive.link(handle, "z"),
    ):
        clear()
        change()
        assert drive.get(handle, BASIC).file_attributes == ARCHIVE


def test_whether_content_is_indexed_is_the_directory_s_word(drive: Drive) -> None:
    not_indexed = io.FILE_ATTRIBUTE_NOT_CONTENT_INDEXED
    drive.make("plain", not_indexed)
    drive.make_directory("dir")
    drive.set(drive.open("dir", WRITE_ATTRIBUTES), Basic(file_attributes=not_indexed), BASIC)
    drive.make("dir\\x")
    for path, expected in (("plain", ARCHIVE), ("dir\\x", ARCHIVE | not_indexed)):
        assert drive.get(drive.open(path, READ_ATTRIBUTES), BASIC).file_attributes == expected
    drive.close(drive.create("dir\\x", WRITE, disposition=io.FILE_OVERWRITE).handle)
    assert drive.get(drive.open("dir\\x", READ_ATTRIBUTES), BASIC).file_attributes == ARCHIVE
    assert status_of(lambda: drive.make_directory("temporary", io.FILE_ATTRIBUTE_TEMPORARY)) == INVALID


def test_a_directory_s_times_move_with_its_names(drive: Drive) -> None:
    drive.make_directory("dir")
    handle = drive.open("dir", READ_ATTRIBUTES | READ)
    assert moved(drive, handle, lambda: drive.make("dir\\x")) == {"write", "change"}
    assert moved(drive, handle, lambda: drive.delete("dir\\x")) == {"write", "change"}
    drive.make("file")
    file = drive.open("file", DELETE)
    assert moved(drive, handle, lambda: drive.rename(file, "dir\\y")) == {"write", "change"}
    assert moved(drive, handle, lambda: drive.exists("dir\\y")) == set()
