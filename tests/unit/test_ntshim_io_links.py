"""Deletion, rename, hard links and information of open files (facts/nt.md sections 3.5, 3.6 and 3.10)."""

from __future__ import annotations

from nt.drive import APPEND, DELETE, READ, READ_ATTRIBUTES, SYNCHRONIZE, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DENIED = st.STATUS_ACCESS_DENIED
GONE, PENDING = st.STATUS_OBJECT_NAME_NOT_FOUND, st.STATUS_DELETE_PENDING
DISPOSITION, DISPOSITION_EX = query.FILE_DISPOSITION_INFORMATION, query.FILE_DISPOSITION_INFORMATION_EX
STANDARD = query.FILE_STANDARD_INFORMATION
MARK, POSIX, ON_CLOSE, IGNORE_READONLY = 1, 2, 8, 0x10
REPLACE, REPLACE_POSIX = 1, 3


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    yield drive
    drive.process.handles.release()


def test_marked_until_the_last_handle_closes(drive: Drive) -> None:
    drive.make("x")
    first, second = drive.open("x", DELETE), drive.open("x", READ)
    drive.set(first, True, DISPOSITION)
    told = drive.get(second, STANDARD)
    assert (told.delete_pending, told.number_of_links) == (True, 0)
    assert status_of(lambda: drive.create("X", READ_ATTRIBUTES, disposition=io.FILE_CREATE)) == PENDING
    drive.close(first)
    assert drive.exists("x") == PENDING
    assert drive.names("") == ["x"]
    drive.close(second)
    assert drive.exists("x") == GONE


def test_any_deleting_handle_may_take_the_mark_off(drive: Drive) -> None:
    drive.make("x")
    first, second, reader = drive.open("x", DELETE), drive.open("x", DELETE), drive.open("x")
    drive.set(first, True, DISPOSITION)
    assert status_of(lambda: drive.set(reader, False, DISPOSITION)) == DENIED
    drive.set(second, False, DISPOSITION)
    for handle in (first, second, reader):
        drive.close(handle)
    assert drive.exists("x") == 0


def test_read_only_and_full_directories_are_not_marked(drive: Drive) -> None:
    drive.make("x", io.FILE_ATTRIBUTE_READONLY)
    drive.make_directory("dir")
    drive.make("dir\\child")
    file, directory = drive.open("x", DELETE), drive.open("dir", DELETE)
    assert status_of(lambda: drive.set(file, True, DISPOSITION)) == st.STATUS_CANNOT_DELETE
    assert status_of(lambda: drive.set(file, MARK, DISPOSITION_EX)) == st.STATUS_CANNOT_DELETE
    drive.set(file, MARK | IGNORE_READONLY, DISPOSITION_EX)
    child = drive.open("dir\\child", DELETE)
    drive.set(child, True, DISPOSITION)
    assert status_of(lambda: drive.set(directory, True, DISPOSITION)) == st.STATUS_DIRECTORY_NOT_EMPTY
    drive.close(child)
    drive.set(directory, True, DISPOSITION)
    assert status_of(lambda: drive.make("dir\\late")) == PENDING


def test_delete_on_close_marks_the_file_when_its_handle_closes(drive: Drive) -> None:
    drive.make("x")
    deleter = drive.open("x", DELETE, options=io.FILE_DELETE_ON_CLOSE)
    assert status_of(lambda: drive.open("x", READ, 3)) == st.STATUS_SHARING_VIOLATION
    other = drive.open("x", DELETE)
    assert not drive.get(other, STANDARD).delete_pending
    drive.set(deleter, False, DISPOSITION)
    drive.close(deleter)
    assert drive.get(other, STANDARD).delete_pending
    drive.set(other, False, DISPOSITION)
    drive.close(other)
    assert drive.exists("x") == 0


def test_delete_on_close_is_taken_back_by_its_own_flag_only(drive: Drive) -> None:
    drive.make("x")
    plain, deleter = drive.open("x", DELETE), drive.open("x", DELETE, options=io.FILE_DELETE_ON_CLOSE)
    assert status_of(lambda: drive.set(plain, MARK | ON_CLOSE, DISPOSITION_EX)) == st.STATUS_NOT_SUPPORTED
    drive.set(deleter, ON_CLOSE, DISPOSITION_EX)
    drive.close(deleter)
    drive.close(plain)
    assert drive.exists("x") == 0


def test_a_directory_that_is_not_empty_at_close_stays(drive: Drive) -> None:
    drive.make_directory("dir")
    handle = drive.open("dir", DELETE, options=io.FILE_DELETE_ON_CLOSE)
    drive.make("dir\\child")
    drive.close(handle)
    drive.delete("dir")
    assert drive.names("") == ["dir"]


def test_posix_delete(drive: Drive) -> None:
    drive.make("x")
    deleter, other = drive.open("x", DELETE), drive.open("x", READ | WRITE | DELETE)
    drive.set(deleter, MARK | POSIX, DISPOSITION_EX)
    assert drive.exists("x") == PENDING
    assert drive.names("") == ["x"]
    drive.close(deleter)
    assert drive.exists("x") == GONE
    drive.make("x")
    drive.nt.NtWriteFile(drive.process, other, b"still here", 0)
    assert drive.nt.NtReadFile(drive.process, other, 5, 0) == b"still"
    told = drive.get(other, STANDARD)
    assert (told.delete_pending, told.number_of_links) == (True, 0)
    assert status_of(lambda: drive.set(other, False, DISPOSITION)) == st.STATUS_FILE_DELETED
    assert status_of(lambda: drive.rename(other, "y")) == DENIED
    drive.close(other)
    assert drive.exists("x") == 0


def test_one_of_two_links_goes(drive: Drive) -> None:
    drive.make("x")
    handle = drive.open("x", DELETE | WRITE, options=io.FILE_DELETE_ON_CLOSE)
    drive.link(handle, "y")
    assert drive.get(handle, STANDARD).number_of_links == 2
    drive.close(handle)
    assert drive.names("") == ["y"]


def test_a_stream_goes_alone() -> None:
    drive = Drive()
    drive.close(drive.create("x:s", DELETE, disposition=io.FILE_CREATE, options=io.FILE_DELETE_ON_CLOSE).handle)
    assert drive.exists("x:s") == GONE
    assert drive.exists("x") == 0


@pytest.mark.parametrize(
    ("prepare", "plain", "replace", "posix"),
    [
        ("absent", 0, 0, 0),
        ("closed", st.STATUS_OBJECT_NAME_COLLISION, 0, 0),
        ("readonly", st.STATUS_OBJECT_NAME_COLLISION, DENIED, DENIED),
        ("hidden", st.STATUS_OBJECT_NAME_COLLISION, 0, 0),
        ("open sharing all", st.STATUS_OBJECT_NAME_COLLISION, DENIED, 0),
        ("open sharing rw", st.STATUS_OBJECT_NAME_COLLISION, DENIED, st.STATUS_SHARING_VIOLATION),
        ("open for attributes", st.STATUS_OBJECT_NAME_COLLISION, DENIED, 0),
        ("pending", st.STATUS_OBJECT_NAME_COLLISION, PENDING, PENDING),
        ("directory", st.STATUS_OBJECT_NAME_COLLISION, DENIED, DENIED),
    ],
)
@pytest.mark.parametrize("links", [False, True])
def test_what_a_rename_or_link_may_replace(
    drive: Drive, prepare: str, plain: int, replace: int, posix: int, links: bool
) -> None:
    for number, (flags, expected) in enumerate(((0, plain), (REPLACE, replace), (REPLACE_POSIX, posix))):
        target, source = f"Target{number}", f"source{number}"
        make_target(drive, target, prepare)
        drive.make(source)
        handle = drive.open(source, DELETE)
        move = drive.link if links else drive.rename
        got = status_of(lambda: move(handle, target.upper(), flags, extended=True))  # noqa: B023 - called at once
        assert got == expected
        assert (target.upper() in drive.names("")) is (not expected)
        assert (source in drive.names("")) is (links or bool(expected))
        drive.close(handle)


def make_target(drive: Drive, target: str, prepare: str) -> None:
    """Make what has the name already."""
    if prepare == "directory":
        drive.make_directory(target)
    elif prepare != "absent":
        drive.make(target, {"readonly": 1, "hidden": 2}.get(prepare, 0))
    if prepare == "pending":
        drive.set(drive.open(target, DELETE), True, DISPOSITION)
    elif prepare.startswith("open"):
        drive.open(target, READ_ATTRIBUTES if "attributes" in prepare else READ, 3 if "rw" in prepare else 7)


def test_a_replaced_file_lives_on_without_a_name(drive: Drive) -> None:
    drive.make("x")
    drive.make("y")
    replaced, source = drive.open("y", READ | DELETE), drive.open("x", DELETE)
    drive.rename(source, "Y", REPLACE_POSIX, extended=True)
    told = drive.get(replaced, STANDARD)
    assert (told.delete_pending, told.number_of_links) == (True, 0)
    assert status_of(lambda: drive.set(replaced, False, DISPOSITION)) == st.STATUS_FILE_DELETED
    assert drive.names("") == ["Y"]


@pytest.mark.parametrize(
    ("make", "flags", "expected"),
    [
        ("empty", REPLACE, DENIED),
        ("empty", REPLACE_POSIX, 0),
        ("full", REPLACE_POSIX, st.STATUS_DIRECTORY_NOT_EMPTY),
        ("file", REPLACE, 0),
        ("file", REPLACE_POSIX, DENIED),
    ],
)
def test_a_directory_replaces(drive: Drive, make: str, flags: int, expected: int) -> None:
    drive.make_directory("source")
    if make == "file":
        drive.make("target")
    else:
        drive.make_directory("target")
    if make == "full":
        drive.make("target\\child")
    handle = drive.open("source", DELETE)
    assert status_of(lambda: drive.rename(handle, "target", flags, extended=True)) == expected


@pytest.mark.parametrize("flags", [0, REPLACE, REPLACE_POSIX])
def test_the_same_name_and_another_case(drive: Drive, flags: int) -> None:
    drive.make("x")
    drive.make_directory("dir")
    file, directory = drive.open("x", DELETE), drive.open("dir", DELETE)
    for handle, name in ((file, "x"), (file, "X"), (directory, "dir"), (directory, "DIR")):
        drive.rename(handle, name, flags, extended=True)
    assert drive.names("") == ["DIR", "X"]


def test_a_directory_stays_while_something_below_is_open(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.make_directory("dir\\sub")
    drive.make("dir\\sub\\child")
    directory, child = drive.open("dir", DELETE), drive.open("dir\\sub\\child", READ_ATTRIBUTES)
    for name in ("new", "DIR"):
        assert status_of(lambda name=name: drive.rename(directory, name)) == DENIED  # type: ignore[misc]
    drive.close(child)
    drive.rename(directory, "new")
    assert drive.exists("new\\sub\\child") == 0
    drive.make("later")
    assert drive.get(drive.open("sub\\child", root=directory), query.FILE_NAME_INFORMATION) == "\\new\\sub\\child"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a*b", st.STATUS_OBJECT_NAME_INVALID),
        ("missing\\x", st.STATUS_OBJECT_PATH_NOT_FOUND),
        ("file\\x", st.STATUS_INVALID_PARAMETER),
        ("", st.STATUS_OBJECT_NAME_INVALID),
        ("shut\\x", st.STATUS_SHARING_VIOLATION),
        ("open\\x", 0),
    ],
)
def test_where_a_rename_leads(drive: Drive, path: str, expected: int) -> None:
    for name in ("file", "source"):
        drive.make(name)
    for name, share in (("shut", 5), ("open", 7)):
        drive.make_directory(name)
        drive.open(name, READ, share)
    handle = drive.open("source", DELETE)
    assert status_of(lambda: drive.rename(handle, path)) == expected


def test_ways_to_name_the_target(drive: Drive) -> None:
    drive.make("source")
    drive.make_directory("dir")
    handle, directory = drive.open("source", DELETE), drive.open("dir")
    empty = query.FileRenameInformation("")
    refused = status_of(lambda: drive.set(handle, empty, query.FILE_RENAME_INFORMATION))
    assert refused == st.STATUS_INVALID_PARAMETER
    drive.set(handle, query.FileRenameInformation("simple"), query.FILE_RENAME_INFORMATION)
    assert drive.names("") == ["dir", "simple"]
    drive.rename(handle, "inside", root=directory)
    assert drive.names("dir") == ["inside"]


def test_a_simple_name_does_not_open_the_directory(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.make("dir\\x")
    drive.open("dir", READ, 5)
    handle = drive.open("dir\\x", DELETE)
    assert status_of(lambda: drive.rename(handle, "dir\\y")) == st.STATUS_SHARING_VIOLATION
    drive.set(handle, query.FileRenameInformation("y"), query.FILE_RENAME_INFORMATION)
    assert drive.names("dir") == ["y"]


def test_an_open_file_without_a_name_does_not_hold_its_directory(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.make("dir\\x")
    deleter, _ = drive.open("dir\\x", DELETE), drive.open("dir\\x")
    drive.set(deleter, MARK | POSIX, DISPOSITION_EX)
    drive.close(deleter)
    directory = drive.open("dir", DELETE)
    drive.rename(directory, "new")
    assert drive.names("") == ["new"]


def test_links_of_directories_and_of_the_own_name(drive: Drive) -> None:
    drive.make("x")
    drive.make_directory("dir")
    file, directory = drive.open("x", READ, 0), drive.open("dir")
    assert status_of(lambda: drive.link(directory, "y")) == st.STATUS_FILE_IS_A_DIRECTORY
    assert status_of(lambda: drive.link(file, "X")) == st.STATUS_OBJECT_NAME_COLLISION
    drive.link(file, "x", REPLACE)
    drive.link(file, "X", REPLACE)
    assert drive.get(file, STANDARD).number_of_links == 1
    assert drive.names("") == ["dir", "X"]


def test_reading_and_writing(drive: Drive) -> None:
    nt, process = drive.nt, drive.process
    handle = drive.create("x", READ | WRITE | SYNCHRONIZE, 7, io.FILE_CREATE, 0x20).handle
    assert nt.NtWriteFile(process, handle, b"0123") == 4
    assert nt.NtWriteFile(process, handle, b"45", -1) == 2
    assert drive.get(handle, query.FILE_POSITION_INFORMATION) == 6
    drive.set(handle, 1, query.FILE_POSITION_INFORMATION)
    assert nt.NtReadFile(process, handle, 2) == b"12"
    assert nt.NtReadFile(process, handle, 9, -2) == b"345"
    assert status_of(lambda: nt.NtReadFile(process, handle, 1)) == st.STATUS_END_OF_FILE
    drive.set(handle, 2, query.FILE_END_OF_FILE_INFORMATION)
    appender = drive.open("x", APPEND)
    assert nt.NtWriteFile(process, appender, b"!", 0) == 1
    assert nt.NtReadFile(process, handle, 9, 0) == b"01!"
    nt.NtFlushBuffersFile(process, handle)
    for call in (
        lambda: nt.NtReadFile(process, drive.open("x"), 1),
        lambda: nt.NtReadFile(process, handle, 1, -5),
        lambda: drive.set(handle, -1, query.FILE_END_OF_FILE_INFORMATION),
    ):
        assert status_of(call) == st.STATUS_INVALID_PARAMETER
    assert status_of(lambda: nt.NtReadFile(process, appender, 1, 0)) == DENIED
    assert status_of(lambda: nt.NtWriteFile(process, drive.open("x"), b"x", 0)) == DENIED


def test_attributes_and_times(drive: Drive) -> None:
    drive.make("x")
    handle = drive.open("x", READ_ATTRIBUTES | WRITE_ATTRIBUTES)
    basic = query.FILE_BASIC_INFORMATION
    record = query.FileBasicInformation(last_write_time=st_time(2020), file_attributes=io.FILE_ATTRIBUTE_READONLY)
    drive.set(handle, record, basic)
    told = drive.get(handle, basic)
    assert (told.last_write_time, told.file_attributes) == (st_time(2020), io.FILE_ATTRIBUTE_READONLY)
    assert status_of(lambda: drive.open("x", WRITE)) == DENIED
    drive.set(handle, query.FileBasicInformation(file_attributes=io.FILE_ATTRIBUTE_NORMAL), basic)
    drive.set(handle, query.FileBasicInformation(), basic)
    assert drive.get(handle, basic).file_attributes == io.FILE_ATTRIBUTE_NORMAL
    for wrong in (
        query.FileBasicInformation(file_attributes=io.FILE_ATTRIBUTE_DIRECTORY),
        query.FileBasicInformation(last_write_time=-3),
    ):
        assert status_of(lambda wrong=wrong: drive.set(handle, wrong, basic)) == st.STATUS_INVALID_PARAMETER  # type: ignore[misc]


def st_time(year: int) -> int:
    """Give the first second of a year, about, as NT counts."""
    return 116444736000000000 + (year - 1970) * 365 * 864000000000


def test_enumeration(drive: Drive) -> None:
    nt, process, names = drive.nt, drive.process, query.FILE_NAMES_INFORMATION
    drive.make_directory("dir")
    for name in ("_x", "b", "Z", "a b", "é"):
        drive.make(f"dir\\{name}")
    handle = drive.open("dir")
    listed = [entry.file_name for entry in nt.NtQueryDirectoryFile(process, handle, names)]
    assert listed == [".", "..", "a b", "b", "Z", "_x", "é"]
    assert status_of(lambda: nt.NtQueryDirectoryFile(process, handle, names)) == st.STATUS_NO_MORE_FILES
    first = nt.NtQueryDirectoryFile(process, handle, 1, restart_scan=True, return_single_entry=True)
    assert (first[0].file_name, first[0].file_attributes) == (".", io.FILE_ATTRIBUTE_DIRECTORY)
    missing = drive.open("dir")
    assert status_of(lambda: nt.NtQueryDirectoryFile(process, missing, names, "*.c")) == st.STATUS_NO_SUCH_FILE
    some = drive.open("dir")
    assert [entry.file_name for entry in nt.NtQueryDirectoryFile(process, some, names, "? B")] == ["a b"]


def test_case_sensitive_directories() -> None:
    drive = Drive()
    drive.make_directory("dir")
    handle = drive.open("dir", READ_ATTRIBUTES | WRITE_ATTRIBUTES)
    flags = query.FILE_CASE_SENSITIVE_INFORMATION
    drive.set(handle, 1, flags)
    for name in ("a", "A"):
        drive.make(f"dir\\{name}")
    drive.make_directory("dir\\sub")
    assert drive.exists("dir\\SUB") == GONE
    assert status_of(lambda: drive.set(handle, 0, flags)) == st.STATUS_CASE_DIFFERING_NAMES_IN_DIR
    drive.delete("dir\\a")
    drive.set(handle, 0, flags)
    assert drive.exists("dir\\a") == 0
    file = drive.open("dir\\A", READ_ATTRIBUTES | WRITE_ATTRIBUTES)
    assert status_of(lambda: drive.set(file, 1, flags)) == st.STATUS_INVALID_PARAMETER
    assert drive.get(file, flags) == 0
