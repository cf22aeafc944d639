"""Files of the host as inodes, and how its failures become statuses."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, TypeVar

from ntshim import status as st
from ntshim.fs.backend import Inode

if TYPE_CHECKING:
    from collections.abc import Callable

REPARSE_XATTR = "user.ntshim.reparse"
_Result = TypeVar("_Result")


def ask(call: Callable[..., _Result], *args: object, **kwargs: object) -> _Result:
    """Make a call to the host; its failure is raised as the status that names it best."""
    try:
        return call(*args, **kwargs)
    except OSError as error:
        raise st.NtError(st.status_of_errno(error.errno or errno.EIO)) from None


class HostInode(Inode):
    """A file of the host; `path` is where it was found, `fd` is open while somebody holds on to it.

    What is neither a regular file nor a directory is `is_special`, and a reparse point.
    """

    __slots__ = ("fd", "holders", "is_special", "path")

    def __init__(self, path: bytes, found: os.stat_result) -> None:
        """Stand for what lstat found."""
        is_directory = stat.S_ISDIR(found.st_mode)
        self.is_special = not is_directory and not stat.S_ISREG(found.st_mode)
        super().__init__(
            (found.st_dev, found.st_ino),
            is_directory=is_directory,
            is_reparse_point=self.is_special or _is_marked(path),
        )
        self.path = path
        self.fd = -1
        self.holders = 0

    @property
    def handle(self) -> int | bytes:
        """What the host's calls are to be given: the descriptor, which outlives the name, or the path."""
        return self.path if self.fd < 0 else self.fd


def own(inode: Inode) -> HostInode:
    """Give one's own inode; those of other backends never come here."""
    if not isinstance(inode, HostInode):
        raise TypeError(inode)
    return inode


def _is_marked(path: bytes) -> bool:
    """Whether reparse data is stored with a file; one that may not be asked has none that could be followed."""
    try:
        os.getxattr(path, REPARSE_XATTR, follow_symlinks=False)
    except OSError:
        return False
    return True
