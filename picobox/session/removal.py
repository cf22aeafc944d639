"""Owns the removal of a tree of any depth, whatever the modes of its directories, without following links."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import ENAMETOOLONG, ENOENT, ENOTDIR

# Of names that lead nowhere, and of such as nothing can have.
_NO_NAME = (ENOENT, ENOTDIR, ENAMETOOLONG)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: str) -> None:
    """Removes a directory and all in it; what is not there is fine. Raises OSError for what cannot be removed.

    Directories in it are moved up to its top one by one, so that neither descriptors nor paths grow with its depth. A
    removal that was cut off can be begun again.
    """
    try:
        top = _opened(path, None)
    except OSError as error:
        if error.errno in _NO_NAME and not os.path.lexists(path):
            return
        raise
    try:
        while waiting := _emptied(top, top):
            for name in waiting:
                fd = _opened(name, top)
                try:
                    _emptied(fd, top)
                finally:
                    os.close(fd)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(path)


def _opened(name: str, above: int | None) -> int:
    """A directory that its owner may read and change from now on."""
    with suppress(PermissionError):
        fd = os.open(name, _DIRECTORY, dir_fd=above)
        os.fchmod(fd, 0o700)
        return fd
    # One that may not be read cannot be opened but as a path, whose mode is changed by its name in /proc.
    fd = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    try:
        os.chmod(f"/proc/self/fd/{fd}", 0o700)
    finally:
        os.close(fd)
    return os.open(name, _DIRECTORY, dir_fd=above)


def _emptied(directory: int, top: int) -> list[str]:
    """Removes the files of a directory and moves its directories to the top; of the top itself: gives those."""
    found = []
    with os.scandir(directory) as entries:
        listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in listed:
        if not is_directory:
            os.unlink(name, dir_fd=directory)
        elif directory == top:
            found.append(name)
        else:
            # To change what `..` means takes the right to write the directory.
            os.close(_opened(name, directory))
            _move_up(name, directory, top)
    return found


def _move_up(name: str, directory: int, top: int) -> None:
    """Moves a directory to the top, under a name that is free there."""
    number = os.fstat(directory).st_ino
    while True:
        try:
            os.mkdir(f".{number}", 0o700, dir_fd=top)
        except FileExistsError:
            number += 1
            continue
        # A directory takes the place of an empty one.
        os.rename(name, f".{number}", src_dir_fd=directory, dst_dir_fd=top)
        return
