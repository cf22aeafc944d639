"""What the host's medium under a directory tells: its room, what it is known by, where the file of a number is."""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from ntshim.fs.backend import Medium, Space

if TYPE_CHECKING:
    from collections.abc import Iterator


def space(root: bytes) -> Space:
    """Tell the room of the file system that a directory is on. Raises OSError."""
    told = os.statvfs(root)
    return Space(*(blocks * told.f_frsize for blocks in (told.f_blocks, told.f_bfree, told.f_bavail)))


def medium(root: bytes, creation_time: int) -> Medium:
    """Tell a number that is the same whenever this directory is a volume. Raises OSError."""
    found = os.stat(root)
    return Medium(zlib.crc32(b"%x:%x" % (found.st_dev, found.st_ino)), creation_time)


def find_path(root: bytes, device: int, number: int) -> bytes | None:
    """Give one path of the file of a number. Raises OSError."""
    return next(find_paths(root, device, number), None)


def find_paths(root: bytes, device: int, number: int) -> Iterator[bytes]:
    """Look through a tree for the names of the file of a number; what may not be listed is left out. Raises OSError."""
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        with suppress(PermissionError, FileNotFoundError), os.scandir(directory) as entries:
            for entry in entries:
                # A mount point shows the number of what it covers.
                if entry.inode() == number and os.lstat(entry.path).st_dev == device:
                    yield entry.path
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
