"""Owns the core's table of names that are stored: for the core itself, before anybody asks for one from here."""

from __future__ import annotations

from typing import Any

from picobox._native._core import ffi, lib

NAMES_KEPT = 1 << 21


class NameTable:
    """Names by directory, as C keeps them."""

    __slots__ = ("_names",)

    def __init__(self, limit: int = NAMES_KEPT) -> None:
        """Make an empty table that keeps at most `limit` names, of the directories used last."""
        names = lib.pb_names_new(limit)
        if names == ffi.NULL:
            raise MemoryError
        self._names = ffi.gc(names, lib.pb_names_free)

    @property
    def native(self) -> Any:
        """The table itself, for the core: it must be there as long as that is."""
        return self._names
