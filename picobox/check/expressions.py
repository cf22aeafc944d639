"""Expressions of call frame information: as many of DWARF's operations as compilers and C libraries write there."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.check.pages import Pages

_WORD = Struct("<Q")
_MASK = (1 << 64) - 1
_MOST_OPERATIONS = 64
_DEREFERENCE, _DUPLICATE, _PLUS_CONSTANT = 0x06, 0x12, 0x23
_LITERALS = range(0x30, 0x50)
_REGISTERS = range(0x70, 0x90)
_CONSTANTS = {
    0x08: Struct("<B"),
    0x09: Struct("<b"),
    0x0A: Struct("<H"),
    0x0B: Struct("<h"),
    0x0C: Struct("<I"),
    0x0D: Struct("<i"),
}
_BINARY: dict[int, Callable[[int, int], int]] = {
    0x1A: lambda a, b: a & b,
    0x1C: lambda a, b: a - b,
    0x21: lambda a, b: a | b,
    0x22: lambda a, b: a + b,
    0x24: lambda a, b: a << (b & 63),
    0x25: lambda a, b: a >> (b & 63),
    0x2A: lambda a, b: int(_signed(a) >= _signed(b)),
    0x2D: lambda a, b: int(_signed(a) < _signed(b)),
}  # fmt: skip


def evaluate(code: bytes, registers: Sequence[int], pages: Pages, first: int | None) -> int | None:
    """The value of an expression (DWARF 5 section 2.5), with `first` on its stack; None if it cannot be told."""
    stack = [] if first is None else [first]
    at = 0
    try:
        for _ in range(_MOST_OPERATIONS):
            if at >= len(code):
                return stack[-1]
            at = _operate(code, at, stack, registers, pages)
    except (IndexError, ValueError):
        return None
    return None


def _operate(code: bytes, at: int, stack: list[int], registers: Sequence[int], pages: Pages) -> int:
    """Perform one operation; gives where the next one is."""
    operation, at = code[at], at + 1
    if operation in _REGISTERS:
        offset, at = _number(code, at, is_signed=True)
        value = registers[operation - _REGISTERS.start] + offset
    elif operation in _LITERALS:
        value = operation - _LITERALS.start
    elif operation == _DEREFERENCE:
        value = pages.unpack(_WORD, stack.pop())[0]
    elif operation == _PLUS_CONSTANT:
        offset, at = _number(code, at, is_signed=False)
        value = stack.pop() + offset
    elif operation == _DUPLICATE:
        value = stack[-1]
    elif operation in _CONSTANTS:
        form = _CONSTANTS[operation]
        if at + form.size > len(code):
            raise ValueError("the expression ends in a constant")
        value = form.unpack_from(code, at)[0]
        at += form.size
    elif operation in _BINARY:
        second, one = stack.pop(), stack.pop()
        value = _BINARY[operation](one, second)
    else:
        raise ValueError("an operation that call frame information does not need")
    stack.append(value & _MASK)
    return at


def _number(code: bytes, at: int, *, is_signed: bool) -> tuple[int, int]:
    """A LEB128 number, and what follows it."""
    value = shift = 0
    while True:
        byte = code[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            break
        if shift > 70:
            raise ValueError("a number of more than 64 bits")
    return (value - (1 << shift) if is_signed and byte & 64 else value), at


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
