"""Owns how the supervisor reads and writes files in an instance's tree, which guests may have made anything of."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from picobox._native._core import lib

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 1 << 20
# What is no regular file is not waited for.
_OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_UMASK_OF_ETC = 0o644


def text_of(opened: Callable[[bytes], int], path: bytes) -> str:
    """What a file says; empty if it is none, or has more than 1 MiB. `opened`: see `Tree.opened`."""
    found = opened(path)
    if found < 0:
        return ""
    try:
        return _read(found)
    except OSError:
        return ""
    finally:
        os.close(found)


class Tree:
    """The tree of an instance that does not run yet, by its directory on the host. Links in paths are not followed."""

    def __init__(self, root: str) -> None:
        """OSError if it is not there. As a context manager it closes what it has open."""
        self._root = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def opened(self, path: bytes) -> int:
        """Something in the tree, as an O_PATH descriptor; -1 if it is not there, or a link is on the way."""
        return max(-1, lib.pb_open_below(self._root, path))

    def is_free(self, path: bytes) -> bool:
        """Whether nothing is there that a mount would hide: at most an empty directory. OSError."""
        found = self.opened(path)
        if found < 0:
            return True
        try:
            return stat.S_ISDIR(os.fstat(found).st_mode) and not os.listdir(f"/proc/self/fd/{found}")
        finally:
            os.close(found)

    def generate(self, path: bytes, header: str, text: str) -> None:
        """Writes a file that is not there, is empty, or begins with the header; any other is somebody's own and stays.

        A directory that is not there, or that a link leads to, gets nothing.
        """
        head, _, name = path.rpartition(b"/")
        directory = self.opened(head)
        if directory < 0:
            return
        with suppress(OSError):
            fd = os.open(name, os.O_RDWR | os.O_CREAT | _OPEN, _UMASK_OF_ETC, dir_fd=directory)
            try:
                if stat.S_ISREG(os.fstat(fd).st_mode):
                    _replace(fd, header, header + text)
            finally:
                os.close(fd)
        os.close(directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._root)


def _read(fd: int) -> str:
    """Of an O_PATH descriptor. OSError."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST:
        return ""
    with open(f"/proc/self/fd/{fd}", "rb") as file:
        return file.read(_MOST).decode(errors="surrogateescape")


def _replace(fd: int, header: str, text: str) -> None:
    before = os.pread(fd, len(text) + 1, 0)
    wanted = text.encode(errors="surrogateescape")
    if before != wanted and (not before or before.startswith(header.encode())):
        # Cut off in between it is empty, and so written the next time.
        os.ftruncate(fd, 0)
        os.pwrite(fd, wanted, 0)
