"""An ELF image in memory as the finder of call sites sees it: its code in parts, and every place that names code."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import PicoboxError
from picobox.platform.eh_frame import DamagedError, frames_of
from picobox.platform.elf import ElfFile, FileKey
from picobox.platform.site_code import Part, is_constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHF_ALLOC_EXECUTE = 0x2 | 0x4
_ET_EXEC, _ET_DYN = 2, 3
_HEADER = Struct("<16xHH4xQ")
_X86_64 = 62
_MOST_CODE = 1 << 26
_MOST_PARTS = 1 << 19
_MOST_TABLE_ENTRIES = 1 << 20
_ENTRY = Struct("<i")


class UnreadableError(PicoboxError):
    """An image whose code cannot be told from its data for sure."""


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
        self._parts: list[Part] | None = None
        self._starts: list[int] = []
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

    def parts(self) -> Iterator[Part]:
        """All code, in parts that begin where a function begins, as far as tables tell."""
        entries = self.entries()
        if len(entries) > _MOST_PARTS:
            raise UnreadableError("the image has more functions than programs have")
        for region in self.code:
            yield from self._split(Part(region.address, region.data, is_entry=True), entries)

    def finer_parts(self, part: Part, calls: set[int]) -> Iterator[Part]:
        """A part that is not all instructions, in parts: between the ends and begins of functions is what is no code.

        `calls`: what calls lead to, which is where functions begin of which no table tells.
        """
        ends = {each.start + each.size for each in self._frames}
        ends.update(start + size for start, size in self.function_ranges())
        for each in self._split(part, calls | ends):
            yield each._replace(is_entry=each.address in calls or (each.is_entry and each.address == part.address))

    @staticmethod
    def _split(part: Part, borders: set[int]) -> Iterator[Part]:
        end = part.address + len(part.code)
        inside = sorted(each for each in borders if part.address < each < end)
        for start, stop in pairwise((part.address, *inside, end)):
            yield Part(start, part.code[start - part.address : stop - part.address], start in borders or part.is_entry)

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
        for region in self.loaded:
            for shift in range(width):
                data = memoryview(region.data)[shift:]
                numbers = data[: len(data) // width * width].cast(form)  # type: ignore[call-overload]
                for address in wanted.intersection(numbers) - found:
                    if self._is_named(region, address.to_bytes(width, "little")):
                        found.add(address)
        return found

    def _is_named(self, region: Region, number: bytes) -> bool:
        """Whether a number is in a region as more than a chance of what other instructions consist of."""
        at = region.data.find(number)
        while at >= 0:
            part = self._part_at(region.address + at)
            if part is None or is_constant(part, region.address + at):
                return True
            at = region.data.find(number, at + 1)
        return False

    def _part_at(self, address: int) -> Part | None:
        """The part of code that an address lies in."""
        if self._parts is None:
            self._parts = list(self.parts())
            self._starts = [part.address for part in self._parts]
        at = bisect_right(self._starts, address) - 1
        part = self._parts[at] if at >= 0 else None
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
