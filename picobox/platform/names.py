"""The folded directory index in C, for ntshim's volumes."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

from ntshim.fs.view import ABSENT, Answer, Found
from picobox._native._core import ffi, lib
from picobox.platform.name_table import NAMES_KEPT, NameTable

_FOUND = tuple(Found)


class Statistics(NamedTuple):
    """What an index keeps, in pieces and bytes, and how often it read a directory or heard of a change."""

    directories: int
    watches: int
    names: int
    bytes: int
    listings: int
    events: int


class NativeIndex:
    """Implements ntshim.fs.view.DirectoryIndex; one thread uses it at a time.

    A directory is known by mount, device and inode. Where inotify sees every change it is watched, elsewhere checked by
    its timestamps: on network file systems, FUSE and overlays, and when the user has no watch left.
    """

    __slots__ = ("_look_up", "_names", "table")

    def __init__(self, limit: int = NAMES_KEPT, table: NameTable | None = None) -> None:
        """Make an index of the names in a table, or of a new one that keeps at most `limit` names."""
        self.table = NameTable(limit) if table is None else table
        self._names = self.table.native
        self._look_up = lib.pb_names_look_up

    def look_up(self, directory: int, name: bytes, /) -> Answer:
        """Find a component; see DirectoryIndex."""
        found = self._look_up(self._names, directory, name, len(name))
        if found == 1:
            return Answer(Found.EXACT, name)
        if found == 0:
            return ABSENT
        if found < 0:
            raise OSError(-found, os.strerror(-found))
        return Answer(_FOUND[found], ffi.string(lib.pb_names_spelling(self._names)))

    def told_changed(self, directory: int, /) -> None:
        """Hear of a change; see DirectoryIndex."""
        _check(lib.pb_names_told_changed(self._names, directory))

    def forget(self, directory: int, /) -> None:
        """Read anew next time; see DirectoryIndex."""
        _check(lib.pb_names_forget(self._names, directory))

    def expect_observer(self, directory: bytes, *, follow: bool) -> None:
        """Hear that a guest is about to see who opens or reads a directory and the directories in it.

        They are listed now and not again: what is found in them then are names that were listed, that inotify told of
        or that were looked for. A path that leads to no directory is nothing to us; the last link counts if `follow`.
        """
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
        with suppress(OSError):
            fd = os.open(directory, flags)
            try:
                _check(lib.pb_names_expect_observer(self._names, fd))
            finally:
                os.close(fd)

    def spare_instance(self) -> None:
        """Hear that a guest is about to make an inotify instance: if the user has none left, ours is let go."""
        lib.pb_names_spare_instance(self._names)

    def statistics(self) -> Statistics:
        """Count what is kept and what was done."""
        counts = ffi.new("struct pb_names_statistics *")
        lib.pb_names_statistics(self._names, counts)
        return Statistics(*(getattr(counts, field) for field in Statistics._fields))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result))
