"""Owns what every renderer of arguments works with: one argument's view of its call, and the spelling of values."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from picobox.abi.flags import VOCABULARIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.abi.memory import Memory
    from picobox.abi.types import Argument

# strace(1): the default of -s, and the most elements of an array it shows
STRING_LIMIT = 32
ELEMENT_LIMIT = 32

# signal(7): the signals of the kernel, realtime ones included; the first of those is 32 in the kernel's own numbering
SIGNALS = 64
_SIGRTMIN = 32

_ESCAPES = {9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


class View:
    """What a renderer sees of one argument of one call."""

    __slots__ = ("memory", "raw", "result", "siblings")

    def __init__(self, raw: int, memory: Memory, result: int | None, siblings: Mapping[str, int]) -> None:
        self.raw = raw
        self.memory = memory
        self.result = result
        self.siblings = siblings

    @property
    def written(self) -> bool:
        """Whether the call has ended well, so that what it writes is there."""
        return self.result is not None and self.result >= 0

    def unpack(self, layout: str, index: int = 0) -> tuple[int, ...]:
        """The element `index` of an array of `layout` at the argument's address."""
        size = struct.calcsize(layout)
        return struct.unpack(layout, self.memory.read(self.raw + index * size, size))


def quote(data: bytes, *, limit: int | None = STRING_LIMIT) -> str:
    """`data` as a C string literal; more than `limit` bytes are cut and followed by dots."""
    shown = data if limit is None else data[:limit]
    text = []
    for position, byte in enumerate(shown):
        if byte in _ESCAPES:
            text.append(_ESCAPES[byte])
        elif 32 <= byte < 127:
            text.append(chr(byte))
        else:
            # A digit that follows would be read as part of a short octal escape.
            digit_follows = shown[position + 1 : position + 2].isdigit()
            text.append(f"\\{byte:03o}" if digit_follows else f"\\{byte:o}")
    return f'"{"".join(text)}"' + ("..." if len(shown) < len(data) else "")


def signal_name(number: int) -> str:
    """SIGINT, SIGRTMIN, SIGRT_5, or the number itself where it names no signal."""
    if _SIGRTMIN <= number <= SIGNALS:
        return "SIGRTMIN" if number == _SIGRTMIN else f"SIGRT_{number - _SIGRTMIN}"
    return VOCABULARIES["SIGNAL"].get(number, str(number))


def flag_names(value: int, vocabulary: str) -> list[str]:
    """The names of the bits of `value`, and what is left as a number."""
    found = []
    for bits, name in VOCABULARIES[vocabulary].items():
        if bits and value & bits == bits:
            found.append(name)
            value &= ~bits
    if value:
        found.append(hex(value) if found else f"{value:#x} /* {vocabulary}_??? */")
    return found


def octal(value: int) -> str:
    """Permission bits as strace writes them: a leading zero, at least three digits."""
    return f"0{value:o}".rjust(3, "0")


def number(argument: Argument, view: View) -> str:
    """The value in decimal."""
    return str(argument.value(view.raw))


def hexadecimal(argument: Argument, view: View) -> str:
    """The value in hexadecimal, zero without a prefix."""
    value = argument.value(view.raw)
    return hex(value) if value else "0"


def joined(texts: list[str], *, more: bool = False) -> str:
    """An array's elements in brackets; `more` says that some are not shown."""
    return f"[{', '.join([*texts, '...'] if more else texts)}]"
