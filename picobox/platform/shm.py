"""Finds the files in which C libraries keep shared memory and named semaphores (man 7 shm_overview, sem_overview)."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

DIRECTORY = b"/dev/shm/"
_SEMAPHORE_PREFIX = b"sem."  # glibc's; musl's semaphores are named like memory, and cannot be told from it
_SEMAPHORE_SIZE = 32  # bytes of sem_t where long has 64 bits, in glibc and in musl
_SEMAPHORE_VALUE = 0x7FFFFFFF  # the bits of its first word that count (SEM_VALUE_MAX); musl has a flag above them


class SharedFile(NamedTuple):
    """A file that programs share, and whether it is a semaphore."""

    device: int
    inode: int
    is_semaphore: bool


def names() -> list[bytes]:
    """The names of the regular files, in their order; none if there is no such directory."""
    try:
        with os.scandir(DIRECTORY) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    except OSError:
        return []


def find(name: bytes) -> SharedFile | None:
    """The file of a name; None for what no library would open as shared memory, such as a link."""
    try:
        found = os.lstat(DIRECTORY + name)
    except (OSError, ValueError):
        return None
    return _shared_file(name, found)


def size(name: bytes, file: SharedFile) -> int | None:
    """How many bytes a file has now; None if the name does not lead to it any more."""
    try:
        found = os.lstat(DIRECTORY + name)
    except FileNotFoundError:
        return None
    return found.st_size if _shared_file(name, found) == file else None


def semaphore_value(name: bytes, file: SharedFile) -> int | None:
    """The value that a semaphore has now; None if the name does not lead to it any more."""
    try:
        descriptor = os.open(DIRECTORY + name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _shared_file(name, os.fstat(descriptor)) != file:
            return None
        return int.from_bytes(os.pread(descriptor, 4, 0), "little") & _SEMAPHORE_VALUE
    finally:
        os.close(descriptor)


def _shared_file(name: bytes, found: os.stat_result) -> SharedFile | None:
    if not stat.S_ISREG(found.st_mode):
        return None
    is_semaphore = name.startswith(_SEMAPHORE_PREFIX) and found.st_size == _SEMAPHORE_SIZE
    return SharedFile(found.st_dev, found.st_ino, is_semaphore)
