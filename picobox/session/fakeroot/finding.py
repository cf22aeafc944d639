"""Finds what a path of a guest means, from its own root, and whether it may be searched for there."""

from __future__ import annotations

import os
import stat
from errno import EBADF, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.platform.host import AT_FDCWD
from picobox.session.fakeroot import calls
from picobox.session.fakeroot.mounts import Kind
from picobox.session.fakeroot.nodes import Node
from picobox.session.fakeroot.permissions import EXECUTE, check

if TYPE_CHECKING:
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.nodes import World
    from picobox.task import Task

_LOOK = os.O_PATH | os.O_CLOEXEC
_MOST_LINKS = 40  # path_resolution(7)
_PATH_MAX = 4096
# What is found without asking a file system.
_DOTS = (b".", b"..")
_OWN_LINKS = (b"self", b"thread-self")


class Finder:
    """Looks for one task. What comes out of /proc may lie outside of the instance: `Node.kind` tells."""

    def __init__(self, world: World, task: Task, credentials: Credentials) -> None:
        self._world = world
        self._task = task
        self._tid = task.tid or 0
        self._links = 0
        self._credentials = credentials

    def find(self, dirfd: int, path: bytes, *, follow: bool = True) -> Node:
        """What is at a path; an empty one means the descriptor itself. Raises Errno; see `Denied`."""
        if len(path) >= _PATH_MAX:
            raise Errno(ENAMETOOLONG)
        if not path:
            return Node(self._world, self._start(dirfd))
        is_quick = self._credentials.overrides_all and self._world.mounts.served is None
        found = self._quick(dirfd, path, follow=follow) if is_quick else None
        return self._walk(dirfd, path, follow=follow) if found is None else found

    def find_directory(self, dirfd: int, path: bytes) -> tuple[Node, bytes]:
        """The directory in which a path has its last component, and that. Raises Errno."""
        plain = path.rstrip(b"/")
        head, slash, name = plain.rpartition(b"/")
        if not name or name in (b".", b".."):
            raise Errno(ENOENT)
        directory = self.find(dirfd, head + slash or b".")
        if not stat.S_ISDIR(directory.found.st_mode):
            directory.close()
            raise Errno(ENOTDIR)
        return directory, name

    def entry(self, directory: Node, name: bytes) -> Node | None:
        """An entry of a directory, not followed; None if it is not there, or not to be looked up (`Kind.SERVED`)."""
        if directory.kind is Kind.SERVED:
            return None
        try:
            return Node(self._world, os.open(name, _LOOK | os.O_NOFOLLOW, dir_fd=directory.fd))
        except OSError:
            return None

    def _start(self, dirfd: int) -> int:
        return _opened(self._name_of(dirfd), EBADF)

    def _root(self) -> int:
        return _opened(self._root_name, ENOENT)

    def _name_of(self, dirfd: int) -> bytes:
        return b"/proc/%d/cwd" % self._tid if dirfd == AT_FDCWD else b"/proc/%d/fd/%d" % (self._tid, dirfd)

    @property
    def _root_name(self) -> bytes:
        return b"/proc/%d/root" % self._tid

    def _quick(self, dirfd: int, path: bytes, *, follow: bool) -> Node | None:
        """What the kernel finds at once for who may search every directory; None if it is not so easy."""
        absolute = path.startswith(b"/")
        start = self._root_name if absolute else self._name_of(dirfd)
        resolve = calls.NO_MAGIC_LINKS | (calls.IN_ROOT if absolute else calls.NO_LINKS)
        found = calls.look_at(start, path, 0 if follow else os.O_NOFOLLOW, resolve)
        return None if found is None else Node(self._world, *found)

    def _walk(self, dirfd: int, path: bytes, *, follow: bool) -> Node:
        here = Node(self._world, self._root() if path.startswith(b"/") else self._start(dirfd))
        left = _components(path)
        self._links = _MOST_LINKS
        try:
            while left:
                here = self._advance(here, left, follow=follow)
        except BaseException:
            here.close()
            raise
        return here

    def _advance(self, here: Node, left: list[bytes], *, follow: bool) -> Node:
        """Where the next component leads; `here` is closed if that is elsewhere. Raises Errno."""
        name = left.pop()
        below = self._step(here, name)
        if not _is_link(below) or (not left and not follow):
            here.close()
            return below
        jumped = self._follow(here, name, below, left)
        if jumped is None:
            return here
        here.close()
        return jumped

    def _step(self, here: Node, name: bytes) -> Node:
        """One component below a directory. Raises Errno."""
        if not stat.S_ISDIR(here.found.st_mode):
            raise Errno(ENOTDIR)
        if here.kind is Kind.SERVED and name not in _DOTS:
            # The kernel finds out.
            raise Errno(ENOENT)
        if not self._credentials.overrides_all:
            check(self._credentials, here, EXECUTE)
        if name == b".." and self._is_root(here):
            name = b"."
        try:
            return Node(self._world, os.open(name, _LOOK | os.O_NOFOLLOW, dir_fd=here.fd))
        except OSError as error:
            raise Errno(error.errno or ENOENT) from None

    def _follow(self, here: Node, name: bytes, link: Node, left: list[bytes]) -> Node | None:
        """Takes a link's content in; a node where it leads elsewhere than below `here`."""
        try:
            self._count_link()
            if here.kind is Kind.PROCESSES:
                if name not in _OWN_LINKS:
                    # A link to what a process has open: only the kernel knows where that is.
                    return Node(self._world, os.open(name, _LOOK, dir_fd=here.fd))
                target = self._own(name)
            else:
                target = os.readlink(b"", dir_fd=link.fd)
        except OSError as error:
            raise Errno(error.errno or ENOENT) from None
        finally:
            link.close()
        left += _components(target)
        return Node(self._world, self._root()) if target.startswith(b"/") else None

    def _count_link(self) -> None:
        if not self._links:
            raise Errno(ELOOP)
        self._links -= 1

    def _own(self, name: bytes) -> bytes:
        number = self._task.vtid or 0
        group = _number_of_group(self._task)
        return b"%d" % group if name == b"self" else b"%d/task/%d" % (group, number)

    def _is_root(self, here: Node) -> bool:
        try:
            return os.path.samestat(here.found, os.stat(b"/proc/%d/root/" % self._tid))
        except OSError:
            return False


def _is_link(node: Node) -> bool:
    """Closes what has gone meanwhile. Raises Errno."""
    try:
        return stat.S_ISLNK(node.found.st_mode)
    except OSError as error:
        node.close()
        raise Errno(error.errno or ENOENT) from None


def _number_of_group(task: Task) -> int:
    from picobox.platform.host import number_of

    return task.vtid or 0 if task.group.tgid in (None, task.tid) else number_of(task.group.tgid)


def _components(path: bytes) -> list[bytes]:
    """The components of a path, the last one first; a slash at the end means what is in a directory."""
    parts = [part for part in path.split(b"/") if part]
    if path.endswith(b"/") and parts:
        parts.append(b".")
    return parts[::-1]


def _opened(path: bytes, absent: int) -> int:
    try:
        return os.open(path, _LOOK)
    except OSError as error:
        raise Errno(absent if error.errno == ENOENT else error.errno or absent) from None
