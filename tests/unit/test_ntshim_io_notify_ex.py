"""What NtNotifyChangeDirectoryFileEx tells of each file that changed (facts/nt.md section 3.10; WDK, ntifs.h)."""

from __future__ import annotations

from nt.drive import DELETE, READ, WRITE, Drive, status_of
from typing import TYPE_CHECKING, Any

import pytest

from ntshim import status as st
from ntshim.fs import notify
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.fs.notified import (
    DIRECTORY_NOTIFY_EXTENDED_INFORMATION,
    DIRECTORY_NOTIFY_INFORMATION,
    FileNotifyExtendedInformation,
)
from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.ea import FileFullEaInformation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ntshim.io.queued import QueuedIrp

ADDED, REMOVED, MODIFIED, OLD, NEW, REMOVED_STREAM = 1, 2, 3, 4, 5, 7
EXTENDED = DIRECTORY_NOTIFY_EXTENDED_INFORMATION
INTERNAL, NETWORK = query.FILE_INTERNAL_INFORMATION, query.FILE_NETWORK_OPEN_INFORMATION


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    drive.make_directory("dir")
    drive.make_directory("dir\\sub")
    yield drive
    drive.process.handles.release()


class Watcher:
    """One handle of `dir` by which all below is watched."""

    def __init__(self, drive: Drive, information_class: int = EXTENDED, length: int = 4096) -> None:
        self.drive = drive
        self.information_class = information_class
        self.length = length
        self.handle = drive.open("dir", READ, options=io.FILE_DIRECTORY_FILE)
        self.request()
        drive.nt.NtCancelIoFile(drive.process, self.handle)

    def request(self, information_class: int | None = None) -> QueuedIrp:
        return self.drive.nt.NtNotifyChangeDirectoryFileEx(
            self.drive.process,
            self.handle,
            self.length,
            notify.FILE_NOTIFY_VALID_MASK,
            True,
            information_class=information_class or self.information_class,
        )

    def told(self) -> list[Any]:
        irp = self.request()
        assert irp.status == st.STATUS_SUCCESS
        result: list[Any] = irp.result
        return result


def id_of(drive: Drive, path: str) -> int:
    handle = drive.open(path)
    file_id: int = drive.get(handle, INTERNAL)
    drive.close(handle)
    return file_id


@pytest.mark.parametrize(("directory", "name"), [("dir", "file"), ("dir\\sub", "sub\\file")])
def test_a_record_has_what_a_query_of_the_file_tells(drive: Drive, directory: str, name: str) -> None:
    drive.make(f"{directory}\\file", io.FILE_ATTRIBUTE_HIDDEN)
    handle = drive.open(f"{directory}\\file", READ | WRITE | 0x80)
    watcher = Watcher(drive)
    drive.nt.NtWriteFile(drive.process, handle, b"seven b", 0)
    told = watcher.told()[-1]
    known = drive.get(handle, NETWORK)
    assert told == FileNotifyExtendedInformation(
        MODIFIED,
        known.creation_time,
        known.last_write_time,
        known.change_time,
        known.last_access_time,
        known.allocation_size,
        7,
        io.FILE_ATTRIBUTE_HIDDEN | io.FILE_ATTRIBUTE_ARCHIVE,
        0,
        id_of(drive, f"{directory}\\file"),
        id_of(drive, directory),
        name,
    )


def test_a_rename_keeps_the_id_and_tells_the_parent_that_each_name_has(drive: Drive) -> None:
    drive.make("dir\\x")
    number, above, below = id_of(drive, "dir\\x"), id_of(drive, "dir"), id_of(drive, "dir\\sub")
    watcher = Watcher(drive)
    handle = drive.open("dir\\x", DELETE)
    drive.rename(handle, "dir\\y")
    drive.rename(handle, "dir\\sub\\z")
    told = [(entry.action, entry.file_name, entry.file_id, entry.parent_file_id) for entry in watcher.told()]
    assert told == [
        (OLD, "x", number, above),
        (NEW, "y", number, above),
        (REMOVED, "y", number, above),
        (ADDED, "sub\\z", number, below),
    ]


def test_what_was_removed_is_told_with_its_id(drive: Drive) -> None:
    drive.make("dir\\x")
    number = id_of(drive, "dir\\x")
    watcher = Watcher(drive)
    drive.delete("dir\\x")
    assert [(entry.action, entry.file_id) for entry in watcher.told()] == [(REMOVED, number)]


def test_extended_attributes_are_told_by_their_bytes() -> None:
    drive = Drive()
    drive.make_directory("dir")
    drive.make("dir\\x")
    handle = drive.open("dir\\x", 0x10)
    watcher = Watcher(drive)
    drive.nt.NtSetEaFile(drive.process, handle, [FileFullEaInformation(0, "NAME", b"value")])
    size = drive.get(handle, query.FILE_EA_INFORMATION)
    assert [entry.reparse_point_tag_or_ea_size for entry in watcher.told()] == [size]
    assert size > 0


@pytest.mark.parametrize(("length", "status"), [(85, st.STATUS_NOTIFY_ENUM_DIR), (86, st.STATUS_SUCCESS)])
def test_an_extended_entry_takes_84_bytes_before_its_name(length: int, status: int) -> None:
    drive = Drive()
    drive.make_directory("dir")
    watcher = Watcher(drive, length=length)
    drive.make("dir\\x")
    assert watcher.request().status == status


def test_extended_entries_begin_at_multiples_of_8() -> None:
    drive = Drive()
    drive.make_directory("dir")
    watcher = Watcher(drive)
    drive.make("dir\\x")
    drive.make("dir\\y")
    assert watcher.request().information == 88 + 86


def test_the_first_request_fixes_the_class() -> None:
    drive = Drive()
    drive.make_directory("dir")
    watcher = Watcher(drive, DIRECTORY_NOTIFY_INFORMATION)
    drive.make("dir\\x")
    irp = watcher.request(EXTENDED)
    assert (irp.result, irp.information) == ([(ADDED, "x")], 14)


@pytest.mark.parametrize("information_class", [-1, 3, 4, 1 << 70])
def test_other_classes_are_refused(drive: Drive, information_class: int) -> None:
    watcher = Watcher(drive)
    assert status_of(lambda: watcher.request(information_class)) == st.STATUS_INVALID_INFO_CLASS


def test_streams_that_a_supersede_drops_are_told(drive: Drive) -> None:
    for path in ("dir\\x", "dir\\x:closed", "dir\\x:held"):
        drive.make(path)
    held = drive.open("dir\\x:held")
    watcher = Watcher(drive, DIRECTORY_NOTIFY_INFORMATION)
    drive.close(drive.create("dir\\x", disposition=io.FILE_SUPERSEDE).handle)
    assert watcher.told() == [(REMOVED_STREAM, "x:closed"), (MODIFIED, "x")]
    drive.close(held)
    assert watcher.told() == [(REMOVED_STREAM, "x:held")]
