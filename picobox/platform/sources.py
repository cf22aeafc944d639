"""Source text of what guests run, read as far as a look at it needs."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

from picobox.platform.host import AT_FDCWD, path_of

if TYPE_CHECKING:
    from picobox.platform.base import HostTid

_MOST_BYTES = 1 << 20


def lines_of(path: str, first: int, last: int) -> str:
    """Lines of a file, counted from 1, both ends included; empty where there are none."""
    return "\n".join(islice(_read(os.fsencode(path)).split("\n"), first - 1, last))


def text_of(tid: HostTid, path: bytes) -> str:
    """The text of a file by a path of a task; empty if it cannot be read."""
    return _read(path_of(tid, AT_FDCWD, path))


def file_of(tid: HostTid, path: bytes) -> bytes:
    """The absolute path of a regular file by a path of a task; empty if there is none."""
    ours = path_of(tid, AT_FDCWD, path)
    try:
        return os.path.realpath(ours) if path and os.path.isfile(ours) else b""
    except (OSError, ValueError):
        return b""


def begins_with(path: bytes, start: bytes) -> bool:
    """Whether a file of the host begins so; one that cannot be read begins with nothing."""
    return not start or _bytes_of(path, len(start)) == start


def _read(path: bytes) -> str:
    """The beginning of a regular file."""
    return _bytes_of(path, _MOST_BYTES).decode("utf-8", "replace")


def _bytes_of(path: bytes, most: int) -> bytes:
    try:
        # A pipe that a guest puts there must not hold us.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return b""
    try:
        return os.read(fd, most)
    except OSError:
        return b""
    finally:
        os.close(fd)
