"""Change notification: what each change tells whom, and how requests end (facts/nt.md section 3.10)."""

from __future__ import annotations

from nt.drive import DELETE, READ, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs import notify
from ntshim.io import create, delete, query, rename
from ntshim.ob.attributes import ObjectAttributes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.io.queued import QueuedIrp

NAMES = notify.FILE_NOTIFY_CHANGE_FILE_NAME | notify.FILE_NOTIFY_CHANGE_DIR_NAME
ALL = notify.FILE_NOTIFY_VALID_MASK
ADDED, REMOVED, MODIFIED, OLD, NEW = 1, 2, 3, 4, 5
ADDED_STREAM, REMOVED_STREAM, MODIFIED_STREAM = 6, 7, 8


class Watched(Drive):
    r"""A drive with `dir`, `dir\sub` and `other`, of which `dir` is watched."""

    def __init__(self, completion_filter: int = ALL, length: int = 4096, *, watch_tree: bool = False) -> None:
        super().__init__()
        for path in ("dir", "dir\\sub", "other"):
            self.make_directory(path)
        self.completion_filter = completion_filter
        self.length = length
        self.watch_tree = watch_tree
        self.directory = self.open("dir", options=create.FILE_DIRECTORY_FILE)

    def request(self, length: int | None = None, event: int = 0) -> QueuedIrp:
        """Ask for changes."""
        return self.nt.NtNotifyChangeDirectoryFile(
            self.process,
            self.directory,
            self.length if length is None else length,
            self.completion_filter,
            self.watch_tree,
            event,
        )

    def told(self, change: Callable[[], object]) -> list[tuple[int, str]]:
        """All that a change tells."""
        assert self.request().status == st.STATUS_PENDING
        self.nt.NtCancelIoFile(self.process, self.directory)
        change()
        irp = self.request()
        if irp.status == st.STATUS_PENDING:
            return []
        assert irp.status == st.STATUS_SUCCESS
        return [tuple(entry) for entry in irp.result]

    def write(self, path: str, data: bytes, offset: int | None = 0) -> None:
        handle = self.open(path, WRITE)
        self.nt.NtWriteFile(self.process, handle, data, offset)
        self.close(handle)

    def rename_path(self, path: str, target: str, flags: int = 0) -> None:
        handle = self.open(path, DELETE)
        self.rename(handle, target, flags)
        self.close(handle)

    def set_basic(self, path: str, **fields: int) -> None:
        handle = self.open(path, WRITE_ATTRIBUTES)
        self.set(handle, query.FileBasicInformation(**fields), query.FILE_BASIC_INFORMATION)
        self.close(handle)


def test_each_change_has_its_action() -> None:
    drive = Watched()
    assert drive.told(lambda: drive.make("dir\\File")) == [(ADDED, "File")]
    assert drive.told(lambda: drive.write("dir\\FILE", b"data")) == [(MODIFIED, "File")]
    assert drive.told(lambda: drive.rename_path("dir\\file", "dir\\fresh")) == [(OLD, "File"), (NEW, "fresh")]
    assert drive.told(lambda: drive.rename_path("dir\\fresh", "dir\\FRESH")) == [(OLD, "fresh"), (NEW, "FRESH")]
    assert drive.told(lambda: drive.rename_path("dir\\fresh", "other\\file")) == [(REMOVED, "FRESH")]
    assert drive.told(lambda: drive.rename_path("other\\file", "dir\\back")) == [(ADDED, "back")]
    assert drive.told(lambda: drive.set_basic("dir\\back", file_attributes=2)) == [(MODIFIED, "back")]
    assert drive.told(lambda: drive.delete("dir\\back")) == [(REMOVED, "back")]
    assert drive.told(lambda: drive.make_directory("dir\\new")) == [(ADDED, "new")]
    assert drive.told(lambda: drive.make("dir\\sub\\unseen")) == []
    assert drive.told(lambda: drive.names("dir")) == []


def test_a_replaced_file_is_removed_first() -> None:
    drive = Watched()
    drive.make("dir\\Old")
    drive.make("dir\\new")
    told = drive.told(lambda: drive.rename_path("dir\\new", "dir\\old", rename.FILE_RENAME_REPLACE_IF_EXISTS))
    assert told == [(REMOVED, "Old"), (OLD, "new"), (NEW, "old")]


def test_links_and_streams() -> None:
    drive = Watched()
    drive.make("other\\file")
    handle = drive.open("other\\file", WRITE)
    assert drive.told(lambda: drive.link(handle, "dir\\link")) == [(ADDED, "link")]
    drive.close(handle)
    assert drive.told(lambda: drive.make("dir\\link:s")) == [(ADDED_STREAM, "link:s")]
    assert drive.told(lambda: drive.write("dir\\link:S", b"x")) == [(MODIFIED_STREAM, "link:s")]
    assert drive.told(lambda: drive.delete("dir\\link:s")) == [(REMOVED_STREAM, "link:s")]
    assert drive.told(lambda: drive.make("dir\\both:s")) == [(ADDED, "both"), (ADDED_STREAM, "both:s")]


@pytest.mark.parametrize(
    ("completion_filter", "seen"),
    [
        (notify.FILE_NOTIFY_CHANGE_FILE_NAME, [(ADDED, "file"), (REMOVED, "file")]),
        (notify.FILE_NOTIFY_CHANGE_DIR_NAME, [(ADDED, "made"), (REMOVED, "made")]),
        (notify.FILE_NOTIFY_CHANGE_ATTRIBUTES, [(MODIFIED, "file")]),
        (notify.FILE_NOTIFY_CHANGE_SIZE, [(MODIFIED, "file"), (MODIFIED, "file")]),
        (notify.FILE_NOTIFY_CHANGE_LAST_WRITE, [(MODIFIED, "file")] * 4),
        (notify.FILE_NOTIFY_CHANGE_CREATION, [(MODIFIED, "file")]),
        (notify.FILE_NOTIFY_CHANGE_LAST_ACCESS, [(MODIFIED, "file")]),
        (notify.FILE_NOTIFY_CHANGE_STREAM_NAME, [(ADDED_STREAM, "file:s")]),
        (notify.FILE_NOTIFY_CHANGE_STREAM_SIZE, [(MODIFIED_STREAM, "file:s")]),
        (notify.FILE_NOTIFY_CHANGE_STREAM_WRITE, [(MODIFIED_STREAM, "file:s")] * 2),
        (notify.FILE_NOTIFY_CHANGE_SECURITY, []),
    ],
)
def test_filters(completion_filter: int, seen: list[tuple[int, str]]) -> None:
    drive = Watched(completion_filter)

    def changes() -> None:
        drive.make("dir\\file")
        drive.write("dir\\file", b"four")
        drive.write("dir\\file", b"FOUR")
        handle = drive.open("dir\\file", WRITE)
        drive.set(handle, 2, query.FILE_END_OF_FILE_INFORMATION)
        drive.close(handle)
        drive.set_basic("dir\\file", file_attributes=create.FILE_ATTRIBUTE_HIDDEN)
        drive.set_basic("dir\\file", creation_time=1000)
        drive.set_basic("dir\\file", last_access_time=1000)
        drive.set_basic("dir\\file", last_write_time=1000)
        drive.make("dir\\file:s")
        drive.write("dir\\file:s", b"x")
        drive.write("dir\\file:s", b"y")
        drive.make_directory("dir\\made")
        drive.delete("dir\\made")
        drive.delete("dir\\file")

    assert drive.told(changes) == seen


def test_a_tree_is_told_by_paths() -> None:
    drive = Watched(NAMES, watch_tree=True)
    assert drive.told(lambda: drive.make("dir\\sub\\deep")) == [(ADDED, "sub\\deep")]
    assert drive.told(lambda: drive.rename_path("dir\\sub\\deep", "dir\\up")) == [(REMOVED, "sub\\deep"), (ADDED, "up")]
    assert drive.told(lambda: drive.make("other\\file")) == []


def test_changes_wait_for_the_next_request() -> None:
    drive = Watched(NAMES)
    first = drive.request()
    drive.make("dir\\a")
    assert (first.status, first.result) == (st.STATUS_SUCCESS, [(ADDED, "a")])
    assert first.information == 14
    drive.make("dir\\bcd")
    drive.make("dir\\e")
    second = drive.request()
    assert second.result == [(ADDED, "bcd"), (ADDED, "e")]
    assert second.information == 20 + 14
    third, fourth = drive.request(), drive.request()
    drive.make("dir\\f")
    assert (third.status, fourth.status) == (st.STATUS_SUCCESS, st.STATUS_PENDING)


def test_the_first_request_fixes_filter_depth_and_buffer() -> None:
    drive = Watched(NAMES, length=14)
    irp = drive.request()
    drive.completion_filter, drive.watch_tree, drive.length = ALL, True, 4096
    drive.nt.NtCancelIoFile(drive.process, drive.directory)
    assert irp.status == st.STATUS_CANCELLED
    assert drive.told(lambda: drive.make("dir\\sub\\x")) == []
    drive.nt.NtCancelIoFile(drive.process, drive.directory)
    drive.make("dir\\a")
    drive.make("dir\\b")
    lost = drive.request()
    assert (lost.status, lost.information, lost.result) == (st.STATUS_NOTIFY_ENUM_DIR, 0, [])
    assert drive.told(lambda: drive.make("dir\\c")) == [(ADDED, "c")]


def test_a_request_with_a_smaller_buffer_loses_what_does_not_fit() -> None:
    drive = Watched(NAMES)
    drive.told(lambda: None)
    drive.nt.NtCancelIoFile(drive.process, drive.directory)
    drive.make("dir\\abc")
    assert drive.request(length=17).status == st.STATUS_NOTIFY_ENUM_DIR
    assert drive.request().status == st.STATUS_PENDING


def test_the_end_of_the_handle_ends_its_requests() -> None:
    drive = Watched()
    event = drive.nt.NtCreateEvent(drive.process, 0x1F0003, None, 0, True).handle
    irp = drive.request(event=event)
    assert not drive.nt.NtQueryEvent(drive.process, event).event_state
    drive.close(drive.directory)
    assert irp.status == st.STATUS_NOTIFY_CLEANUP
    assert drive.nt.NtQueryEvent(drive.process, event).event_state
    drive.make("dir\\unheard")


def test_a_directory_that_is_deleted_ends_its_requests() -> None:
    drive = Watched()
    drive.delete("dir\\sub")
    irp = drive.request()
    handle = drive.open("dir", DELETE)
    drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION)
    assert irp.status == st.STATUS_DELETE_PENDING
    assert status_of(drive.request) == st.STATUS_DELETE_PENDING


def test_what_has_no_name_any_more_is_not_told() -> None:
    drive = Watched(watch_tree=True)
    drive.make("dir\\sub\\file")
    kept = drive.open("dir\\sub\\file", WRITE)
    handle = drive.open("dir\\sub\\file", DELETE)
    posix = delete.FILE_DISPOSITION_DELETE | delete.FILE_DISPOSITION_POSIX_SEMANTICS
    drive.set(handle, posix, query.FILE_DISPOSITION_INFORMATION_EX)
    drive.close(handle)
    drive.delete("dir\\sub")
    assert drive.told(lambda: drive.nt.NtWriteFile(drive.process, kept, b"x", 0)) == []


@pytest.mark.parametrize(
    ("length", "completion_filter", "status"),
    [
        (64, 0, st.STATUS_INVALID_PARAMETER),
        (64, 0x1000, st.STATUS_INVALID_PARAMETER),
        (-1, 1, st.STATUS_INVALID_PARAMETER),
    ],
)
def test_bad_requests(length: int, completion_filter: int, status: int) -> None:
    drive = Watched(completion_filter, length)
    assert status_of(drive.request) == status


def test_only_a_directory_that_may_be_listed_can_be_watched() -> None:
    drive = Watched()
    drive.make("file")
    for path, access, status in (
        ("file", READ, st.STATUS_INVALID_PARAMETER),
        ("dir", WRITE_ATTRIBUTES, st.STATUS_ACCESS_DENIED),
    ):
        drive.directory = drive.open(path, access)
        assert status_of(drive.request) == status
    drive.directory = drive.nt.NtCreateEvent(drive.process, 0x1F0003, ObjectAttributes(), 0).handle
    assert status_of(drive.request) == st.STATUS_OBJECT_TYPE_MISMATCH
