"""Folding of names by NTFS's upcase table: one UTF-16 unit to one unit, whatever the host's Unicode version."""

from __future__ import annotations

import sys
from functools import cache


@cache
def _folds() -> dict[int, int]:
    """What each unit that folds folds to; few runs meet a name that needs it."""
    from ntshim.upcase_table import RANGES

    return {unit: unit + offset for first, last, step, offset in RANGES for unit in range(first, last + 1, step)}


def upcase(name: str) -> str:
    """The name as NTFS compares it: two names of a directory are one if these are equal.

    The length does not change, nothing is normalised, and what lies beyond the Basic Multilingual Plane folds to
    itself, as its surrogates do (facts/nt.md section 4.1).
    """
    return name.upper() if name.isascii() else name.translate(_folds())


def upcase_table() -> bytes:
    """The table as a volume stores it in $UpCase: 65536 little-endian units, indexed by unit."""
    from array import array

    table = array("H", range(0x10000))
    for unit, upper in _folds().items():
        table[unit] = upper
    if sys.byteorder == "big":
        table.byteswap()
    return table.tobytes()
