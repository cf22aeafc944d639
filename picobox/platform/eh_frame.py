"""The functions that .eh_frame describes, and where exceptions land in them: what unwinders of the image itself read.

Forms as the x86-64 psABI and the Linux Standard Base (Core, "Exception Frames") describe them. Files are a guest's:
what is damaged or unknown raises DamagedError, so that nobody takes a part for the whole.
"""

from __future__ import annotations

from struct import Struct, error
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.platform.elf import ElfFile

_U32 = Struct("<I")
_FORMATS = {
    0x00: Struct("<Q"), 0x02: Struct("<H"), 0x03: _U32, 0x04: Struct("<Q"),
    0x0A: Struct("<h"), 0x0B: Struct("<i"), 0x0C: Struct("<q"),
}  # fmt: skip
_ULEB = 0x01
_PC_RELATIVE, _INDIRECT, _OMITTED = 0x10, 0x80, 0xFF
_MOST_CALL_SITES = 1 << 20


class DamagedError(ValueError):
    """A table that cannot be read to its end, so that landings may be missing."""


class Frame(NamedTuple):
    """A part of the code that is one function's, or a part of one.

    `is_of_signal`: it ends a handler. `landings` are where exceptions go on in it.
    """

    start: int
    size: int
    is_of_signal: bool
    landings: tuple[int, ...]


class _Common(NamedTuple):
    """What a common entry says of its frames: how they name code and their tables of landings."""

    encoding: int
    table_encoding: int
    is_augmented: bool
    is_of_signal: bool


class _Reader:
    """Reads one value after another; IndexError or struct.error behind the end."""

    def __init__(self, data: bytes, at: int, address: int) -> None:
        """`address` is where the data begin in the file's addresses."""
        self.data = data
        self.at = at
        self._address = address

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        """An unsigned LEB128 number."""
        value = shift = 0
        while shift <= 63:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
        raise ValueError("a number of more than 64 bits")

    def value(self, encoding: int) -> int:
        """A value whose form is told by the low half of an encoding."""
        if encoding & 15 == _ULEB:
            return self.number()
        form = _FORMATS[encoding & 15]
        found: int = form.unpack_from(self.data, self.at)[0]
        self.at += form.size
        return found

    def pointer(self, encoding: int) -> int:
        """A pointer; ValueError if it is in a form that compilers do not write."""
        if encoding & 0x70 not in (0, _PC_RELATIVE):
            raise ValueError("a pointer relative to what we do not know")
        here = self._address + self.at if encoding & _PC_RELATIVE else 0
        return self.value(encoding) + here


def frames_of(file: ElfFile) -> list[Frame]:
    """All functions that the section .eh_frame of a file describes, in its order. Raises DamagedError."""
    section = file.section(b".eh_frame")
    if section is None:
        return []
    data, found, common = file.contents(section), [], {}
    at, left = 0, _MOST_CALL_SITES
    while at + 8 <= len(data):
        size, distance = _U32.unpack_from(data, at)[0], _U32.unpack_from(data, at + 4)[0]
        end = at + 4 + size
        if size == 0:  # an end, between what the linker has joined too
            at += 4
            continue
        if size < 8 or end > len(data):
            raise DamagedError("an entry is too short or goes beyond the end")
        try:
            if distance == 0:
                common[at] = _read_common(data[at:end])
            else:
                entry = _Reader(data[at:end], 8, section.address + at)
                frame, seen = _read_frame(file, entry, common[at + 4 - distance], left)
                found.append(frame)
                left -= seen
        except (error, IndexError, ValueError, KeyError) as damage:
            raise DamagedError(f"the entry at {section.address + at:#x}: {damage!r}") from damage
        at = end
    return found


def _read_common(data: bytes) -> _Common:
    augmentation = data[9:32].partition(b"\0")[0]
    reader = _Reader(data, 10 + len(augmentation), 0)
    reader.number()  # code alignment
    reader.number()  # data alignment: its sign does not change its length
    if data[8] == 1:
        reader.byte()
    else:
        reader.number()
    encoding, table_encoding, is_of_signal = 0, _OMITTED, False
    if augmentation.startswith(b"z"):
        reader.number()
        for letter in augmentation[1:]:
            if letter == ord("R"):
                encoding = reader.byte()
            elif letter == ord("L"):
                table_encoding = reader.byte()
            elif letter == ord("P"):
                reader.value(reader.byte())
            elif letter == ord("S"):
                is_of_signal = True
            else:
                raise ValueError("an augmentation of which we do not know how long it is")
    elif augmentation:
        raise ValueError("an augmentation without a size")
    return _Common(encoding, table_encoding, bool(augmentation), is_of_signal)


def _read_frame(file: ElfFile, entry: _Reader, common: _Common, most: int) -> tuple[Frame, int]:
    """A frame, and how many entries of its table were looked at."""
    start = entry.pointer(common.encoding)
    size = entry.value(common.encoding)
    table = 0
    if common.is_augmented and entry.number() and common.table_encoding != _OMITTED:
        table = entry.pointer(common.table_encoding & ~_INDIRECT)
    landings, seen = _read_landings(file, table, start, most) if table else ((), 0)
    return Frame(start, size, common.is_of_signal, landings), seen


def _read_landings(file: ElfFile, address: int, start: int, most: int) -> tuple[tuple[int, ...], int]:
    """The landing pads of a function's table (Itanium C++ ABI, exception handling tables), and its entries' number."""
    section = next((each for each in file.sections if 0 <= address - each.address < each.size), None)
    if section is None:
        raise ValueError("a table that is nowhere")
    reader = _Reader(file.contents(section), address - section.address, section.address)
    encoding = reader.byte()
    base = start if encoding == _OMITTED else reader.pointer(encoding)
    if reader.byte() != _OMITTED:
        reader.number()  # where the types are
    encoding = reader.byte()
    end = reader.number()
    end += reader.at
    found, seen = [], 0
    while reader.at < end:
        seen += 1
        if seen > most:
            raise ValueError("more entries than programs have")
        reader.value(encoding)
        reader.value(encoding)
        landing = reader.value(encoding)
        reader.number()  # the action
        if landing:
            found.append(base + landing)
    return tuple(found), seen
