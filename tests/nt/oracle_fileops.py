"""Rows of kind fileops: renames by source, target and flags; deletions, links and attributes by their phrases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.control import FSCTL_REQUEST_OPLOCK_LEVEL_2
from ntshim.io.rename import (
    FILE_RENAME_IGNORE_READONLY_ATTRIBUTE,
    FILE_RENAME_POSIX_SEMANTICS,
    FILE_RENAME_REPLACE_IF_EXISTS,
)

from . import oracle_files, oracle_locks, oracle_win32
from .drive import DELETE, READ, READ_ATTRIBUTES, SYNCHRONIZE, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from .kind import Unverified

if TYPE_CHECKING:
    from collections.abc import Callable

    from .kind import Row

DISPOSITION, DISPOSITION_EX = query.FILE_DISPOSITION_INFORMATION, query.FILE_DISPOSITION_INFORMATION_EX
MARK, POSIX, IGNORE_READONLY = 1, 2, 0x10
FLAGS = {
    "noreplace": 0,
    "replace": FILE_RENAME_REPLACE_IF_EXISTS,
    "posix": FILE_RENAME_POSIX_SEMANTICS,
    "ignro": FILE_RENAME_IGNORE_READONLY_ATTRIBUTE,
}
ATTRIBUTES = {"readonly": 0x1, "hidden": 0x2, "system": 0x4}
ACCESSES = {"R": READ, "W": WRITE, "RW": READ | WRITE}
SHARES = {"0": 0, "r": 1, "rw": 3, "all": 7}


def check(row: Row) -> list[str]:
    """Act a case out and compare its status."""
    if row["group"] == "rename_nt":
        status = _rename(row["case"])
    else:
        phrase = (row["group"], row["case"])
        acted_out = (CASES, oracle_files.CASES, oracle_locks.CASES, oracle_win32.CASES)
        case = next((cases[phrase] for cases in acted_out if phrase in cases), None)
        if case is None:
            raise Unverified("not acted out: sections and some others are other services")
        status = case(Drive())
    if row["expected"] is None:
        raise Unverified("no status is claimed")
    # A number is a Win32 error, text an NTSTATUS.
    expected = row["expected"]
    if status == (int(expected, 16) if isinstance(expected, str) else expected):
        return []
    return [f"status: expected {expected}, got {status:08X} ({status})"]


def _rename(case: str) -> int:
    """Rename `source` to a target that is in a state; gives the status."""
    source, target, variant = re.fullmatch(r"(\w+)->(\w+) (\w+)", case).groups()  # type: ignore[union-attr]
    drive = Drive()
    (drive.make_directory if source == "dir" else drive.make)("source")
    name = {"same_name": "source", "same_file_case_variant": "SOURCE"}.get(target, "target")
    if name == "target":
        _make_target(drive, target)
    handle = drive.open("source", DELETE)
    words = variant.removeprefix("ex_").split("_")
    flags = sum(FLAGS[word] for word in words)
    return status_of(lambda: drive.rename(handle, name, flags, extended=variant.startswith("ex_")))


def _make_target(drive: Drive, state: str) -> None:
    """Make what has the name already."""
    kind, _, detail = state.partition("_")
    if kind == "absent":
        return
    if kind == "dir":
        drive.make_directory("target")
        if detail == "nonempty":
            drive.make("target\\child")
        elif detail == "empty_open":
            drive.open("target")
        return
    drive.make("target", ATTRIBUTES.get(detail, 0))
    opened = re.fullmatch(r"open_share(\w+)_(\w+)", detail)
    if opened:
        drive.open("target", ACCESSES[opened[2]], SHARES[opened[1]])
    elif detail == "attr_open_only":
        drive.open("target", READ_ATTRIBUTES)
    elif detail == "delete_pending":
        drive.set(drive.open("target", DELETE), True, DISPOSITION)


def _marked(drive: Drive) -> tuple[int, int]:
    """Mark a file that is open twice; gives the handles."""
    drive.make("x")
    first, second = drive.open("x", READ | DELETE), drive.open("x", READ | WRITE | DELETE)
    drive.set(first, True, DISPOSITION)
    return first, second


def _mark_with_second_open(drive: Drive) -> int:
    return status_of(lambda: _marked(drive))


def _open_while_pending(drive: Drive) -> int:
    _marked(drive)
    return status_of(lambda: drive.open("x"))


def _attributes_while_pending(drive: Drive) -> int:
    _marked(drive)
    return status_of(lambda: drive.open("x", READ_ATTRIBUTES))


def _name_after_deleter(drive: Drive) -> int:
    drive.close(_marked(drive)[0])
    return drive.exists("x")


def _clear_again(drive: Drive) -> int:
    first, second = _marked(drive)
    drive.close(first)
    return status_of(lambda: drive.set(second, False, DISPOSITION))


def _survives(drive: Drive) -> int:
    first, second = _marked(drive)
    drive.close(first)
    drive.set(second, False, DISPOSITION)
    drive.close(second)
    return drive.exists("x")


def _read_only(flags: int, information_class: int) -> Callable[[Drive], int]:
    def case(drive: Drive) -> int:
        drive.make("x", io.FILE_ATTRIBUTE_READONLY)
        handle = drive.open("x", DELETE)
        return status_of(lambda: drive.set(handle, flags, information_class))

    return case


def _name_after_ignoring_read_only(drive: Drive) -> int:
    drive.make("x", io.FILE_ATTRIBUTE_READONLY)
    handle = drive.open("x", DELETE)
    drive.set(handle, MARK | IGNORE_READONLY, DISPOSITION_EX)
    drive.close(handle)
    return drive.exists("x")


def _on_close(drive: Drive) -> tuple[int, int]:
    """Open a file to be deleted on close, and once more."""
    drive.make("x")
    return drive.open("x", DELETE, options=io.FILE_DELETE_ON_CLOSE), drive.open("x", READ | DELETE)


def _second_beside_on_close(drive: Drive) -> int:
    return status_of(lambda: _on_close(drive))


def _name_beside_on_close(drive: Drive) -> int:
    _on_close(drive)
    return drive.exists("x")


def _name_after_on_close(drive: Drive) -> int:
    drive.close(_on_close(drive)[0])
    return drive.exists("x")


def _open_after_on_close(drive: Drive) -> int:
    drive.close(_on_close(drive)[0])
    return status_of(lambda: drive.open("x"))


def _clear_after_on_close(drive: Drive) -> int:
    first, second = _on_close(drive)
    drive.close(first)
    drive.set(second, False, DISPOSITION)
    drive.close(second)
    return drive.exists("x")


def _unshared_beside_deleter(drive: Drive) -> int:
    drive.make("x")
    drive.open("x", DELETE)
    return status_of(lambda: drive.open("x", READ, 3))


def _posix(drive: Drive) -> tuple[int, int]:
    """Delete a file that is open twice, the POSIX way; gives the handles."""
    drive.make("x")
    first, second = drive.open("x", DELETE), drive.open("x", READ | WRITE | DELETE)
    drive.nt.NtWriteFile(drive.process, second, b"text", 0)
    drive.set(first, MARK | POSIX, DISPOSITION_EX)
    return first, second


def _posix_mark(drive: Drive) -> int:
    return status_of(lambda: _posix(drive))


def _posix_name_before(drive: Drive) -> int:
    _posix(drive)
    return drive.exists("x")


def _after_posix(act: Callable[[Drive, int], object]) -> Callable[[Drive], int]:
    def case(drive: Drive) -> int:
        first, second = _posix(drive)
        drive.close(first)
        return status_of(lambda: act(drive, second))

    return case


def _posix_name_after(drive: Drive) -> int:
    drive.close(_posix(drive)[0])
    return drive.exists("x")


def _busy_directory(drive: Drive) -> int:
    drive.make_directory("dir")
    drive.make("dir\\child")
    drive.open("dir\\child")
    handle = drive.open("dir", DELETE)
    return status_of(lambda: drive.rename(handle, "new"))


def _rename_to(path: str, *, simple: bool = False) -> Callable[[Drive], int]:
    def case(drive: Drive) -> int:
        drive.make("x")
        drive.make("file")
        handle = drive.open("x", DELETE)
        if simple:
            record = query.FileRenameInformation(path)
            return status_of(lambda: drive.set(handle, record, query.FILE_RENAME_INFORMATION))
        return status_of(lambda: drive.rename(handle, path))

    return case


def _through_other_link(drive: Drive) -> int:
    drive.make("x")
    handle = drive.open("x", READ, 0)
    drive.link(handle, "y")
    return status_of(lambda: drive.open("y"))


def _open_read_only(access: int) -> Callable[[Drive], int]:
    def case(drive: Drive) -> int:
        drive.make("x", io.FILE_ATTRIBUTE_READONLY)
        return status_of(lambda: drive.open("x", access))

    return case


def _rename_read_only(drive: Drive) -> int:
    drive.make("x", io.FILE_ATTRIBUTE_READONLY)
    handle = drive.open("x", DELETE)
    return status_of(lambda: drive.rename(handle, "y"))


def _move_into_shut_directory(drive: Drive) -> int:
    """Rename and link; gives the status that both have, or 0 if they differ."""
    drive.make("x")
    drive.make_directory("dir")
    drive.open("dir", READ, 5)
    handle = drive.open("x", DELETE)
    renamed = status_of(lambda: drive.rename(handle, "dir\\x"))
    return renamed if status_of(lambda: drive.link(handle, "dir\\x")) == renamed else 0


def _link_to(path: str, flags: int = 0, prepare: Callable[[Drive], object] | None = None) -> Callable[[Drive], int]:
    def case(drive: Drive) -> int:
        drive.make("x")
        if prepare is not None:
            prepare(drive)
        handle = drive.open("x")
        return status_of(lambda: drive.link(handle, path, flags, extended=True))

    return case


def _link_of_directory(drive: Drive) -> int:
    drive.make_directory("dir")
    handle = drive.open("dir")
    return status_of(lambda: drive.link(handle, "y"))


def _one_link_deleted_on_close(drive: Drive) -> int:
    """Give the status of asking for the link that stays, or that of the other one if it stayed too."""
    drive.make("x")
    handle = drive.open("x", DELETE, options=io.FILE_DELETE_ON_CLOSE)
    drive.link(handle, "y")
    drive.close(handle)
    return drive.exists("y") if drive.exists("x") else 0xFFFFFFFF


def _replace_system_file(drive: Drive) -> int:
    drive.make("x")
    drive.make("y", io.FILE_ATTRIBUTE_SYSTEM)
    handle = drive.open("x", DELETE)
    return status_of(lambda: drive.rename(handle, "y", FILE_RENAME_REPLACE_IF_EXISTS))


def _open_path(path: str, disposition: int = io.FILE_OPEN, options: int = 0) -> Callable[[Drive], int]:
    def case(drive: Drive) -> int:
        drive.make("file")
        drive.make_directory("dir")
        return status_of(lambda: drive.create(path, disposition=disposition, options=options))

    return case


def _set(path: str, information: object, information_class: int) -> Callable[[Drive], int]:
    def case(drive: Drive) -> int:
        drive.make("file")
        drive.make_directory("dir")
        handle = drive.open(path, READ | WRITE | WRITE_ATTRIBUTES)
        return status_of(lambda: drive.set(handle, information, information_class))

    return case


def _clear_case_over_variants(drive: Drive) -> int:
    drive.make_directory("dir")
    handle = drive.open("dir", WRITE_ATTRIBUTES)
    drive.set(handle, 1, query.FILE_CASE_SENSITIVE_INFORMATION)
    drive.make("dir\\a")
    drive.make("dir\\A")
    return status_of(lambda: drive.set(handle, 0, query.FILE_CASE_SENSITIVE_INFORMATION))


def _stream_in_case_sensitive_directory(drive: Drive) -> int:
    drive.make_directory("dir")
    drive.set(drive.open("dir", WRITE_ATTRIBUTES), 1, query.FILE_CASE_SENSITIVE_INFORMATION)
    drive.create("dir\\x:stream", disposition=io.FILE_CREATE)
    return status_of(lambda: drive.open("dir\\x:STREAM"))


def _rename_stream_by_path(drive: Drive) -> int:
    drive.create("x:s", disposition=io.FILE_CREATE)
    handle = drive.open("x:s", DELETE)
    statuses = {status_of(lambda path=path: drive.rename(handle, path)) for path in ("x:t", "y")}  # type: ignore[misc]
    return statuses.pop() if len(statuses) == 1 else 0


def _refused_level_2(drive: Drive) -> int:
    """Ask on a synchronous handle and beside a lock; gives the status that both have, or 0 if they differ."""
    drive.make("x")
    synchronous = drive.open("x", READ | SYNCHRONIZE, options=io.FILE_SYNCHRONOUS_IO_NONALERT)
    first = status_of(lambda: _level_2(drive, synchronous))
    drive.close(synchronous)
    handle = drive.open("x")
    drive.nt.NtLockFile(drive.process, handle, 0, 1)
    return first if status_of(lambda: _level_2(drive, handle)) == first else 0


def _level_2(drive: Drive, handle: int) -> object:
    return drive.nt.NtFsControlFile(drive.process, handle, FSCTL_REQUEST_OPLOCK_LEVEL_2)


def _level_2_of_directory(drive: Drive) -> int:
    drive.make_directory("dir")
    handle = drive.open("dir")
    return status_of(lambda: _level_2(drive, handle))


def _pattern_without_match(drive: Drive) -> int:
    root = drive.open("")
    return status_of(lambda: drive.nt.NtQueryDirectoryFile(drive.process, root, query.FILE_NAMES_INFORMATION, "none"))


def _read_at(offset: int) -> Callable[[Drive], int]:
    def case(drive: Drive) -> int:
        drive.make("x")
        handle = drive.open("x")
        return status_of(lambda: drive.nt.NtReadFile(drive.process, handle, 1, offset))

    return case


def _children_of_read_only(drive: Drive) -> int:
    drive.make_directory("dir", io.FILE_ATTRIBUTE_READONLY)
    made = status_of(lambda: drive.make("dir\\x"))
    return made or status_of(lambda: drive.delete("dir\\x"))


def _delete_file(drive: Drive) -> int:
    drive.make("x")
    return status_of(lambda: drive.delete("x"))


def _delete_full_directory(drive: Drive) -> int:
    drive.make_directory("dir")
    drive.make("dir\\child")
    return status_of(lambda: drive.delete("dir"))


CASES: dict[tuple[str, str], Callable[[Drive], int]] = {
    ("delete_pending", "set disposition with second open (share all)"): _mark_with_second_open,
    ("delete_pending", "open while pending"): _open_while_pending,
    ("delete_pending", "open attr-only while pending"): _attributes_while_pending,
    ("delete_pending", "after deleting handle closed, name query"): _name_after_deleter,
    ("delete_pending", "clear disposition again"): _clear_again,
    ("delete_pending", "file survives"): _survives,
    ("delete_pending", "set disposition on readonly"): _read_only(True, DISPOSITION),
    ("delete_pending", "set disposition-ex DELETE on readonly"): _read_only(MARK, DISPOSITION_EX),
    ("delete_pending", "name after"): _name_after_ignoring_read_only,
    ("delete_pending", "DELETE_ON_CLOSE handle open: second open allowed"): _second_beside_on_close,
    ("delete_pending", "name query"): _name_beside_on_close,
    ("delete_pending", "after DOC handle closed (other open) name query"): _name_after_on_close,
    ("delete_pending", "new open"): _open_after_on_close,
    ("delete_pending", "open w/o SHARE_DELETE while DELETE-access handle open"): _unshared_beside_deleter,
    ("posix_delete", "disposition-ex DELETE|POSIX"): _posix_mark,
    ("posix_delete", "name before closing deleter"): _posix_name_before,
    ("posix_delete", "name after closing deleter (other handle open)"): _posix_name_after,
    ("posix_delete", "create same name now"): _after_posix(lambda drive, _: drive.make("x")),
    ("posix_delete", "read via surviving handle"): _after_posix(
        lambda drive, handle: drive.nt.NtReadFile(drive.process, handle, 4, 0)
    ),
    ("posix_delete", "write via surviving handle"): _after_posix(
        lambda drive, handle: drive.nt.NtWriteFile(drive.process, handle, b"more", 0)
    ),
    ("rename_misc", "rename dir with open child (share all)"): _busy_directory,
    ("rename_misc", "rename to invalid name *"): _rename_to("a*b"),
    ("rename_misc", "rename into missing dir"): _rename_to("missing\\x"),
    ("rename_misc", "rename relative simple name"): _rename_to("simple", simple=True),
    ("hardlink", "share conflict through other hard link (opened share 0)"): _through_other_link,
    ("attrs", "open readonly for W"): _open_read_only(WRITE),
    ("attrs", "open readonly for R"): _open_read_only(READ),
    ("attrs", "open readonly for WRITE_ATTRIBUTES"): _open_read_only(WRITE_ATTRIBUTES),
    ("attrs", "rename readonly source"): _rename_read_only,
    ("unlink_nt", "NtDeleteFile file"): _delete_file,
    ("unlink_nt", "NtDeleteFile non-empty dir (silently succeeds)"): _delete_full_directory,
    ("ntfs_suite", "second open (no SHARE_DELETE) of a file held with DELETE access"): _unshared_beside_deleter,
    (
        "ntfs_suite",
        "... clearing the disposition through the other handle then keeps the file",
    ): _clear_after_on_close,
    ("ntfs_suite", "surviving handle after POSIX delete: rename"): _after_posix(
        lambda drive, handle: drive.rename(handle, "y")
    ),
    ("ntfs_suite", "DispositionEx DELETE|POSIX|IGNORE_READONLY on readonly file"): _read_only(
        MARK | POSIX | IGNORE_READONLY, DISPOSITION_EX
    ),
    ("ntfs_suite", "rename to a path whose parent is a file"): _rename_to("file\\x"),
    ("ntfs_suite", "link or rename into a directory held open without FILE_SHARE_WRITE"): _move_into_shut_directory,
    ("ntfs_suite", "link of a directory"): _link_of_directory,
    ("ntfs_suite", "link to own name without replace"): _link_to("x"),
    ("ntfs_suite", "link to own name with replace (no-op, link count stays 1)"): _link_to("x", 1),
    (
        "ntfs_suite",
        "link to own name in other case with replace (name case changes, link count stays 1)",
    ): _link_to("X", 1),
    ("ntfs_suite", "LinkEx REPLACE|POSIX over open target lacking SHARE_DELETE"): _link_to(
        "y", 3, lambda drive: drive.create("y", READ, 3, io.FILE_CREATE)
    ),
    ("ntfs_suite", "DELETE_ON_CLOSE on one of two links removes only that link"): _one_link_deleted_on_close,
    ("ntfs_suite", "rename over a SYSTEM-attribute file with replace"): _replace_system_file,
    ("ntfs_suite", "create/open a path whose parent is a file"): _open_path("file\\x"),
    ("ntfs_suite", "256-unit component"): _open_path("x" * 256, io.FILE_CREATE),
    ("ntfs_suite", "file named CON through the NT layer"): _open_path("CON", io.FILE_CREATE),
    ("ntfs_suite", "stream name containing / or :"): _open_path("file:a/b", io.FILE_CREATE),
    ("ntfs_suite", "create stream with FILE_DIRECTORY_FILE"): _open_path(
        "file:s", io.FILE_CREATE, io.FILE_DIRECTORY_FILE
    ),
    ("ntfs_suite", "create dir::$DATA"): _open_path("dir::$DATA", io.FILE_CREATE),
    ("ntfs_suite", "set FILE_ATTRIBUTE_DIRECTORY on a file through FileBasicInformation"): _set(
        "file", query.FileBasicInformation(file_attributes=0x10), query.FILE_BASIC_INFORMATION
    ),
    ("ntfs_suite", "set case-sensitive flag on a file"): _set("file", 1, query.FILE_CASE_SENSITIVE_INFORMATION),
    ("ntfs_suite", "set EOF or allocation on a directory"): _set("dir", 0, query.FILE_END_OF_FILE_INFORMATION),
    ("ntfs_suite", "clear case-sensitive flag while names differ only in case"): _clear_case_over_variants,
    ("ntfs_suite", "stream name in wrong case inside case-sensitive directory"): _stream_in_case_sensitive_directory,
    ("ntfs_suite", "rename stream with full path"): _rename_stream_by_path,
    ("ntfs_suite", "level-2 oplock on synchronous handle, or while byte-range locks exist"): _refused_level_2,
    ("ntfs_suite", "level-2 oplock on directory"): _level_2_of_directory,
    ("ntfs_suite", "query directory with a pattern that matches nothing (first call)"): _pattern_without_match,
    ("ntfs_suite", "read at or past EOF"): _read_at(0),
    ("ntfs_suite", "negative file position"): _read_at(-5),
    ("ntfs_suite", "create and delete children in a READONLY directory"): _children_of_read_only,
}
