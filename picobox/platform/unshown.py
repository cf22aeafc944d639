"""What the core need not show to a check: calls that tell it nothing by what they name (core.h, pb_leave_looks)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Unshown:
    """The part of a platform that passes that on to its core; one that is traced shows all that is traced."""

    _core: Any
    _is_traced: bool
    _watches: bool

    def leave_looks(self, files: Mapping[bytes, int | None]) -> None:
        if self._is_traced:
            return
        text = b"".join([path + b"\0" for path in files])
        inodes = [inode for inode in files.values() if inode is not None]
        if lib.pb_leave_looks(self._core, text, len(text), ffi.new("uint64_t[]", inodes), len(inodes)):
            raise MemoryError

    def leave_opens(self, directories: Iterable[bytes]) -> None:
        if self._is_traced:
            return
        text = b"".join([directory.rstrip(b"/") + b"\0" for directory in directories])
        if lib.pb_leave_opens(self._core, text, len(text)):
            raise MemoryError

    def leave_anonymous(self) -> None:
        lib.pb_leave_anonymous(self._core, not self._is_traced)

    def leave_handlers(self) -> None:
        lib.pb_leave_handlers(self._core, not self._is_traced)

    def leave_copies(self) -> None:
        lib.pb_leave_copies(self._core, self._watches and not self._is_traced)
