"""Copies and compares files with all that belongs to them: data and holes, owner, mode, extended attributes, times."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from picobox._native._core import ffi, lib
from picobox.errors import PicoboxError
from picobox.platform.holes import data_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 20
_CURRENT = -100  # AT_FDCWD
# Longer paths are made shorter before PATH_MAX is met.
_LONG_PATH = 1000
_LONGEST_HANDLE = 129  # MAX_HANDLE_SZ and its type
# A module of the kernel labels what is made here by its own policy; a copied label would be another place's.
_LABELS = b"security.selinux"

Xattrs = dict[bytes, bytes]


def birth_time(path: bytes) -> int | None:
    """When a file was made, a link itself, in nanoseconds; None if its file system does not tell. Raises OSError."""
    told = ffi.new("int64_t *")
    error = lib.pb_birth_time(_CURRENT, path, told)
    if error == -errno.EOPNOTSUPP:
        return None
    _check(error, path)
    return int(told[0])


def handle_of(path: bytes) -> bytes | None:
    """Type and bytes of the handle by which its file system knows a file; None if it gives none."""
    told = ffi.new(f"uint8_t[{_LONGEST_HANDLE}]")
    length = lib.pb_file_handle(_CURRENT, path, told)
    return None if length < 0 else bytes(ffi.buffer(told, length))


def rename_new(directory: int, name: bytes, to_directory: int, to_name: bytes) -> None:
    """Renames where nothing has the new name; FileExistsError if something has."""
    error = lib.pb_rename_new(directory, name, to_directory, to_name)
    if error == -errno.EINVAL:
        # NFS and others cannot promise it.
        if _exists(to_directory, to_name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), to_name)
        os.rename(name, to_name, src_dir_fd=directory, dst_dir_fd=to_directory)
        return
    _check(error, to_name)


def xattrs_of(path: bytes, hidden: bytes) -> Xattrs:
    """The extended attributes of a file, a link's own, without those that overlayfs keeps for itself under a prefix.

    Those that a guest gave such names overlayfs has given longer ones: they are told as the guest gave them.
    """
    found: Xattrs = {}
    escaped = hidden + b"overlay."
    try:
        names = [os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False)]
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM):
            return found
        raise
    for name in names:
        if name == _LABELS or (name.startswith(hidden) and not name.startswith(escaped)):
            continue
        own_name = hidden + name[len(escaped) :] if name.startswith(escaped) else name
        found[own_name] = os.getxattr(path, name, follow_symlinks=False)
    return found


def attributes_to(source: bytes, target: bytes, hidden: bytes, *, times: bool = True) -> None:
    """Gives a file owner, mode, extended attributes and times of another. Raises OSError."""
    wanted = os.lstat(source)
    set_attributes(target, wanted, xattrs_of(source, hidden), hidden, times=times)


def set_attributes(target: bytes, wanted: os.stat_result, xattrs: Xattrs, hidden: bytes, *, times: bool = True) -> None:
    """Gives a file these: what the owner's change or the directory's defaults took or added is set right after."""
    found = os.lstat(target)
    if (found.st_uid, found.st_gid) != (wanted.st_uid, wanted.st_gid):
        os.chown(target, wanted.st_uid, wanted.st_gid, follow_symlinks=False)
    present = xattrs_of(target, hidden)
    for name in present.keys() - xattrs.keys():
        os.removexattr(target, name, follow_symlinks=False)
    for name, value in xattrs.items():
        if present.get(name) != value or name.startswith(b"security."):
            os.setxattr(target, name, value, follow_symlinks=False)
    if not stat.S_ISLNK(wanted.st_mode):
        os.chmod(target, stat.S_IMODE(wanted.st_mode))
    if times:
        os.utime(target, ns=(wanted.st_atime_ns, wanted.st_mtime_ns), follow_symlinks=False)


def copy_new(source: bytes, target: bytes, hidden: bytes) -> None:
    """Makes a file like another, and makes it last; FileExistsError if the name is taken. No directories."""
    wanted = os.lstat(source)
    kind = stat.S_IFMT(wanted.st_mode)
    if kind == stat.S_IFREG:
        with opened(source, wanted) as fd:
            out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                _copy_data(fd, out, wanted.st_size)
                set_attributes(target, wanted, xattrs_of(source, hidden), hidden)
                os.fsync(out)
            finally:
                os.close(out)
        return
    if kind == stat.S_IFLNK:
        os.symlink(os.readlink(source), target)
    else:
        os.mknod(target, wanted.st_mode, wanted.st_rdev)
    set_attributes(target, wanted, xattrs_of(source, hidden), hidden)


def same_content(one: bytes, other: bytes) -> bool:
    """Whether two files of one type hold the same: data, what a link leads to, a device's number. Raises OSError."""
    first, second = os.lstat(one), os.lstat(other)
    kind = stat.S_IFMT(first.st_mode)
    if kind == stat.S_IFLNK:
        return os.readlink(one) == os.readlink(other)
    if kind != stat.S_IFREG:
        return first.st_rdev == second.st_rdev
    if first.st_size != second.st_size:
        return False
    with opened(one, first) as left, opened(other, second) as right:
        while True:
            block = os.read(left, _BLOCK)
            if block != _read(right, len(block)):
                return False
            if not block:
                return True


@contextmanager
def opened(path: bytes, found: os.stat_result) -> Iterator[int]:
    """A file open for reading, also one whose owner, this process's user, has taken that right from himself."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        fd = os.open(path, flags)
    except PermissionError:
        mode = stat.S_IMODE(found.st_mode)
        os.chmod(path, mode | stat.S_IRUSR)
        try:
            fd = os.open(path, flags)
        finally:
            os.chmod(path, mode)
    try:
        yield fd
    finally:
        os.close(fd)


def remove_tree(path: bytes) -> None:
    """Removes a file, or a directory with all in it, also where its modes forbid that to their owner."""
    stack, moved = [path], 0
    while stack:
        found = os.lstat(stack[-1])
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(stack.pop())
            continue
        # A directory that cannot be searched, or changed, keeps what is in it.
        if found.st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(stack[-1], stat.S_IRWXU)
        if len(stack[-1]) > _LONG_PATH + len(path):
            # Somebody may have made it deeper than a path can say.
            moved += 1
            os.rename(stack.pop(), path + b"/.%d" % moved)
            continue
        names = os.listdir(stack[-1])
        if names:
            stack += [stack[-1] + b"/" + name for name in names]
        else:
            os.rmdir(stack.pop())


def sync_directory(path: bytes) -> None:
    """Makes the names in a directory last."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        # A file system that has nothing to synchronise.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(fd)


def _copy_data(source: int, target: int, size: int) -> None:
    """Copies data and leaves holes."""
    for begin, end in data_of(source, size):
        os.lseek(source, begin, os.SEEK_SET)
        os.lseek(target, begin, os.SEEK_SET)
        offset = begin
        while offset < end:
            block = os.read(source, min(_BLOCK, end - offset))
            if not block:
                raise PicoboxError("a file of the layer has become shorter while it was copied: is it in use?")
            _write(target, block)
            offset += len(block)
    os.ftruncate(target, size)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _read(fd: int, size: int) -> bytes:
    """As many bytes as that, fewer only at the end; one more if nothing is wanted, to see the end."""
    data = b""
    while len(data) < max(size, 1):
        block = os.read(fd, max(size, 1) - len(data))
        if not block:
            break
        data += block
    return data


def _exists(directory: int, name: bytes) -> bool:
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=directory, follow_symlinks=False)
        return True
    return False


def _check(result: int, path: bytes) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result), path)
