"""Opens that the core lets go on without showing them, as Python reads and marks them (_native/check)."""

from __future__ import annotations

from errno import ENOMEM
from typing import TYPE_CHECKING, Any, NamedTuple

from picobox._native._core import ffi, lib
from picobox.platform.frames import native_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.platform.base import Guide, HostTid

_NO_HOLDER = (1 << 64) - 1


class Reading(NamedTuple):
    """An open: of which file, in seconds since 1970, whose (`let`), by which call, its access mode, a real path, rows.

    A file that it makes is known by that path, since it has no number at the entry.
    """

    file: tuple[int, int] | bytes
    time: float
    number: int
    nr: int
    access: int
    path: bytes
    rows: bytes


class Readings:
    """What one core knows of files that are read or made. MemoryError where it has no memory for more."""

    def __init__(self, core: Callable[[], Any]) -> None:
        """`core` gives the core, NULL once it is closed: then there is nothing."""
        self._core = core
        self._found = ffi.new("struct pb_reading *")

    def let(self, tid: HostTid, number: int, guide: Guide) -> None:
        """A task's next opens that read or make a file need not be shown; those that are not have this number."""
        form, _ = native_form(guide.form)
        if form is None or len(guide.guards) != lib.PB_READER_GUARDS:
            return
        reader = ffi.new("struct pb_reader *")
        reader.number, reader.space, reader.head = number, guide.space, guide.head
        reader.holder = _NO_HOLDER if guide.holder is None else guide.holder
        for place, (address, value) in enumerate(guide.guards):
            reader.guards[place][0], reader.guards[place][1] = address, value
        reader.form = form[0]
        _check(lib.pb_let_read(self._core(), tid, reader))

    def know(self, space: int, target: bytes, *, is_known: bool) -> None:
        """What the target of a frame is, is known from now on, or no more: its address and fields (`FramesForm`)."""
        words = ffi.from_buffer("int64_t[]", target)
        _check(lib.pb_know_target(self._core(), space, words, len(words), is_known))

    def mark_open(self, key: object, *, is_so: bool) -> None:
        """A file is known to be open, or no more: who opens it is shown."""
        if isinstance(key, tuple):
            self._mark(lib.PB_FILE_OPEN, key, is_so=is_so)

    def mark_read(self, file: tuple[int, int] | bytes, *, is_so: bool) -> None:
        """Who has opened a file, or what had a path, is known to Python: who opens it is shown unless that is over."""
        if isinstance(file, tuple):
            self._mark(lib.PB_FILE_READ, file, is_so=is_so)
        else:
            _check(lib.pb_mark_path(self._core(), lib.PB_FILE_READ, file, len(file), is_so))

    def _mark(self, how: int, key: tuple[int, int], *, is_so: bool) -> None:
        core = self._core()
        if core:
            _check(lib.pb_mark_file(core, how, *key, is_so))

    def find(self, file: tuple[int, int] | bytes | None, *, takes: bool) -> Reading | None:
        """The last open of a file, or of any, that was not shown; it is forgotten if `takes`."""
        found = self._found
        if isinstance(file, bytes):
            is_found = lib.pb_find_creation(self._core(), file, len(file), takes, found)
        else:
            is_found = lib.pb_find_reading(self._core(), *(file or (0, 0)), takes, found)
        if not is_found:
            return None
        path = bytes(ffi.buffer(found.path, found.length))
        return Reading(
            (found.device, found.inode) if found.inode else path,
            found.time / 1e9,
            found.number,
            found.nr,
            found.access,
            path,
            bytes(ffi.buffer(found.rows, 8 * found.frames * found.words)),
        )

    @property
    def are_full(self) -> bool:
        """Whether as many are kept as there may be."""
        return bool(lib.pb_readings_are_full(self._core()))

    def forget(self) -> None:
        """Nobody has opened a file, as far as is known."""
        lib.pb_forget_readings(self._core())


def _check(error: int) -> None:
    if error == -ENOMEM:
        raise MemoryError
