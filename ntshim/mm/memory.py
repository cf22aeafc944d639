"""The memory of a process, as far as views make it: which bytes lie where, and who sees what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.mm.protection import PAGE_EXECUTE_WRITECOPY, PAGE_WRITECOPY, protection_of
from ntshim.mm.views import HIGHEST_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.mm.backing import Backing
    from ntshim.mm.views import View
    from ntshim.ps.process import Process

LARGEST_COPY = 1 << 28  # bytes that one call copies at most: they are in memory twice
_COPIED = (PAGE_WRITECOPY, PAGE_EXECUTE_WRITECOPY)


def read(process: Process, address: int, length: int) -> bytes:
    """Read; the statuses are those of NtReadVirtualMemory."""
    found = []
    for view, offset, count in list(_parts(process, address, length)):
        if not protection_of(view.protection).is_readable:
            raise st.NtError(st.STATUS_PARTIAL_COPY)
        found.append(view.copies.over(_backing(view).read(offset, count), offset))
    return b"".join(found)


def write(process: Process, address: int, data: bytes) -> int:
    """Write; the statuses are those of NtWriteVirtualMemory."""
    parts = list(_parts(process, address, len(data)))
    for view, offset, count in parts:
        _backing(view)
        if not _is_writable(view, offset, count):
            raise st.NtError(st.STATUS_PARTIAL_COPY)
    done = 0
    for view, offset, count in parts:
        written = data[done : done + count]
        if view.section.is_image or view.protection in _COPIED:
            view.copies.write_over(_backing(view), offset, written)
        else:
            _backing(view).write(offset, written)
        done += count
    return done


def _parts(process: Process, address: int, length: int) -> Iterator[tuple[View, int, int]]:
    """Take a range apart into a view, the offset in its section, and how many bytes of it."""
    if address < 0 or length < 0 or address + length > HIGHEST_ADDRESS + 1:
        raise st.NtError(st.STATUS_ACCESS_VIOLATION)
    if process.provider is not None:
        raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
    if length > LARGEST_COPY:
        raise st.NtError(st.STATUS_INSUFFICIENT_RESOURCES)
    end = address + length
    while address < end:
        view = process.views.find(address) if process.views is not None else None
        if view is None:
            raise st.NtError(st.STATUS_PARTIAL_COPY)
        count = min(end, view.end) - address
        yield view, view.offset + address - view.base, count
        address += count


def _backing(view: View) -> Backing:
    """Give what is behind a view, unless only the host knows."""
    if view.section.backing is None:
        raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
    return view.section.backing


def _is_writable(view: View, offset: int, length: int) -> bool:
    """Whether a view lets a range of its section be written, for all or for itself."""
    if view.section.image is not None:
        return view.section.image.is_writable(offset, length)
    return view.protection in _COPIED or protection_of(view.protection).is_writable
