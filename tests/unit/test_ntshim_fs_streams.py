"""Named streams: data, listing, renames, deletion, in memory and in the host's extended attributes (nt.md 4.2)."""

from __future__ import annotations

from nt.drive import DELETE, PREFIX, READ, READ_ATTRIBUTES, WRITE, Drive, status_of
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.query import FileRenameInformation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INVALID, COLLISION, DENIED = st.STATUS_INVALID_PARAMETER, st.STATUS_OBJECT_NAME_COLLISION, st.STATUS_ACCESS_DENIED
GONE = st.STATUS_OBJECT_NAME_NOT_FOUND
RENAME = query.FILE_RENAME_INFORMATION


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    yield drive
    drive.process.handles.release()


def fill(drive: Drive, path: str, text: bytes) -> None:
    handle = drive.create(path, WRITE, disposition=io.FILE_OPEN_IF).handle
    drive.nt.NtWriteFile(drive.process, handle, text, 0)
    drive.close(handle)


def read(drive: Drive, path: str) -> bytes:
    handle = drive.open(path)
    size = drive.get(handle, query.FILE_STANDARD_INFORMATION).end_of_file
    data = drive.nt.NtReadFile(drive.process, handle, size, 0)
    drive.close(handle)
    return data


def listed(drive: Drive, path: str) -> dict[str, int]:
    handle = drive.open(path, READ_ATTRIBUTES)
    streams = drive.get(handle, query.FILE_STREAM_INFORMATION)
    drive.close(handle)
    return {stream.stream_name: stream.stream_size for stream in streams}


def rename(drive: Drive, path: str, new: str, flags: int = 0) -> int:
    handle = drive.open(path, DELETE)
    status = status_of(lambda: drive.set(handle, FileRenameInformation(new, flags), RENAME))
    drive.close(handle)
    return status


def test_data_of_streams(drive: Drive) -> None:
    fill(drive, "x:s", b"named")
    fill(drive, "X", b"own")
    fill(drive, "x:Other:$data", b"other data")
    assert listed(drive, "x") == {"::$DATA": 3, ":s:$DATA": 5, ":Other:$DATA": 10}
    assert (read(drive, "x::$DATA"), read(drive, "x:S"), read(drive, "x:OTHER")) == (b"own", b"named", b"other data")
    handle = drive.open("x:s", READ | WRITE)
    drive.nt.NtWriteFile(drive.process, handle, b"!", 7)
    assert drive.nt.NtReadFile(drive.process, handle, 100, 0) == b"named\0\0!"
    drive.set(handle, 2, query.FILE_END_OF_FILE_INFORMATION)
    assert drive.get(handle, query.FILE_STANDARD_INFORMATION).end_of_file == 2
    drive.set(handle, 4, query.FILE_END_OF_FILE_INFORMATION)
    assert read(drive, "x:s") == b"na\0\0"
    assert read(drive, "x") == b"own"


def test_streams_of_directories(drive: Drive) -> None:
    drive.make_directory("dir")
    fill(drive, "dir:s", b"text")
    assert listed(drive, "dir") == {":s:$DATA": 4}
    assert status_of(lambda: drive.open("dir::$DATA")) == st.STATUS_FILE_IS_A_DIRECTORY
    assert status_of(lambda: drive.open("dir:$I30:$INDEX_ALLOCATION")) == 0
    assert rename(drive, "dir:s", ":t") == 0
    assert rename(drive, "dir:t", "::$DATA", 1) == INVALID
    assert rename(drive, "dir", ":u") == INVALID
    assert listed(drive, "dir") == {":t:$DATA": 4}


def test_overwriting_and_superseding_a_stream_leave_the_others(drive: Drive) -> None:
    for disposition in (io.FILE_OVERWRITE, io.FILE_SUPERSEDE):
        fill(drive, "x", b"own")
        fill(drive, "x:s", b"text")
        fill(drive, "x:t", b"more")
        drive.close(drive.create("x:S", WRITE, disposition=disposition).handle)
        assert listed(drive, "x") == {"::$DATA": 3, ":s:$DATA": 0, ":t:$DATA": 4}


def test_superseding_the_file_drops_all(drive: Drive) -> None:
    fill(drive, "x:s", b"text")
    drive.close(drive.create("x", WRITE, disposition=io.FILE_OVERWRITE).handle)
    assert listed(drive, "x") == {"::$DATA": 0, ":s:$DATA": 4}
    drive.close(drive.create("x", WRITE, disposition=io.FILE_SUPERSEDE).handle)
    assert listed(drive, "x") == {"::$DATA": 0}


def test_a_stream_is_deleted_alone(drive: Drive) -> None:
    fill(drive, "x:s", b"text")
    first, second = drive.open("x:s", DELETE), drive.open("x:s", READ)
    drive.set(first, True, query.FILE_DISPOSITION_INFORMATION)
    drive.close(first)
    assert status_of(lambda: drive.open("x:s")) == st.STATUS_DELETE_PENDING
    drive.close(second)
    assert status_of(lambda: drive.open("x:s")) == GONE
    assert drive.exists("x") == 0
    drive.close(drive.create("x:t", DELETE, disposition=io.FILE_CREATE, options=io.FILE_DELETE_ON_CLOSE).handle)
    assert listed(drive, "x") == {"::$DATA": 0}


@pytest.mark.parametrize(
    ("new", "flags", "expected"),
    [
        (":new", 0, 0),
        (":new:$DATA", 0, 0),
        (":new:$data", 0, 0),
        (":S", 0, 0),
        (":s", 0, 0),
        (":t", 0, COLLISION),
        (":T", 1, 0),
        (":open", 1, DENIED),
        ("::$DATA", 0, COLLISION),
        ("::$DATA", 1, 0),
        (":", 0, INVALID),
        ("::", 0, INVALID),
        (":new:", 0, INVALID),
        (":a:b:c", 0, INVALID),
        (":a/b", 0, INVALID),
        (":" + "a" * 256, 0, INVALID),
        (":new:$INDEX_ALLOCATION", 0, st.STATUS_OBJECT_TYPE_MISMATCH),
        ("new", 0, INVALID),
        (PREFIX + "x:new", 0, INVALID),
        (PREFIX + "y", 0, INVALID),
    ],
)
def test_the_new_name_of_a_stream(drive: Drive, new: str, flags: int, expected: int) -> None:
    fill(drive, "x:s", b"text")
    fill(drive, "x:t", b"more")
    fill(drive, "x:open", b"")
    held = drive.open("x:open")
    assert rename(drive, "x:s", new, flags) == expected
    if expected:
        assert listed(drive, "x") == {"::$DATA": 0, ":s:$DATA": 4, ":t:$DATA": 4, ":open:$DATA": 0}
    else:
        stored = "" if new == "::$DATA" else new[1:].partition(":")[0]
        assert listed(drive, "x")[f":{stored}:$DATA"] == 4
        assert read(drive, f"x:{stored}:$DATA") == b"text"
    drive.close(held)


def test_a_handle_follows_its_stream(drive: Drive) -> None:
    fill(drive, "x:s", b"text")
    handle = drive.open("x:s", READ | WRITE | DELETE)
    drive.set(handle, FileRenameInformation(":new"), RENAME)
    drive.nt.NtWriteFile(drive.process, handle, b"T", 0)
    assert drive.get(handle, query.FILE_NAME_INFORMATION) == "\\x:new"
    assert status_of(lambda: drive.open("x:new", READ, 0)) == st.STATUS_SHARING_VIOLATION
    drive.close(handle)
    assert read(drive, "x:new") == b"Text"
    assert status_of(lambda: drive.open("x:s")) == GONE
    assert not len(drive.volume.nodes)


def test_the_file_s_own_data_becomes_a_stream(drive: Drive) -> None:
    fill(drive, "x", b"own")
    assert rename(drive, "x", ":was") == 0
    assert listed(drive, "x") == {"::$DATA": 0, ":was:$DATA": 3}


def test_streams_are_the_file_s_under_all_its_names(drive: Drive) -> None:
    fill(drive, "x:s", b"text")
    handle = drive.open("x", DELETE)
    drive.link(handle, "y")
    drive.rename(handle, "z")
    drive.close(handle)
    assert read(drive, "y:s") == read(drive, "z:s") == b"text"


def test_names_and_sizes_that_the_host_has_no_place_for(tmp_path: Path) -> None:
    drive = Drive(HostFs(str(tmp_path)))
    drive.make("x")
    long = "x:" + "\u4e00" * 255
    assert status_of(lambda: drive.create(long, disposition=io.FILE_CREATE)) == st.STATUS_NAME_TOO_LONG
    drive.create('x:<s>"|?*\u00e9\ud800', disposition=io.FILE_CREATE)
    assert list(listed(drive, "x")) == ["::$DATA", ':<s>"|?*\u00e9\ud800:$DATA']
    fill(drive, "x:s", b"kept")
    handle = drive.open("x:s", READ | WRITE)
    for offset in (0x10000, 1 << 62):
        status = status_of(lambda offset=offset: drive.nt.NtWriteFile(drive.process, handle, b"x", offset))  # type: ignore[misc]
        assert status == st.STATUS_DISK_FULL
    assert status_of(lambda: drive.set(handle, 1 << 40, query.FILE_END_OF_FILE_INFORMATION)) == st.STATUS_DISK_FULL
    assert read(drive, "x:s") == b"kept"
    drive.process.handles.release()
