"""Owns a guest's memory made of plain bytes, for tests that start no process."""

from __future__ import annotations

from errno import EFAULT, ENAMETOOLONG

from picobox.errors import Errno


class GuestMemory:
    """Mappings at fixed addresses; everything between them is unreadable."""

    def __init__(self, mappings: dict[int, bytes] | None = None) -> None:
        self.mappings = mappings or {}

    def read(self, address: int, size: int) -> bytes:
        for base, data in self.mappings.items():
            if base <= address and address + size <= base + len(data):
                return data[address - base : address - base + size]
        raise Errno(EFAULT)

    def read_string(self, address: int, limit: int) -> bytes:
        for base, data in self.mappings.items():
            if base <= address < base + len(data):
                window = data[address - base : address - base + limit]
                end = window.find(0)
                if end >= 0:
                    return window[:end]
                raise Errno(ENAMETOOLONG if len(window) == limit else EFAULT)
        raise Errno(EFAULT)
