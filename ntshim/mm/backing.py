"""What is behind the pages of a section: a file's data, an image in a file, or memory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ntshim import status as st
from ntshim.mm.protection import PAGE_SIZE

if TYPE_CHECKING:
    from ntshim.io.file import File
    from ntshim.mm.image import Image


class Backing(Protocol):
    """Bytes by their offset in a section. Offsets are of pages that the section has."""

    def read(self, offset: int, length: int) -> bytes:
        """Give that many bytes; what nothing has been stored for is zero."""

    def write(self, offset: int, data: bytes) -> None:
        """Change bytes for everybody."""


class Pages:
    """Pages that were written to, by number. Backs a section of the page file; a view keeps its own copies so."""

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        """Begin with zeros."""
        self._pages: dict[int, bytearray] = {}

    def read(self, offset: int, length: int) -> bytes:
        """Read."""
        return self.over(bytes(length), offset)

    def write(self, offset: int, data: bytes) -> None:
        """Write."""
        self.write_over(None, offset, data)

    def over(self, below: bytes, offset: int) -> bytes:
        """Give bytes that lie at `offset`, with what these pages have instead."""
        if not self._pages:
            return below
        found = bytearray(below)
        for number in range(offset // PAGE_SIZE, -(-(offset + len(below)) // PAGE_SIZE)):
            page = self._pages.get(number)
            if page is not None:
                start, end = number * PAGE_SIZE - offset, (number + 1) * PAGE_SIZE - offset
                found[max(start, 0) : end] = page[max(-start, 0) : len(below) - start]
        return bytes(found)

    def write_over(self, below: Backing | None, offset: int, data: bytes) -> None:
        """Write; a page that is not here yet is first copied from what lies below, or is zero."""
        while data:
            number, start = divmod(offset, PAGE_SIZE)
            page = self._pages.get(number)
            if page is None:
                page = bytearray(PAGE_SIZE if below is None else below.read(number * PAGE_SIZE, PAGE_SIZE))
                self._pages[number] = page
            done = min(len(data), PAGE_SIZE - start)
            page[start : start + done] = data[:done]
            offset, data = offset + done, data[done:]


class FileData:
    """The data of a file: reads see what is written to the file, and the other way round. Locks do not matter here."""

    __slots__ = ("_file",)

    def __init__(self, file: File) -> None:
        """Stand for a file that whoever uses this holds a reference on."""
        self._file = file

    def read(self, offset: int, length: int) -> bytes:
        """Read; behind the end of the file the last page is zero."""
        return read_file(self._file, offset, length).ljust(length, b"\0")

    def write(self, offset: int, data: bytes) -> None:
        """Write; what lies behind the end of the file is lost, as it is when the page leaves memory."""
        device = self._file.device
        if device is None:
            raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
        there = data[: len(read_file(self._file, offset, len(data)))]
        if there:
            device.page_out(self._file, offset, there)


class ImageData:
    """An image in a file, spread as its headers say; nobody changes it for others."""

    __slots__ = ("_file", "_image")

    def __init__(self, file: File, image: Image) -> None:
        """Stand for an image."""
        self._file = file
        self._image = image

    def read(self, offset: int, length: int) -> bytes:
        """Read."""
        found = bytearray(length)
        for segment in self._image.segments:
            start = max(offset, segment.address)
            count = min(offset + length, segment.address + segment.file_size) - start
            if count > 0:
                data = read_file(self._file, segment.file_offset + start - segment.address, count)
                found[start - offset : start - offset + len(data)] = data
        return bytes(found)

    def write(self, offset: int, data: bytes) -> None:  # noqa: ARG002
        """Refuse: a view of an image writes to copies."""
        raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)


def read_file(file: File, offset: int, length: int) -> bytes:
    """Read from a file, nothing at its end or if what was mapped of it is gone."""
    if file.device is None:
        raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
    try:
        return file.device.page_in(file, offset, length)
    except st.NtError as error:
        if error.status == st.STATUS_FILE_DELETED:
            return b""
        raise
