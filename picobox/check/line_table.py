"""The line tables of CPython's code objects: which source line an instruction belongs to (3.11 and later).

Each entry is for a run of instructions: a byte with bit 7 set, in bits 3 to 6 the kind of the entry, in bits 0 to 2 how
many code units the run has, less one. What follows it depends on the kind (CPython's InternalDocs/code_objects.md).
"""

from __future__ import annotations

UNIT = 2
"""Bytes of a code unit; an instruction is one or more of them."""

# Kinds: up to 9 the line stays and one byte of columns follows; 10 to 12 go on by 0 to 2 lines, two bytes follow.
_ONE_LINE = 10
_NO_COLUMNS = 13
_LONG = 14
_NO_LINE = 15
# Of a number; in a damaged table it may go on for ever.
_MOST_BITS = 60


def line_at(table: bytes, first_line: int, offset: int) -> int | None:
    """The line of the instruction at an offset in bytes; None if it has none, or the table does not tell.

    Any bytes are taken for a table: of a damaged one the answer means nothing.
    """
    line, start, at = first_line, 0, 0
    if offset < 0:
        return None
    while at < len(table):
        head = table[at]
        kind = head >> 3 & 15
        at += 1
        if kind in (_LONG, _NO_COLUMNS):
            delta, at = _signed(table, at)
            line += delta
            if kind == _LONG:
                at = _after(table, _after(table, _after(table, at)))
        elif kind >= _ONE_LINE and kind != _NO_LINE:
            line += kind - _ONE_LINE
            at += 2
        elif kind != _NO_LINE:
            at += 1
        start += UNIT * ((head & 7) + 1)
        if offset < start:
            return None if kind == _NO_LINE or line <= 0 else line
    return None


def _signed(table: bytes, at: int) -> tuple[int, int]:
    """A number in groups of six bits, the lowest group first, whose bit 0 is its sign; and what follows it."""
    value = shift = 0
    while at < len(table):
        byte = table[at]
        if shift < _MOST_BITS:
            value |= (byte & 63) << shift
        at += 1
        shift += 6
        if not byte & 64:
            break
    return (-(value >> 1) if value & 1 else value >> 1), at


def _after(table: bytes, at: int) -> int:
    """What follows the number that begins there."""
    while at < len(table) and table[at] & 64:
        at += 1
    return at + 1
