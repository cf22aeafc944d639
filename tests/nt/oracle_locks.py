"""Rows of kind fileops about byte-range locks and mapped files, by their phrases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.io import create as io

from .drive import APPEND, READ, WRITE, Drive, status_of

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

CASES: dict[tuple[str, str], Case] = {("locks", phrase): case for phrase, case in LOCKS.items()}
