"""Tells files of the host apart: what a path or a descriptor of a task leads to."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from picobox.platform.host import PseudoDevices, path_of

if TYPE_CHECKING:
    from picobox.platform.base import HostTid

Key = tuple[int, int]
"""Device and inode."""


class Identity(NamedTuple):
    """A name in a directory, and the file that it leads to, None if there is none.

    `parent` is the path of the directory, as the host knows it without links.
    """

    directory: Key
    parent: bytes
    name: bytes
    file: Key | None
    is_directory: bool

    @property
    def path(self) -> bytes:
        """The whole path."""
        return os.path.join(self.parent, self.name)


class Identities:
    """Files of volumes: regular files and directories that no pseudo file system makes up."""

    def __init__(self) -> None:
        self._pseudo = PseudoDevices()

    def of_path(self, tid: HostTid, dirfd: int, path: bytes, *, follow: bool) -> Identity | None:
        """What a path of a task, its root being ours, leads to; None if that is no file of a volume.

        A link that is followed stands under its own name if it leads nowhere, else the file under its own.
        """
        ours = path_of(tid, dirfd, path)
        head, _, last = ours.rstrip(b"/").rpartition(b"/")
        try:
            directory = os.stat(head or b"/")
            if self._pseudo.includes(directory.st_dev, tid):
                return None
            try:
                found, real = _located(ours, follow=follow)
            except FileNotFoundError:
                directory, parent = _located(head or b"/", follow=True)
                return Identity((directory.st_dev, directory.st_ino), parent, last, None, is_directory=False)
            if not _is_on_volume(found) or self._pseudo.includes(found.st_dev, tid):
                return None
            parent, last = os.path.split(real)
            directory = os.stat(parent)
        except OSError:
            return None
        key = found.st_dev, found.st_ino
        return Identity((directory.st_dev, directory.st_ino), parent, last, key, stat.S_ISDIR(found.st_mode))

    def of_descriptor(self, tid: HostTid, fd: int) -> tuple[Key, bool] | None:
        """The file behind a descriptor, and whether it is a directory; None if that is no file of a volume."""
        try:
            found = os.stat(f"/proc/{tid}/fd/{fd}")
        except OSError:
            return None
        return ((found.st_dev, found.st_ino), stat.S_ISDIR(found.st_mode)) if _is_on_volume(found) else None


def _located(path: bytes, *, follow: bool) -> tuple[os.stat_result, bytes]:
    """What a path leads to, and where that is without links. FileNotFoundError also for what has just been removed."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    try:
        found = os.fstat(fd)
        if not found.st_nlink:
            raise FileNotFoundError(path)
        return found, os.readlink(b"/proc/self/fd/%d" % fd)
    finally:
        os.close(fd)


def _is_on_volume(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
