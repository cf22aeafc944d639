"""Makes calls for a guest on what an open descriptor of ours stands for, so that nothing else can be meant."""

from __future__ import annotations

import os
import re
import stat
from errno import EACCES, EINVAL, EOPNOTSUPP
from typing import TYPE_CHECKING

from picobox._native._core import ffi, lib
from picobox.errors import Errno
from picobox.platform.host import AT_FDCWD, as_ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.platform.base import HostTid

# Numbers of x86-64 (asm/unistd_64.h).
_CONNECT, _SETSOCKOPT, _GETSOCKOPT = 42, 54, 55
_FSTATFS, _UTIME, _SETXATTR, _GETXATTR, _LISTXATTR, _REMOVEXATTR = 138, 132, 188, 191, 194, 197
_UTIMES, _INOTIFY_ADD_WATCH, _FCHOWNAT, _NEWFSTATAT, _READLINKAT, _FCHMODAT = 235, 254, 260, 262, 267, 268
_UTIMENSAT, _STATX, _OPENAT2, _FACCESSAT2 = 280, 332, 437, 439
_NO_MAGIC_LINKS = 2  # linux/openat2.h
_LINKS_OF_PROCESSES = re.compile(rb"(/proc/(\d+)(?:/task/\d+)?/(?:cwd|root|exe|fd/\d+))(?=/|\Z)(.*)", re.DOTALL)
_EMPTY_PATH, _EFFECTIVE = 0x1000, 0x200
STAT_SIZE, STATX_SIZE, STATFS_SIZE = 144, 256, 120
_UNIX = b"\x01\x00"  # AF_UNIX
_SOL_SOCKET, _SO_SNDTIMEO, _TIMEVAL_SIZE = 1, 21, 16
_BRIEFLY = (0).to_bytes(8, "little") + (1000).to_bytes(8, "little")  # seconds, microseconds


class Subject:
    """A file that a guest means, held open without a right to its contents; `place` is its path without links."""

    def __init__(self, tid: HostTid, dirfd: int, path: bytes, *, follow: bool, is_task: Callable[[int], bool]) -> None:
        """Finds it as the guest would. Raises Errno as the kernel would, and for a way through others' processes.

        `is_task` tells of which processes the links in /proc may be followed: for us they lead anywhere.
        """
        start = b"/proc/%d/cwd" % tid if dirfd == AT_FDCWD else b"/proc/%d/fd/%d" % (tid, dirfd)
        follow = follow or not path
        if path.startswith(b"/"):
            start, path = b"/", as_ours(tid, path)
            found = _LINKS_OF_PROCESSES.match(path)
            if found is not None:
                if not is_task(int(found[2])):
                    raise Errno(EACCES)
                start, path = found[1], found[3]
        self.fd = _opened(start, path.lstrip(b"/") if start != b"/" else path, follow=follow)
        self.place = os.readlink(b"/proc/self/fd/%d" % self.fd)
        self._name = b"/proc/self/fd/%d" % self.fd

    def close(self) -> None:
        os.close(self.fd)

    def status(self) -> bytes:
        """A struct stat."""
        return self._filled(_NEWFSTATAT, STAT_SIZE, self.fd, b"", _OUT, _EMPTY_PATH)

    def status_x(self, flags: int, mask: int) -> bytes:
        """A struct statx."""
        return self._filled(_STATX, STATX_SIZE, self.fd, b"", flags | _EMPTY_PATH, mask, _OUT)

    def file_system(self) -> bytes:
        """A struct statfs."""
        return self._filled(_FSTATFS, STATFS_SIZE, self.fd, _OUT)

    def target(self, size: int) -> bytes:
        """What a symbolic link contains."""
        if not stat.S_ISLNK(os.fstat(self.fd).st_mode) or size <= 0:
            raise Errno(EINVAL)
        buffer = ffi.new("char[]", min(size, 4096))
        return bytes(ffi.buffer(buffer, _call(_READLINKAT, self.fd, b"", buffer, len(buffer))))

    def access(self, mode: int) -> int:
        # Real and effective ids of a guest are the same, and the real ones of ours may have more rights.
        return _call(_FACCESSAT2, self.fd, b"", mode, _EFFECTIVE | _EMPTY_PATH)

    def change_mode(self, mode: int) -> int:
        if stat.S_ISLNK(os.fstat(self.fd).st_mode):
            raise Errno(EOPNOTSUPP)
        return _call(_FCHMODAT, AT_FDCWD, self._name, mode)

    def change_owner(self, user: int, group: int) -> int:
        return _call(_FCHOWNAT, self.fd, b"", user, group, _EMPTY_PATH)

    def set_times(self, call: str, times: bytes | None) -> int:
        """As utime, utimes or utimensat does it, each with times of its own form; None: now."""
        if stat.S_ISLNK(os.fstat(self.fd).st_mode):
            return _call(_UTIMENSAT, self.fd, b"", times, _EMPTY_PATH)
        if call == "utimensat":
            return _call(_UTIMENSAT, AT_FDCWD, self._name, times, 0)
        return _call(_UTIME if call == "utime" else _UTIMES, self._name, times)

    def set_attribute(self, name: bytes, value: bytes, flags: int) -> int:
        return _call(_SETXATTR, self._name, name, value, len(value), flags)

    def remove_attribute(self, name: bytes) -> int:
        return _call(_REMOVEXATTR, self._name, name)

    def attribute(self, name: bytes, size: int) -> tuple[int, bytes]:
        """The length of an attribute, and its value if `size` is not 0."""
        buffer = ffi.new("char[]", min(max(size, 1), 1 << 16))
        length = _call(_GETXATTR, self._name, name, buffer, min(size, 1 << 16))
        return length, bytes(ffi.buffer(buffer, length)) if size else b""

    def attributes(self, size: int) -> tuple[int, bytes]:
        """The length of the names of all attributes, and the names if `size` is not 0."""
        buffer = ffi.new("char[]", min(max(size, 1), 1 << 16))
        length = _call(_LISTXATTR, self._name, buffer, min(size, 1 << 16))
        return length, bytes(ffi.buffer(buffer, length)) if size else b""

    def watch(self, tid: HostTid, inotify: int, mask: int) -> int:
        """Adds it to what an inotify descriptor of a guest tells of."""
        ours = _taken(tid, inotify)
        try:
            return _call(_INOTIFY_ADD_WATCH, ours, self._name, mask)
        finally:
            os.close(ours)

    def connect(self, tid: HostTid, sockfd: int) -> int:
        """Connects a local socket of a guest to it; EAGAIN if that would take long."""
        ours = _taken(tid, sockfd)
        address = _UNIX + self._name + b"\0"
        before = ffi.new("char[]", _TIMEVAL_SIZE)
        try:
            _call(_GETSOCKOPT, ours, _SOL_SOCKET, _SO_SNDTIMEO, before, ffi.new("int *", _TIMEVAL_SIZE))
            _call(_SETSOCKOPT, ours, _SOL_SOCKET, _SO_SNDTIMEO, _BRIEFLY, _TIMEVAL_SIZE)
            try:
                return _call(_CONNECT, ours, address, len(address))
            finally:
                _call(_SETSOCKOPT, ours, _SOL_SOCKET, _SO_SNDTIMEO, before, _TIMEVAL_SIZE)
        finally:
            os.close(ours)

    @staticmethod
    def _filled(number: int, size: int, *arguments: object) -> bytes:
        buffer = ffi.new("char[]", size)
        _call(number, *(buffer if argument is _OUT else argument for argument in arguments))
        return bytes(ffi.buffer(buffer, size))


_OUT = object()


def _opened(start: bytes, path: bytes, *, follow: bool) -> int:
    """Opens a path from a start of ours; only the start may be a link of a process."""
    flags = os.O_PATH | os.O_CLOEXEC
    last = flags if follow else flags | os.O_NOFOLLOW
    try:
        if not path:
            return os.open(start, last)
        directory = os.open(start, flags)
    except OSError as error:
        raise Errno(error.errno or EINVAL) from None
    how = (last, 0, _NO_MAGIC_LINKS)
    try:
        return _call(_OPENAT2, directory, path, b"".join(word.to_bytes(8, "little") for word in how), 8 * len(how))
    finally:
        os.close(directory)


def is_local_socket(tid: HostTid, sockfd: int) -> bool:
    """Whether a descriptor of a guest is a socket of the family AF_UNIX. Raises Errno."""
    ours = _taken(tid, sockfd)
    try:
        domain = ffi.new("int *")
        _call(_GETSOCKOPT, ours, _SOL_SOCKET, 39, domain, ffi.new("int *", 4))  # SO_DOMAIN
        return bool(domain[0] == 1)
    finally:
        os.close(ours)


def _taken(tid: HostTid, fd: int) -> int:
    ours = lib.pb_take_descriptor(tid, fd)
    if ours < 0:
        raise Errno(-ours)
    return ours


def _call(number: int, *arguments: object) -> int:
    """A system call; raises Errno."""
    kept, words = [], []
    for argument in arguments:
        if isinstance(argument, int):
            words.append(argument & 0xFFFF_FFFF_FFFF_FFFF)
            continue
        pointer = ffi.new("char[]", argument) if isinstance(argument, bytes) else argument or ffi.NULL
        kept.append(pointer)
        words.append(int(ffi.cast("uintptr_t", pointer)))
    result = lib.pb_call(number, ffi.new("uint64_t[6]", words))
    if result < 0:
        raise Errno(-result)
    return result
