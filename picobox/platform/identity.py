"""Tells files of the host apart: what a path or a descriptor of a task leads to."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from picobox.platform.host import PseudoDevices, as_ours, leads_to_own, path_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.platform.base import HostTid

Key = tuple[int, int]
"""Device and inode."""

_PATHS_KEPT = 4096
# What a path may end in that is no name in its directory.
_NO_NAMES = (b"", b".", b"..")
_DELETED = b" (deleted)"


class Identity(NamedTuple):
    """A name in a directory, and the file that it leads to, None if there is none.

    `parent` is the path of the directory, as the host knows it without links. `mode`, `size` and the
    number of `links` are the file's; 0 links: it has no name, and `name` is the one that
    it had, or the kernel's word for it.
    """

    directory: Key
    parent: bytes
    name: bytes
    file: Key | None
    is_directory: bool
    mode: int = 0
    size: int = 0
    links: int = 1

    @property
    def path(self) -> bytes:
        """The whole path."""
        return self.parent + self.name if self.parent.endswith(b"/") else self.parent + b"/" + self.name


class Identities:
    """Files of volumes: regular files and directories that no pseudo file system makes up."""

    def __init__(self, pseudo: PseudoDevices) -> None:
        """`pseudo`: who knows what is mounted, and which names must not be looked up."""
        self._pseudo = pseudo
        self._paths: dict[tuple[bytes, Key], bytes] = {}
        # What was found since `hold`: entries, and what paths lead to.
        self._held: dict[tuple[object, ...], Identity | None] | None = None

    def hold(self) -> None:
        """What is found from now on stays as it is: everything that is asked about one call is about one moment."""
        self._held = {}

    def release(self) -> None:
        """Things may have changed again."""
        self._held = None

    def _once(self, key: tuple[object, ...], find: Callable[[], Identity | None]) -> Identity | None:
        if self._held is None:
            return find()
        if key not in self._held:
            self._held[key] = find()
        return self._held[key]

    def of_path(self, tid: HostTid, dirfd: int, path: bytes, *, follow: bool, kept: bool = True) -> Identity | None:
        """What a path of a task, its root being ours, leads to; None if that is no file of a volume.

        `kept`: it is the same file when it is written to later, even on overlayfs.

        A link that is followed stands under its own name if it leads nowhere, else the file under its own.
        """
        return self._once(
            (tid, dirfd, path, follow, kept), lambda: self._of_path(tid, dirfd, path, follow=follow, kept=kept)
        )

    def _of_path(self, tid: HostTid, dirfd: int, path: bytes, *, follow: bool, kept: bool) -> Identity | None:
        ours = path_of(tid, dirfd, path)
        if self._pseudo.is_served(ours):
            return None
        head, _, last = ours.rstrip(b"/").rpartition(b"/")
        head = head or b"/"
        try:
            directory = os.stat(head)
            if self._pseudo.includes(directory.st_dev, tid):
                return None
            try:
                found = os.stat(ours, follow_symlinks=False)
                if follow and stat.S_ISLNK(found.st_mode) and leads_to_own(os.readlink(ours)):
                    return self._of_way(tid, as_ours(tid, os.readlink(ours)))
                if stat.S_ISLNK(found.st_mode) or last in _NO_NAMES or ours.endswith(b"/"):
                    found, real = _located(ours, follow=follow)
                    head, last = os.path.split(real)
                    directory = os.stat(head)
            except FileNotFoundError:
                return Identity(_key(directory), self._real(head, directory), last, None, is_directory=False)
            if not _is_on_volume(found) or self._pseudo.includes(found.st_dev, tid):
                return None
            if kept:
                found = self._copied_up(tid, os.path.join(head, last), directory, found)
            parent = self._real(head, directory)
        except OSError:
            return None
        return _identity(directory, parent, last, found)

    def behind(self, tid: HostTid, dirfd: int, path: bytes) -> Identity | None:
        """What a link of the kernel's own leads to, as `/proc/self/fd/3`: a file of a volume that somebody has.

        None if the path leads to something else.
        """
        return self._of_way(tid, path_of(tid, dirfd, path))

    def of_held(self, tid: HostTid, fd: int) -> Identity | None:
        """The file that a descriptor of a task stands for; None if that is no file of a volume."""
        return self._of_way(tid, b"/proc/%d/fd/%d" % (tid, fd))

    def _of_way(self, tid: HostTid, ours: bytes) -> Identity | None:
        """What a path that ends in such a link leads to. A file whose name is gone has the kernel's mark behind it."""
        if self._pseudo.is_served(ours):
            return None
        try:
            found = os.stat(ours)
            if not _is_on_volume(found) or self._pseudo.includes(found.st_dev, tid):
                return None
            fd = os.open(ours, os.O_PATH | os.O_CLOEXEC)
            try:
                path = os.readlink(b"/proc/self/fd/%d" % fd)
            finally:
                os.close(fd)
            parent, name = os.path.split(path)
            identity = _identity(os.stat(parent), parent, name, found)
        except OSError:
            return None
        if found.st_nlink and file_at(path) == identity.file:
            return identity
        return identity._replace(name=name.removesuffix(_DELETED), links=0)

    def of_entry(self, tid: HostTid, dirfd: int, path: bytes) -> Identity | None:
        """The name itself that a path of a task ends in, of a symbolic link too; None if it is no name on a volume."""
        return self._once((tid, dirfd, path), lambda: self._of_entry(tid, dirfd, path))

    def _of_entry(self, tid: HostTid, dirfd: int, path: bytes) -> Identity | None:
        ours = path_of(tid, dirfd, path)
        head, _, last = ours.rstrip(b"/").rpartition(b"/")
        head = head or b"/"
        if last in _NO_NAMES or self._pseudo.is_served(ours):
            return None
        try:
            directory = os.stat(head)
            if self._pseudo.includes(directory.st_dev, tid):
                return None
            parent = self._real(head, directory)
            try:
                whole = os.path.join(head, last)
                found = self._copied_up(tid, whole, directory, os.stat(whole, follow_symlinks=False))
            except FileNotFoundError:
                return Identity(_key(directory), parent, last, None, is_directory=False)
        except OSError:
            return None
        if not _is_on_volume(found) and not stat.S_ISLNK(found.st_mode):
            return None
        return _identity(directory, parent, last, found)

    def _copied_up(self, tid: HostTid, path: bytes, directory: os.stat_result, found: os.stat_result) -> os.stat_result:
        """A file that keeps its inode number from now on.

        overlayfs gives the copy of a file with several names another number than the file had; others keep theirs
        (overlayfs.rst, "Inode properties"). Opened for writing it is copied before anybody has counted its opens.
        """
        if found.st_nlink < 2 or not stat.S_ISREG(found.st_mode) or not self._pseudo.copies_up(directory.st_dev, tid):
            return found
        with suppress(OSError):
            _open_to_write(path)
        return os.stat(path, follow_symlinks=False)

    def _real(self, path: bytes, directory: os.stat_result) -> bytes:
        """The path without links of a directory that was found by a path: what it was the last time, if it is still."""
        key = path, _key(directory)
        kept = self._paths.get(key)
        if kept is not None and (kept == path or _leads_to(kept, directory)):
            return kept
        if len(self._paths) >= _PATHS_KEPT:
            self._paths.clear()
        self._paths[key] = real = _located(path, follow=True)[1]
        return real

    def size_and_path_of(self, tid: HostTid, fd: int) -> tuple[int, bytes] | None:
        """Size and path of an open file of a task; None if it is closed."""
        way = b"/proc/%d/fd/%d" % (tid, fd)
        if self._pseudo.is_served(way):
            return None
        try:
            return os.stat(way).st_size, os.readlink(way)
        except OSError:
            return None

    def of_open(self, tid: HostTid, fd: int) -> Identity | None:
        """The name that an open file of a task was last known by; None if that is no file of a volume."""
        way = b"/proc/%d/fd/%d" % (tid, fd)
        if self._pseudo.is_served(way):
            return None
        try:
            found, path = os.stat(way), os.readlink(way)
            if not _is_on_volume(found) or self._pseudo.is_served(path):
                return None
            parent, name = os.path.split(path)
            return _identity(os.stat(parent), parent, name, found)
        except OSError:
            return None

    def of_working_directory(self, tid: HostTid) -> Identity | None:
        """The name of a task's working directory; None if that is no file of a volume, or gone, or the root."""
        way = b"/proc/%d/cwd" % tid
        if self._pseudo.is_served(way):
            return None
        try:
            found, path = os.stat(way), os.readlink(way)
            parent, name = os.path.split(path)
            if not found.st_nlink or not name or self._pseudo.is_served(path):
                return None
            return _identity(os.stat(parent), parent, name, found)
        except OSError:
            return None

    def of_descriptor(self, tid: HostTid, fd: int) -> tuple[Key, bool] | None:
        """The file behind a descriptor, and whether it is a directory; None if that is no file of a volume."""
        way = b"/proc/%d/fd/%d" % (tid, fd)
        if self._pseudo.is_served(way):
            return None
        try:
            found = os.stat(way)
        except OSError:
            return None
        return ((found.st_dev, found.st_ino), stat.S_ISDIR(found.st_mode)) if _is_on_volume(found) else None


def is_link(path: bytes) -> bool:
    """Whether a name is that of a symbolic link, wherever that leads."""
    return os.path.islink(path)


def _open_to_write(path: bytes) -> None:
    """Opens a regular file for writing, and closes it. Raises OSError.

    What has its name by now may be a FIFO, and somebody may have a lease on it (fcntl(2)): neither is waited for.
    """
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    finally:
        os.close(fd)


def _identity(directory: os.stat_result, parent: bytes, name: bytes, found: os.stat_result) -> Identity:
    mode = found.st_mode
    return Identity(_key(directory), parent, name, _key(found), stat.S_ISDIR(mode), mode, found.st_size, found.st_nlink)


def file_at(path: bytes) -> Key | None:
    """The file that a path of ours names now, a link itself."""
    try:
        return _key(os.lstat(path))
    except OSError:
        return None


def keep_identity(path: bytes) -> Callable[[], None]:
    """Device and inode of a file stay its own, even without a name, until the routine that is given is called."""
    try:
        fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return lambda: None
    return lambda: os.close(fd)


def _key(found: os.stat_result) -> Key:
    return found.st_dev, found.st_ino


def _leads_to(path: bytes, directory: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), directory)
    except OSError:
        return False


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
