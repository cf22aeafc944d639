"""Faults of WSL1's drives: links of directories, times, readdir, flags of rename (facts/wsl1.md section 4.8)."""

from __future__ import annotations

import stat as modes
from errno import EINVAL
from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import Errno
from picobox.faults.registry import brings_back
from picobox.platform.host import AT_FDCWD
from picobox.wsl.attributes import AT_SYMLINK_NOFOLLOW, on_drive

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.call import Call
    from picobox.provider import PicoProvider

    Change = Callable[["_Layout", bytearray], None]

_TICK = 100  # nanoseconds of a FILETIME
_ENTRY_LENGTH = slice(16, 18)  # d_reclen of struct linux_dirent and linux_dirent64
_INODE_SIZE = 8
_DOTS = (b".", b"..")


class _Layout(NamedTuple):
    """A structure of stat(2) or statx(2): its size, and where a field begins and ends."""

    size: int
    links: slice
    mode: slice
    nanoseconds: tuple[slice, ...]


_STAT = _Layout(144, slice(16, 24), slice(24, 28), tuple(slice(at, at + 8) for at in (80, 96, 112)))
_STATX = _Layout(256, slice(16, 20), slice(28, 30), tuple(slice(at, at + 4) for at in (72, 88, 104, 120)))


def _get(status: bytearray, field: slice) -> int:
    return int.from_bytes(status[field], "little")


def _put(status: bytearray, field: slice, value: int) -> None:
    status[field] = value.to_bytes(field.stop - field.start, "little")


def _no_links_of_directories(layout: _Layout, status: bytearray) -> None:
    if modes.S_ISDIR(_get(status, layout.mode)):
        _put(status, layout.links, 0)


def _whole_ticks(layout: _Layout, status: bytearray) -> None:
    for field in layout.nanoseconds:
        nanoseconds = _get(status, field)
        _put(status, field, nanoseconds - nanoseconds % _TICK)


class _Status:
    """Handlers of the rows of stat(2): they change what the kernel says of a drive's file."""

    def __init__(self, change: Change) -> None:
        self._change = change

    def stat(self, provider: PicoProvider, call: Call, path: bytes | None, statbuf: int) -> None:
        self._show(provider, call, (AT_FDCWD, path or None, 0), statbuf, _STAT)

    def lstat(self, provider: PicoProvider, call: Call, path: bytes | None, statbuf: int) -> None:
        self._show(provider, call, (AT_FDCWD, path or None, AT_SYMLINK_NOFOLLOW), statbuf, _STAT)

    def fstat(self, provider: PicoProvider, call: Call, fd: int, statbuf: int) -> None:
        self._show(provider, call, (fd, b"", 0), statbuf, _STAT)

    def newfstatat(
        self, provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, statbuf: int, flags: int
    ) -> None:
        self._show(provider, call, (dirfd, path, flags), statbuf, _STAT)

    def statx(
        self, provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, mask: int, statxbuf: int
    ) -> None:
        del mask
        self._show(provider, call, (dirfd, path or b"", flags), statxbuf, _STATX)

    def _show(
        self, provider: PicoProvider, call: Call, named: tuple[int, bytes | None, int], address: int, layout: _Layout
    ) -> None:
        dirfd, path, flags = named
        if not _is_on_drive(provider, call, dirfd, path, follow=not flags & AT_SYMLINK_NOFOLLOW):
            return
        memory, change = call.memory, self._change

        def then(result: int) -> int | None:
            if result:
                return None
            try:
                status = bytearray(memory.read(address, layout.size))
                change(layout, status)
                memory.write(address, bytes(status))
            except Errno as error:
                return -error.errno
            return None

        call.then = then


def _is_on_drive(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, *, follow: bool) -> bool:
    return provider.names is not None and on_drive(provider.names, call, dirfd, path, follow=follow) is not None


for _fault, _change in (("directory-links", _no_links_of_directories), ("times-100ns", _whole_ticks)):
    _status = _Status(_change)
    for _handler in (_status.stat, _status.lstat, _status.fstat, _status.newfstatat, _status.statx):
        brings_back(_fault, _handler.__name__)(_handler)


@brings_back("rename-flags", "renameat2")
def _renameat2(provider: PicoProvider, call: Call, olddirfd: int, oldpath: bytes | None, *_: object) -> None:
    if call.stop.args[4] and _is_on_drive(provider, call, olddirfd, oldpath or None, follow=False):
        raise Errno(EINVAL)


@brings_back("readdir-dots", "getdents")
def _getdents(provider: PicoProvider, call: Call, fd: int, dirp: int, count: object) -> None:
    del count
    _read_directory(provider, call, fd, dirp, 18)


@brings_back("readdir-dots", "getdents64")
def _getdents64(provider: PicoProvider, call: Call, fd: int, dirp: int, count: object) -> None:
    del count
    _read_directory(provider, call, fd, dirp, 19)


def _read_directory(provider: PicoProvider, call: Call, fd: int, address: int, name_place: int) -> None:
    """`.` and `..` of a drive have no inode number; a name begins at `name_place` of its entry."""
    if not _is_on_drive(provider, call, fd, b"", follow=True):
        return
    memory = call.memory

    def then(result: int) -> int | None:
        if result <= 0:
            return None
        try:
            entries = memory.read(address, result)
            place = 0
            while place < result:
                length = int.from_bytes(entries[place:][_ENTRY_LENGTH], "little")
                if length <= name_place:
                    break  # another thread has written there
                name = entries[place + name_place : place + length].partition(b"\0")[0]
                if name in _DOTS:
                    memory.write(address + place, bytes(_INODE_SIZE))
                place += length
        except Errno as error:
            return -error.errno
        return None

    call.then = then
