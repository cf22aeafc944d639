"""NtCreateFile: malformed requests, names, dispositions, attributes, access (facts/nt.md sections 3.1 to 3.3, 3.7)."""

from __future__ import annotations

from nt.drive import APPEND, DELETE, MAXIMUM_ALLOWED, READ, SYNCHRONIZE, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query
from ntshim.ob.attributes import ObjectAttributes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DENIED, INVALID = st.STATUS_ACCESS_DENIED, st.STATUS_INVALID_PARAMETER
DIRECTORY, NON_DIRECTORY = io.FILE_DIRECTORY_FILE, io.FILE_NON_DIRECTORY_FILE


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    yield drive
    drive.process.handles.release()


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (io.CreateRequest(0, 7, io.FILE_OPEN), DENIED),
        *[(io.CreateRequest(READ | 1 << bit, 7, io.FILE_OPEN), DENIED) for bit in (9, 10, 15, 21, 22, 23, 26, 27)],
        (io.CreateRequest(0x1000000 | READ, 7, io.FILE_OPEN), st.STATUS_PRIVILEGE_NOT_HELD),
        (io.CreateRequest(READ, 8, io.FILE_OPEN), INVALID),
        (io.CreateRequest(READ, 7, 6), INVALID),
        (io.CreateRequest(READ, 7, -1), INVALID),
        (io.CreateRequest(READ, 7, io.FILE_OPEN, 0x1000000), INVALID),
        (io.CreateRequest(READ, 7, io.FILE_OPEN, 0, 0x8), INVALID),
        (io.CreateRequest(READ, 7, io.FILE_OPEN, DIRECTORY | NON_DIRECTORY), INVALID),
        *[(io.CreateRequest(READ, 7, number, DIRECTORY), INVALID) for number in (0, 4, 5)],
        (io.CreateRequest(READ | SYNCHRONIZE, 7, io.FILE_OPEN, 0x30), INVALID),
        (io.CreateRequest(READ, 7, io.FILE_OPEN, 0x10), INVALID),
        (io.CreateRequest(0x80000000, 7, io.FILE_OPEN, 0x20), INVALID),
        (io.CreateRequest(READ | SYNCHRONIZE, 7, io.FILE_OPEN, 0x20), 0),
        (io.CreateRequest(READ, 7, io.FILE_OPEN, io.FILE_DELETE_ON_CLOSE), INVALID),
        (io.CreateRequest(DELETE, 7, io.FILE_OPEN, io.FILE_DELETE_ON_CLOSE), 0),
        (io.CreateRequest(READ, 7, io.FILE_OPEN, 0x100100), INVALID),
        (io.CreateRequest(APPEND, 7, io.FILE_OPEN, 0x8), INVALID),
        (io.CreateRequest(0x40000000, 7, io.FILE_OPEN, 0x8), 0),
    ],
)
def test_malformed_requests(request_: io.CreateRequest, expected: int) -> None:
    assert status_of(lambda: io.validate(request_)) == expected


def test_parameters_are_looked_at_before_the_name() -> None:
    drive = Drive()
    assert status_of(lambda: drive.open("missing\\x", 0)) == DENIED
    assert status_of(lambda: drive.nt.NtOpenFile(drive.process, READ, ObjectAttributes("x"), 8, 0)) == INVALID


@pytest.mark.parametrize(
    ("access", "disposition", "expected"),
    [
        (READ, io.FILE_OPEN, 0),
        (WRITE, io.FILE_OPEN, st.STATUS_MEDIA_WRITE_PROTECTED),
        (0x40000000, io.FILE_OPEN, st.STATUS_MEDIA_WRITE_PROTECTED),
        (READ, io.FILE_CREATE, st.STATUS_MEDIA_WRITE_PROTECTED),
        (READ, io.FILE_OVERWRITE_IF, st.STATUS_MEDIA_WRITE_PROTECTED),
        (READ, io.FILE_OPEN_IF, 0),
    ],
)
def test_a_read_only_volume(access: int, disposition: int, expected: int) -> None:
    backend = MemFs()
    Drive(backend).make("x")
    drive = Drive(backend, read_only=True)
    assert status_of(lambda: drive.create("x", access, disposition=disposition)) == expected
    assert status_of(lambda: drive.create("new", disposition=io.FILE_OPEN_IF)) == st.STATUS_MEDIA_WRITE_PROTECTED
    handle = drive.open("x", MAXIMUM_ALLOWED)
    assert not drive.process.handles.look_up(handle).access & (WRITE | APPEND | DELETE)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("file", 0),
        ("FILE", 0),
        ("missing", st.STATUS_OBJECT_NAME_NOT_FOUND),
        ("missing\\x", st.STATUS_OBJECT_PATH_NOT_FOUND),
        ("file\\x", st.STATUS_OBJECT_PATH_NOT_FOUND),
        ("missing\\a*b", st.STATUS_OBJECT_PATH_NOT_FOUND),
        ("a*b", st.STATUS_OBJECT_NAME_INVALID),
        ("dir\\..\\file", st.STATUS_OBJECT_NAME_INVALID),
        ("dir\\\\file", st.STATUS_OBJECT_NAME_INVALID),
        ("\\file", st.STATUS_OBJECT_NAME_INVALID),
        ("x" * 256, st.STATUS_OBJECT_NAME_INVALID),
        ("x" * 255, st.STATUS_OBJECT_NAME_NOT_FOUND),
        ("DIR\\Child", 0),
    ],
)
def test_names(drive: Drive, path: str, expected: int) -> None:
    drive.make("file")
    drive.make_directory("dir")
    drive.make("dir\\child")
    assert status_of(lambda: drive.open(path)) == expected


def test_names_are_preserved_and_folded(drive: Drive) -> None:
    drive.make("Straße ÉÅ")
    for disposition in (io.FILE_SUPERSEDE, io.FILE_OVERWRITE, io.FILE_OPEN_IF):
        drive.close(drive.create("STRAßE éå", disposition=disposition).handle)
    assert drive.names("") == ["Straße ÉÅ"]
    assert drive.exists("STRASSE ÉÅ") == st.STATUS_OBJECT_NAME_NOT_FOUND


def test_an_exact_name_wins(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "A").touch()
    drive = Drive(HostFs(str(tmp_path)))
    drive.close(drive.open("a", options=DIRECTORY))
    drive.close(drive.open("A", options=NON_DIRECTORY))


def test_without_obj_case_insensitive_the_session_manager_decides() -> None:
    drive = Drive()
    drive.make("x")
    name = ObjectAttributes("\\??\\C:\\X")
    drive.nt.NtOpenFile(drive.process, READ, name, 7, 0)
    drive.executive.namespace.ob_case_insensitive = False
    found = status_of(lambda: drive.nt.NtOpenFile(drive.process, READ, name, 7, 0))
    assert found == st.STATUS_OBJECT_NAME_NOT_FOUND


def test_relative_to_a_directory(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.make("dir\\child")
    directory = drive.open("dir")
    drive.close(drive.open("CHILD", root=directory))
    drive.close(drive.open("", root=directory))
    assert status_of(lambda: drive.open("\\child", root=directory)) == st.STATUS_OBJECT_PATH_SYNTAX_BAD
    child = drive.open("child", root=directory)
    assert status_of(lambda: drive.open("x", root=child)) == st.STATUS_OBJECT_PATH_NOT_FOUND
    assert drive.get(child, query.FILE_NAME_INFORMATION) == "\\dir\\child"


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (READ, 0),
        (DELETE | WRITE_ATTRIBUTES, 0),
        (WRITE, DENIED),
        (APPEND, DENIED),
        (0x40000000, DENIED),
        (0x10000000, DENIED),
        (MAXIMUM_ALLOWED, 0),
        (MAXIMUM_ALLOWED | WRITE, DENIED),
    ],
)
def test_read_only_files(drive: Drive, access: int, expected: int) -> None:
    drive.make("x", io.FILE_ATTRIBUTE_READONLY)
    assert status_of(lambda: drive.open("x", access)) == expected


def test_the_maker_of_a_read_only_file_may_write(drive: Drive) -> None:
    handle = drive.create("x", READ | WRITE, 7, io.FILE_CREATE, 0, io.FILE_ATTRIBUTE_READONLY).handle
    assert drive.nt.NtWriteFile(drive.process, handle, b"text", 0) == 4
    assert drive.nt.NtReadFile(drive.process, handle, 9, 1) == b"ext"


def test_children_of_a_read_only_directory(drive: Drive) -> None:
    drive.make_directory("dir", io.FILE_ATTRIBUTE_READONLY)
    drive.make("dir\\child")
    drive.delete("dir\\child")
    assert drive.names("dir") == []
    assert status_of(lambda: drive.delete("dir")) == st.STATUS_CANNOT_DELETE


def test_delete_on_close_against_read_only(drive: Drive) -> None:
    options, read_only = io.FILE_DELETE_ON_CLOSE, io.FILE_ATTRIBUTE_READONLY
    made = status_of(lambda: drive.create("x", DELETE, 7, io.FILE_CREATE, options, read_only))
    assert made == st.STATUS_CANNOT_DELETE
    assert drive.names("") == []
    drive.make("x", read_only)
    assert status_of(lambda: drive.open("x", DELETE, options=options)) == st.STATUS_CANNOT_DELETE


@pytest.mark.parametrize("disposition", [io.FILE_SUPERSEDE, io.FILE_OVERWRITE, io.FILE_OVERWRITE_IF])
def test_what_replacing_does_to_a_file(drive: Drive, disposition: int) -> None:
    hidden = io.FILE_ATTRIBUTE_HIDDEN
    handle = drive.create("x", WRITE, 7, io.FILE_CREATE, 0, hidden).handle
    drive.nt.NtWriteFile(drive.process, handle, b"text", 0)
    drive.close(handle)
    assert status_of(lambda: drive.create("x", disposition=disposition)) == DENIED
    system = io.FILE_ATTRIBUTE_SYSTEM
    handle = drive.create("x", READ | 0x80, disposition=disposition, attributes=hidden | system).handle
    assert drive.get(handle, query.FILE_STANDARD_INFORMATION).end_of_file == 0
    basic = drive.get(handle, query.FILE_BASIC_INFORMATION)
    assert basic.file_attributes == hidden | system | io.FILE_ATTRIBUTE_ARCHIVE


def test_superseding_drops_streams_and_overwriting_keeps_them() -> None:
    drive = Drive()
    drive.close(drive.create("x:s", disposition=io.FILE_CREATE).handle)
    drive.close(drive.create("x", disposition=io.FILE_OVERWRITE).handle)
    assert drive.exists("x:s") == 0
    drive.close(drive.create("x", disposition=io.FILE_SUPERSEDE).handle)
    assert drive.exists("x:s") == st.STATUS_OBJECT_NAME_NOT_FOUND


@pytest.mark.parametrize(
    ("path", "options", "disposition", "expected"),
    [
        ("x:new", 0, io.FILE_CREATE, 0),
        ("y:new", 0, io.FILE_CREATE, 0),
        ("x:new", 0, io.FILE_OPEN, st.STATUS_OBJECT_NAME_NOT_FOUND),
        ("x:S", 0, io.FILE_CREATE, st.STATUS_OBJECT_NAME_COLLISION),
        ("x::$DATA", 0, io.FILE_OPEN, 0),
        ("x:", 0, io.FILE_OPEN, st.STATUS_OBJECT_NAME_INVALID),
        ("x:s:b", 0, io.FILE_OPEN, st.STATUS_OBJECT_NAME_INVALID),
        ("x:s", DIRECTORY, io.FILE_OPEN, st.STATUS_NOT_A_DIRECTORY),
        ("x:new", DIRECTORY, io.FILE_CREATE, st.STATUS_NOT_A_DIRECTORY),
        ("dir::$DATA", 0, io.FILE_OPEN, st.STATUS_FILE_IS_A_DIRECTORY),
        ("dir::$INDEX_ALLOCATION", 0, io.FILE_OPEN, 0),
        ("dir:$I30:$INDEX_ALLOCATION", 0, io.FILE_OPEN, 0),
        ("x::$INDEX_ALLOCATION", 0, io.FILE_OPEN, st.STATUS_NOT_A_DIRECTORY),
        ("dir:s", NON_DIRECTORY, io.FILE_CREATE, 0),
    ],
)
def test_streams(path: str, options: int, disposition: int, expected: int) -> None:
    drive = Drive()
    drive.make("x")
    drive.make_directory("dir")
    drive.close(drive.create("x:s", disposition=io.FILE_CREATE).handle)
    assert status_of(lambda: drive.create(path, options=options, disposition=disposition)) == expected
    assert drive.exists(path.partition(":")[0]) == 0


def test_the_root_directory(drive: Drive) -> None:
    assert drive.create("", options=DIRECTORY).information == io.FILE_OPENED
    assert status_of(lambda: drive.create("", disposition=io.FILE_OVERWRITE)) == DENIED
    root = drive.open("", DELETE | READ)
    assert status_of(lambda: drive.set(root, True, query.FILE_DISPOSITION_INFORMATION)) == st.STATUS_CANNOT_DELETE


def test_links_of_the_host_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "to_etc").symlink_to("/etc")
    drive = Drive(HostFs(str(tmp_path)))
    unhandled = st.STATUS_IO_REPARSE_TAG_NOT_HANDLED
    assert status_of(lambda: drive.open("to_etc")) == unhandled
    assert status_of(lambda: drive.open("to_etc\\passwd")) == unhandled
    handle = drive.open("to_etc", 0x80, options=io.FILE_OPEN_REPARSE_POINT)
    assert drive.get(handle, query.FILE_BASIC_INFORMATION).file_attributes & io.FILE_ATTRIBUTE_REPARSE_POINT
    drive.close(handle)


def test_what_is_no_file_is_not_opened_as_one() -> None:
    drive = Drive()
    for path, expected in (
        ("\\KernelObjects\\LowMemoryCondition", st.STATUS_OBJECT_TYPE_MISMATCH),
        ("\\??\\C:", st.STATUS_INVALID_DEVICE_REQUEST),
    ):
        name = ObjectAttributes(path)
        assert status_of(lambda name=name: drive.nt.NtOpenFile(drive.process, READ, name, 7, 0)) == expected  # type: ignore[misc]


def test_by_file_id_is_said_to_be_missing() -> None:
    drive = Drive()
    drive.make("x")
    assert status_of(lambda: drive.open("x", options=io.FILE_OPEN_BY_FILE_ID)) == INVALID
