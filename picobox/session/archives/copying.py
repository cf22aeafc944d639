"""Copies the tree of an instance as it is kept, sharing the data of files where the file system can."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from picobox.platform.holes import data_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# ioctl_ficlone(2) and linux/fs.h.
_FICLONE = 0x4004_9409
_CANNOT_SHARE = (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS)


class _Level(NamedTuple):
    """A directory and its copy, both open, and what of it has not been copied yet."""

    source: int
    copy: int
    names: Iterator[str]


def copy_tree(source: str, copy: str, scratch: str) -> None:
    """Copies all that is in a directory, and its own attributes, into an empty one. Raises OSError.

    `scratch`: an empty directory beside the copy, for files that have several names.
    """
    links = os.open(scratch, _DIRECTORY)
    levels = [_level(os.open(source, _DIRECTORY), os.open(copy, _DIRECTORY))]
    try:
        while levels:
            level = levels[-1]
            name = next(level.names, None)
            if name is None:
                _copy_rest(level.source, level.copy)
                _close(levels.pop())
            elif stat.S_ISDIR(os.stat(name, dir_fd=level.source, follow_symlinks=False).st_mode):
                os.mkdir(name, 0o700, dir_fd=level.copy)
                opened = (os.open(name, _DIRECTORY, dir_fd=directory) for directory in level[:2])
                levels.append(_level(*opened))
            else:
                _copy_entry(level, name, links)
        for name in os.listdir(links):
            os.unlink(name, dir_fd=links)
    finally:
        for level in levels:
            _close(level)
        os.close(links)


def _level(source: int, copy: int) -> _Level:
    return _Level(source, copy, iter(sorted(os.listdir(source))))


def _close(level: _Level) -> None:
    os.close(level.source)
    os.close(level.copy)


def _copy_entry(level: _Level, name: str, links: int) -> None:
    """Copies an entry that is no directory; one with several names once, into the scratch directory as well."""
    found = os.stat(name, dir_fd=level.source, follow_symlinks=False)
    if found.st_nlink == 1:
        _copy_file(level, name, found)
        return
    known = f"{found.st_dev}-{found.st_ino}"
    try:
        os.link(known, name, src_dir_fd=links, dst_dir_fd=level.copy, follow_symlinks=False)
    except FileNotFoundError:
        _copy_file(level, name, found)
        os.link(name, known, src_dir_fd=level.copy, dst_dir_fd=links, follow_symlinks=False)


def _copy_file(level: _Level, name: str, found: os.stat_result) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFREG:
        source = os.open(name, _READ, dir_fd=level.source)
        try:
            copy = os.open(name, _NEW, 0o600, dir_fd=level.copy)
            try:
                _copy_data(source, copy, found.st_size)
                _copy_rest(source, copy)
            finally:
                os.close(copy)
        finally:
            os.close(source)
        return
    if kind == stat.S_IFLNK:
        os.symlink(os.readlink(name, dir_fd=level.source), name, dir_fd=level.copy)
    else:
        # A fifo, or a socket, which is nobody's any more.
        os.mknod(name, found.st_mode, dir_fd=level.copy)
    os.utime(name, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=level.copy, follow_symlinks=False)


def _copy_data(source: int, copy: int, size: int) -> None:
    """The same data in both, or a copy without the holes."""
    try:
        fcntl.ioctl(copy, _FICLONE, source)
    except OSError as error:
        if error.errno not in _CANNOT_SHARE:
            raise
    else:
        return
    for begin, end in data_of(source, size):
        offset = begin
        while offset < end:
            copied = os.copy_file_range(source, copy, end - offset, offset, offset)
            if not copied:
                raise OSError(errno.EIO, "it has become shorter while it was copied")
            offset += copied
    os.ftruncate(copy, size)


def _copy_rest(source: int, copy: int) -> None:
    """Modes, attributes and times of an open file."""
    found = os.fstat(source)
    os.fchmod(copy, stat.S_IMODE(found.st_mode))
    for attribute in os.listxattr(source):
        if attribute.startswith("user."):
            os.setxattr(copy, attribute, os.getxattr(source, attribute))
    os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))
