"""Rows of kind fileops about byte-range locks and mapped files, by their phrases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.rename import FILE_RENAME_REPLACE_IF_EXISTS
from ntshim.io.share import FILE_SHARE_READ
from ntshim.mm.protection import PAGE_READONLY, PAGE_READWRITE
from ntshim.mm.section import SEC_COMMIT, SEC_IMAGE
from ntshim.win32.files import Win32Files

from .drive import APPEND, DELETE, READ, WRITE, Drive, status_of
from .oracle_win32 import error_of
from .pe import Part, image

if TYPE_CHECKING:
    from collections.abc import Callable

    Case = Callable[[Drive], int]

# A lock: who asks, offset, length, whether exclusive. Reading and writing: who, which, offset, length.
Step = tuple[str, str, int, int]
A_EXCLUSIVE: Step = ("A", "exclusive", 4, 4)
A_SHARED: Step = ("A", "shared", 0, 4)
B_SHARED: Step = ("B", "shared", 0, 4)


def _sequence(*steps: Step) -> Case:
    """Do one step after the other on two handles to one file; gives the status of the last."""

    def case(drive: Drive) -> int:
        drive.make("x")
        handles = {name: drive.open("x", READ | WRITE) for name in "AB"}
        drive.nt.NtWriteFile(drive.process, handles["A"], bytes(16), 0)
        *before, last = steps
        for step in before:
            _act(drive, handles, step)
        return status_of(lambda: _act(drive, handles, last))

    return case


def _act(drive: Drive, handles: dict[str, int], step: Step) -> None:
    who, what, offset, length = step
    nt, process, handle = drive.nt, drive.process, handles[who]
    if what == "read":
        nt.NtReadFile(process, handle, length, offset)
    elif what == "write":
        nt.NtWriteFile(process, handle, bytes(length), offset)
    elif what == "unlock":
        nt.NtUnlockFile(process, handle, offset, length)
    else:
        nt.NtLockFile(process, handle, offset, length, fail_immediately=True, exclusive_lock=what == "exclusive")


def _lock_with(access: int) -> Case:
    def case(drive: Drive) -> int:
        drive.make("x")
        handle = drive.open("x", access)
        return status_of(lambda: drive.nt.NtLockFile(drive.process, handle, 0, 4, fail_immediately=True))

    return case


def _lock_directory(drive: Drive) -> int:
    drive.make_directory("dir")
    handle = drive.open("dir", READ, options=io.FILE_DIRECTORY_FILE)
    return status_of(lambda: drive.nt.NtLockFile(drive.process, handle, 0, 4, fail_immediately=True))


def _after_last_duplicate(drive: Drive) -> int:
    """Lock and close both handles; gives the status of another's read, or nonsense if it could read before."""
    drive.make("x")
    first, other = drive.open("x", READ | WRITE), drive.open("x", READ | WRITE)
    drive.nt.NtWriteFile(drive.process, first, bytes(16), 0)
    copy = drive.nt.NtDuplicateObject(drive.process, -1, first, -1, options=2)
    assert copy is not None
    drive.nt.NtLockFile(drive.process, first, 0, 4, exclusive_lock=True)
    drive.close(first)
    before = status_of(lambda: drive.nt.NtReadFile(drive.process, other, 4, 0))
    drive.close(copy)
    after = status_of(lambda: drive.nt.NtReadFile(drive.process, other, 4, 0))
    return after if before else 0xFFFFFFFF


LOCKS: dict[str, Case] = {
    "A exclusive [4,8)": _sequence(A_EXCLUSIVE),
    "B read overlapping exclusive": _sequence(A_EXCLUSIVE, ("B", "read", 2, 4)),
    "B read adjacent before": _sequence(A_EXCLUSIVE, ("B", "read", 0, 4)),
    "A read own": _sequence(A_EXCLUSIVE, ("A", "read", 4, 4)),
    "A write own": _sequence(A_EXCLUSIVE, ("A", "write", 4, 4)),
    "B shared lock overlap": _sequence(A_EXCLUSIVE, ("B", "shared", 6, 4)),
    "A second exclusive overlap (same handle)": _sequence(A_EXCLUSIVE, ("A", "exclusive", 6, 4)),
    "A shared overlap own exclusive": _sequence(A_EXCLUSIVE, ("A", "shared", 6, 1)),
    "B unlock A range": _sequence(A_EXCLUSIVE, ("B", "unlock", 4, 4)),
    "A unlock wrong range": _sequence(A_EXCLUSIVE, ("A", "unlock", 4, 3)),
    "A unlock exact": _sequence(A_EXCLUSIVE, ("A", "unlock", 4, 4)),
    "A unlock again": _sequence(A_EXCLUSIVE, ("A", "unlock", 4, 4), ("A", "unlock", 4, 4)),
    "A shared [0,4)": _sequence(A_SHARED),
    "A write under own shared + other shared": _sequence(A_SHARED, B_SHARED, ("A", "write", 0, 4)),
    "B exclusive over shared": _sequence(A_SHARED, ("B", "exclusive", 0, 4)),
    "A write under own shared only": _sequence(A_SHARED, ("A", "write", 0, 4)),
    "B write under A shared": _sequence(A_SHARED, ("B", "write", 0, 4)),
    "B read under A shared": _sequence(A_SHARED, ("B", "read", 0, 4)),
    "zero-length lock": _sequence(("A", "exclusive", 10, 0)),
    "overlap of zero-length point inside": _sequence(("A", "exclusive", 10, 0), ("B", "exclusive", 8, 4)),
    "beyond EOF": _sequence(("A", "exclusive", 1000, 10)),
    "range wrap": _sequence(("A", "exclusive", (1 << 64) - 2, 4)),
    "max range": _sequence(("A", "exclusive", (1 << 64) - 1, 1)),
    "lock with read-only access handle": _lock_with(READ),
    "lock with append-only handle": _lock_with(APPEND),
    "lock on directory": _lock_directory,
    "released after last dup closed: B read": _after_last_duplicate,
}

PROGRAM = image(Part(b"data"))


def _section(
    drive: Drive, path: str = "x", kind: int = SEC_COMMIT, protection: int = PAGE_READWRITE, size: int = 0
) -> int:
    """Make a section of a file that is closed afterwards."""
    handle = drive.open(path, READ | WRITE)
    section = drive.nt.NtCreateSection(drive.process, 0xF001F, None, size, protection, kind, handle).handle
    drive.close(handle)
    return section


def _make_program(drive: Drive, path: str = "x") -> None:
    handle = drive.create(path, READ | WRITE, disposition=io.FILE_CREATE).handle
    drive.nt.NtWriteFile(drive.process, handle, PROGRAM, 0)
    drive.close(handle)


def _view(drive: Drive, section: int) -> None:
    """Map a view; its section has no handle any more."""
    drive.nt.NtMapViewOfSection(drive.process, section, -1, 0, 0, 0, 2, 0, PAGE_READWRITE)
    drive.close(section)


def _open_beside_view(drive: Drive) -> int:
    _make_program(drive)
    _view(drive, _section(drive))
    return status_of(lambda: drive.open("x", READ, FILE_SHARE_READ))


def _cut(*, kind: int = SEC_COMMIT, mapped: bool = False) -> Case:
    def case(drive: Drive) -> int:
        _make_program(drive)
        handle = drive.open("x", READ | WRITE)
        section = _section(drive, kind=kind)
        if mapped:
            _view(drive, section)
        return status_of(lambda: drive.set(handle, 1, query.FILE_END_OF_FILE_INFORMATION))

    return case


def _both(first: Case, second: Case) -> Case:
    """Give the status that two cases have, or nonsense if they differ."""

    def case(drive: Drive) -> int:
        status = first(drive)
        return status if second(Drive()) == status else 0xFFFFFFFF

    return case


def _mark_mapped(drive: Drive) -> int:
    _make_program(drive)
    handle = drive.open("x", DELETE)
    _section(drive)
    return status_of(lambda: drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION))


def _delete_mapped(drive: Drive) -> int:
    _make_program(drive)
    _view(drive, _section(drive))
    return error_of(lambda: Win32Files(drive.nt, drive.process).DeleteFileW("x"))


def _map_marked(drive: Drive) -> int:
    _make_program(drive)
    handle = drive.open("x", READ | DELETE)
    drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION)
    create = drive.nt.NtCreateSection
    return status_of(lambda: create(drive.process, 0xF001F, None, 0, PAGE_READONLY, SEC_COMMIT, handle))


def _take_name_of_mapped(act: str, *, mapped: bool) -> Case:
    def case(drive: Drive) -> int:
        _make_program(drive, "target")
        section = _section(drive, "target")
        if mapped:
            _view(drive, section)
        drive.make("x")
        handle = drive.open("x", DELETE)
        return status_of(lambda: getattr(drive, act)(handle, "target", FILE_RENAME_REPLACE_IF_EXISTS))

    return case


def _overwrite_image(drive: Drive) -> int:
    _make_program(drive)
    _section(drive, kind=SEC_IMAGE)
    return status_of(lambda: drive.create("x", READ, disposition=io.FILE_OVERWRITE))


def _make_section(path: str, access: int, protection: int = PAGE_READONLY, size: int = 0) -> Case:
    def case(drive: Drive) -> int:
        drive.make("empty")
        drive.make_directory("dir")
        _make_program(drive)
        handle = drive.open(path, access)
        create = drive.nt.NtCreateSection
        return status_of(lambda: create(drive.process, 0xF001F, None, size, protection, SEC_COMMIT, handle))

    return case


SECTIONS: dict[tuple[str, str], Case] = {
    ("mapping", "open R w/o SHARE_WRITE while writable view exists, no handles"): _open_beside_view,
    ("mapping", "set EOF smaller while mapped"): _cut(mapped=True),
    ("mapping", "DeleteFileW while view mapped, no handles"): _delete_mapped,
    ("ntfs_suite", "disposition with a data section open (no view)"): _mark_mapped,
    ("ntfs_suite", "create a section on a file already marked for deletion"): _map_marked,
    ("ntfs_suite", "rename (replace, non-POSIX) over a file with only a data view/section open"): _both(
        _take_name_of_mapped("rename", mapped=False), _take_name_of_mapped("rename", mapped=True)
    ),
    ("ntfs_suite", "link (replace) over a file with only a data view/section open"): _both(
        _take_name_of_mapped("link", mapped=False), _take_name_of_mapped("link", mapped=True)
    ),
    ("ntfs_suite", "OVERWRITE of a file with an image section (share all)"): _overwrite_image,
    ("ntfs_suite", "shrink a file below a data or image section size"): _both(_cut(), _cut(kind=SEC_IMAGE)),
    ("ntfs_suite", "create section on empty file without size"): _make_section("empty", READ),
    ("ntfs_suite", "create section on directory"): _make_section("dir", READ),
    ("ntfs_suite", "create read-only-file section larger than file"): _make_section("x", READ, size=8192),
    ("ntfs_suite", "PAGE_READWRITE section on handle without FILE_WRITE_DATA"): _make_section(
        "x", READ, PAGE_READWRITE
    ),
}

CASES: dict[tuple[str, str], Case] = SECTIONS | {("locks", phrase): case for phrase, case in LOCKS.items()}
