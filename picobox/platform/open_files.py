"""What guests have open or mapped: asked of /proc where a fault of WSL1 depends on it."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.platform.base import Descriptor, HostTid

_PAGEMAP = re.compile(rb"/proc/[0-9]+(?:/task/[0-9]+)?/pagemap")


def of_descriptor(tid: HostTid, fd: int) -> bytes:
    """A path of ours to what a descriptor of a task leads to."""
    return b"/proc/%d/fd/%d" % (tid, fd)


def is_pipe(found: Descriptor | None) -> bool:
    """Whether a descriptor is one end of a pipe that has no name."""
    return found is not None and stat.S_ISFIFO(found.mode)


def is_cut_while_mapped(ours: bytes, length: int, tasks: Iterable[HostTid]) -> bool:
    """Whether a file is longer than `length`, and some task has it mapped."""
    try:
        found = os.stat(ours)
    except OSError:
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size <= length:
        return False
    wanted = b"%02x:%02x %d" % (os.major(found.st_dev), os.minor(found.st_dev), found.st_ino)
    return any(_maps(tid, wanted) for tid in tasks)


def _maps(tid: HostTid, wanted: bytes) -> bool:
    with suppress(OSError), open(f"/proc/{tid}/maps", "rb") as maps:
        return any(b" ".join(line.split(maxsplit=5)[3:5]) == wanted for line in maps)
    return False


def is_held_below(ours: bytes, tasks: Iterable[HostTid]) -> bool:
    """Whether a path leads to a directory, and some task has something open that lies below it."""
    try:
        fd = os.open(ours, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        prefix = os.readlink(b"/proc/self/fd/%d" % fd) + b"/"
    finally:
        os.close(fd)
    return any(path.startswith(prefix) for tid in tasks for path in _open_paths(tid))


def _open_paths(tid: HostTid) -> list[bytes]:
    directory = b"/proc/%d/fd" % tid
    paths = []
    with suppress(OSError):
        for name in os.listdir(directory):
            with suppress(OSError):
                paths.append(os.readlink(directory + b"/" + name))
    return paths


def is_one_of(ours: bytes, paths: Iterable[bytes]) -> bool:
    """Whether a path leads to one of these files, none of which may be there."""
    try:
        found = os.stat(ours)
    except OSError:
        return False
    for path in paths:
        with suppress(OSError):
            if os.path.samestat(os.stat(path), found):
                return True
    return False


def is_pagemap(ours: bytes) -> bool:
    """Whether a path leads to the page map of a process."""
    if not ours.endswith(b"pagemap"):
        return False
    try:
        fd = os.open(ours, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return _PAGEMAP.fullmatch(os.readlink(b"/proc/self/fd/%d" % fd)) is not None
    finally:
        os.close(fd)
