"""Volumes of the host: how changes of names are decided before it performs them, and what is left of them after."""

from __future__ import annotations

from nt.drive import DELETE, PREFIX, READ, READ_ATTRIBUTES, WRITE, NoHost, status_of
from typing import TYPE_CHECKING, Any

import pytest

from ntshim import status as st
from ntshim.fs.native import NativeInode, NativeVolume, give_name, resolved
from ntshim.fs.nodes import Nodes
from ntshim.io import create, query
from ntshim.io.irp import NameReserved
from ntshim.nt import NtServices
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.symlink import SymbolicLink
from ntshim.ps import Executive

if TYPE_CHECKING:
    from ntshim.fs.volume import Place
    from ntshim.io.irp import Irp

SHARE_ALL = 7
SHARE_READ_WRITE = 3
POSIX_DELETE = 0x3
REPLACE = 0x1
POSIX_REPLACE = 0x3


class Host:
    """A volume of a host that holds what `files` says: a path, and whether that is a directory."""

    def __init__(self, *files: str) -> None:
        executive = Executive(NoHost())
        executive.boot()
        self.nt = NtServices(executive)
        self.volume = NativeVolume(Nodes(), lambda _: False)
        executive.namespace.add("\\Device\\HarddiskVolume1", self.volume)
        executive.namespace.add("\\GLOBAL??\\C:", SymbolicLink("\\Device\\HarddiskVolume1"))
        self.process = executive.create_minimal_process("first")
        self.files: dict[str, NativeInode] = {"": NativeInode("root", b"/")}
        for path in files:
            self.add(path)

    def add(self, path: str, *, read_only: bool = False) -> None:
        """The host has a file more; a path that ends in a slash is a directory's."""
        name = path.rstrip("/")
        directory = path.endswith("/")
        self.files[name] = NativeInode(object(), b"/" + name.encode(), is_directory=directory, read_only=read_only)

    def place(self, path: str) -> Place:
        parent, _, name = path.rpartition("/")
        return resolved(self.files[parent], name, self.files.get(path))

    def pend(self, path: str, access: int = READ, share: int = SHARE_READ_WRITE, disposition: int = 1) -> Any:
        name = ObjectAttributes(PREFIX + path.replace("/", "\\"), attributes=0x40)
        return self.nt.NtCreateFile(
            self.process, access, name, 0, share, disposition, create.FILE_OPEN_REPARSE_POINT, self.place(path)
        ).irp

    def open(self, path: str, access: int = READ, share: int = SHARE_READ_WRITE) -> int:
        irp = self.pend(path, access, share)
        irp.complete()
        handle: int = irp.install(self.process.handles)
        return handle

    def condemn(self, handle: int, flags: int = POSIX_DELETE) -> Irp:
        return self._set(handle, flags, query.FILE_DISPOSITION_INFORMATION_EX)

    def rename(self, handle: int, path: str, flags: int = REPLACE) -> Irp:
        record = query.FileRenameInformation(PREFIX + path.replace("/", "\\"), flags)
        return self._set(handle, record, query.FILE_RENAME_INFORMATION_EX, self.place(path))

    def _set(self, handle: int, record: object, information_class: int, place: Place | None = None) -> Irp:
        irp = self.nt.NtSetInformationFile(self.process, handle, record, information_class, place)
        assert irp is not None
        assert irp.status == st.STATUS_PENDING
        return irp

    def close(self, handle: int) -> None:
        self.nt.NtClose(self.process, handle)


@pytest.mark.parametrize(
    ("access", "share", "status"),
    [
        (READ, SHARE_READ_WRITE, st.STATUS_SHARING_VIOLATION),
        (WRITE, SHARE_READ_WRITE, st.STATUS_SHARING_VIOLATION),
        (READ_ATTRIBUTES, SHARE_READ_WRITE, st.STATUS_SUCCESS),
        (READ, SHARE_ALL, st.STATUS_SUCCESS),
    ],
)
def test_who_shares_no_deletion_keeps_the_name(access: int, share: int, status: int) -> None:
    host = Host("file")
    host.open("file", access, share)
    assert status_of(lambda: host.open("file", DELETE, SHARE_ALL)) == status


def test_a_name_goes_with_the_handle_that_deletes() -> None:
    host = Host("file")
    other = host.open("file", READ, SHARE_ALL)
    handle = host.open("file", DELETE, SHARE_ALL)
    irp = host.condemn(handle)
    assert status_of(lambda: host.open("file", READ_ATTRIBUTES, SHARE_ALL)) == st.STATUS_DELETE_PENDING
    irp.complete()
    assert status_of(lambda: host.open("file", READ_ATTRIBUTES, SHARE_ALL)) == st.STATUS_DELETE_PENDING
    host.close(handle)
    host.add("file")
    again = host.open("file", DELETE, SHARE_ALL)
    host.close(again)
    host.close(other)
    assert len(host.volume.nodes) == 0


def test_a_deletion_that_the_host_refuses_leaves_no_mark() -> None:
    host = Host("file")
    handle = host.open("file", DELETE, SHARE_ALL)
    host.condemn(handle).fail(st.STATUS_CANCELLED)
    assert status_of(lambda: host.open("file", READ, SHARE_ALL)) == st.STATUS_SUCCESS
    host.close(handle)
    assert status_of(lambda: host.open("file", READ, SHARE_ALL)) == st.STATUS_SUCCESS


def test_the_mark_that_is_taken_off_too_late_does_no_harm() -> None:
    """A process that is killed in the middle of its call loses its handles first."""
    host = Host("file")
    handle = host.open("file", DELETE, SHARE_ALL)
    irp = host.condemn(handle)
    host.close(handle)
    irp.fail(st.STATUS_CANCELLED)
    assert len(host.volume.nodes) == 0


def test_read_only_files_are_not_deleted() -> None:
    host = Host()
    host.add("file", read_only=True)
    assert status_of(lambda: host.open("file", WRITE, SHARE_ALL)) == st.STATUS_ACCESS_DENIED
    handle = host.open("file", DELETE, SHARE_ALL)
    assert status_of(lambda: host.condemn(handle)) == st.STATUS_CANNOT_DELETE
    host.add("file")
    assert status_of(lambda: host.open("file", WRITE, SHARE_ALL)) == st.STATUS_SUCCESS, "what the host says now counts"


@pytest.mark.parametrize(
    ("flags", "share", "status"),
    [
        (REPLACE, SHARE_ALL, st.STATUS_ACCESS_DENIED),
        (REPLACE, SHARE_READ_WRITE, st.STATUS_ACCESS_DENIED),
        (POSIX_REPLACE, SHARE_READ_WRITE, st.STATUS_SHARING_VIOLATION),
        (POSIX_REPLACE, SHARE_ALL, st.STATUS_SUCCESS),
        (0, SHARE_ALL, st.STATUS_OBJECT_NAME_COLLISION),
    ],
)
def test_renames_over_an_open_file(flags: int, share: int, status: int) -> None:
    host = Host("old", "new")
    host.open("new", READ, share)
    handle = host.open("old", DELETE, SHARE_ALL)
    assert status_of(lambda: host.rename(handle, "new", flags)) == status


def test_a_new_name_is_one_request_s_at_a_time() -> None:
    host = Host("one", "two", "new")
    first, second = host.open("one", DELETE, SHARE_ALL), host.open("two", DELETE, SHARE_ALL)
    irp = host.rename(first, "new")
    with pytest.raises(NameReserved) as refused:
        host.rename(second, "new")
    assert refused.value.irp is irp
    with pytest.raises(NameReserved):
        host.pend("new")
    irp.complete()
    assert host.volume.reservations == {}
    host.rename(second, "new").complete()


@pytest.mark.parametrize(
    ("held", "status"),
    [
        ("dir/inner/file", st.STATUS_ACCESS_DENIED),
        ("dir/inner", st.STATUS_ACCESS_DENIED),
        ("direct/file", st.STATUS_SUCCESS),
    ],
)
def test_a_directory_with_something_open_below_stays(held: str, status: int) -> None:
    host = Host("dir/", "dir/inner/", "dir/inner/file", "direct/", "direct/file")
    host.open(held, READ_ATTRIBUTES)
    handle = host.open("dir", DELETE, SHARE_ALL)
    assert status_of(lambda: host.rename(handle, "new")) == status


def test_a_directory_that_has_moved_is_looked_for_at_its_new_place() -> None:
    host = Host("dir/")
    handle = host.open("dir", DELETE, SHARE_ALL)
    host.rename(handle, "new").complete()
    host.files["new"] = NativeInode(host.files.pop("dir").key, b"/new")
    host.add("new/file")
    host.open("new/file", READ_ATTRIBUTES)
    assert status_of(lambda: host.rename(handle, "newer")) == st.STATUS_ACCESS_DENIED


def test_without_a_place_there_is_no_file() -> None:
    host = Host("file")
    name = ObjectAttributes(PREFIX + "file", attributes=0x40)
    assert status_of(lambda: host.nt.NtOpenFile(host.process, DELETE, name, SHARE_ALL, 0)) == st.STATUS_NOT_IMPLEMENTED
    handle = host.open("file", DELETE, SHARE_ALL)
    record = query.FileRenameInformation(PREFIX + "new", 1)
    renamed = status_of(
        lambda: host.nt.NtSetInformationFile(host.process, handle, record, query.FILE_RENAME_INFORMATION_EX)
    )
    assert renamed == st.STATUS_NOT_IMPLEMENTED


def test_sizes_and_attributes_are_the_host_s_to_change() -> None:
    host = Host("file")
    handle = host.open("file", WRITE | 0x100, SHARE_ALL)
    for record, information_class in (
        (5, query.FILE_END_OF_FILE_INFORMATION),
        (query.FileBasicInformation(file_attributes=1), query.FILE_BASIC_INFORMATION),
    ):
        irp = host.nt.NtSetInformationFile(host.process, handle, record, information_class)
        assert irp is not None
        irp.complete()


def taken_over(host: Host, path: str, share: int = SHARE_READ_WRITE, *, has_name: bool = True) -> Any:
    """A handle to a file that the host has open already."""
    file = host.volume.take_over(host.place(path), WRITE, share, has_name=has_name)
    handle = host.process.handles.insert(file, WRITE)
    file.dereference()
    return handle


def test_an_open_that_nobody_asked_for_counts() -> None:
    host = Host("file")
    handle = taken_over(host, "file")
    with pytest.raises(st.NtError) as refused:
        host.pend("file", DELETE, SHARE_ALL)
    assert refused.value.status == st.STATUS_SHARING_VIOLATION
    host.nt.NtClose(host.process, handle)
    host.pend("file", DELETE, SHARE_ALL).fail(st.STATUS_CANCELLED)
    assert len(host.volume.nodes) == 0


def test_an_open_that_nobody_asked_for_asks_no_rule() -> None:
    """It is there, whatever the others share."""
    host = Host("file")
    irp = host.pend("file", READ, share=0)
    irp.complete()
    irp.install(host.process.handles)
    taken_over(host, "file")
    assert host.volume.nodes.find(host.files["file"]).open_count == 2  # type: ignore[union-attr]


def test_a_file_gets_its_first_name() -> None:
    host = Host("directory/", "directory/#1")
    first = taken_over(host, "directory/#1", has_name=False)
    taken_over(host, "directory/#1", has_name=False)
    inode = host.files.pop("directory/#1")
    node = host.volume.nodes.find(inode)
    assert node is not None
    assert all(link.removed for link in node.links)
    host.files["named"] = NativeInode(inode.key, b"/named")
    give_name(host.volume.nodes, host.place("named"))
    assert [(link.name, link.removed, link.open_count) for link in node.links] == [("named", False, 2)]
    assert isinstance(node.inode, NativeInode)
    assert node.inode.path == b"/named"
    with pytest.raises(st.NtError) as refused:
        host.pend("named", DELETE, SHARE_ALL)
    assert refused.value.status == st.STATUS_SHARING_VIOLATION
    host.nt.NtClose(host.process, first)
    assert [link.open_count for link in node.links] == [1]
