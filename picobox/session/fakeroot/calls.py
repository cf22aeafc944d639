"""Makes the system calls that Python has no words for, on descriptors of ours."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import ERANGE
from struct import Struct
from typing import Any, NamedTuple

from picobox._native._core import ffi, lib
from picobox.errors import Errno
from picobox.platform.lx_files import LX_XATTR

# asm/unistd_64.h, asm-generic/fcntl.h
_STATX, _OPENAT2 = 332, 437
_EMPTY_PATH = 0x1000
STATX_SIZE = 256
_LX_XATTR = LX_XATTR.encode()
# struct stat of x86-64: three words, mode and ids, a gap and the device, sizes, times with their fractions.
_status = Struct("<3Q3I4xQ3q2q2q2q")
# linux/openat2.h
NO_MAGIC_LINKS, NO_LINKS, IN_ROOT = 2, 4, 16
_how = Struct("<3Q")


class Looked(NamedTuple):
    """What a file is to the host. mount: the number of its mount, as proc(5) has it in mountinfo; -1: not told.

    status: its struct stat. kept: what `user.picobox.lx` says; None if there is none.
    """

    status: bytes
    mount: int
    kept: bytes | None

    @property
    def mode(self) -> int:
        return int(_status.unpack_from(self.status)[3])

    def as_result(self) -> os.stat_result:
        """As os.fstat gives it, but for the times' fractions and the device that it stands for."""
        values = _status.unpack_from(self.status)
        device, inode, links, mode, user, group, _, size = values[:8]
        access, _, change, _, status, _ = values[10:]
        return os.stat_result((mode, inode, device, links, user, group, size, access, change, status))


def look(fd: int) -> Looked:
    """What a descriptor of ours stands for. Raises Errno."""
    looked = ffi.new("struct pb_looked *")
    error = lib.pb_look(fd, _LX_XATTR, looked)
    if error:
        raise Errno(-error)
    return _looked(looked, fd)


def look_at(start: bytes, path: bytes, flags: int, resolve: int) -> tuple[int, Looked] | None:
    """What a path leads to from another one, open, with `flags` and restrictions of openat2(2); None if it fails."""
    looked = ffi.new("struct pb_looked *")
    fd = lib.pb_look_at(start, path, flags, resolve, _LX_XATTR, looked)
    return None if fd < 0 else (fd, _looked(looked, fd))


def _looked(looked: Any, fd: int) -> Looked:
    size = looked.kept_size
    kept = ffi.buffer(looked.kept, size)[:] if size >= 0 else None
    if size == -ERANGE:
        with suppress(OSError):
            kept = os.getxattr(f"/proc/self/fd/{fd}", LX_XATTR)
    return Looked(ffi.buffer(looked.status)[:], looked.mount, kept)


def status_x(fd: int, flags: int, mask: int) -> bytearray:
    """A struct statx of the same; `flags` are those about when to ask a server. Raises Errno."""
    buffer, empty = ffi.new("char[]", STATX_SIZE), ffi.new("char[]", b"")
    _call(_STATX, fd, _address(empty), flags | _EMPTY_PATH, mask, _address(buffer))
    return bytearray(ffi.buffer(buffer, STATX_SIZE))


def mount_of(fd: int) -> int:
    """The number of the mount on which a file lies; -1: not told. Raises Errno."""
    return look(fd).mount


def open_at(directory: int, path: bytes, flags: int, resolve: int) -> int:
    """openat2(2), for which `resolve` are restrictions of how a path is followed. Raises Errno."""
    text, how = ffi.new("char[]", path), ffi.new("char[]", _how.pack(flags, 0, resolve))
    return _call(_OPENAT2, directory, _address(text), _address(how), _how.size)


def _address(pointer: object) -> int:
    return int(ffi.cast("uintptr_t", pointer))


def _call(number: int, *arguments: int) -> int:
    words = [value & 0xFFFF_FFFF_FFFF_FFFF for value in arguments]
    result = int(lib.pb_call(number, ffi.new("uint64_t[6]", words)))
    if result < 0:
        raise Errno(-result)
    return result
