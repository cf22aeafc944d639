"""Rows of kind ntstatus_errno: the value of a status, and the errno that each profile makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st

from .kind import Unverified

if TYPE_CHECKING:
    from .kind import Row

# The other columns tell what the world does; these two are what is wanted of us (facts/nt.md section 5).
PROFILES = {"picobox_wsl_profile": "wsl", "picobox_windows_crt_profile": "crt"}


def check(row: Row) -> list[str]:
    """Compare what the table says of a status."""
    name = row["name"]
    value = getattr(st, name, None)
    if value is None:
        return [f"{name}: expected {row['value']}, got no such status"]
    mismatches = []
    if value != int(row["value"], 16):
        mismatches.append(f"{name}: expected {row['value']}, got {value:#010x}")
    if st.name_of(value) != name:
        mismatches.append(f"name of {value:#010x}: expected {name}, got {st.name_of(value)}")
    told = row | row.get("expected_overrides", {})
    asked = [(column, profile) for column, profile in PROFILES.items() if told.get(column) is not None]
    if not asked:
        raise Unverified("no profile is claimed")
    for column, profile in asked:
        errno = st.errno_of(value, profile)
        if errno != st.LINUX_ERRNO.get(told[column]):
            names = [text for text, number in st.LINUX_ERRNO.items() if number == errno]
            mismatches.append(f"{column}: expected {told[column]}, got {' '.join(names)} ({errno})")
    return mismatches
