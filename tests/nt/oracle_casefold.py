"""Rows of kind casefold: whether two names are one file's on NTFS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.rtl import RtlEqualUnicodeString

from .drive import Drive, status_of
from .kind import Unverified

if TYPE_CHECKING:
    from .kind import Row


def check(row: Row) -> list[str]:
    """Compare the names, and make a file of each in one directory. The other columns tell of other systems."""
    wanted = (row | row.get("expected_overrides", {})).get("equal_ntfs_upcase")
    if wanted is None:
        raise Unverified("nothing is claimed of NTFS")
    drive = Drive()
    drive.make(row["a"])
    second = status_of(lambda: drive.make(row["b"]))
    answers = {
        "RtlEqualUnicodeString": RtlEqualUnicodeString(row["a"], row["b"], case_in_sensitive=True),
        "one file": second == st.STATUS_OBJECT_NAME_COLLISION,
        "two files": second != st.STATUS_SUCCESS,
    }
    return [f"{what}: expected {wanted}, got {answer}" for what, answer in answers.items() if answer != wanted]
