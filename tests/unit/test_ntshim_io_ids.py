"""Files opened by their id, and what a deleted file that is still open is called (facts/nt.md section 3.5)."""

from __future__ import annotations

from nt.drive import DELETE, READ, WRITE, Drive, status_of
from nt.oracle_files import open_by_id
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs.file_id import name_of_id
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query
from ntshim.ob.attributes import ObjectAttributes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INTERNAL, NAME = query.FILE_INTERNAL_INFORMATION, query.FILE_NAME_INFORMATION
INVALID, PENDING = st.STATUS_INVALID_PARAMETER, st.STATUS_DELETE_PENDING
BY_ID = io.FILE_OPEN_BY_FILE_ID


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    yield drive
    drive.process.handles.release()


def id_of(drive: Drive, path: str) -> int:
    handle = drive.open(path)
    file_id: int = drive.get(handle, INTERNAL)
    drive.close(handle)
    return file_id


@pytest.mark.parametrize("held", [False, True])
def test_a_file_is_found_by_its_id(drive: Drive, held: bool) -> None:
    drive.make_directory("dir")
    drive.make("dir\\x")
    if held:
        drive.open("dir\\x")
    handle = open_by_id(drive, id_of(drive, "dir\\x"))
    assert drive.get(handle, NAME) == "\\dir\\x"
    assert drive.get(open_by_id(drive, id_of(drive, "dir")), NAME) == "\\dir"
    assert drive.get(open_by_id(drive, id_of(drive, "")), NAME) == "\\"


def test_an_id_follows_the_volume_s_name_too(drive: Drive) -> None:
    drive.make("x")
    handle = drive.open(name_of_id(id_of(drive, "x")), options=BY_ID)
    assert drive.get(handle, NAME) == "\\x"


def test_an_id_may_hold_the_separator() -> None:
    drive = Drive()
    number = 2
    while number <= 0x5C5C:
        drive.make("x")
        number = id_of(drive, "x")
        if number in (0x5C, 0x5C5C):
            break
        drive.delete("x")
    assert number == 0x5C
    assert drive.get(open_by_id(drive, 0x5C), NAME) == "\\x"


def test_an_id_is_of_eight_or_sixteen_bytes_and_of_a_file(drive: Drive) -> None:
    drive.make("x")
    root, number = drive.open(""), id_of(drive, "x")
    wide = name_of_id(number) + "\0\0\0\0"
    assert drive.get(drive.open(wide, options=BY_ID, root=root), INTERNAL) == number
    for wrong in ("", "x", "\0" * 3, "\0" * 5, "\0" * 9, name_of_id(1 << 62)):
        assert status_of(lambda wrong=wrong: drive.open(wrong, options=BY_ID, root=root)) == INVALID  # type: ignore[misc]


def test_the_rules_of_an_open_hold_for_an_id(drive: Drive) -> None:
    drive.make("x")
    number = id_of(drive, "x")
    drive.open("x", READ, 1)
    assert status_of(lambda: open_by_id(drive, number, WRITE)) == st.STATUS_SHARING_VIOLATION
    assert status_of(lambda: open_by_id(drive, number, READ, io.FILE_DIRECTORY_FILE)) == st.STATUS_NOT_A_DIRECTORY
    assert status_of(lambda: open_by_id(drive, number, DELETE, io.FILE_DELETE_ON_CLOSE)) == INVALID


def test_nothing_is_renamed_or_deleted_through_an_id(drive: Drive) -> None:
    drive.make("x")
    handle = open_by_id(drive, id_of(drive, "x"), DELETE)
    for flags in (0, 1):
        assert status_of(lambda flags=flags: drive.set(handle, flags, query.FILE_DISPOSITION_INFORMATION_EX)) == INVALID  # type: ignore[misc]
    assert status_of(lambda: drive.rename(handle, "y")) == INVALID
    drive.link(handle, "y")
    assert drive.names("") == ["x", "y"]


def test_a_deleted_file_is_pending_by_its_id_as_long_as_it_is_open(drive: Drive) -> None:
    drive.make("x")
    first, second = drive.open("x", DELETE), drive.open("x", READ | DELETE)
    number = drive.get(second, INTERNAL)
    drive.set(first, 3, query.FILE_DISPOSITION_INFORMATION_EX)
    assert status_of(lambda: open_by_id(drive, number)) == PENDING
    drive.close(first)
    assert status_of(lambda: open_by_id(drive, number)) == PENDING
    assert str(drive.get(second, NAME)).startswith(f"\\$Extend\\$Deleted\\{number:016X}")
    assert status_of(lambda: drive.set(second, 0, query.FILE_DISPOSITION_INFORMATION_EX)) == st.STATUS_FILE_DELETED
    drive.close(second)
    assert status_of(lambda: open_by_id(drive, number)) == INVALID


def test_another_link_leads_to_a_file_one_of_whose_links_is_pending(drive: Drive) -> None:
    drive.make("x")
    handle = drive.open("x", DELETE)
    drive.link(handle, "y")
    drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION)
    drive.open("y")
    assert drive.get(open_by_id(drive, drive.get(handle, INTERNAL)), NAME) == "\\y"


def test_a_path_relative_to_a_file_still_begins_with_no_separator(drive: Drive) -> None:
    root = drive.open("")
    name = ObjectAttributes("\\x", root)
    found = status_of(lambda: drive.nt.NtOpenFile(drive.process, READ, name, 7, 0))
    assert found == st.STATUS_OBJECT_PATH_SYNTAX_BAD


def test_no_way_leads_through_a_directory_that_is_to_be_deleted(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.set(drive.open("dir", DELETE), True, query.FILE_DISPOSITION_INFORMATION)
    assert drive.exists("dir\\x") == PENDING
