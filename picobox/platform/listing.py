"""The entries of a directory that a task has open, all at once."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.platform.base import HostTid


class Entry(NamedTuple):
    """A name in a directory: its inode and d_type, which is the file's type shifted (include/linux/fs_types.h)."""

    name: bytes
    inode: int
    kind: int


class Listing(NamedTuple):
    """A directory's path, as the host knows it, and its entries, `.` and `..` among them, in no order."""

    path: bytes
    entries: tuple[Entry, ...]


def entries_of(tid: HostTid, fd: int) -> Listing | None:
    """The entries of an open directory of a task; None if it is none, has been removed, or is not open for reading."""
    way = f"/proc/{tid}/fd/{fd}"
    try:
        with open(f"/proc/{tid}/fdinfo/{fd}", "rb") as info:
            flags = next(int(line.split()[1], 8) for line in info if line.startswith(b"flags:"))
        if flags & os.O_PATH:
            return None
        directory = os.open(way, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, StopIteration):
        return None
    try:
        if not os.fstat(directory).st_nlink:
            return None
        dots = [_entry(name, os.stat(name, dir_fd=directory)) for name in (b".", b"..")]
        with os.scandir(directory) as found:
            entries = [Entry(os.fsencode(each.name), each.inode(), _kind(each)) for each in found]
        return Listing(os.readlink(os.fsencode(way)), (*dots, *entries))
    except OSError:
        return None
    finally:
        os.close(directory)


def _entry(name: bytes, found: os.stat_result) -> Entry:
    return Entry(name, found.st_ino, stat.S_IFMT(found.st_mode) >> 12)


def _kind(entry: os.DirEntry[str]) -> int:
    """The d_type of an entry; 0, DT_UNKNOWN, for what is neither file, directory nor link."""
    if entry.is_symlink():
        return stat.S_IFLNK >> 12
    if entry.is_dir(follow_symlinks=False):
        return stat.S_IFDIR >> 12
    return stat.S_IFREG >> 12 if entry.is_file(follow_symlinks=False) else 0
