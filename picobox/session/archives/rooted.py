"""Owns paths inside of a tree that nobody trusts: no link and no `..` in it leads out of it."""

from __future__ import annotations

import os
import stat
from errno import ELOOP, ENOTDIR
from typing import Self

_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# As many links as path_resolution(7) has the kernel follow.
_MOST_LINKS = 40


class RootedTree:
    """A tree below a directory, whose own names are followed as they would be if it were the root."""

    def __init__(self, path: str) -> None:
        """Opens it. OSError if it is no directory."""
        self._root = os.open(path, _DIRECTORY)
        self._above: tuple[tuple[str, ...], int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.forget()
        os.close(self._root)

    def forget(self) -> None:
        """Closes the directory that was looked up last: another may be in its place now."""
        if self._above is not None:
            os.close(self._above[1])
            self._above = None

    def directory(self, components: tuple[str, ...], *, make: bool = True) -> int:
        """The open directory of a path, which is made where it is missing if so; it is closed by the next look-up.

        OSError if something else is in its place, or its links lead nowhere or around.
        """
        if self._above is None or self._above[0] != components:
            self.forget()
            self._above = components, self._walk(components, make)
        return self._above[1]

    def _walk(self, components: tuple[str, ...], make: bool) -> int:
        waiting = list(reversed(components))
        # The directories that have been gone through, for `..`.
        opened = [os.dup(self._root)]
        links = 0
        try:
            while waiting:
                name = waiting.pop()
                if name in ("", "."):
                    continue
                if name == "..":
                    if len(opened) > 1:
                        os.close(opened.pop())
                    continue
                target = _entered(opened, name, make)
                if target is not None:
                    links += 1
                    if links > _MOST_LINKS:
                        raise OSError(ELOOP, os.strerror(ELOOP), name)
                    if target.startswith("/"):
                        while len(opened) > 1:
                            os.close(opened.pop())
                    waiting += reversed(target.split("/"))
            return opened.pop()
        finally:
            for fd in opened:
                os.close(fd)


def _entered(opened: list[int], name: str, make: bool) -> str | None:
    """Opens an entry of the last directory as the next; if it is a link: gives where that leads."""
    try:
        fd = os.open(name, _PATH, dir_fd=opened[-1])
    except FileNotFoundError:
        if not make:
            raise
        os.mkdir(name, 0o700, dir_fd=opened[-1])
        fd = os.open(name, _PATH, dir_fd=opened[-1])
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISLNK(mode):
            return os.readlink("", dir_fd=fd)
        if not stat.S_ISDIR(mode):
            raise OSError(ENOTDIR, os.strerror(ENOTDIR), name)
        opened.append(os.open(name, _DIRECTORY, dir_fd=opened[-1]))
    finally:
        os.close(fd)
    return None
