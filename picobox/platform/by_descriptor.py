"""Finds what a guest means, and has calls made on what a descriptor of ours stands for: nothing else can be meant."""

from __future__ import annotations

import os
import re
from errno import E2BIG, EACCES, EBADF, EINVAL, EMFILE, ENAMETOOLONG, ENOENT
from struct import Struct
from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib
from picobox.errors import Errno
from picobox.platform.host import AT_FDCWD, as_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from picobox.platform.base import HostTid

    class Asked(Protocol):
        """Whoever makes the calls, see picobox.confine.broker.Broker."""

        @property
        def tid(self) -> HostTid: ...

        def ask(
            self,
            operation: int,
            fds: Sequence[int] = (),
            path: bytes = b"",
            *,
            follow: bool = False,
            words: Sequence[int] = (),
            name: bytes = b"",
            data: bytes = b"",
            room: int = 0,
        ) -> tuple[int, bytes, int]: ...


_GETSOCKOPT = 55  # of x86-64 (asm/unistd_64.h)
_LINKS_OF_PROCESSES = re.compile(rb"(/proc/(\d+)(?:/task/\d+)?/(?:cwd|root|exe|fd/\d+))(?=/|\Z)(.*)", re.DOTALL)
_BELOW_PROCESS = re.compile(rb"/proc/(\d+)/")
STAT_SIZE, STATX_SIZE, STATFS_SIZE = 144, 256, 120
_SOL_SOCKET = 1
_MOST_TEXT, _MOST_DATA = 4096, 1 << 16  # PB_BROKER_PATH, PB_BROKER_DATA
_two_seconds, _two_times = Struct("<2q"), Struct("<4q")
_MICROSECONDS = 1_000_000


class Subject:
    """A file that a guest means, held open without a right to its contents once it is known: then `fd` is not -1.

    It is found and opened as its calls are made, by the broker. What `decide` says of its place, a path without links,
    comes before anything is changed or told.
    """

    def __init__(
        self,
        broker: Asked,
        tid: HostTid,
        dirfd: int,
        path: bytes,
        *,
        follow: bool,
        is_task: Callable[[int], bool],
        decide: Callable[[bytes], None] | None = None,
    ) -> None:
        """What a path means to a guest. Raises Errno as the kernel would, and for a way through others' processes.

        `is_task` tells of which processes the links in /proc may be followed: for us they lead anywhere, for the broker
        nowhere, so what comes first in a path is opened here.
        """
        self._broker, self._is_task, self._decide = broker, is_task, decide
        self._follow = follow or not path
        self._start = self.fd = -1
        absent, start = EBADF, b"/proc/%d/cwd" % tid if dirfd == AT_FDCWD else b"/proc/%d/fd/%d" % (tid, dirfd)
        if path.startswith(b"/"):
            absent, start, path = ENOENT, b"", as_ours(tid, path)
            found = _LINKS_OF_PROCESSES.match(path)
            if found is not None:
                if not is_task(int(found[2])):
                    raise Errno(EACCES)
                start, path = found[1], found[3].lstrip(b"/")
                self._follow = follow or (not path and found[3] != b"")
        if len(path) >= _MOST_TEXT:
            raise Errno(ENAMETOOLONG)
        self._path = path
        if start:
            self._start_at(start, absent)

    def _start_at(self, start: bytes, absent: int) -> None:
        """Opens what comes first in a path. `absent`: the error if it is not there."""
        nofollow = 0 if self._path or self._follow else os.O_NOFOLLOW
        try:
            opened = os.open(start, os.O_PATH | os.O_CLOEXEC | nofollow)
        except OSError as error:
            raise Errno(absent if error.errno == ENOENT else error.errno or EINVAL) from None
        if self._path:
            self._start = opened
        else:
            self._found(opened)

    def _found(self, fd: int) -> None:
        """From now on everything is about what this descriptor stands for."""
        self.fd = fd
        if self._decide is None:
            return
        try:
            self._decide(os.readlink(b"/proc/self/fd/%d" % fd))
        except Errno:
            self.close()
            raise

    def close(self) -> None:
        for fd in (self.fd, self._start):
            if fd >= 0:
                os.close(fd)
        self.fd = self._start = -1

    def open(self) -> None:
        """Finds it, if nothing was told of it yet. Raises Errno."""
        if self.fd < 0:
            self._tell(lib.PB_BROKER_OPEN)

    def _tell(
        self, operation: int, *, words: Sequence[int] = (), name: bytes = b"", room: int = 0
    ) -> tuple[int, bytes]:
        """What a call that changes nothing gives; it may be made at once, for nothing is told before the decision."""
        if self.fd >= 0:
            result, data, _ = self._broker.ask(operation, (self.fd,), words=words, name=name, room=room)
        else:
            start = () if self._start < 0 else (self._start,)
            result, data, opened = self._broker.ask(
                operation, start, self._path, follow=self._follow, words=words, name=name, room=room
            )
            if opened < 0:
                raise Errno(-result if result < 0 else EMFILE)
            self._found(opened)
        if result < 0:
            raise Errno(-result)
        return result, data

    def _change(
        self, operation: int, *others: int, words: Sequence[int] = (), name: bytes = b"", data: bytes = b""
    ) -> int:
        """The result of a call on what was decided about. Raises Errno."""
        self.open()
        result, _, _ = self._broker.ask(operation, (self.fd, *others), words=words, name=name, data=data)
        if result < 0:
            raise Errno(-result)
        return result

    def status(self) -> bytes:
        """A struct stat."""
        return self._tell(lib.PB_BROKER_STAT, room=STAT_SIZE)[1]

    def status_x(self, flags: int, mask: int) -> bytes:
        """A struct statx."""
        return self._tell(lib.PB_BROKER_STATX, words=(flags, mask), room=STATX_SIZE)[1]

    def file_system(self) -> bytes:
        """A struct statfs."""
        return self._tell(lib.PB_BROKER_STATFS, room=STATFS_SIZE)[1]

    def target(self, size: int) -> bytes:
        """What a symbolic link contains."""
        if size <= 0:
            raise Errno(EINVAL)
        try:
            return self._tell(lib.PB_BROKER_READLINK, room=min(size, _MOST_TEXT))[1]
        except Errno as error:
            if error.errno != EACCES or self.fd < 0 or not self._is_of_task():
                raise
        # Links of processes tell nobody but whoever may look into these.
        return os.readlink(b"", dir_fd=self.fd)[:size]

    def _is_of_task(self) -> bool:
        found = _BELOW_PROCESS.match(os.readlink(b"/proc/self/fd/%d" % self.fd))
        return found is not None and self._is_task(int(found[1]))

    def access(self, mode: int) -> int:
        # Real and effective ids of a guest are the same.
        return self._tell(lib.PB_BROKER_ACCESS, words=(mode,))[0]

    def change_mode(self, mode: int) -> int:
        return self._change(lib.PB_BROKER_CHMOD, words=(mode,))

    def change_owner(self, user: int, group: int) -> int:
        return self._change(lib.PB_BROKER_CHOWN, words=(user, group))

    def set_times(self, call: str, times: bytes | None) -> int:
        """As utime, utimes or utimensat does it, each with times of its own form; None: now."""
        return self._change(lib.PB_BROKER_UTIMES, data=b"" if times is None else _as_timespecs(call, times))

    def set_attribute(self, name: bytes, value: bytes, flags: int) -> int:
        return self._change(lib.PB_BROKER_SETXATTR, name=name, data=value, words=(flags,))

    def remove_attribute(self, name: bytes) -> int:
        return self._change(lib.PB_BROKER_REMOVEXATTR, name=name)

    def attribute(self, name: bytes, size: int) -> tuple[int, bytes]:
        """The length of an attribute, and its value if `size` is not 0."""
        return self._tell(lib.PB_BROKER_GETXATTR, name=name, room=min(size, _MOST_DATA))

    def attributes(self, size: int) -> tuple[int, bytes]:
        """The length of the names of all attributes, and the names if `size` is not 0."""
        return self._tell(lib.PB_BROKER_LISTXATTR, room=min(size, _MOST_DATA))

    def watch(self, tid: HostTid, inotify: int, mask: int) -> int:
        """Adds it to what an inotify descriptor of a guest tells of."""
        return self._with_taken(lib.PB_BROKER_WATCH, tid, inotify, mask)

    def connect(self, tid: HostTid, sockfd: int) -> int:
        """Connects a local socket of a guest to it; EAGAIN if that would take long."""
        return self._with_taken(lib.PB_BROKER_CONNECT, tid, sockfd)

    def _with_taken(self, operation: int, tid: HostTid, fd: int, *words: int) -> int:
        ours = _taken(tid, fd)
        try:
            return self._change(operation, ours, words=words)
        finally:
            os.close(ours)


def _as_timespecs(call: str, times: bytes) -> bytes:
    """Two struct timespec of what utime, utimes or utimensat is given. Errno(EINVAL) for a part of no second."""
    if call == "utimensat":
        return times
    if call == "utime":
        accessed, modified = _two_seconds.unpack(times)
        return _two_times.pack(accessed, 0, modified, 0)
    first, part, second, other = _two_times.unpack(times)
    if not (0 <= part < _MICROSECONDS and 0 <= other < _MICROSECONDS):
        raise Errno(EINVAL)
    return _two_times.pack(first, part * 1000, second, other * 1000)


def checked_value_size(size: int) -> int:
    """The size of an attribute's value as it is given. Errno(E2BIG) if none may be so large."""
    if size > _MOST_DATA:
        raise Errno(E2BIG)
    return size


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


def _call(number: int, *arguments: Any) -> int:
    """A system call; raises Errno."""
    words = [each if isinstance(each, int) else int(ffi.cast("uintptr_t", each)) for each in arguments]
    result = lib.pb_call(number, ffi.new("uint64_t[6]", words))
    if result < 0:
        raise Errno(-result)
    return result
