"""Renames and links among the names of one file, and into directories that move (facts/nt.md section 3.6)."""

from __future__ import annotations

from nt.drive import DELETE, READ, READ_ATTRIBUTES, WRITE, Drive, status_of
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query
from ntshim.ob.attributes import UnicodeString

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ntshim.fs.backend import Facts, Inode

DENIED, PENDING, INVALID = st.STATUS_ACCESS_DENIED, st.STATUS_DELETE_PENDING, st.STATUS_INVALID_PARAMETER
DISPOSITION, DISPOSITION_EX = query.FILE_DISPOSITION_INFORMATION, query.FILE_DISPOSITION_INFORMATION_EX
STANDARD, NAME = query.FILE_STANDARD_INFORMATION, query.FILE_NAME_INFORMATION
REPLACE = 1


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    drive.make("x")
    yield drive
    drive.process.handles.release()


def two_names(drive: Drive) -> tuple[int, int]:
    """Give `x` the name `y` too; gives a handle through each."""
    first = drive.open("x", READ | DELETE)
    drive.link(first, "y")
    return first, drive.open("y", READ | DELETE)


@pytest.mark.parametrize("target", ["y", "Y"])
def test_a_link_takes_the_name_of_another_of_its_file(drive: Drive, target: str) -> None:
    first, second = two_names(drive)
    drive.rename(first, target)
    assert drive.names("") == [target]
    for handle in (first, second):
        assert drive.get(handle, NAME) == f"\\{target}"
        assert drive.get(handle, STANDARD)[2:4] == (1, False)
    drive.set(first, True, DISPOSITION)
    assert drive.get(second, STANDARD).delete_pending
    drive.close(first)
    assert drive.names("") == [target]
    drive.close(second)
    assert drive.names("") == []
    assert len(drive.volume.nodes) == 0


def test_links_that_became_one_are_closed_in_any_order(drive: Drive) -> None:
    first, second = two_names(drive)
    third = drive.open("x", READ)
    drive.rename(second, "x")
    for handle in (second, first, third):
        assert drive.get(handle, NAME) == "\\x"
        drive.close(handle)
    assert len(drive.volume.nodes) == 0
    assert drive.names("") == ["x"]


def test_a_name_that_is_to_go_is_not_taken(drive: Drive) -> None:
    first, second = two_names(drive)
    drive.set(second, True, DISPOSITION)
    assert status_of(lambda: drive.rename(first, "y")) == PENDING
    assert status_of(lambda: drive.link(first, "y", REPLACE)) == PENDING
    drive.link(first, "z")
    assert drive.get(first, STANDARD).number_of_links == 2


@pytest.mark.parametrize("opened", [False, True])
def test_a_link_over_another_name_of_its_file_spells_that(drive: Drive, opened: bool) -> None:
    first, second = two_names(drive)
    if not opened:
        drive.close(second)
    assert status_of(lambda: drive.link(first, "y")) == st.STATUS_OBJECT_NAME_COLLISION
    drive.link(first, "y", REPLACE)
    drive.link(first, "Y", REPLACE)
    assert drive.names("") == ["x", "Y"]
    assert drive.get(first, NAME) == "\\x"
    assert drive.get(first, STANDARD).number_of_links == 2
    if opened:
        assert drive.get(second, NAME) == "\\Y"


def test_a_link_is_made_of_the_name_that_was_opened(drive: Drive) -> None:
    first, second = two_names(drive)
    drive.set(first, 3, DISPOSITION_EX)
    drive.close(first)
    drive.link(second, "z")
    drive.make_directory("dir")
    drive.rename(second, "dir\\moved")
    drive.link(second, "dir\\again")
    assert drive.names("dir") == ["again", "moved"]
    assert drive.names("") == ["dir", "z"]


def test_a_file_has_so_many_names() -> None:
    class Many(MemFs):
        def facts(self, inode: Inode, stream: str = "") -> Facts:
            return super().facts(inode, stream)._replace(links=links)

    drive = Drive(Many())
    links = 1024
    drive.make("x")
    handle = drive.open("x")
    for name in ("y", "x"):
        assert status_of(lambda name=name: drive.link(handle, name, REPLACE)) == st.STATUS_TOO_MANY_LINKS  # type: ignore[misc]
    links = 1023
    drive.link(handle, "y")


@pytest.mark.parametrize("extended", [False, True])
def test_a_directory_is_not_moved_into_itself(drive: Drive, extended: bool) -> None:
    drive.make_directory("dir")
    drive.make_directory("dir\\sub")
    handle = drive.open("dir", DELETE)
    found = status_of(lambda: drive.rename(handle, "dir\\new", extended=extended))
    assert found == st.STATUS_SHARING_VIOLATION
    assert status_of(lambda: drive.rename(handle, "dir\\sub\\new", extended=extended)) == DENIED
    assert drive.names("dir") == ["sub"]


def test_the_directory_of_the_new_name(drive: Drive) -> None:
    drive.make_directory("dir")
    handle = drive.open("x", DELETE)
    holder = drive.open("dir", DELETE)
    assert status_of(lambda: drive.rename(handle, "dir\\x")) == st.STATUS_SHARING_VIOLATION
    drive.set(holder, True, DISPOSITION)
    assert status_of(lambda: drive.rename(handle, "dir\\x")) == PENDING
    assert status_of(lambda: drive.link(handle, "dir\\x")) == PENDING
    drive.set(holder, False, DISPOSITION)
    drive.close(holder)
    drive.open("dir", READ_ATTRIBUTES, 0)
    drive.rename(handle, "dir\\x")
    assert drive.get(handle, NAME) == "\\dir\\x"


def test_names_that_a_rename_refuses(drive: Drive) -> None:
    handle, root = drive.open("x", DELETE), drive.open("")
    for name, root_directory, expected in (
        ("", 0, INVALID),
        (UnicodeString("ab", 3), 0, INVALID),
        ("\\y", root, INVALID),
        ("a\\b", 0, st.STATUS_OBJECT_NAME_INVALID),
        ("a:b", 0, st.STATUS_OBJECT_NAME_INVALID),
        ("..", 0, st.STATUS_OBJECT_NAME_INVALID),
        ("y" * 256, 0, st.STATUS_OBJECT_NAME_INVALID),
        ("\\??\\C:\\", 0, st.STATUS_OBJECT_NAME_INVALID),
        ("\\??\\C:\\y\\", 0, st.STATUS_OBJECT_NAME_INVALID),
        ("\\Device\\Missing\\y", 0, st.STATUS_OBJECT_PATH_NOT_FOUND),
    ):
        for number in (*query.RENAME_CLASSES, *query.LINK_CLASSES):
            record = query.FileRenameInformation(name, REPLACE, root_directory)
            assert status_of(lambda: drive.set(handle, record, number)) == expected  # noqa: B023 - called at once
    drive.rename(handle, "$MFTish")
    assert drive.names("") == ["$MFTish"]


def test_who_holds_a_directory_holds_its_name_only(drive: Drive) -> None:
    drive.make_directory("dir")
    holder = drive.open("dir", READ)
    mover = drive.open("dir", DELETE)
    drive.rename(mover, "moved")
    drive.close(drive.create("late", READ, disposition=io.FILE_CREATE, root=holder).handle)
    assert drive.names("moved") == ["late"]


def test_a_posix_mark_through_a_stream_is_the_stream_s(drive: Drive) -> None:
    stream = drive.create("x:s", DELETE, disposition=io.FILE_CREATE).handle
    drive.set(stream, 3, DISPOSITION_EX)
    file, other = drive.open("x", DELETE), drive.open("x", READ)
    drive.set(file, True, DISPOSITION)
    drive.close(stream)
    assert drive.names("") == ["x"]
    assert drive.get(other, STANDARD).number_of_links == 0
    for handle in (file, other):
        drive.close(handle)
    assert drive.names("") == []


def test_a_stream_of_a_read_only_file_stays(drive: Drive) -> None:
    drive.close(drive.create("x:s", WRITE, disposition=io.FILE_CREATE).handle)
    basic = query.FileBasicInformation(file_attributes=io.FILE_ATTRIBUTE_READONLY)
    drive.set(drive.open("x", 0x100), basic, query.FILE_BASIC_INFORMATION)
    stream = drive.open("x:s", DELETE)
    assert status_of(lambda: drive.set(stream, True, DISPOSITION)) == st.STATUS_CANNOT_DELETE
    drive.set(stream, 0x11, DISPOSITION_EX)
    drive.close(stream)
    assert drive.exists("x:s") == st.STATUS_OBJECT_NAME_NOT_FOUND


def test_flags_that_no_disposition_has(drive: Drive) -> None:
    handle = drive.open("x", DELETE)
    for flags in (0x20, -1, 1 << 40):
        assert status_of(lambda flags=flags: drive.set(handle, flags, DISPOSITION_EX)) == st.STATUS_NOT_SUPPORTED  # type: ignore[misc]
