"""The executables of tasks: which file a task runs, and the parts of it that tell how it was made."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.platform.base import HostTid

_ELF64_LITTLE = b"\x7fELF\x02\x01"
# Of the ELF header: section table's offset; a section's size, their number, that of the one with their names.
_SECTIONS = struct.Struct("<40xQ10x3H")
_SECTION = struct.Struct("<II8x8xQQ24x")
_MOST_SECTIONS = 256
_MOST_BYTES = 1 << 23  # of a section


class ImageKey(NamedTuple):
    """Tells executables apart, also when one is replaced."""

    device: int
    inode: int
    changed: int


def key_of(tid: HostTid) -> ImageKey | None:
    """Which executable a task runs; None if that cannot be seen."""
    try:
        found = os.stat(f"/proc/{tid}/exe")
    except OSError:
        return None
    return ImageKey(found.st_dev, found.st_ino, found.st_mtime_ns)


def path_of(tid: HostTid) -> bytes:
    """Which executable a task runs, by its path; empty if that cannot be seen."""
    try:
        return os.readlink(b"/proc/%d/exe" % tid)
    except OSError:
        return b""


def names_of(tid: HostTid) -> tuple[bytes, ...]:
    """The names by which a task's executable goes: its file's, and the one that it was called by."""
    names = []
    try:
        names.append(os.path.basename(os.readlink(b"/proc/%d/exe" % tid)))
        with open(f"/proc/{tid}/cmdline", "rb") as command:
            names.append(os.path.basename(command.read(4096).split(b"\0", 1)[0]))
    except OSError:
        pass
    return tuple(names)


def sections_of(tid: HostTid, wanted: frozenset[bytes]) -> dict[bytes, bytes]:
    """Some sections of the executable that a task runs, by name, as far as they are there."""
    try:
        fd = os.open(f"/proc/{tid}/exe", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        return _sections(fd, wanted)
    except (OSError, OverflowError, struct.error):
        return {}
    finally:
        os.close(fd)


def _sections(fd: int, wanted: frozenset[bytes]) -> dict[bytes, bytes]:
    header = os.pread(fd, 64, 0)
    if not header.startswith(_ELF64_LITTLE):
        return {}
    table, size, count, name_section = _SECTIONS.unpack(header)
    if size != _SECTION.size or not name_section < count <= _MOST_SECTIONS:
        return {}
    entries = list(_SECTION.iter_unpack(os.pread(fd, size * count, table)))
    if len(entries) < count:
        return {}
    _, _, start, length = entries[name_section]
    names = os.pread(fd, min(length, _MOST_BYTES), start)
    longest = max(map(len, wanted)) + 1
    found: dict[bytes, bytes] = {}
    for offset, _, start, length in entries:
        name = names[offset : offset + longest].split(b"\0", 1)[0]
        # A damaged file may give all its sections one name: as many bytes are read as there are names.
        if name in wanted and name not in found:
            found[name] = os.pread(fd, min(length, _MOST_BYTES), start)
    return found
