"""How the C core reads and writes the memory of a task: its own, and the pages that arguments are put on."""

from __future__ import annotations

from errno import EFAULT, ENOMEM, EPERM
from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib
from picobox.errors import Errno
from picobox.platform.frames import read_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.platform.base import FramesForm, HostTid

# Bytes of the buffer that reads share.
BUFFER = 1 << 16


class TraceMemory:
    """The memory of one task, read and written by the core."""

    __slots__ = ("_buffer", "_core", "_tid")

    def __init__(self, core: Any, buffer: Any, tid: HostTid) -> None:
        self._core = core
        self._buffer = buffer
        self._tid = tid

    def read(self, address: int, size: int) -> bytes:
        buffer = self._buffer if size <= BUFFER else ffi.new("char[]", size)
        got = lib.pb_read(self._core, self._tid, address, buffer, size)
        if got != size:
            raise Errno(EPERM if got == -EPERM else EFAULT)
        return bytes(ffi.buffer(buffer, size))

    def read_string(self, address: int, limit: int) -> bytes:
        length = lib.pb_read_string(self._core, self._tid, address, self._buffer, min(limit, BUFFER))
        if length < 0:
            raise Errno(-length)
        return bytes(ffi.buffer(self._buffer, length))

    def read_blocks(self, addresses: Sequence[int], size: int) -> bytes:
        count = len(addresses)
        buffer = self._buffer if size * count <= BUFFER else ffi.new("char[]", size * count)
        lib.pb_read_blocks(self._core, self._tid, addresses, count, size, buffer)
        return bytes(ffi.buffer(buffer, size * count))

    def read_frames(self, form: FramesForm, innermost: int, limit: int) -> bytes | None:
        return read_frames(self._core, self._tid, form, innermost, limit)

    def write(self, address: int, data: bytes) -> None:
        if lib.pb_write(self._core, self._tid, address, data, len(data)) != len(data):
            raise Errno(EFAULT)


class TracePage:
    """An argument page of the core."""

    __slots__ = ("_addresses", "_page")

    def __init__(self, page: Any) -> None:
        self._page = page
        self._addresses: dict[HostTid, int] = {}

    def put(self, tid: HostTid, offset: int, data: bytes) -> int:
        address = self._addresses.get(tid) or lib.pb_page_acquire(self._page, tid)
        if not address:
            raise Errno(ENOMEM)
        self._addresses[tid] = address
        error = lib.pb_page_write(self._page, address + offset, data, len(data))
        if error:
            raise Errno(-error)
        return int(address) + offset

    def release(self, tid: HostTid) -> None:
        if self._addresses.pop(tid, None):
            lib.pb_page_release(self._page, tid)

    def close(self) -> None:
        lib.pb_page_free(self._page)
        self._page = ffi.NULL
