"""What code a guest has mapped: which module an address lies in, and at which of the module's own addresses."""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from picobox.check.cfi import Unwinding
from picobox.findings.finding import Frame
from picobox.platform.dwarf import SourceLines
from picobox.platform.elf import ElfFile, FileKey
from picobox.platform.mapped import CodeMapping, code_of, file_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.check.pages import Pages
    from picobox.platform.base import HostTid

_PAGE_BITS = 12
_MOST_FILES = 256
_MOST_NAMES = 1024
# Of those whose debug sections are kept, which may be large.
_MOST_WITH_LINES = 4
# Pages outside every module that were met; each lets us look once more for what was mapped meanwhile.
_MOST_STRANGERS = 256
# Of a file's start, and of its code: there are the ELF header and, where linkers put it, the build id.
_HEAD = 1024


class Module(NamedTuple):
    """An executable mapping of a file. `bias`: how far its addresses lie from those that it was linked to.

    `file` and its `rules` are None if it cannot be read any more or is no ELF file: `bias` leads to offsets in it.
    `header` is where the start of the file is mapped if it is; `head` what was there, and at `start`, when we looked.
    """

    start: int
    end: int
    bias: int
    path: str
    file: ElfFile | None
    rules: Unwinding | None
    header: int
    head: bytes


class Files:
    """The ELF files that guests have mapped, each read once for all of them."""

    def __init__(self) -> None:
        """None is known."""
        self._files: dict[tuple[bytes, FileKey], tuple[ElfFile, Unwinding]] = {}
        # By the path in the guest; None where several files had the same one.
        self._named: dict[str, ElfFile | None] = {}
        self._lines: dict[FileKey, SourceLines] = {}

    def get(self, name: str, path: bytes, key: FileKey) -> tuple[ElfFile, Unwinding]:
        """A file that guests call `name` and its call frame information, read if it is not known."""
        found = self._files.get((path, key))
        if found is None:
            if len(self._files) >= _MOST_FILES:
                del self._files[next(iter(self._files))]
            file = ElfFile(path, key)
            found = self._files[path, key] = file, Unwinding(file)
            if len(self._named) >= _MOST_NAMES:
                del self._named[next(iter(self._named))]
            known = self._named.setdefault(name, file)
            if known is None or known.key != key:
                self._named[name] = None
        return found

    def located(self, frame: Frame) -> Frame:
        """A frame of a module with the function and the source line, as far as the module tells."""
        file = self._named.get(frame.file)
        if file is None or frame.offset is None:
            return frame
        function = file.function_at(frame.offset - 1)
        if file.key not in self._lines:
            if len(self._lines) >= _MOST_WITH_LINES:
                del self._lines[next(iter(self._lines))]
            self._lines[file.key] = SourceLines(file)
        source = self._lines[file.key].at(frame.offset - 1)
        return frame._replace(function=function) if source is None else Frame(source.file, function, source.line)


class Modules:
    """The modules of one address space, as they were when we last looked."""

    def __init__(self, files: Files, tid: HostTid, pages: Pages, original: Callable[[int, int], int]) -> None:
        """Look at what a task has mapped. `original`: see Platform.original."""
        self._files = files
        self._original = original
        self._strangers: set[int] = set()
        self.all: list[Module] = []
        self._starts: list[int] = []
        self._load(tid, pages)

    def at(self, address: int) -> Module | None:
        """The module that an address lies in."""
        found = bisect_right(self._starts, address) - 1
        if found < 0:
            return None
        module = self.all[found]
        return module if address < module.end else None

    @property
    def span(self) -> tuple[int, int]:
        """The lowest and the highest address of all modules."""
        return (self.all[0].start, self.all[-1].end) if self.all else (0, 0)

    def look_again(self, tid: HostTid, pages: Pages, strangers: set[int]) -> bool:
        """Look what is mapped, because of addresses in no known module; false if that was done for all of them."""
        new = {address >> _PAGE_BITS for address in strangers} - self._strangers
        if not new or len(self._strangers) >= _MOST_STRANGERS:
            return False
        self._load(tid, pages)
        self._strangers |= new
        return True

    def have_changed(self, tid: HostTid, pages: Pages, used: Sequence[Module]) -> bool:
        """Whether something else is mapped where some modules were; if so, look what is mapped."""
        heads = _heads(pages, [(module.start, module.header) for module in used])
        if all(module.head == head for module, head in zip(used, heads, strict=True)):
            return False
        self._load(tid, pages)
        return True

    def _load(self, tid: HostTid, pages: Pages) -> None:
        mappings = code_of(tid, self._original)
        heads = _heads(pages, [(mapping.start, mapping.start - mapping.offset) for mapping in mappings])
        self.all = [self._module(tid, mapping, head) for mapping, head in zip(mappings, heads, strict=True)]
        self._starts = [module.start for module in self.all]

    def _module(self, tid: HostTid, mapping: CodeMapping, head: bytes) -> Module:
        path, header = os.fsdecode(mapping.path), mapping.start - mapping.offset
        found = file_of(tid, mapping)
        if found is not None:
            file, rules = self._files.get(path, *found)
            address = file.address_of(mapping.offset)
            if address is not None:
                return Module(mapping.start, mapping.end, mapping.start - address, path, file, rules, header, head)
        return Module(mapping.start, mapping.end, header, path, None, None, header, head)


def _heads(pages: Pages, places: Sequence[tuple[int, int]]) -> list[bytes]:
    """What the memory at both addresses of each place begins with."""
    blocks = pages.blocks([address for place in places for address in place], _HEAD)
    return [code + header for code, header in zip(blocks[::2], blocks[1::2], strict=True)]
