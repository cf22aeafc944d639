"""Source lines of code in ELF files, as far as they have DWARF line tables."""

from __future__ import annotations

import os.path
from bisect import bisect_right
from io import BytesIO
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.platform.elf import ElfFile, Section

_COMPRESSED = 0x800
_COMPRESSION_HEADER = Struct("<8xQ8x")
# What may be read of a file that its guest may have made: bytes of the file, of its debug sections once they are
# expanded, of one line table; and units that are looked at for an address.
_MOST_FILE = 1 << 26
_MOST_DEBUG = 1 << 27
_MOST_TABLE = 1 << 22
_MOST_UNITS = 1 << 14


class SourceLine(NamedTuple):
    """A line of a source file, by the path that the compiler was given, made absolute if it tells how."""

    file: str
    line: int


class SourceLines:
    """The source lines of one file."""

    def __init__(self, file: ElfFile) -> None:
        """Read the debug sections, if there are any and not too many."""
        self._tables: dict[int, _Table] = {}
        self._ranges: list[tuple[int, int, int]] | None = None
        self._dwarf: Any = None
        if file.section(b".debug_line") is None or not _is_bearable(file):
            return
        data = b"".join(file.read_at(at, _CHUNK) for at in range(0, file.key.size, _CHUNK))
        self._dwarf = _guarded(lambda: _open(data))

    def at(self, address: int) -> SourceLine | None:
        """The line that the instruction at an address of the file was made of; None if nothing tells."""
        return None if self._dwarf is None else _guarded(lambda: self._find(address))

    def _find(self, address: int) -> SourceLine | None:
        unit = self._unit_at(address)
        if unit is None:
            return None
        if unit.cu_offset not in self._tables:
            self._tables[unit.cu_offset] = _read_table(self._dwarf, unit)
        return self._tables[unit.cu_offset].at(address)

    def _unit_at(self, address: int) -> Any:
        """The compilation unit that an address belongs to."""
        aranges = self._dwarf.get_aranges()
        offset = None if aranges is None else aranges.cu_offset_at_addr(address)
        if offset is not None:
            return self._dwarf.get_CU_at(offset)
        if self._ranges is None:
            self._ranges = sorted(
                (start, end, unit.cu_offset)
                for _, unit in zip(range(_MOST_UNITS), self._dwarf.iter_CUs(), strict=False)
                for start, end in _ranges_of(self._dwarf, unit)
            )
        found = bisect_right(self._ranges, (address, 1 << 64, 0)) - 1
        if found >= 0 and address < self._ranges[found][1]:
            return self._dwarf.get_CU_at(self._ranges[found][2])
        return None


_CHUNK = 1 << 24


class _Table:
    """The rows of a line table: addresses, ascending, with file and line; None where a sequence ends."""

    def __init__(self, rows: list[tuple[int, SourceLine | None]]) -> None:
        self._rows = rows
        self._addresses = [address for address, _ in rows]

    def at(self, address: int) -> SourceLine | None:
        found = bisect_right(self._addresses, address) - 1
        return self._rows[found][1] if found >= 0 else None


def _guarded(routine: Any) -> Any:
    """The result of a routine, None if it fails: a damaged file raises anything between KeyError and zlib.error."""
    try:
        return routine()
    except Exception:  # noqa: BLE001 - the library trusts its files, we must not
        return None


def _is_bearable(file: ElfFile) -> bool:
    debug = [section for section in file.sections if section.name.startswith((b".debug_", b".zdebug_"))]
    return file.key.size <= _MOST_FILE and sum(_expanded(file, section) for section in debug) <= _MOST_DEBUG


def _expanded(file: ElfFile, section: Section) -> int:
    """The size of a section when it is no longer compressed."""
    if section.name.startswith(b".zdebug_"):
        head = file.read_at(section.offset, 12)
        return int.from_bytes(head[4:], "big")
    if not section.flags & _COMPRESSED:
        return section.size
    head = file.read_at(section.offset, _COMPRESSION_HEADER.size)
    return int(_COMPRESSION_HEADER.unpack(head)[0]) if len(head) == _COMPRESSION_HEADER.size else _MOST_DEBUG + 1


def _open(data: bytes) -> Any:
    from elftools.elf.elffile import ELFFile

    return ELFFile(BytesIO(data)).get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)


def _ranges_of(dwarf: Any, unit: Any) -> Iterator[tuple[int, int]]:
    """The addresses that a compilation unit says it covers."""
    from elftools.dwarf.ranges import BaseAddressEntry

    top = unit.get_top_DIE()
    attributes = top.attributes
    low = attributes["DW_AT_low_pc"].value if "DW_AT_low_pc" in attributes else 0
    if "DW_AT_high_pc" in attributes:
        high = attributes["DW_AT_high_pc"]
        yield low, high.value if high.form == "DW_FORM_addr" else low + high.value
    elif "DW_AT_ranges" in attributes:
        lists = dwarf.range_lists()
        base = low
        for entry in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value, unit):
            if isinstance(entry, BaseAddressEntry):
                base = entry.base_address
            else:
                start = 0 if getattr(entry, "is_absolute", False) else base
                yield start + entry.begin_offset, start + entry.end_offset


def _read_table(dwarf: Any, unit: Any) -> _Table:
    program = dwarf.line_program_for_CU(unit)
    if program is None or program.header["unit_length"] > _MOST_TABLE:
        return _Table([])
    files = _Files(program, unit)
    rows: list[tuple[int, SourceLine | None]] = []
    for entry in program.get_entries():
        state = entry.state
        if state is not None:
            rows.append((state.address, None if state.end_sequence or not state.line else files.line(state)))
    # A sequence may end where the next one begins: what begins counts.
    rows.sort(key=lambda row: (row[0], row[1] is not None))
    return _Table(rows)


class _Files:
    """The files that a line table names."""

    def __init__(self, program: Any, unit: Any) -> None:
        self._header = program.header
        self._first = 0 if program.header["version"] >= 5 else 1
        attribute = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
        self._directory = "" if attribute is None else os.fsdecode(attribute.value)
        self._paths: dict[int, str] = {}

    def line(self, state: Any) -> SourceLine:
        return SourceLine(self._path(state.file), state.line)

    def _path(self, number: int) -> str:
        if number not in self._paths:
            entry = self._header["file_entry"][number - self._first]
            directories = [os.fsdecode(each) for each in self._header["include_directory"]]
            # Until DWARF 4 the unit's directory is 0 and not listed, since 5 it is the first of the list.
            place = entry.dir_index if self._first == 0 else entry.dir_index - 1
            directory = directories[place] if place >= 0 else ""
            path = os.path.join(self._directory, directory, os.fsdecode(entry.name))
            self._paths[number] = os.path.normpath(path)
        return self._paths[number]
