"""READONLY files of drives: nobody opens one for writing or cuts it, root neither (facts/wsl1.md section 4.7)."""

from __future__ import annotations

import os
import stat as modes
from errno import EACCES
from typing import TYPE_CHECKING

from ntshim.lx.attributes import is_read_only
from picobox.errors import Errno
from picobox.platform.host import AT_FDCWD
from picobox.wsl.attributes import on_drive

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider

_MAKES_NEW = os.O_CREAT | os.O_EXCL
# The kernel knows better what to say of these.
_OTHERWISE = os.O_PATH | os.O_DIRECTORY


def open(provider: PicoProvider, call: Call, path: bytes | None, flags: int, mode: int) -> None:  # noqa: A001 - the row's name
    openat(provider, call, AT_FDCWD, path, flags, mode)


def creat(provider: PicoProvider, call: Call, pathname: bytes | None, mode: int) -> None:
    openat(provider, call, AT_FDCWD, pathname, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)


def openat2(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, how: int, size: int) -> None:
    del how, size
    openat(provider, call, dirfd, path, int.from_bytes(call.structure(2, 8), "little"), 0)


def openat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, mode: int) -> None:
    del mode
    if flags & _OTHERWISE or flags & _MAKES_NEW == _MAKES_NEW:
        return
    if flags & os.O_ACCMODE != os.O_RDONLY or flags & os.O_TRUNC:
        _refuse(provider, call, dirfd, path or None, follow=not flags & os.O_NOFOLLOW)


def truncate(provider: PicoProvider, call: Call, path: bytes | None, length: int) -> None:
    if length >= 0:
        _refuse(provider, call, AT_FDCWD, path or None, follow=True)


def _refuse(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, *, follow: bool) -> None:
    if provider.names is None:
        return
    found = on_drive(provider.names, call, dirfd, path, follow=follow)
    if found is not None and found.file.type == modes.S_IFREG and is_read_only(found.file.found.st_mode):
        raise Errno(EACCES)
