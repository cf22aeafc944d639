"""Reparse points: who may make them, what is read back, and where names go on (facts/nt.md 1.2, 3.10; wsl1.md 4.2)."""

from __future__ import annotations

import os
import socket
import struct
from nt.drive import DELETE, PREFIX, READ, READ_ATTRIBUTES, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING, Any

import pytest

from ntshim import status as st
from ntshim.fs import reparse
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.fs.volume import Volume
from ntshim.io import control, query
from ntshim.io import create as io
from ntshim.io.ea import FileFullEaInformation
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.symlink import SymbolicLink
from ntshim.se.token import SE_CREATE_SYMBOLIC_LINK_PRIVILEGE, Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SET, GET = control.FSCTL_SET_REPARSE_POINT, control.FSCTL_GET_REPARSE_POINT
DELETE_POINT = control.FSCTL_DELETE_REPARSE_POINT
ITSELF, DIRECTORY, NON_DIRECTORY = io.FILE_OPEN_REPARSE_POINT, io.FILE_DIRECTORY_FILE, io.FILE_NON_DIRECTORY_FILE
BAD_DATA, BAD_TAG = st.STATUS_IO_REPARSE_DATA_INVALID, st.STATUS_IO_REPARSE_TAG_INVALID
NOT_HANDLED, NOT_RESOLVED = st.STATUS_IO_REPARSE_TAG_NOT_HANDLED, st.STATUS_REPARSE_POINT_NOT_RESOLVED
OTHER_TAG, GUID = 0x00000042, bytes(range(16))
FOREIGN = reparse.build(OTHER_TAG, b"data", GUID)
LINK = reparse.build_symlink("target", relative=True)
LX = reparse.build_lx_symlink(b"some/where")
JUNCTION = reparse.build_mount_point(PREFIX + "dir")


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    drive.volume.developer_mode = True
    yield drive
    drive.process.handles.release()


def send(drive: Drive, handle: int, code: int, data: bytes = b"", length: int = 16384) -> Any:
    return drive.nt.NtFsControlFile(drive.process, handle, code, data, length)


def make_point(drive: Drive, path: str, buffer: bytes, *, directory: bool = False) -> None:
    """Make a file or directory that is a reparse point."""
    options = DIRECTORY if directory else NON_DIRECTORY
    handle = drive.create(path, WRITE_ATTRIBUTES, disposition=io.FILE_CREATE, options=options | ITSELF).handle
    send(drive, handle, SET, buffer)
    drive.close(handle)


def fill(drive: Drive, path: str, text: bytes) -> None:
    handle = drive.create(path, WRITE, disposition=io.FILE_CREATE).handle
    drive.nt.NtWriteFile(drive.process, handle, text, 0)
    drive.close(handle)


def read(drive: Drive, path: str) -> bytes:
    handle = drive.open(path)
    data = drive.nt.NtReadFile(drive.process, handle, 100, 0)
    drive.close(handle)
    return data


@pytest.mark.parametrize(
    ("buffer", "expected"),
    [
        (b"", BAD_DATA),
        (LINK[:7], BAD_DATA),
        (LINK[:-1], BAD_DATA),
        (LINK + b"\0", BAD_DATA),
        (reparse.build(0xA0000019, bytes(16384 - 8)), 0),
        (reparse.build(0xA0000019, bytes(16384 - 7)), BAD_DATA),
        (reparse.build(0, b"", GUID), BAD_TAG),
        (reparse.build(1, b"", GUID), BAD_TAG),
        (reparse.build(0x00010042, b"", GUID), BAD_TAG),
        (reparse.build(OTHER_TAG, b"data"), BAD_DATA),
        (FOREIGN, 0),
        (LINK, 0),
        (LX, 0),
        (reparse.build_lx_symlink(b""), BAD_DATA),
        (reparse.build_lx_symlink(b"a\0b"), BAD_DATA),
        (reparse.build_lx_symlink(b"x" * 4096), BAD_DATA),
        (JUNCTION, st.STATUS_NOT_A_DIRECTORY),
        (reparse.build(reparse.IO_REPARSE_TAG_SYMLINK, bytes(12)), BAD_DATA),
        (reparse.build(reparse.IO_REPARSE_TAG_SYMLINK, struct.pack("<HHHHI", 0, 4, 0, 0, 0) + b"a\0"), BAD_DATA),
        (reparse.build(reparse.IO_REPARSE_TAG_SYMLINK, struct.pack("<HHHHI", 0, 1, 0, 0, 0) + b"a\0"), BAD_DATA),
        (reparse.build(reparse.IO_REPARSE_TAG_SYMLINK, struct.pack("<HHHHI", 0, 2, 0, 0, 2) + b"a\0"), BAD_DATA),
    ],
)
def test_what_may_be_set_on_a_file(buffer: bytes, expected: int) -> None:
    drive = Drive()
    drive.volume.developer_mode = True
    drive.make("x")
    handle = drive.open("x", WRITE_ATTRIBUTES, options=ITSELF)
    assert status_of(lambda: send(drive, handle, SET, buffer)) == expected
    wanted = st.STATUS_NOT_A_REPARSE_POINT if expected else 0
    assert status_of(lambda: send(drive, handle, GET)) == wanted
    if not expected:
        assert send(drive, handle, GET) == buffer


@pytest.mark.parametrize(
    ("buffer", "expected"),
    [
        (JUNCTION, 0),
        (reparse.build(reparse.IO_REPARSE_TAG_MOUNT_POINT, bytes(12)), BAD_DATA),
        (JUNCTION[:8] + b"\2" + JUNCTION[9:], BAD_DATA),
        (JUNCTION[:12] + b"\0" + JUNCTION[13:], BAD_DATA),
    ],
)
def test_what_may_be_set_on_a_directory(buffer: bytes, expected: int) -> None:
    drive = Drive()
    drive.make_directory("x")
    handle = drive.open("x", WRITE_ATTRIBUTES, options=ITSELF)
    assert status_of(lambda: send(drive, handle, SET, buffer)) == expected


def test_a_directory_with_entries_takes_only_tags_that_allow_them(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.make("dir\\x")
    handle = drive.open("dir", WRITE_ATTRIBUTES, options=ITSELF)
    assert status_of(lambda: send(drive, handle, SET, JUNCTION)) == st.STATUS_DIRECTORY_NOT_EMPTY
    send(drive, handle, SET, reparse.build(0x9000701A, b"cloud"))
    assert drive.exists("dir\\x") == NOT_HANDLED


def test_rights_and_the_read_only_volume(drive: Drive) -> None:
    drive.make("x")
    reader = drive.open("x", READ | READ_ATTRIBUTES)
    assert status_of(lambda: send(drive, reader, SET, LINK)) == st.STATUS_ACCESS_DENIED
    assert status_of(lambda: send(drive, reader, DELETE_POINT, LINK[:8])) == st.STATUS_ACCESS_DENIED
    writer = drive.open("x", WRITE)
    drive.volume.read_only = True
    assert status_of(lambda: send(drive, writer, SET, LINK)) == st.STATUS_MEDIA_WRITE_PROTECTED
    drive.volume.read_only = False
    drive.create("x:s", disposition=io.FILE_CREATE)
    stream = drive.open("x:s", WRITE)
    assert status_of(lambda: send(drive, stream, SET, LINK)) == st.STATUS_INVALID_PARAMETER
    send(drive, writer, SET, LINK)


def test_symbolic_links_need_the_privilege_or_developer_mode(drive: Drive) -> None:
    drive.volume.developer_mode = False
    drive.make("x")
    handle = drive.open("x", WRITE, options=ITSELF)
    assert status_of(lambda: send(drive, handle, SET, LINK)) == st.STATUS_PRIVILEGE_NOT_HELD
    assert send(drive, handle, SET, FOREIGN) == b""
    send(drive, handle, DELETE_POINT, reparse.build(OTHER_TAG, b"", GUID))
    drive.process.token = Token([SE_CREATE_SYMBOLIC_LINK_PRIVILEGE])
    send(drive, handle, SET, LINK)


def test_only_the_same_tag_and_guid_change_or_delete(drive: Drive) -> None:
    drive.make("x")
    handle = drive.open("x", WRITE, options=ITSELF)
    header = reparse.build(OTHER_TAG, b"", GUID)
    assert status_of(lambda: send(drive, handle, DELETE_POINT, header)) == st.STATUS_NOT_A_REPARSE_POINT
    send(drive, handle, SET, FOREIGN)
    assert status_of(lambda: send(drive, handle, SET, LINK)) == st.STATUS_IO_REPARSE_TAG_MISMATCH
    stranger = reparse.build(OTHER_TAG, b"", GUID[::-1])
    for code in (SET, DELETE_POINT):
        assert status_of(lambda code=code: send(drive, handle, code, stranger)) == (  # type: ignore[misc]
            st.STATUS_REPARSE_ATTRIBUTE_CONFLICT
        )
    assert status_of(lambda: send(drive, handle, DELETE_POINT, LINK[:2] + bytes(6))) == BAD_DATA
    assert status_of(lambda: send(drive, handle, DELETE_POINT, FOREIGN)) == BAD_DATA
    other = reparse.build(reparse.IO_REPARSE_TAG_SYMLINK, b"")
    assert status_of(lambda: send(drive, handle, DELETE_POINT, other)) == st.STATUS_IO_REPARSE_TAG_MISMATCH
    changed = reparse.build(OTHER_TAG, b"other data", GUID)
    send(drive, handle, SET, changed)
    assert send(drive, handle, GET) == changed
    assert drive.exists("x") == 0
    assert status_of(lambda: drive.open("x")) == NOT_HANDLED
    send(drive, handle, DELETE_POINT, header)
    assert status_of(lambda: send(drive, handle, GET)) == st.STATUS_NOT_A_REPARSE_POINT
    assert status_of(lambda: drive.open("x")) == 0


def test_the_attribute_tells_of_it(drive: Drive) -> None:
    make_point(drive, "x", FOREIGN)
    drive.make("y")
    attributes = {
        name: drive.get(drive.open(name, READ_ATTRIBUTES, options=ITSELF), query.FILE_BASIC_INFORMATION).file_attributes
        for name in "xy"
    }
    assert attributes["x"] & io.FILE_ATTRIBUTE_REPARSE_POINT
    assert not attributes["y"] & io.FILE_ATTRIBUTE_REPARSE_POINT


def test_the_output_has_to_fit(drive: Drive) -> None:
    make_point(drive, "x", FOREIGN)
    handle = drive.open("x", READ_ATTRIBUTES, options=ITSELF)
    assert status_of(lambda: send(drive, handle, GET, length=7)) == st.STATUS_BUFFER_TOO_SMALL
    assert status_of(lambda: send(drive, handle, GET, length=len(FOREIGN) - 1)) == st.STATUS_BUFFER_OVERFLOW
    assert send(drive, handle, GET, length=len(FOREIGN)) == FOREIGN


def test_links_lead_to_files_and_directories(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.make_directory("dir\\sub")
    fill(drive, "dir\\x", b"in dir")
    fill(drive, "top", b"at the top")
    make_point(drive, "file", reparse.build_symlink("dir\\x", relative=True))
    make_point(drive, "absolute", reparse.build_symlink(PREFIX + "dir\\x"))
    make_point(drive, "rooted", reparse.build_symlink("\\dir\\x", relative=True))
    make_point(drive, "tree", reparse.build_symlink("dir", relative=True), directory=True)
    make_point(drive, "junction", reparse.build_mount_point(PREFIX + "dir\\"), directory=True)
    make_point(drive, "dir\\sub\\up", reparse.build_symlink("..\\..\\top", relative=True))
    make_point(drive, "dir\\sub\\here", reparse.build_symlink(".\\up", relative=True))
    for path in ("file", "absolute", "rooted", "tree\\x", "junction\\x", "JUNCTION\\X"):
        assert read(drive, path) == b"in dir", path
    for path in ("dir\\sub\\up", "dir\\sub\\here", "tree\\sub\\here", "junction\\sub\\up"):
        assert read(drive, path) == b"at the top", path
    base = drive.open("junction", READ)
    handle = drive.open("sub\\up", root=base)
    assert drive.nt.NtReadFile(drive.process, handle, 100, 0) == b"at the top"
    assert sorted(drive.names("junction")) == ["sub", "x"]


def test_a_link_leads_to_another_volume(drive: Drive) -> None:
    other = Volume(MemFs())
    drive.executive.namespace.add("\\Device\\HarddiskVolume2", other)
    drive.executive.namespace.add("\\GLOBAL??\\D:", SymbolicLink("\\Device\\HarddiskVolume2"))
    make_point(drive, "there", reparse.build_mount_point("\\??\\D:\\"), directory=True)
    drive.make("there\\new")
    drive.make("here")
    assert [name for name, _ in other.backend.names(other.backend.root)] == ["new"]
    handle = drive.open("here", DELETE)
    assert status_of(lambda: drive.rename(handle, "there\\here")) == st.STATUS_NOT_SAME_DEVICE


def test_creating_through_a_link_makes_its_target(drive: Drive) -> None:
    make_point(drive, "link", reparse.build_symlink("made", relative=True))
    assert status_of(lambda: drive.open("link")) == st.STATUS_OBJECT_NAME_NOT_FOUND
    drive.make("link")
    assert drive.exists("made") == 0
    assert status_of(lambda: drive.make("link")) == st.STATUS_OBJECT_NAME_COLLISION
    drive.create("link:s", disposition=io.FILE_CREATE)
    assert status_of(lambda: drive.open("made:s")) == 0


def test_the_thing_itself_is_opened_renamed_and_deleted(drive: Drive) -> None:
    drive.make("target")
    make_point(drive, "link", LINK)
    handle = drive.open("link", DELETE, options=ITSELF)
    drive.rename(handle, "moved")
    assert send(drive, handle, GET) == LINK
    drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION)
    drive.close(handle)
    assert (drive.exists("moved"), drive.exists("target")) == (st.STATUS_OBJECT_NAME_NOT_FOUND, 0)


def test_a_link_of_one_kind_opens_nothing_of_the_other(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.make("file")
    make_point(drive, "file_link", reparse.build_symlink("dir", relative=True))
    make_point(drive, "dir_link", reparse.build_symlink("file", relative=True), directory=True)
    assert status_of(lambda: drive.open("file_link", options=DIRECTORY)) == st.STATUS_NOT_A_DIRECTORY
    assert status_of(lambda: drive.open("dir_link", options=NON_DIRECTORY)) == st.STATUS_FILE_IS_A_DIRECTORY


@pytest.mark.parametrize(("links", "expected"), [(63, 0), (64, NOT_RESOLVED)])
@pytest.mark.parametrize("prefix", ["", PREFIX], ids=["relative", "absolute"])
def test_a_path_may_meet_63(links: int, expected: int, prefix: str) -> None:
    drive = Drive()
    drive.volume.developer_mode = True
    drive.make("link0")
    for number in range(links):
        make_point(drive, f"link{number + 1}", reparse.build_symlink(f"{prefix}link{number}", relative=not prefix))
    assert status_of(lambda: drive.open(f"link{links}")) == expected


def test_loops_and_links_out_of_the_volume_end(drive: Drive) -> None:
    make_point(drive, "a", reparse.build_symlink("b", relative=True))
    make_point(drive, "b", reparse.build_symlink("a", relative=True))
    make_point(drive, "grow", reparse.build_symlink("grow\\" + "x" * 200, relative=True), directory=True)
    make_point(drive, "out", reparse.build_symlink("..\\x", relative=True))
    make_point(drive, "nowhere", reparse.build_symlink("\\??\\Q:\\x"))
    assert status_of(lambda: drive.open("a")) == NOT_RESOLVED
    assert status_of(lambda: drive.open("grow")) == NOT_RESOLVED
    assert status_of(lambda: drive.open("out")) == BAD_DATA
    assert status_of(lambda: drive.open("nowhere")) in (
        st.STATUS_OBJECT_PATH_NOT_FOUND,
        st.STATUS_OBJECT_NAME_NOT_FOUND,
    )


def test_nobody_has_to_follow(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.make("dir\\x")
    make_point(drive, "link", reparse.build_symlink("dir", relative=True), directory=True)
    name = ObjectAttributes(PREFIX.replace("\\??\\C:", "\\Device\\HarddiskVolume1") + "link\\x", 0, 0x1040)
    assert status_of(lambda: drive.nt.NtOpenFile(drive.process, READ, name, 7, 0)) == (
        st.STATUS_REPARSE_POINT_ENCOUNTERED
    )


@pytest.mark.parametrize("tag", [0x80000023, 0x80000024, 0x80000025, 0x80000026, 0xA000001D])
def test_what_wsl_marks_is_data_that_nt_does_not_open(tag: int) -> None:
    drive = Drive()
    buffer = LX if tag == reparse.IO_REPARSE_TAG_LX_SYMLINK else reparse.build(tag, b"")
    make_point(drive, "x", buffer)
    assert status_of(lambda: drive.open("x")) == NOT_HANDLED
    assert send(drive, drive.open("x", READ_ATTRIBUTES, options=ITSELF), GET) == buffer


def test_codes_that_nobody_knows(drive: Drive) -> None:
    drive.make("x")
    handle = drive.open("x", READ)
    for code in (0, 1, -1, 1 << 40, 0x900A0, 0xFFFFFFFF):
        assert status_of(lambda code=code: send(drive, handle, code)) in (  # type: ignore[misc]
            st.STATUS_INVALID_DEVICE_REQUEST,
            st.STATUS_ACCESS_DENIED,
        )
    assert status_of(lambda: drive.nt.NtDeviceIoControlFile(drive.process, handle, GET)) == (
        st.STATUS_INVALID_DEVICE_REQUEST
    )
    # The code itself asks for FILE_WRITE_DATA.
    assert status_of(lambda: send(drive, handle, 0x98000 | 0x8000)) == st.STATUS_ACCESS_DENIED


def test_special_files_of_the_host_are_reparse_points(tmp_path: Path) -> None:
    drive = Drive(HostFs(str(tmp_path)))
    (tmp_path / "link").symlink_to("some/where")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        directory = os.open(tmp_path, os.O_RDONLY)
        bound.bind(f"/proc/self/fd/{directory}/socket")
        os.close(directory)
        for name, buffer in (
            ("link", LX),
            ("pipe", reparse.build(reparse.IO_REPARSE_TAG_LX_FIFO, b"")),
            ("socket", reparse.build(reparse.IO_REPARSE_TAG_AF_UNIX, b"")),
        ):
            assert status_of(lambda name=name: drive.open(name)) == NOT_HANDLED  # type: ignore[misc]
            handle = drive.open(name, READ_ATTRIBUTES, options=ITSELF)
            assert send(drive, handle, GET) == buffer
            told = drive.get(handle, query.FILE_BASIC_INFORMATION)
            assert told.file_attributes & io.FILE_ATTRIBUTE_REPARSE_POINT
            drive.close(handle)


def test_linux_links_are_the_host_s_and_end_as_files(tmp_path: Path) -> None:
    drive = Drive(HostFs(str(tmp_path)))
    handle = drive.create("link", WRITE | DELETE, disposition=io.FILE_CREATE, options=ITSELF).handle
    send(drive, handle, SET, LX)
    assert os.readlink(tmp_path / "link") == "some/where"
    assert status_of(lambda: drive.open("link", WRITE, 0, ITSELF)) == st.STATUS_SHARING_VIOLATION
    send(drive, handle, SET, reparse.build_lx_symlink(b"else"))
    assert os.readlink(tmp_path / "link") == "else"
    send(drive, handle, DELETE_POINT, reparse.build(reparse.IO_REPARSE_TAG_LX_SYMLINK, b""))
    assert (tmp_path / "link").read_bytes() == b""
    drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION)
    drive.close(handle)
    assert not os.listdir(tmp_path)
    assert not len(drive.volume.nodes)


def test_a_host_s_file_with_more_names_stays_a_file(tmp_path: Path) -> None:
    drive = Drive(HostFs(str(tmp_path)))
    drive.make("x")
    (tmp_path / "y").hardlink_to(tmp_path / "x")
    handle = drive.open("x", WRITE, options=ITSELF)
    assert status_of(lambda: send(drive, handle, SET, LX)) == st.STATUS_NOT_SUPPORTED
    assert (tmp_path / "x").samefile(tmp_path / "y")
    drive.close(handle)


def test_who_watches_is_told_of_points_eas_and_stream_names(drive: Drive) -> None:
    drive.make("x")
    drive.create("x:s", disposition=io.FILE_CREATE)
    watcher = drive.open("", READ, options=DIRECTORY)
    told = []

    def watch() -> Any:
        return drive.nt.NtNotifyChangeDirectoryFile(drive.process, watcher, 4096, 0x284)

    handle = drive.open("x", WRITE | 0x10, options=ITSELF)
    stream = drive.open("x:s", DELETE)
    for change in (
        lambda: drive.nt.NtSetEaFile(drive.process, handle, [FileFullEaInformation(0, "A", b"1")]),
        lambda: drive.set(stream, query.FileRenameInformation(":t"), query.FILE_RENAME_INFORMATION),
        lambda: send(drive, handle, SET, FOREIGN),
    ):
        irp = watch()
        change()
        told.append([tuple(record) for record in irp.result])
    assert told == [[(3, "x")], [(7, "x:s")], [(6, "x:t")]]
    assert [tuple(record) for record in watch().result] == [(3, "x")]
