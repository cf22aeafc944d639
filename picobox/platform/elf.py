"""ELF files of guests: segments, sections, symbols and bytes, read with bounds, since a guest may have made them."""

from __future__ import annotations

import os
import struct
from bisect import bisect_left, bisect_right
from itertools import islice
from typing import NamedTuple

_MAGIC = b"\x7fELF\x02\x01"
# Of the ELF header: type; offsets of both tables; a segment's size and number; a section's, and that of their names.
_HEADER = struct.Struct("<16xH14xQQ6xHHHHH")
_SEGMENT = struct.Struct("<II5Q8x")
_SECTION = struct.Struct("<IIQQQQII16x")
_SYMBOL = struct.Struct("<IBBHQQ")
_MOST_SEGMENTS = 64
_MOST_SECTIONS = 256
_MOST_BYTES = 1 << 25
_MOST_SYMBOLS = 1 << 18
_MOST_ALIASES = 32
_LONGEST_NAME = 1024
_PT_LOAD = 1
_PT_GNU_EH_FRAME = 0x6474E550
_PF_X = 1
_SHT_NOBITS = 8
_STT_FUNC, _STT_GNU_IFUNC = 2, 10


class FileKey(NamedTuple):
    """Tells files apart, also when one is replaced or written anew."""

    device: int
    inode: int
    size: int
    changed: int


class Segment(NamedTuple):
    """A part of a file that is loaded: `address` is where it was linked to."""

    offset: int
    address: int
    size: int
    is_executable: bool


class Section(NamedTuple):
    """A section; `link` is the number of one that belongs to it."""

    name: bytes
    flags: int
    address: int
    offset: int
    size: int
    link: int


def key_of(path: bytes) -> FileKey | None:
    """Which file a path of ours leads to now."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return FileKey(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class ElfFile:
    """An executable or a library, as long as it stays what it was. What is damaged or has gone is not there: nothing.

    Addresses are those that the file was linked to.
    """

    def __init__(self, path: bytes, key: FileKey) -> None:
        """Read what the file consists of; it has no segments if it is no ELF file of 64 bits."""
        self.path = path
        self.key = key
        self.segments: list[Segment] = []
        self.unwinding: int | None = None
        self._data_symbols: dict[bytes, int | None] = {}
        self._functions: tuple[list[int], list[tuple[int, int]], bytes] | None = None
        self.sections: list[Section] = []
        header = self.read_at(0, 64)
        if len(header) == 64 and header.startswith(_MAGIC):
            _, segments, sections, segment_size, segment_count, section_size, count, names = _HEADER.unpack(header)
            if segment_size == _SEGMENT.size:
                self._read_segments(segments, min(segment_count, _MOST_SEGMENTS))
            if section_size == _SECTION.size and names < count <= _MOST_SECTIONS:
                self._read_sections(sections, count, names)

    def read_at(self, offset: int, size: int) -> bytes:
        """So many bytes of the file, fewer at its end."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            found = os.fstat(fd)
            if self.key != (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns):
                return b""
            return os.pread(fd, min(size, _MOST_BYTES), offset)
        except (OSError, OverflowError):
            return b""
        finally:
            os.close(fd)

    def read(self, address: int, size: int) -> bytes:
        """The bytes that are loaded to an address, as far as they come from one segment of the file."""
        for segment in self.segments:
            within = address - segment.address
            if 0 <= within < segment.size:
                return self.read_at(segment.offset + within, min(size, segment.size - within))
        return b""

    def address_of(self, offset: int) -> int | None:
        """The address of code at an offset of the file."""
        for segment in self.segments:
            # A mapping begins at a page, the segment in it.
            if segment.is_executable and segment.offset & ~4095 <= offset < segment.offset + segment.size:
                return segment.address + offset - segment.offset
        return None

    def section(self, name: bytes) -> Section | None:
        """The first section of a name."""
        return next((section for section in self.sections if section.name == name), None)

    def section_name(self, address: int) -> bytes:
        """The name of the section that an address lies in, empty if that is not told."""
        return next((each.name for each in self.sections if 0 <= address - each.address < each.size), b"")

    def contents(self, section: Section) -> bytes:
        """The bytes of a section in the file."""
        return self.read_at(section.offset, section.size)

    def data_symbol(self, name: bytes) -> int | None:
        """The address of a symbol that the file shows to others."""
        if name not in self._data_symbols:
            self._data_symbols[name] = self._find_data_symbol(name)
        return self._data_symbols[name]

    def _find_data_symbol(self, name: bytes) -> int | None:
        table = self.section(b".dynsym")
        if table is None or table.link >= len(self.sections):
            return None
        strings = self.contents(self.sections[table.link])
        place = strings.find(b"\0" + name + b"\0") + 1
        if place == 0:
            return None
        symbols = self.contents(table)
        whole = len(symbols) - len(symbols) % _SYMBOL.size
        for at, _, _, section, value, _ in islice(_SYMBOL.iter_unpack(symbols[:whole]), _MOST_SYMBOLS):
            if at == place and section:
                return int(value)
        return None

    def function_at(self, address: int) -> str:
        """The name of the function that an address lies in, "" if no symbol tells."""
        starts, symbols, names = self._known_functions()
        end = bisect_right(starts, address)
        if end == 0:
            return ""
        first = bisect_left(starts, starts[end - 1], max(0, end - _MOST_ALIASES), end)
        found = [
            names[place : place + _LONGEST_NAME].partition(b"\0")[0].decode(errors="backslashreplace")
            for size, place in symbols[first:end]
            if address < starts[first] + size
        ]
        return min(found, key=_plainness, default="")

    def function_range(self, address: int) -> range | None:
        """The addresses of the function that one of them belongs to, None if no symbol tells."""
        starts, symbols, _ = self._known_functions()
        end = bisect_right(starts, address)
        if end == 0:
            return None
        # Of several that begin there the last one is the longest or as long: they are sorted.
        found = range(starts[end - 1], starts[end - 1] + symbols[end - 1][0])
        return found if address in found else None

    def function_ranges(self) -> list[tuple[int, int]]:
        """Where each function begins and how long it is, ascending, as far as symbols tell."""
        starts, symbols, _ = self._known_functions()
        return [(start, size) for start, (size, _) in zip(starts, symbols, strict=True)]

    def _known_functions(self) -> tuple[list[int], list[tuple[int, int]], bytes]:
        if self._functions is None:
            self._functions = self._read_functions()
        return self._functions

    def _read_functions(self) -> tuple[list[int], list[tuple[int, int]], bytes]:
        """The starts of all functions, ascending, with their sizes and the places of their names; and the names."""
        table = self.section(b".symtab") or self.section(b".dynsym")
        if table is None or table.link >= len(self.sections):
            return [], [], b""
        symbols = self.contents(table)
        whole = len(symbols) - len(symbols) % _SYMBOL.size
        found = sorted(
            (value, size, place)
            for place, info, _, section, value, size in islice(_SYMBOL.iter_unpack(symbols[:whole]), _MOST_SYMBOLS)
            if info & 15 in (_STT_FUNC, _STT_GNU_IFUNC) and section and size
        )
        return (
            [value for value, _, _ in found],
            [(size, place) for _, size, place in found],
            self.contents(self.sections[table.link]),
        )

    def _read_segments(self, at: int, count: int) -> None:
        table = self.read_at(at, count * _SEGMENT.size)
        for kind, flags, offset, address, _, size, _ in _SEGMENT.iter_unpack(table[: len(table) // 56 * 56]):
            if kind == _PT_LOAD:
                self.segments.append(Segment(offset, address, size, bool(flags & _PF_X)))
            elif kind == _PT_GNU_EH_FRAME:
                self.unwinding = address

    def _read_sections(self, at: int, count: int, names: int) -> None:
        table = self.read_at(at, count * _SECTION.size)
        entries = list(_SECTION.iter_unpack(table)) if len(table) == count * _SECTION.size else []
        if not entries:
            return
        texts = self.read_at(entries[names][4], entries[names][5])
        self.sections = [
            Section(
                texts[name : name + 64].partition(b"\0")[0],
                flags,
                address,
                offset,
                0 if kind == _SHT_NOBITS else size,
                link,
            )
            for name, kind, flags, address, offset, size, link, _ in entries
        ]


def _plainness(name: str) -> tuple[int, int, str]:
    """Of several names of a function the one that its callers write comes first: open64 before __open64."""
    return len(name) - len(name.lstrip("_")), len(name), name
