"""Requests in two phases: what a native volume reserves between the decision and the answer of who performs it."""

from __future__ import annotations

from nt.drive import DELETE, READ, WRITE, Drive, status_of
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.irp import NameReserved

if TYPE_CHECKING:
    from ntshim.fs.backend import Inode
    from ntshim.io.irp import Irp


class Native:
    """A native drive, and a plain one over the same backend, which does what a host's kernel would."""

    def __init__(self) -> None:
        backend = MemFs()
        self.host = Drive(backend)
        self.drive = Drive(backend, native=True)

    def pend(self, path: str, access: int = READ, share: int = 7, disposition: int = io.FILE_OPEN_IF) -> Irp:
        """Have a request decided; gives it."""
        answer = self.drive.create(path, access, share, disposition)
        assert (answer.status, answer.handle) == (st.STATUS_PENDING, 0)
        assert answer.irp is not None
        return answer.irp


def test_a_creation_becomes_a_file_when_it_is_complete() -> None:
    native = Native()
    answer = native.drive.create("New", WRITE, 1, io.FILE_OPEN_IF)
    irp = answer.irp
    assert irp is not None
    assert answer.information == irp.information == io.FILE_CREATED
    assert native.host.names("") == []
    native.host.make("New")
    irp.complete("descriptor")
    handle = irp.install(native.drive.process.handles, index=7)
    assert handle == 28
    entry = native.drive.process.handles.look_up(handle)
    assert (entry.access, irp.file.host_key) == (WRITE, "descriptor")
    assert status_of(lambda: native.drive.open("new", WRITE, 7)) == st.STATUS_SHARING_VIOLATION
    native.drive.close(handle)
    assert len(native.drive.volume.nodes) == 0
    assert irp.file.pointer_count == 0


def test_a_name_that_is_being_made_is_waited_for() -> None:
    native = Native()
    irp = native.pend("new", disposition=io.FILE_CREATE)
    for disposition in (io.FILE_CREATE, io.FILE_OPEN):
        with pytest.raises(NameReserved) as refused:
            native.drive.create("NEW", disposition=disposition)
        assert refused.value.irp is irp
    done: list[int] = []
    irp.when_done(lambda one: done.append(one.status))
    irp.fail(st.STATUS_DISK_FULL)
    irp.when_done(lambda one: done.append(one.status))
    assert done == [st.STATUS_DISK_FULL, st.STATUS_DISK_FULL]
    assert not native.drive.volume.reservations
    assert native.pend("NEW", disposition=io.FILE_CREATE).information == io.FILE_CREATED


def test_an_open_holds_its_share_access_from_the_decision() -> None:
    native = Native()
    native.host.make("X")
    irp = native.pend("x", READ, 0)
    assert status_of(lambda: native.drive.open("x", READ)) == st.STATUS_SHARING_VIOLATION
    irp.fail(st.STATUS_ACCESS_DENIED)
    assert len(native.drive.volume.nodes) == 0
    native.pend("x", READ, 0)


def test_a_request_is_finished_once() -> None:
    native = Native()
    native.host.make("x")
    irp = native.pend("x")
    irp.complete()
    with pytest.raises(RuntimeError):
        irp.complete()
    with pytest.raises(RuntimeError):
        irp.fail(st.STATUS_DISK_FULL)


def test_a_rename_changes_the_open_file_when_it_is_complete() -> None:
    native = Native()
    native.host.make("x")
    opened = native.drive.create("x", DELETE).irp
    assert opened is not None
    opened.complete()
    handle = opened.install(native.drive.process.handles)
    irp = native.drive.rename(handle, "Y")
    with pytest.raises(NameReserved):
        native.drive.create("y", disposition=io.FILE_CREATE)
    assert native.drive.get(handle, query.FILE_NAME_INFORMATION) == "\\x"
    irp.complete()
    assert native.drive.get(handle, query.FILE_NAME_INFORMATION) == "\\Y"
    assert not native.drive.volume.reservations


class FullMedium(MemFs):
    """A medium on which nothing more can be made."""

    def make(self, directory: Inode, name: str, attributes: int, *, is_directory: bool) -> Inode:
        raise st.NtError(st.STATUS_DISK_FULL)


class NoDescriptors(MemFs):
    """A medium that lets nobody hold on to a file."""

    def open(self, inode: Inode) -> None:
        raise st.NtError(st.STATUS_TOO_MANY_OPENED_FILES)


def test_a_file_that_cannot_be_held_is_not_open() -> None:
    drive = Drive(NoDescriptors())
    for disposition in (io.FILE_CREATE, io.FILE_OPEN):
        refused = status_of(lambda: drive.create("x", disposition=disposition))  # noqa: B023 - called at once
        assert refused == st.STATUS_TOO_MANY_OPENED_FILES
        assert not drive.volume.reservations
        assert len(drive.volume.nodes) == 0


def test_a_failure_of_the_medium_gives_everything_back() -> None:
    drive = Drive(FullMedium())
    assert status_of(lambda: drive.create("x", disposition=io.FILE_CREATE)) == st.STATUS_DISK_FULL
    assert not drive.volume.reservations
    assert len(drive.volume.nodes) == 0
    assert len(drive.process.handles) == 0
