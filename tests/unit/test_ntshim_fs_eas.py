"""Extended attributes: names, sizes, scans, and what opens do with them (facts/wsl1.md section 4.2)."""

from __future__ import annotations

import os
from nt.drive import PREFIX, READ, READ_ATTRIBUTES, WRITE, Drive, status_of
from typing import TYPE_CHECKING, Any

import pytest

from ntshim import status as st
from ntshim.fs.host_xattrs import EA_XATTR
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import ea, query
from ntshim.io.ea import FILE_NEED_EA
from ntshim.io.ea import FileFullEaInformation as Ea
from ntshim.ob.attributes import ObjectAttributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

READ_EA, WRITE_EA = 0x8, 0x10
FIRST, SECOND, THIRD = Ea(0, "FIRST", b"1"), Ea(0, "SECOND", b"22"), Ea(0, "THIRD", b"333")
NONE, NO_MORE = st.STATUS_NO_EAS_ON_FILE, st.STATUS_NO_MORE_EAS


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    yield drive
    drive.process.handles.release()


def put(drive: Drive, handle: int, *attributes: Ea) -> None:
    drive.nt.NtSetEaFile(drive.process, handle, attributes)


def ask(drive: Drive, handle: int, **how: Any) -> list[Ea]:
    return drive.nt.NtQueryEaFile(drive.process, handle, **how)


def create(drive: Drive, path: str, disposition: int, eas: Sequence[Ea] = (), options: int = 0) -> int:
    name = ObjectAttributes(PREFIX + path, 0, 0x40)
    access = READ | READ_EA | WRITE_EA
    return drive.nt.NtCreateFile(drive.process, access, name, 0, 7, disposition, options, ea_buffer=eas).handle


def make(drive: Drive, *eas: Ea) -> int:
    return create(drive, "x", io.FILE_CREATE, eas)


def test_set_replace_and_remove(drive: Drive) -> None:
    handle = make(drive)
    assert status_of(lambda: ask(drive, handle)) == NONE
    assert drive.get(handle, query.FILE_EA_INFORMATION) == 0
    put(drive, handle, Ea(0, "First", b"old"), SECOND)
    put(drive, handle, FIRST, Ea(0, "absent", b""))
    assert ask(drive, handle) == [FIRST, SECOND]
    assert drive.get(handle, query.FILE_EA_INFORMATION) == 4 + (4 + 6 + 1) + (4 + 7 + 2)
    assert drive.get(handle, query.FILE_FULL_EA_INFORMATION) == [FIRST, SECOND]
    drive.set(handle, [Ea(0, "first", b"")], query.FILE_FULL_EA_INFORMATION)
    assert ask(drive, handle, restart_scan=True) == [SECOND]
    put(drive, handle, Ea(0, "second", b""))
    assert status_of(lambda: ask(drive, handle)) == NONE


def test_directories_have_them_too(drive: Drive) -> None:
    handle = create(drive, "dir", io.FILE_CREATE, [FIRST], io.FILE_DIRECTORY_FILE)
    assert ask(drive, handle) == [FIRST]


@pytest.mark.parametrize("name", ["", "a" * 256, "a/b", "a:b", "a*b", "a?b", "a\\b", "a,b", "a\0", "a\x7f", "\u00e9"])
def test_names_that_no_ea_has(name: str) -> None:
    drive = Drive()
    handle = make(drive)
    for call in (lambda: put(drive, handle, Ea(0, name, b"x")), lambda: ask(drive, handle, ea_list=[name])):
        assert status_of(call) == st.STATUS_INVALID_EA_NAME
    assert status_of(lambda: create(drive, "y", io.FILE_CREATE, [Ea(0, name, b"x")])) == st.STATUS_INVALID_EA_NAME
    assert drive.exists("y") == st.STATUS_OBJECT_NAME_NOT_FOUND


@pytest.mark.parametrize("name", ["$LXUID", "LX.user.x", "a" * 255, "a b", "a.b", "~"])
def test_names_are_kept_in_capitals(name: str) -> None:
    drive = Drive()
    handle = make(drive, Ea(0, name, b"x"))
    assert [found.ea_name for found in ask(drive, handle)] == [name.upper()]


def test_scans_by_place_index_and_name(drive: Drive) -> None:
    handle = make(drive, FIRST, SECOND, THIRD)
    assert ask(drive, handle, return_single_entry=True) == [FIRST]
    assert ask(drive, handle, return_single_entry=True) == [SECOND]
    assert ask(drive, handle) == [THIRD]
    assert status_of(lambda: ask(drive, handle)) == NO_MORE
    assert ask(drive, handle, restart_scan=True) == [FIRST, SECOND, THIRD]
    assert ask(drive, handle, ea_index=2) == [SECOND, THIRD]
    assert status_of(lambda: ask(drive, handle, ea_index=4)) == NO_MORE
    for index in (0, 5, -1, 1 << 40):
        found = status_of(lambda index=index: ask(drive, handle, ea_index=index))  # type: ignore[misc]
        assert found == st.STATUS_NONEXISTENT_EA_ENTRY
    assert ask(drive, handle, ea_list=["third", "none", "first"]) == [THIRD, Ea(0, "NONE", b""), FIRST]
    other = drive.open("x", READ_EA)
    assert ask(drive, other, return_single_entry=True) == [FIRST]


def test_whole_entries_that_fit(drive: Drive) -> None:
    handle = make(drive, FIRST, SECOND)
    # Each takes 8 bytes, its name with a zero, its value; the second begins at a multiple of 4.
    assert status_of(lambda: ask(drive, handle, length=14)) == st.STATUS_BUFFER_TOO_SMALL
    assert ask(drive, handle, length=16 + 16) == [FIRST]
    assert ask(drive, handle, length=16 + 17, restart_scan=True) == [FIRST, SECOND]
    assert status_of(lambda: ask(drive, handle, length=-1, restart_scan=True)) == st.STATUS_BUFFER_TOO_SMALL


def test_a_file_holds_64_kib() -> None:
    drive = Drive()
    handle = make(drive)
    largest = ea.MAXIMUM_EA_SIZE - 4 - 4 - 2
    assert status_of(lambda: put(drive, handle, Ea(0, "A", bytes(largest + 1)))) == st.STATUS_EA_TOO_LARGE
    assert status_of(lambda: put(drive, handle, Ea(0, "A", bytes(0x10000)))) == st.STATUS_EA_TOO_LARGE
    put(drive, handle, Ea(0, "A", bytes(largest)))
    assert status_of(lambda: put(drive, handle, Ea(0, "B", b"x"))) == st.STATUS_EA_TOO_LARGE
    assert len(ask(drive, handle)) == 1


def test_rights_and_flags(drive: Drive) -> None:
    make(drive, FIRST)
    other = drive.open("x", READ | WRITE | READ_ATTRIBUTES)
    assert status_of(lambda: ask(drive, other)) == st.STATUS_ACCESS_DENIED
    assert status_of(lambda: put(drive, other, SECOND)) == st.STATUS_ACCESS_DENIED
    assert status_of(lambda: drive.get(other, query.FILE_FULL_EA_INFORMATION)) == st.STATUS_ACCESS_DENIED
    assert status_of(lambda: ask(drive, 0x4000)) == st.STATUS_INVALID_HANDLE
    writer = drive.open("x", WRITE_EA)
    assert status_of(lambda: put(drive, writer, Ea(1, "A", b"x"))) == st.STATUS_INVALID_EA_FLAG
    drive.volume.read_only = True
    assert status_of(lambda: put(drive, writer, SECOND)) == st.STATUS_MEDIA_WRITE_PROTECTED


def test_who_does_not_know_eas(drive: Drive) -> None:
    handle = make(drive, FIRST)
    ignorant = io.FILE_NO_EA_KNOWLEDGE
    drive.close(create(drive, "x", io.FILE_OPEN, options=ignorant))
    put(drive, handle, Ea(FILE_NEED_EA, "NEEDED", b"x"))
    opens = len(drive.volume.nodes)
    assert status_of(lambda: create(drive, "x", io.FILE_OPEN, options=ignorant)) == st.STATUS_ACCESS_DENIED
    assert status_of(lambda: create(drive, "y", io.FILE_CREATE, [FIRST], ignorant)) == st.STATUS_ACCESS_DENIED
    assert len(drive.volume.nodes) == opens
    assert status_of(lambda: create(drive, "x", io.FILE_OVERWRITE, options=ignorant)) == 0
    assert status_of(lambda: ask(drive, handle)) == NONE


@pytest.mark.parametrize("disposition", [io.FILE_OVERWRITE, io.FILE_OVERWRITE_IF, io.FILE_SUPERSEDE])
def test_a_file_that_is_replaced_has_the_new_ones_alone(drive: Drive, disposition: int) -> None:
    drive.close(make(drive, FIRST))
    handle = create(drive, "x", disposition, [SECOND])
    assert ask(drive, handle) == [SECOND]
    again = create(drive, "x", io.FILE_OPEN_IF, [THIRD])
    assert ask(drive, again) == [SECOND]


def test_read_only_files_take_them(drive: Drive) -> None:
    drive.make("r", io.FILE_ATTRIBUTE_READONLY)
    handle = drive.open("r", READ_EA | WRITE_EA | READ_ATTRIBUTES)
    put(drive, handle, FIRST)
    assert ask(drive, handle) == [FIRST]
    assert drive.get(handle, query.FILE_BASIC_INFORMATION).file_attributes & io.FILE_ATTRIBUTE_READONLY


@pytest.mark.parametrize("stored", [b"\0\0", b"\0\1\0\0", b"\0\1\5\0A\0", b"\0\1\0\0AB", b"\1\1\0\0A\0", b"\0\0\0\0\0"])
def test_what_the_host_keeps_may_be_corrupt(tmp_path: Path, stored: bytes) -> None:
    drive = Drive(HostFs(str(tmp_path)))
    handle = make(drive)
    os.setxattr(tmp_path / "x", EA_XATTR, stored)
    assert status_of(lambda: ask(drive, handle)) == st.STATUS_EA_CORRUPT_ERROR
    assert status_of(lambda: put(drive, handle, FIRST)) == st.STATUS_EA_CORRUPT_ERROR
    drive.close(handle)


def test_the_host_s_links_have_none(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("x")
    drive = Drive(HostFs(str(tmp_path)))
    handle = drive.open("link", READ_EA | WRITE_EA, options=io.FILE_OPEN_REPARSE_POINT)
    assert status_of(lambda: ask(drive, handle)) == NONE
    assert status_of(lambda: put(drive, handle, FIRST)) == st.STATUS_EAS_NOT_SUPPORTED
    drive.close(handle)


def test_the_host_says_when_it_is_full(tmp_path: Path) -> None:
    drive = Drive(HostFs(str(tmp_path)))
    handle = make(drive, FIRST)
    whole = Ea(0, "A", bytes(60000))
    try:
        os.setxattr(tmp_path / "x", "user.test", bytes(60000))
        fits = True
    except OSError:
        fits = False
    assert status_of(lambda: put(drive, handle, whole)) == (0 if fits else st.STATUS_DISK_FULL)
    assert len(ask(drive, handle)) == (2 if fits else 1)
    drive.close(handle)
