"""Rows of kind share_matrix: two opens of one file, each by a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .drive import Drive, status_of

if TYPE_CHECKING:
    from .kind import Row

COLUMNS = ("first_access", "first_share", "second_access", "second_share", "expected")
# The names of accesses, for rows that come without the document's own table.
MASKS = {
    "none": 0x80, "R": 0x1, "W": 0x2, "D": 0x10000, "RW": 0x3, "RD": 0x10001, "WD": 0x10002, "RWD": 0x10003,
    "X": 0x20, "A": 0x4, "REA": 0x8, "WEA": 0x10, "RATTR": 0x80, "WATTR": 0x100, "DCHILD": 0x40, "RCTL": 0x20000,
}  # fmt: skip


def rows(document: Any) -> list[Row]:
    """Name the columns, and put in the masks that the document gives names."""
    listed, masks = document, MASKS
    if isinstance(document, dict):
        listed = document["rows"]
        masks = masks | {name: int(mask, 16) for name, mask in document.get("access_masks", {}).items()}
    named = [dict(zip(COLUMNS, row, strict=True)) if isinstance(row, list) else row for row in listed]
    return [row | {f"{which}_mask": masks[row[f"{which}_access"]] for which in ("first", "second")} for row in named]


def check(row: Row) -> list[str]:
    """Open a file and a directory twice."""
    return _check(row, Drive.make, "file") + _check(row, Drive.make_directory, "directory")


def _check(row: Row, make: Any, kind: str) -> list[str]:
    """Compare the status of the second open."""
    drive = Drive()
    make(drive, "x")
    drive.create("x", row["first_mask"], row["first_share"])
    second = drive.new_process()
    status = status_of(lambda: drive.create("x", row["second_mask"], row["second_share"], process=second))
    if status == int(row["expected"], 16):
        return []
    return [f"{kind}: expected {row['expected']}, got {status:08X}"]
