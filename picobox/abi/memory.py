"""Owns what the arguments of a call are read from: a guest's memory, as its supervisor sees it."""

from __future__ import annotations

from typing import Protocol


class Memory(Protocol):
    """A guest's memory as its supervisor reads it."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`; raises Errno(EFAULT) if any of them cannot be read."""

    def read_string(self, address: int, limit: int) -> bytes:
        """The NUL-terminated string at `address` without its NUL.

        Raises Errno(EFAULT) if unreadable, Errno(ENAMETOOLONG) if it does not end within `limit` bytes, NUL included.
        """
