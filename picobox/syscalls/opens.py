"""Calls that open files by name: NtCreateFile decides, the kernel opens, the handle follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.opens import O_CREAT, O_TRUNC
from picobox.platform.host import AT_FDCWD

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider

_O_WRONLY = 1


def open(provider: PicoProvider, call: Call, path: bytes | None, flags: int, mode: int) -> None:  # noqa: A001 - the row's name
    del mode
    _open(provider, call, AT_FDCWD, path, flags)


def openat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, mode: int) -> None:
    del mode
    _open(provider, call, dirfd, path, flags)


def openat2(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, how: int, size: int) -> None:
    del how, size
    if path is not None:
        _open(provider, call, dirfd, path, int.from_bytes(call.structure(2, 8), "little"))


def creat(provider: PicoProvider, call: Call, pathname: bytes | None, mode: int) -> None:
    del mode
    _open(provider, call, AT_FDCWD, pathname, O_CREAT | O_TRUNC | _O_WRONLY)


def _open(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int) -> None:
    if provider.opens is None or provider.names is None or not path:
        return
    if not provider.names.root_moved(call.stop.tid):
        provider.opens.begin(call, dirfd, path, flags)
