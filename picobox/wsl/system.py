"""What a WSL kernel says of itself and of its file systems: its release, the mount tables, statfs."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.platform import lx_files
from picobox.platform.host import AT_FDCWD
from picobox.wsl import FILE_SYSTEM_TYPE, FILES, FREE_FILES, RELEASE, VERSION, mount_table

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider

_FIELD = 65  # of struct utsname
_RELEASE_PLACE, _VERSION_PLACE = 2 * _FIELD, 3 * _FIELD
_TABLES = (b"mounts", b"mountinfo")
_TABLE = re.compile(rb"/proc/[0-9]+(?:/task/[0-9]+)?/(mounts|mountinfo)")
_ACCESS_MODE = 3
_COUNTS_PLACE = 40  # f_files and f_ffree of struct statfs


def uname(provider: PicoProvider, call: Call, buf: int) -> None:
    del provider
    memory = call.memory

    def then(result: int) -> int | None:
        if result:
            return None
        try:
            for place, text in ((_RELEASE_PLACE, RELEASE), (_VERSION_PLACE, VERSION)):
                memory.write(buf + place, text.ljust(_FIELD, b"\0"))
        except Errno as error:
            return -error.errno
        return None

    call.then = then


def open(provider: PicoProvider, call: Call, path: bytes | None, flags: int, mode: int) -> None:  # noqa: A001 - the row's name
    del mode
    _open(provider, call, (AT_FDCWD, path, 0), flags)


def openat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, mode: int) -> None:
    del mode
    _open(provider, call, (dirfd, path, 1), flags)


def openat2(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, how: int, size: int) -> None:
    del how, size
    _open(provider, call, (dirfd, path, 1), int.from_bytes(call.structure(2, 8), "little"))


def _open(provider: PicoProvider, call: Call, named: tuple[int, bytes | None, int], flags: int) -> None:
    """A mount table is a text of ours; `named` is the descriptor, the path, and its place among the arguments."""
    dirfd, path, index = named
    names = provider.names
    if names is None or names.wsl is None or not path or not path.endswith(_TABLES) or flags & _ACCESS_MODE:
        return
    ours = names.on_host(call.stop.tid, dirfd, path)
    real = lx_files.real_path(ours, follow=True)
    table = _TABLE.fullmatch(real) if real is not None else None
    if real is None or table is None:
        return
    options = names.wsl.options
    targets = {volume.path: (letter, options[letter]) for volume in names.drives.volumes for letter in volume.letters}
    try:
        text = lx_files.text_of(real)
    except OSError:
        return  # the kernel tells why
    fd, shown = lx_files.hold_text(mount_table(text, table[1], targets))
    call.when_over(lambda: lx_files.let_go(fd))
    call.put(index, 0, shown + b"\0")


def statfs(provider: PicoProvider, call: Call, path: bytes | None, buf: int) -> None:
    _statfs(provider, call, AT_FDCWD, path or None, buf)


def fstatfs(provider: PicoProvider, call: Call, fd: int, buf: int) -> None:
    _statfs(provider, call, fd, b"", buf)


def _statfs(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, buf: int) -> None:
    names = provider.names
    if names is None or names.wsl is None or path is None:
        return
    ours = names.on_host(call.stop.tid, dirfd, path)
    real = lx_files.real_path(ours if path else ours.rstrip(b"/"), follow=True)
    if real is None or not real.startswith(b"/"):
        return
    is_drive = names.drives.are_at(real)
    try:
        if not is_drive and lx_files.device_of(real) != lx_files.device_of(b"/"):
            return
    except OSError:
        return
    memory = call.memory
    counts = is_drive and "statfs-counts" in names.wsl.faults

    def then(result: int) -> int | None:
        if result:
            return None
        try:
            memory.write(buf, struct.pack("<Q", FILE_SYSTEM_TYPE))
            if counts:
                memory.write(buf + _COUNTS_PLACE, struct.pack("<2Q", FILES, FREE_FILES))
        except Errno as error:
            return -error.errno
        return None

    call.then = then
