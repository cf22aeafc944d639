"""Owns a directory of the user's caches: small files that are made anew if they are lost, and are nobody else's.

The directory is only used if it is ours and nobody else may write there.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from typing import ClassVar, Self

_OURS = "picobox"
_PRIVATE = 0o700
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_MOST_FILES = 2048
READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""With which a file of a cache is opened, whatever is there."""


class CacheDirectory:
    """What is kept of one kind for one user; without a directory nothing is. `kind`: the directory's name."""

    kind: ClassVar[str]

    def __init__(self, directory: str | None) -> None:
        """`directory` is made when the first file is kept."""
        self._directory = directory
        self._held = -1

    @classmethod
    def of_user(cls) -> Self:
        """That below the user's directory of caches, as the XDG base directory specification says where it is."""
        home = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(home):
            above = os.environ.get("HOME", "")
            # A home that is not there, as the system's users have it, is not to be made.
            home = os.path.join(above, ".cache") if os.path.isabs(above) and os.path.isdir(above) else ""
        return cls(os.path.join(home, _OURS, cls.kind) if home else None)

    def hold(self) -> None:
        """Keep to the directory as it is now, whatever its path leads to later, as behind walls that are to be raised.

        OSError if it cannot be made or is not ours alone.
        """
        self._held = self._made()

    def close(self) -> None:
        """Let go of the directory."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def read(self, name: str, most: int) -> bytes | None:
        """What is kept under a name; None if nothing is, it is not ours alone, or has more than `most` bytes."""
        if self._directory is None:
            return None
        try:
            directory = self._open()
            try:
                fd = os.open(name, READ, dir_fd=directory)
            finally:
                os.close(directory)
        except OSError:
            return None
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or not _is_ours(found) or found.st_size > most:
                return None
            return os.read(fd, most)
        except OSError:
            return None
        finally:
            os.close(fd)

    def write(self, name: str, data: bytes) -> None:
        """Keep bytes under a name; if that cannot be, they are not kept."""
        with suppress(OSError):
            directory = self._made()
            try:
                _thin_out(directory)
                part = f".{os.getpid()}-{time.monotonic_ns()}"
                fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory)
                try:
                    with os.fdopen(fd, "wb") as file:
                        file.write(data)
                    os.replace(part, name, src_dir_fd=directory, dst_dir_fd=directory)
                except OSError:
                    os.unlink(part, dir_fd=directory)
                    raise
            finally:
                os.close(directory)

    def _made(self) -> int:
        if self._directory is None:
            raise FileNotFoundError("nobody's caches are kept")
        if self._held < 0:
            os.makedirs(self._directory, _PRIVATE, exist_ok=True)
        return self._open()

    def _open(self) -> int:
        """The directory. OSError if it is not ours, or others may write there."""
        if self._held >= 0:
            return os.dup(self._held)
        fd = os.open(self._directory or "", READ | os.O_DIRECTORY)
        if _is_ours(os.fstat(fd)):
            return fd
        os.close(fd)
        raise PermissionError("the directory of a cache is not ours alone")


def _thin_out(directory: int) -> None:
    """Leave room: the older half goes once there are many."""
    names = os.listdir(directory)
    if len(names) < _MOST_FILES:
        return
    with os.scandir(directory) as entries:
        ages = sorted((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name) for entry in entries)
    for _, name in ages[: len(ages) // 2]:
        with suppress(OSError):
            os.unlink(name, dir_fd=directory)


def _is_ours(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE
