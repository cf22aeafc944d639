"""Lists the members of a zip archive by its central directory (APPNOTE.TXT 6.3, sections 4.3 and 4.4)."""

from __future__ import annotations

import os
import stat
from struct import Struct
from typing import IO, TYPE_CHECKING, NamedTuple

from picobox.platform.archive_members import CUT_OFF, ArchiveError, Member, member

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL = b"PK\3\4"
_CENTRAL = b"PK\1\2"
_END = b"PK\5\6"
_END64 = b"PK\6\6"
_LOCATOR64 = b"PK\6\7"

# Signature; this disk, that of the directory; entries here, in all; bytes of the directory; offset; bytes of a comment.
_END_RECORD = Struct("<4s4H2LH")
_LOCATOR_RECORD = Struct("<4sLQL")
# Signature; bytes of the record; versions; this disk, that of the directory; entries here, in all; bytes; offset.
_END64_RECORD = Struct("<4sQ2H2L4Q")
# Signature; version of the maker and its system; version, flags, method, time, date; check sum, sizes; lengths of name,
# extra field and comment; disk, attributes; attributes of the maker's system; offset.
_CENTRAL_RECORD = Struct("<4sBB5H3L5H2L")
_MOST_COMMENT = 0xFFFF
_MOST_DIRECTORY = 1 << 30
_IN_END64 = 0xFFFF_FFFF
_UTF8 = 1 << 11
_MASKED = 1 << 13
_UNIX = 3
# FAT, NTFS, VFAT: some writers there put a backslash between components, and readers take it for that.
_WINDOWS = frozenset((0, 10, 14))
_DAMAGED = "its directory is damaged"


class _Directory(NamedTuple):
    """Where the central directory ends in the file, and how many bytes it has."""

    end: int
    length: int


def looks_like_zip(file: IO[bytes]) -> bool:
    """Whether a file begins as a zip archive does, or ends as one: a program may stand before it."""
    file.seek(0)
    return file.read(4) in (_LOCAL, _END) or _tail(file)[1].rfind(_END) >= 0


def zip_members(file: IO[bytes]) -> Iterator[Member]:
    """The members, in the order of the central directory. Raises ArchiveError."""
    where = _directory(file)
    if where.length > _MOST_DIRECTORY:
        raise ArchiveError(f"its directory has over {_MOST_DIRECTORY:,} bytes")
    if where.length > where.end:
        raise ArchiveError(_DAMAGED)
    file.seek(where.end - where.length)
    data = file.read(where.length)
    place = 0
    while place < len(data):
        if len(data) - place < _CENTRAL_RECORD.size:
            raise ArchiveError(_DAMAGED)
        record = _CENTRAL_RECORD.unpack_from(data, place)
        signature, system, flags, attributes = record[0], record[2], record[4], record[16]
        start = place + _CENTRAL_RECORD.size
        end = start + record[11]
        place = end + record[12] + record[13]
        if signature != _CENTRAL or place > len(data):
            raise ArchiveError(_DAMAGED)
        if flags & _MASKED:
            raise ArchiveError("its names are encrypted")
        raw = data[start:end]
        name = raw.decode("utf-8", "surrogateescape") if flags & _UTF8 else raw.decode("cp437")
        if system in _WINDOWS:
            name = name.replace("\\", "/")
        yield member(name, link=system == _UNIX and stat.S_ISLNK(attributes >> 16))


def _tail(file: IO[bytes]) -> tuple[int, bytes]:
    """The offset and the bytes of the last part of a file, in which the record of the end must be."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END_RECORD.size - _MOST_COMMENT)
    file.seek(start)
    return start, file.read(size - start)


def _directory(file: IO[bytes]) -> _Directory:
    start, tail = _tail(file)
    found = _place_of_end(tail)
    _, disk, _, _, entries, length, offset, _ = _END_RECORD.unpack_from(tail, found)
    if disk not in (0, 0xFFFF):
        raise ArchiveError("it is one part of several")
    if entries != 0xFFFF and _IN_END64 not in (length, offset):
        return _Directory(start + found, length)
    return _directory64(file, start + found) or _Directory(start + found, length)


def _place_of_end(tail: bytes) -> int:
    """Where the last record of the end is whose comment ends with the file, else the last one: data may follow it."""
    last = found = tail.rfind(_END, 0, len(tail) - _END_RECORD.size + len(_END))
    if found < 0:
        raise ArchiveError(CUT_OFF)
    while found >= 0:
        if found + _END_RECORD.size + _END_RECORD.unpack_from(tail, found)[-1] == len(tail):
            return found
        found = tail.rfind(_END, 0, found)
    return last


def _directory64(file: IO[bytes], end: int) -> _Directory | None:
    """The directory as the record of the end of a large archive has it; None if there is no such record."""
    records = end - _LOCATOR_RECORD.size - _END64_RECORD.size
    if records < 0:
        return None
    file.seek(records)
    data = file.read(end - records)
    locator = _LOCATOR_RECORD.unpack_from(data, _END64_RECORD.size)
    record = _END64_RECORD.unpack_from(data)
    if locator[0] != _LOCATOR64 or record[0] != _END64:
        return None
    return _Directory(records, record[8])
