"""Removes a directory of ours that guests could write to: they may have moved it, filled it, taken rights off it."""

from __future__ import annotations

import os
from contextlib import suppress

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(directory: int) -> None:
    """Remove an open directory with all that is in it, wherever it is now; what is another user's stays.

    For when no guest runs any more.
    """
    with suppress(OSError):
        os.fchmod(directory, 0o700)
        while names := os.listdir(directory):
            for name in names:
                _remove_entry(directory, name)
    with suppress(OSError):
        path = os.readlink(f"/proc/self/fd/{directory}")
        if os.path.samestat(os.lstat(path), os.fstat(directory)):
            os.rmdir(path)


def _remove_entry(directory: int, name: str) -> None:
    """What is in a directory below moves up before it goes itself, so that no depth is too deep."""
    if not _is_opened_up(directory, name):
        os.unlink(name, dir_fd=directory)
        return
    below = os.open(name, _DIRECTORY, dir_fd=directory)
    try:
        for child in os.listdir(below):
            _is_opened_up(below, child)
            os.rename(child, os.urandom(16).hex(), src_dir_fd=below, dst_dir_fd=directory)
    finally:
        os.close(below)
    os.rmdir(name, dir_fd=directory)


def _is_opened_up(directory: int, name: str) -> bool:
    """Whether a name is a directory's, which its owner may change from now on; a link is none."""
    try:
        fd = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except NotADirectoryError:
        return False
    try:
        os.chmod(f"/proc/self/fd/{fd}", 0o700)
    finally:
        os.close(fd)
    return True
