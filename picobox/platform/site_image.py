"""An ELF image in memory as the finder of call sites sees it: its code in parts, and every place that names code."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from operator import attrgetter
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from picobox.platform.eh_frame import DamagedError, frames_of
from picobox.platform.elf import ElfFile, FileKey
from picobox.platform.site_code import Part, constants_among
from picobox.platform.sites import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHF_ALLOC_EXECUTE = 0x2 | 0x4
_ET_EXEC, _ET_DYN = 2, 3
_HEADER = Struct("<16xHH4xQ")
_X86_64 = 62
_MOST_CODE = 1 << 26
_MOST_PARTS = 1 << 19
_MOST_REFINED = 1 << 12
_MOST_TABLE_ENTRIES = 1 << 20
_ENTRY = Struct("<i")
_address_of = attrgetter("address")


class Region(NamedTuple):
    """Bytes of a file that are loaded to one place; `address` is where they were linked to."""

    address: int
    offset: int
    data: bytes


class Image(ElfFile):
    """An image by its bytes. Raises UnreadableError if it is no program or library for x86-64, or is damaged."""

    def __init__(self, data: bytes) -> None:
        """Read the tables that tell where functions begin."""
        self._data = data
        self._parts: list[Part] = []
        self._ends: list[int] = []
        self._refined = 0
        super().__init__(b"", FileKey(0, 0, len(data), 0))
        if len(data) < 64 or not self.segments:
            raise UnreadableError("the image is no ELF file of 64 bits that is loaded")
        kind, machine, self._entry = _HEADER.unpack_from(data)
        if kind not in (_ET_EXEC, _ET_DYN) or machine != _X86_64:
            raise UnreadableError("the image is no program or library for x86-64")
        self.is_fixed = kind == _ET_EXEC
        self.code = self._code_regions()
        self.loaded = [self._region(each.address, each.offset, each.size) for each in self.segments]
        try:
            self._frames = frames_of(self)
        except DamagedError as damage:
            raise UnreadableError(f"the image's unwind table is damaged: {damage}") from damage

    def read_at(self, offset: int, size: int) -> bytes:
        """So many bytes of the image, fewer at its end."""
        return self._data[offset : offset + size]

    def parts(self) -> list[Part]:
        """All code, in parts that begin where a function begins, as far as tables tell; finer where that was asked."""
        if not self._parts:
            entries = sorted(self.entries())
            if len(entries) > _MOST_PARTS:
                raise UnreadableError("the image has more functions than programs have")
            for region in self.code:
                self._parts += _split(Part(region.address, region.data, is_entry=True), entries)
        return self._parts

    def refine(self, part: Part, calls: set[int]) -> list[Part]:
        """Have one that is not all instructions in parts: what is no code is between the ends and begins of functions.

        `calls`: what calls lead to, which is where functions begin of which no table tells.
        """
        if not self._ends:
            ends = {each.start + each.size for each in self._frames}
            self._ends = sorted(ends.union(start + size for start, size in self.function_ranges()))
        self._refined += 1
        if self._refined > _MOST_REFINED:
            raise UnreadableError("the image has more data amid its code than programs have")
        finer = [
            each._replace(is_entry=each.address in calls or (part.is_entry and each.address == part.address))
            for each in _split(part, sorted(calls.union(_between(self._ends, part))))
        ]
        at = bisect_left(self._parts, part.address, key=_address_of)
        self._parts[at : at + 1] = finer
        return finer

    def entries(self) -> set[int]:
        """Where functions begin, as far as tables tell."""
        found = {start for start, _ in self.function_ranges()}
        # An unwinder looks for the frame of the byte before the one to return to. A handler returns to the first one of
        # the code that ends it, so the entry of that code begins a byte early.
        found.update(each.start + each.is_of_signal for each in self._frames)
        found.add(self._entry)
        return found

    def landing_pads(self) -> set[int]:
        """Where exceptions and cancellation go on."""
        return {landing for each in self._frames for landing in each.landings}

    def named(self, wanted: set[int]) -> set[int]:
        """Which of some addresses stand anywhere in what is loaded: relocations and pointers, or constants of code.

        Any bytes outside of code count that could be such an address, whatever they are.
        """
        width, form = (4, "I") if self.is_fixed else (8, "Q")
        found: set[int] = set()
        in_code: dict[Part, dict[int, int]] = {}
        for region in self.loaded:
            for shift in range(width):
                data = memoryview(region.data)[shift:]
                numbers = data[: len(data) // width * width].cast(form)  # type: ignore[call-overload]
                for address in wanted.intersection(numbers):
                    for at in _places(region.data, address.to_bytes(width, "little")):
                        part = self._part_at(region.address + at)
                        if part is None:
                            found.add(address)
                        else:
                            in_code.setdefault(part, {})[region.address + at] = address
        for part, places in in_code.items():
            found.update(places[at] for at in constants_among(part, set(places)))
        return found

    def _part_at(self, address: int) -> Part | None:
        """The part of code that an address lies in."""
        parts = self.parts()
        at = bisect_right(parts, address, key=_address_of) - 1
        part = parts[at] if at >= 0 else None
        return part if part is not None and address < part.address + len(part.code) else None

    def table_targets(self, bases: Iterable[int]) -> set[int]:
        """Where jump tables may lead that hold distances from their own begin: compilers' form for switches.

        `bases` are all addresses that code takes. What lies at one is a table as long as its distances lead to code.
        """
        found: set[int] = set()
        left = _MOST_TABLE_ENTRIES
        for base in bases:
            for region in self.loaded:
                at = base - region.address
                if not 0 <= at < len(region.data):
                    continue
                while at + 4 <= len(region.data):
                    target = base + _ENTRY.unpack_from(region.data, at)[0]
                    if not self.is_code(target):
                        break
                    found.add(target)
                    at += 4
                    left -= 1
                    if left == 0:
                        raise UnreadableError("the image has more jump tables than programs have")
        return found

    def is_code(self, address: int) -> bool:
        """Whether an address lies in code."""
        return any(0 <= address - region.address < len(region.data) for region in self.code)

    def offset_of(self, address: int) -> int:
        """Where in the file the code at an address is."""
        region = next(each for each in self.code if 0 <= address - each.address < len(each.data))
        return region.offset + address - region.address

    def _region(self, address: int, offset: int, size: int) -> Region:
        return Region(address, offset, self.read_at(offset, size))

    def _code_regions(self) -> list[Region]:
        """The sections of code, or whole segments where no sections are told that can be believed."""
        segments = [each for each in self.segments if each.is_executable]
        sections = [
            each for each in self.sections if each.size and each.flags & _SHF_ALLOC_EXECUTE == _SHF_ALLOC_EXECUTE
        ]
        believed = all(
            any(
                0 <= each.address - segment.address == each.offset - segment.offset
                and each.address + each.size <= segment.address + segment.size
                for segment in segments
            )
            for each in sections
        )
        chosen = sections if sections and believed else segments
        regions = sorted(self._region(each.address, each.offset, each.size) for each in chosen)
        if sum(len(each.data) for each in regions) > _MOST_CODE:
            raise UnreadableError("the image has more code than is looked at")
        if any(first.address + len(first.data) > second.address for first, second in pairwise(regions)):
            raise UnreadableError("parts of the image's code lie over each other")
        return regions


def _places(data: bytes, number: bytes) -> Iterator[int]:
    at = data.find(number)
    while at >= 0:
        yield at
        at = data.find(number, at + 1)


def _between(borders: list[int], part: Part) -> list[int]:
    """Those of ascending addresses that lie in a part, without its first one."""
    return borders[bisect_right(borders, part.address) : bisect_left(borders, part.address + len(part.code))]


def _split(part: Part, borders: list[int]) -> Iterator[Part]:
    """A part in parts, at some of ascending addresses; they are entries, as the first one is if the part is."""
    end = part.address + len(part.code)
    for start, stop in pairwise((part.address, *_between(borders, part), end)):
        is_entry = start != part.address or part.is_entry
        yield Part(start, part.code[start - part.address : stop - part.address], is_entry)
