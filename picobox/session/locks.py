"""Owns locks that the kernel takes back when their holder ends: on a file each, with what the holder says of itself.

They belong to the open file description (fcntl_locking(2)): to look whether one is held takes nothing from anybody.
"""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import contextmanager, suppress
from errno import EACCES, EAGAIN
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_MOST_SAID = 256
# struct flock: type, whence, start, length, process.
_flock = struct.Struct("hhqqi4x")
_WHOLE = _flock.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def acquire(path: str, *, wait: bool = False) -> int:
    """Takes the lock of a path, which is made; gives the file, whose closing gives it back, or -1: somebody has it.

    Who holds a lock may remove its file: what was locked has to be what the path leads to. Raises OSError.
    """
    while True:
        fd = os.open(path, _FLAGS, 0o600)
        try:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK, _WHOLE)
            if _leads_to(path, fd):
                return fd
        except OSError as error:
            os.close(fd)
            if not wait and error.errno in (EAGAIN, EACCES):
                return -1
            raise
        os.close(fd)


@contextmanager
def held(path: str) -> Iterator[None]:
    """Waits for a lock and has it meanwhile. Raises OSError."""
    fd = acquire(path, wait=True)
    try:
        yield
    finally:
        os.close(fd)


def is_held(path: str) -> bool:
    """Whether somebody has the lock of a path. Raises OSError."""
    return said(path) is not None


def say(fd: int, text: bytes) -> None:
    """Puts what a holder says in the place of what was there; at most 256 bytes. Raises OSError."""
    os.pwrite(fd, text.ljust(_MOST_SAID, b"\0"), 0)


def said(path: str) -> bytes | None:
    """What the holder of a lock has said last, empty if nothing; None: nobody has it. Raises OSError."""
    with suppress(FileNotFoundError):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            kind = _flock.unpack(fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _WHOLE))[0]
            return None if kind == fcntl.F_UNLCK else os.pread(fd, _MOST_SAID, 0).rstrip(b"\0")
        finally:
            os.close(fd)
    return None


def _leads_to(path: str, fd: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(fd))
    return False
