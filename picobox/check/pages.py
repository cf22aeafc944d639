"""The memory of a stopped guest, page by page: each is read once a stop, and what cannot be read is zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from struct import Struct
    from typing import Any

    from picobox.platform.base import FramesForm, GuestMemory

PAGE = 4096
_OFFSET = PAGE - 1
_USER_END = 1 << 47
_NOTHING = bytes(PAGE)
# What a guest can make us read at one stop.
_MOST_PAGES = 512


class Pages:
    """What a guest's memory holds while it is stopped.

    Nothing in it is to be trusted. No address is refused: where nothing is mapped, and after too many pages, all is
    zero, which is no pointer, no length and no character.
    """

    __slots__ = ("_memory", "_pages")

    def __init__(self, memory: GuestMemory, expected: Sequence[int] = ()) -> None:
        """Read pages that are likely to be needed, by their addresses, at once."""
        self._memory = memory
        self._pages: dict[int, bytes] = {}
        if expected:
            data = memory.read_blocks(expected, PAGE)
            self._pages = {
                page: data[at : at + PAGE] for page, at in zip(expected, range(0, len(data), PAGE), strict=True)
            }

    def known(self) -> Iterable[int]:
        """The addresses of the pages that were read."""
        return self._pages

    def unpack(self, form: Struct, address: int) -> tuple[Any, ...]:
        """The fields of a structure."""
        offset = address & _OFFSET
        if offset + form.size <= PAGE:
            page = self._pages.get(address - offset)
            return form.unpack_from(self._page(address - offset) if page is None else page, offset)
        return form.unpack(self.read(address, form.size))

    def read(self, address: int, size: int) -> bytes:
        """That many bytes, which are not more than a few pages."""
        offset = address & _OFFSET
        if offset + size <= PAGE:
            return self._page(address - offset)[offset : offset + size]
        pages = range(address - offset, address + size, PAGE)
        return b"".join(map(self._page, pages))[offset : offset + size]

    def blocks(self, addresses: Sequence[int], size: int) -> list[bytes]:
        """Blocks of the same size, read in one go; they are not kept."""
        data = self._memory.read_blocks([address % _USER_END for address in addresses], size)
        return [data[at * size : at * size + size] for at in range(len(addresses))]

    def structures(self, form: Struct, addresses: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """The fields of structures of one form, read in one go; they are not kept."""
        return form.iter_unpack(self._memory.read_blocks([address % _USER_END for address in addresses], form.size))

    def frames(self, form: FramesForm, innermost: int, limit: int) -> bytes | None:
        """The rows of a list of frames (GuestMemory.read_frames), which are not kept."""
        return self._memory.read_frames(form, innermost, limit)

    def string(self, address: int, limit: int) -> bytes:
        """The bytes before the first zero, at most so many."""
        data = self.read(address, limit)
        return data.partition(b"\0")[0]

    def _page(self, address: int) -> bytes:
        found = self._pages.get(address)
        if found is None:
            readable = 0 < address < _USER_END and len(self._pages) < _MOST_PAGES
            found = self._memory.read_blocks((address,), PAGE) if readable else _NOTHING
            if readable:
                self._pages[address] = found
        return found
