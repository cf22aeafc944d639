"""Writes the checked-in forms of NTFS's upcase table: `python tests/make_upcase.py`, any Python from 3.11 on.

The rule is facts/nt.md section 4.1: a unit of the Basic Multilingual Plane folds to its simple upper case if that lies
in the plane too and if its simple lower case is the unit again, as Unicode 5.1 had it. Later versions of Unicode pair
letters of 5.1 with new ones and add pairs, but never change one; so the letters that came later are all that an
interpreter must not know, and they are named here.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON_TABLE = ROOT / "ntshim" / "upcase_table.py"
C_TABLE = ROOT / "picobox" / "_native" / "upcase.h"

# From DerivedAge.txt: letters with case of Unicode 5.2 to 17.0, with unassigned neighbours and ones that have no case.
YOUNGER_THAN_5_1 = (
    "037F 0524-052F 10C7 10CD 10FD-10FF 13F5-13FD 1C80-1CBF 2C2F 2C5F 2C70 2C7E-2C7F 2CEB-2CF3 2D27 2D2D A660-A661 "
    "A698-A69B A78D-A7F6 AB30-ABBF"
)

Range = tuple[int, int, int, int]


def units(ranges: str) -> set[int]:
    """The units of a text such as "037F 0524-052F"."""
    found: set[int] = set()
    for text in ranges.split():
        first, _, last = text.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return found


def simple_upper(unit: int) -> int:
    """Simple upper case; where the full one has several letters, Greek has a title case that is the simple one."""
    letter = chr(unit)
    upper = letter.upper()
    if len(upper) != 1:
        upper = letter.title()
    return ord(upper) if len(upper) == 1 else unit


def entries() -> dict[int, int]:
    """Every unit that does not fold to itself, with what it folds to."""
    young = units(YOUNGER_THAN_5_1)
    folds: dict[int, int] = {}
    for unit in range(0x10000):
        upper = simple_upper(unit)
        if upper in {unit, *young} or unit in young or upper > 0xFFFF:
            continue
        if chr(upper).lower() == chr(unit):
            folds[unit] = upper
    return folds


def ranges(folds: dict[int, int]) -> list[Range]:
    """The entries as (first, last, step, offset): each step-th unit from first to last folds to itself + offset."""
    found: list[Range] = []
    for unit, upper in folds.items():
        if found:
            first, last, step, offset = found[-1]
            if upper - unit == offset and unit - last in ({1, 2} if first == last else {step}):
                found[-1] = (first, unit, unit - last, offset)
                continue
        found.append((unit, unit, 1, upper - unit))
    return found


def python_text(table: list[Range]) -> str:
    """The content of ntshim/upcase_table.py."""
    rows = "".join(f"    ({first:#06x}, {last:#06x}, {step}, {offset}),\n" for first, last, step, offset in table)
    return f'''"""NTFS's upcase table, made by tests/make_upcase.py: first, last, step, offset of what folds."""

RANGES = (
{rows.replace("0x", "0X").upper().replace("0X", "0x")})
'''


def c_text(table: list[Range]) -> str:
    """The content of picobox/_native/upcase.h."""
    rows = "".join(f"    {{{first:#06x}, {last:#06x}, {step}, {offset}}},\n" for first, last, step, offset in table)
    return f"""/* NTFS's upcase table, made by tests/make_upcase.py: first, last, step, offset of what folds. */
#pragma once

#include <stdint.h>

static const struct {{
    uint16_t first;
    uint16_t last;
    uint16_t step;
    int32_t offset;
}} UPCASE_RANGES[] = {{
{rows}}};
"""


def main() -> None:
    """Write both."""
    table = ranges(entries())
    PYTHON_TABLE.write_text(python_text(table))
    C_TABLE.write_text(c_text(table))


if __name__ == "__main__":
    main()
