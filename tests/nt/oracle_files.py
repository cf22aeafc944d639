"""Rows of kind fileops on ids, links, streams, names and sizes, by their phrases."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ntshim.fs.file_id import name_of_id
from ntshim.io import create as io
from ntshim.io import query
from ntshim.ob.attributes import ObjectAttributes
from ntshim.se.acl import Acl, allow
from ntshim.se.descriptor import SecurityDescriptor
from ntshim.se.identity import DEFAULT_USER
from ntshim.se.sid import EVERYONE
from ntshim.status import NtError

from .drive import DELETE, PREFIX, READ, WRITE, WRITE_ATTRIBUTES, Drive, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Case = Callable[[Drive], int]

WRITE_OWNER_AND_DAC = 0xC0000
REPLACE = 1
POSIX_DELETE = 3
DISPOSITION, DISPOSITION_EX = query.FILE_DISPOSITION_INFORMATION, query.FILE_DISPOSITION_INFORMATION_EX


def open_by_id(drive: Drive, file_id: int, access: int = READ, options: int = 0) -> int:
    """Open a file by its id, relative to the root."""
    root = drive.open("")
    try:
        return drive.open(name_of_id(file_id), access, options=options | io.FILE_OPEN_BY_FILE_ID, root=root)
    finally:
        drive.close(root)


def common(statuses: Iterable[int]) -> int:
    """Give the status that all have, -1 if they differ."""
    found = set(statuses)
    return found.pop() if len(found) == 1 else -1


def _flag_without_rights(drive: Drive) -> int:
    """Set the case flag by a handle that may write attributes, each time without one of the rights to change names."""
    rights = (0x2, 0x4, 0x40)
    statuses = []
    for missing in rights:
        path = f"lacks{missing}"
        allowed = 0x1F01FF & ~missing & ~WRITE_OWNER_AND_DAC
        dacl = Acl((allow(EVERYONE, allowed),))
        name = ObjectAttributes(PREFIX + path, 0, 0x40, SecurityDescriptor(DEFAULT_USER, DEFAULT_USER, dacl, None))
        made = drive.nt.NtCreateFile(drive.process, READ, name, 0, 7, io.FILE_CREATE, io.FILE_DIRECTORY_FILE)
        drive.close(made.handle)
        handle = drive.open(path, WRITE_ATTRIBUTES)
        statuses.append(status_of(partial(drive.set, handle, 1, query.FILE_CASE_SENSITIVE_INFORMATION)))
    return common(statuses)


def _pending_after_on_close(drive: Drive) -> int:
    drive.make("x")
    first, second = drive.open("x", DELETE, options=io.FILE_DELETE_ON_CLOSE), drive.open("x")
    before = drive.get(second, query.FILE_STANDARD_INFORMATION).delete_pending
    drive.close(first)
    return -1 if before else int(drive.get(second, query.FILE_STANDARD_INFORMATION).delete_pending)


def _by_id_after_posix_delete(drive: Drive) -> int:
    drive.make("x")
    first, second = drive.open("x", DELETE), drive.open("x")
    file_id = drive.get(second, query.FILE_INTERNAL_INFORMATION)
    drive.set(first, POSIX_DELETE, DISPOSITION_EX)
    drive.close(first)
    return status_of(lambda: open_by_id(drive, file_id))


def _change_by_id(drive: Drive) -> int:
    drive.make("x")
    handle = open_by_id(drive, drive.get(drive.open("x"), query.FILE_INTERNAL_INFORMATION), DELETE)
    return common(
        status_of(change)
        for change in (lambda: drive.rename(handle, "y"), lambda: drive.set(handle, True, DISPOSITION))
    )


def _link_over(drive: Drive) -> int:
    drive.make("source")
    drive.make("open")
    drive.open("open")
    drive.make_directory("dir")
    drive.make("readonly", io.FILE_ATTRIBUTE_READONLY)
    handle = drive.open("source")
    statuses = []
    for name in ("open", "dir", "readonly"):
        statuses.append(status_of(lambda: drive.link(handle, name, REPLACE)))  # noqa: B023, PERF401 - called at once
    return common(statuses)


def _rename_stream(drive: Drive) -> int:
    stream = drive.create("x:s", DELETE, disposition=io.FILE_CREATE).handle
    return status_of(lambda: drive.rename(stream, "x:t"))


def _stored_case(drive: Drive) -> int:
    """Give the status of both, or -1 if the name has changed."""
    drive.make("Name")
    statuses = [
        status_of(lambda kind=kind: drive.close(drive.create("NAME", WRITE, disposition=kind).handle))  # type: ignore[misc]
        for kind in (io.FILE_OVERWRITE, io.FILE_SUPERSEDE)
    ]
    return common(statuses) if drive.names("") == ["Name"] else -1


def _without_flag(*, ob_case_insensitive: bool) -> Case:
    def case(drive: Drive) -> int:
        drive.make("x")
        drive.executive.namespace.ob_case_insensitive = ob_case_insensitive
        name = ObjectAttributes("\\??\\C:\\X")
        return status_of(lambda: drive.nt.NtOpenFile(drive.process, READ, name, 7, 0))

    return case


def _valid_data_length(drive: Drive) -> int:
    drive.make("x")
    handle = drive.open("x", WRITE)
    try:
        drive.set(handle, 0, query.FILE_VALID_DATA_LENGTH_INFORMATION)
    except NtError as error:
        return error.status
    return 0


CASES: dict[tuple[str, str], Case] = {
    ("ntfs_suite", phrase): case
    for phrase, case in {
        "after the DELETE_ON_CLOSE handle closed: other handle sees DeletePending": _pending_after_on_close,
        "open by file id of a POSIX-deleted, still open file": _by_id_after_posix_delete,
        "rename or dispose a handle opened by file id": _change_by_id,
        "link replace over open target / over directory / over readonly": _link_over,
        "rename stream with full path": _rename_stream,
        "OVERWRITE/SUPERSEDE through a name in other case keeps the stored case": _stored_case,
        "open without OBJ_CASE_INSENSITIVE in other case, default ObCaseInsensitive=1": _without_flag(
            ob_case_insensitive=True
        ),
        "same with ObCaseInsensitive=0": _without_flag(ob_case_insensitive=False),
        (
            "set case-sensitive flag without ADD_FILE|ADD_SUBDIRECTORY|DELETE_CHILD on the directory"
        ): _flag_without_rights,
        "set valid data length without SeManageVolumePrivilege": _valid_data_length,
    }.items()
}
