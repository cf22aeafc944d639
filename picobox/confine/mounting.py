"""Mounts that are attached by descriptor, and the places that they are attached at."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import EACCES, ELOOP, ENOENT, ENOTDIR

from picobox._native._core import lib
from picobox.errors import PlatformError

# linux/mount.h, MOUNT_ATTR_*
READ_ONLY, NO_SET_ID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
_ABSENT = (-ENOENT, -ENOTDIR, -EACCES, -ELOOP)


def check(result: int, what: str) -> int:
    """A result of the core that is no error; PlatformError if it is one."""
    if result < 0:
        raise PlatformError(f"{what}: {os.strerror(-result)}")
    return result


def copied(root: int, path: bytes, attributes: int) -> int:
    """What is mounted at and below a path without links, as a tree by itself; -1 if nothing is there."""
    found = lib.pb_open_below(root, path)
    if found in _ABSENT:
        return -1
    check(found, f"opening {os.fsdecode(path)}")
    try:
        tree = check(lib.pb_tree_clone(found), f"copying the mounts of {os.fsdecode(path)}")
    finally:
        os.close(found)
    change(tree, attributes, path)
    return tree


def new(kind: bytes, options: bytes, attributes: int) -> int:
    """A file system that is mounted nowhere yet."""
    return check(lib.pb_tree_new(kind, options, attributes), f"a new {kind.decode()}")


def new_directory(mode: int) -> int:
    """A small file system in memory whose root has this mode."""
    return new(b"tmpfs", b"mode=%o,size=1m,nr_inodes=4096" % mode, NO_SET_ID | NO_DEVICES)


def change(tree: int, attributes: int, path: bytes, *, recursive: bool = True) -> None:
    """Sets attributes of a tree's mounts; `path` is for who reads what went wrong."""
    check(lib.pb_tree_change(tree, attributes, recursive), f"attributes of the mount of {os.fsdecode(path)}")


def attach(tree: int, root: int, path: bytes) -> bool:
    """Mounts a tree at a path below a root; false if there is no place for it and none can be made."""
    point = _point(root, path, is_directory=stat.S_ISDIR(os.fstat(tree).st_mode))
    if point < 0:
        return False
    try:
        check(lib.pb_tree_attach(tree, point), f"mounting {os.fsdecode(path)}")
    finally:
        os.close(point)
    return True


def _point(root: int, path: bytes, *, is_directory: bool) -> int:
    """Opens what is at a path, or makes it if that is in a file system of ours; all others cannot be written yet."""
    found = lib.pb_open_below(root, path)
    if found not in _ABSENT:
        return check(found, f"opening {os.fsdecode(path)}")
    try:
        directory, name = _above(root, path)
    except OSError:
        return -1
    try:
        if is_directory:
            return _directory(directory, name)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(name, flags, 0o600, dir_fd=directory))
        return check(lib.pb_open_below(directory, name), f"opening {os.fsdecode(path)}")
    except OSError:
        return -1
    finally:
        os.close(directory)


def link(root: int, path: bytes, target: bytes) -> None:
    """Makes a symbolic link below a root, where that is in a file system of ours and nothing is there."""
    with suppress(OSError):
        directory, name = _above(root, path)
        try:
            os.symlink(target, name, dir_fd=directory)
        finally:
            os.close(directory)


def _above(root: int, path: bytes) -> tuple[int, bytes]:
    """The open directory above a path, made where it is missing, and the path's last name."""
    *names, last = path.strip(b"/").split(b"/")
    directory = os.dup(root)
    for name in names:
        try:
            below = _directory(directory, name)
        finally:
            os.close(directory)
        directory = below
    return directory, last


def _directory(above: int, name: bytes) -> int:
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=above)
    except FileNotFoundError:
        os.mkdir(name, 0o755, dir_fd=above)
        return os.open(name, flags, dir_fd=above)
