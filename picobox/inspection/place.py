"""Owns where the sockets of running supervisors are: in a directory that nobody but their user may enter."""

from __future__ import annotations

import os
from errno import EPERM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN = 0o700
_OTHERS = 0o077


def directory(environment: Mapping[bytes, bytes]) -> bytes:
    """Where a run puts its socket: below XDG_RUNTIME_DIR, or where a job without a login has none, in /tmp."""
    runtime = environment.get(b"XDG_RUNTIME_DIR", b"")
    return runtime + b"/picobox" if runtime.startswith(b"/") else _in_tmp()


def directories(environment: Mapping[bytes, bytes]) -> list[bytes]:
    """Where runs of this user may have put theirs, whether they had a login or not.

    Who has set XDG_RUNTIME_DIR to a place of his own has said where.
    """
    usual = [b"/run/user/%d/picobox" % os.geteuid(), _in_tmp()]
    said = directory(environment)
    return usual if said in usual else [said]


def _in_tmp() -> bytes:
    return b"/tmp/picobox-%d" % os.geteuid()


def opened(path: bytes, *, makes: bool = False) -> int:
    """An O_PATH descriptor of the directory. OSError if it is not there, or not the user's alone."""
    try:
        fd = _open(path)
    except FileNotFoundError:
        if not makes:
            raise
        os.mkdir(path, _OWN)
        fd = _open(path)
    found = os.fstat(fd)
    if found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
        os.close(fd)
        raise PermissionError(EPERM, "others may enter it", os.fsdecode(path))
    return fd


def _open(path: bytes) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
