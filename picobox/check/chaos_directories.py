"""Listings of directories in another order: the same for the same seed and names, and none that a file system has."""

from __future__ import annotations

import struct
from errno import EINVAL
from hashlib import blake2b
from typing import TYPE_CHECKING

from ntshim.io.file import File
from ntshim.ob.handles import index_to_handle
from ntshim.status import NtError
from picobox.platform.listing import entries_of
from picobox.task import fd_index

if TYPE_CHECKING:
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.platform.listing import Entry
    from picobox.windows import WindowsRules

_SEEK_SET, _SEEK_CUR = 0, 1
_HEAD = struct.Struct("<QqH")  # d_ino, d_off, d_reclen
_ALIGNMENT = 8
_MOST_LISTINGS = 256
_MOST_LENGTH = 1 << 20  # of a buffer that is filled at once


class _Listing:
    """What an open directory gives, and where it stands: the number of the next entry."""

    __slots__ = ("entries", "position")

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.position = 0


class ShuffledDirectories:
    """Gives the entries of directories on drives itself, the whole listing shuffled whatever the buffers' sizes are."""

    rows = frozenset(("getdents", "getdents64", "lseek"))

    def __init__(self, seed: int) -> None:
        """Let `seed` choose the order."""
        self._seed = seed
        self._listings: dict[File, _Listing] = {}

    def meet(self, call: Call, row: Row, windows: WindowsRules) -> None:
        """Serve a call about a directory; others are the kernel's."""
        if row.name == "lseek":
            self._seek(call)
        else:
            self._read(call, windows, is_64=row.name == "getdents64")

    def begins_anew(self, call: Call) -> None:
        """What was served is over."""

    def _file(self, call: Call, *, make: bool) -> File | None:
        """The open file behind a call's descriptor; it is looked for in the kernel only if that is asked for."""
        fd = call.stop.args[0] & 0xFFFFFFFF
        handles = call.thread.process.handles
        try:
            entry = handles.look_up(index_to_handle(fd_index(fd))) if make else handles.peek(fd_index(fd))
        except NtError:
            return None
        return entry.object if entry is not None and isinstance(entry.object, File) else None

    def _seek(self, call: Call) -> None:
        """The positions of a shuffled listing are its own."""
        file = self._file(call, make=False) if self._listings else None
        listing = None if file is None else self._listings.get(file)
        if listing is None or file is None:
            return
        offset, whence = _signed(call.stop.args[1]), call.stop.args[2] & 0xFFFFFFFF
        if whence == _SEEK_CUR:
            offset += listing.position
        elif whence != _SEEK_SET:
            return
        if offset < 0:
            call.result = -EINVAL
            return
        if offset == 0:
            del self._listings[file]  # the next listing is a new one, from the kernel's beginning
            return
        listing.position = call.result = offset

    def _read(self, call: Call, windows: WindowsRules, *, is_64: bool) -> None:
        file = self._file(call, make=True)
        if file is None:
            return
        listing = self._listings.get(file)
        if listing is None:
            found = self._entries(call, windows)
            if found is None:
                return
            if len(self._listings) >= _MOST_LISTINGS:
                self._listings = {other: kept for other, kept in self._listings.items() if other.handle_count}
            listing = self._listings[file] = _Listing(found)
        address, size = call.stop.args[1], min(call.stop.args[2] & 0xFFFFFFFF, _MOST_LENGTH)
        data, position = _fill(listing, size, is_64=is_64)
        if not data and position < len(listing.entries):
            call.result = -EINVAL  # no room for the next one (man 2 getdents)
            return
        if data:
            call.memory.write(address, data)
        listing.position = position
        call.result = len(data)

    def _entries(self, call: Call, windows: WindowsRules) -> list[Entry] | None:
        """The shuffled entries of a directory on a drive; None if the descriptor is for no such thing."""
        found = entries_of(call.stop.tid, call.stop.args[0] & 0xFFFFFFFF)
        if found is None or not windows.is_on_drive(found.path):
            return None
        return sorted(found.entries, key=lambda entry: _rank(self._seed, entry.name))


def _rank(seed: int, name: bytes) -> bytes:
    return blake2b(name, digest_size=8, salt=(seed & (1 << 64) - 1).to_bytes(8, "little")).digest()


def _fill(listing: _Listing, size: int, *, is_64: bool) -> tuple[bytes, int]:
    """The records that fit into a buffer, and the position behind them; d_off is the position behind each."""
    data = bytearray()
    position = listing.position
    for entry in listing.entries[position:]:
        record = _record(entry, position + 1, is_64=is_64)
        if len(data) + len(record) > size:
            break
        data += record
        position += 1
    return bytes(data), position


def _record(entry: Entry, offset: int, *, is_64: bool) -> bytes:
    """A struct linux_dirent64, or a linux_dirent, whose last byte is the type (man 2 getdents)."""
    kind = bytes((entry.kind,))
    body = kind + entry.name + b"\0" if is_64 else entry.name + b"\0"
    length = -(-(_HEAD.size + len(body) + (not is_64)) // _ALIGNMENT) * _ALIGNMENT
    head = _HEAD.pack(entry.inode, offset, length)
    if is_64:
        return (head + body).ljust(length, b"\0")
    return (head + body).ljust(length - 1, b"\0") + kind


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
