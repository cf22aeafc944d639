"""Extended attributes: their record, what their names may be, how much a file holds, how they are packed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE_NEED_EA = 0x80
MAXIMUM_EA_SIZE = 0xFFFF  # bytes, of all EAs of a file as they are packed
_NAME_BYTES = 255
_VALUE_BYTES = 0xFFFF
# What FAT forbids in a name, lower case aside, which is raised; the rest of a code page is no name that all can read.
_ILLEGAL = frozenset('"*+,/:;<=>?[\\]|')
_HEADER = struct.Struct("<BBH")
_LIST_HEADER = 4


class FileFullEaInformation(NamedTuple):
    """One EA. `flags` is 0 or FILE_NEED_EA: who does not know EAs cannot understand the file."""

    flags: int
    ea_name: str
    ea_value: bytes


def check_name(name: str) -> str:
    """Give a name as it is stored, in capitals; STATUS_INVALID_EA_NAME (facts/wsl1.md section 4.2)."""
    legal = 0 < len(name) <= _NAME_BYTES and all(" " <= unit <= "~" and unit not in _ILLEGAL for unit in name)
    if not legal:
        raise st.NtError(st.STATUS_INVALID_EA_NAME)
    return name.upper()


def check(given: Iterable[FileFullEaInformation]) -> list[FileFullEaInformation]:
    """Check what a caller wants to set, and give it with names as stored.

    STATUS_INVALID_EA_NAME; STATUS_INVALID_EA_FLAG for an unknown flag; STATUS_EA_TOO_LARGE for a long value.
    """
    checked = []
    for flags, name, value in given:
        stored = check_name(name)
        if flags & ~FILE_NEED_EA:
            raise st.NtError(st.STATUS_INVALID_EA_FLAG)
        if len(value) > _VALUE_BYTES:
            raise st.NtError(st.STATUS_EA_TOO_LARGE)
        checked.append(FileFullEaInformation(flags, stored, bytes(value)))
    return checked


def merge(present: list[FileFullEaInformation], given: Iterable[FileFullEaInformation]) -> list[FileFullEaInformation]:
    """Give what a file has once checked EAs are set: an empty value removes, another one replaces or is added.

    STATUS_EA_TOO_LARGE if all together are more than MAXIMUM_EA_SIZE.
    """
    merged = {ea.ea_name: ea for ea in present}
    for ea in given:
        if ea.ea_value:
            merged[ea.ea_name] = ea
        else:
            merged.pop(ea.ea_name, None)
    attributes = list(merged.values())
    if ea_size(attributes) > MAXIMUM_EA_SIZE:
        raise st.NtError(st.STATUS_EA_TOO_LARGE)
    return attributes


def ea_size(attributes: list[FileFullEaInformation]) -> int:
    """Give what FileEaInformation tells: the bytes of the packed list with its header, 0 if there are none."""
    return len(pack(attributes)) + _LIST_HEADER if attributes else 0


def entry_size(ea: FileFullEaInformation) -> int:
    """Give the bytes of a FILE_FULL_EA_INFORMATION, without what aligns the next one."""
    return 8 + len(ea.ea_name) + 1 + len(ea.ea_value)


def pack(attributes: list[FileFullEaInformation]) -> bytes:
    """Give EAs in the form in which a medium keeps them."""
    return b"".join(
        _HEADER.pack(flags, len(name), len(value)) + name.encode("ascii") + b"\0" + value
        for flags, name, value in attributes
    )


def unpack(stored: bytes) -> list[FileFullEaInformation]:
    """Read what `pack` made; STATUS_EA_CORRUPT_ERROR for anything else."""
    attributes = []
    at = 0
    while at < len(stored):
        if at + _HEADER.size > len(stored):
            raise st.NtError(st.STATUS_EA_CORRUPT_ERROR)
        flags, name_length, value_length = _HEADER.unpack_from(stored, at)
        name_at = at + _HEADER.size
        value_at = name_at + name_length + 1
        at = value_at + value_length
        name = stored[name_at : value_at - 1]
        if not name or not name.isascii() or at > len(stored) or stored[value_at - 1] or flags & ~FILE_NEED_EA:
            raise st.NtError(st.STATUS_EA_CORRUPT_ERROR)
        attributes.append(FileFullEaInformation(flags, name.decode("ascii"), stored[value_at:at]))
    return attributes
