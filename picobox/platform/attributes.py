"""Attributes of files of guests that only POSIX has: mode, owner, number of names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from picobox.platform.host import path_of

if TYPE_CHECKING:
    from picobox.platform.base import HostTid


class Attributes(NamedTuple):
    """Type and permissions as in st_mode, the owner's and group's ids, how many names there are."""

    mode: int
    owner: int
    group: int
    links: int


def attributes_of(tid: HostTid, dirfd: int, path: bytes, *, follow: bool = True) -> Attributes | None:
    """The attributes of what a path of a task leads to, or of an open file if the path is empty; None if nothing is."""
    way = path_of(tid, dirfd, path) if path else b"/proc/%d/fd/%d" % (tid, dirfd)
    try:
        found = os.stat(way, follow_symlinks=follow or not path)
    except OSError:
        return None
    return Attributes(found.st_mode, found.st_uid, found.st_gid, found.st_nlink)
