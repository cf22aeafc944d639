"""Makes the system calls that Python has no words for, on descriptors of ours."""

from __future__ import annotations

from struct import Struct

from picobox._native._core import ffi, lib
from picobox.errors import Errno

# asm/unistd_64.h, asm-generic/fcntl.h
_FSTAT, _STATX, _OPENAT2 = 5, 332, 437
_EMPTY_PATH = 0x1000
STAT_SIZE, STATX_SIZE = 144, 256
# linux/openat2.h
NO_MAGIC_LINKS, NO_LINKS, IN_ROOT = 2, 4, 16
_how = Struct("<3Q")
# linux/stat.h: STATX_MNT_ID, and where stx_mask and stx_mnt_id are
_MOUNT, _MOUNT_PLACE = 0x1000, 144
_mask, _mount = Struct("<I"), Struct("<Q")


def status(fd: int) -> bytearray:
    """A struct stat of what a descriptor stands for. Raises Errno."""
    buffer = ffi.new("char[]", STAT_SIZE)
    _call(_FSTAT, fd, _address(buffer))
    return bytearray(ffi.buffer(buffer, STAT_SIZE))


def status_x(fd: int, flags: int, mask: int) -> bytearray:
    """A struct statx of the same; `flags` are those about when to ask a server. Raises Errno."""
    buffer, empty = ffi.new("char[]", STATX_SIZE), ffi.new("char[]", b"")
    _call(_STATX, fd, _address(empty), flags | _EMPTY_PATH, mask, _address(buffer))
    return bytearray(ffi.buffer(buffer, STATX_SIZE))


def mount_of(fd: int) -> int:
    """The number of the mount on which a file lies, as proc(5) has it in mountinfo; -1: not told. Raises Errno."""
    found = status_x(fd, 0, _MOUNT)
    (mask,) = _mask.unpack_from(found)
    return int(_mount.unpack_from(found, _MOUNT_PLACE)[0]) if mask & _MOUNT else -1


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
