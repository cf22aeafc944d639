"""Mounts that are attached by descriptor, and the points that they are attached at."""

from __future__ import annotations

import os
from errno import ENOENT
from itertools import compress

from picobox._native._core import ffi, lib
from picobox.errors import PlatformError

# linux/mount.h, MOUNT_ATTR_*
READ_ONLY, NO_SET_ID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8


def check(result: int, what: str) -> int:
    """A result of the core that is no error; PlatformError if it is one."""
    if result < 0:
        raise PlatformError(f"{what}: {os.strerror(-result)}")
    return result


def with_something(root: int, paths: list[bytes]) -> list[bytes]:
    """Those of some paths below a root at which something is, a link included."""
    found = ffi.new("uint8_t[]", len(paths))
    lib.pb_points_find(root, b"\0".join(paths) + b"\0", len(paths), found)
    return list(compress(paths, ffi.unpack(found, len(paths))))


def copied(root: int, path: bytes, attributes: int) -> int:
    """What is mounted at and below a path without links, as a tree by itself; -1 if nothing is there."""
    tree = lib.pb_point_copy(root, path, attributes)
    return -1 if tree == -ENOENT else check(tree, f"copying the mounts of {os.fsdecode(path)}")


def share_of_memory(percent: int, most: int | None) -> bytes:
    """As the size of a tmpfs (tmpfs(5)): so much of the machine's memory, and no more than a limit of bytes."""
    if most is None:
        return b"size=%d%%" % percent
    return b"size=%d" % min(most, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * percent // 100)


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
    return check(lib.pb_point_mount(root, path, tree), f"mounting {os.fsdecode(path)}") > 0


def hide(root: int, path: bytes, store: int) -> None:
    """An empty directory, or a file that nobody may open, is all that is at a path; `store`: where they are kept."""
    attributes = READ_ONLY | NO_SET_ID | NO_DEVICES | NO_EXEC
    check(lib.pb_point_hide(root, path, store, attributes), f"hiding {os.fsdecode(path)}")
