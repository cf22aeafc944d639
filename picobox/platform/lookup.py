"""Finds what a guest's path means where case does not matter: the same path in the spellings that are stored."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import ELOOP, ENOENT
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.view import ABSENT, Answer, Found, fold
from picobox.errors import Errno
from picobox.platform.host import AT_FDCWD, PseudoDevices, as_ours
from picobox.platform.rights import Rights

if TYPE_CHECKING:
    from ntshim.fs.view import DirectoryIndex
    from picobox.platform.base import HostTid
    from picobox.platform.drives import Drives

PATH_MAX = 4096
_MOST_LINKS = 40  # path_resolution(7)
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class Start(NamedTuple):
    """Where a task's relative and absolute paths begin, as paths of ours that end in a slash.

    `moved`: its root is not ours. The host then may follow no link for us, since it would do so from our root.
    """

    tid: HostTid
    directory: bytes
    root: bytes
    moved: bool


def start_of(tid: HostTid, dirfd: int, *, moved: bool) -> Start:
    """Where a path argument of a task begins (design section 5, "Where names are resolved")."""
    directory = b"/proc/%d/cwd/" % tid if dirfd == AT_FDCWD else b"/proc/%d/fd/%d/" % (tid, dirfd)
    return Start(tid, directory, b"/proc/%d/root/" % tid if moved else b"/", moved)


class Place(NamedTuple):
    """What a path means. `path` is what the host must be given, None for the path as it is.

    If the path is to make its last component, and that is not there, or only in another spelling, or no link in its
    place would be followed: `parent` is an open descriptor of its directory, `stored` the other spelling and `asked`
    the one in the path. `error`: what the host says of the path, where that is known already.
    """

    path: bytes | None = None
    parent: int = -1
    asked: bytes = b""
    stored: bytes | None = None
    error: int = 0

    def close(self) -> None:
        """Lets the directory go."""
        os.close(self.parent)

    def key(self) -> tuple[int, int, str | bytes]:
        """What all spellings of the name have in common."""
        directory = os.fstat(self.parent)
        return directory.st_dev, directory.st_ino, fold(self.asked)

    def on_host(self) -> bytes:
        """A path of ours to the name that is made."""
        return b"/proc/self/fd/%d/" % self.parent + self.asked

    def respell(self) -> None:
        """The stored spelling becomes the one that was asked for, unless somebody was faster."""
        if self.stored is None:
            return
        with suppress(OSError):
            os.rename(self.stored, self.asked, src_dir_fd=self.parent, dst_dir_fd=self.parent)

    def is_named_by(self, path: bytes) -> bool:
        """Whether a path of ours ends in the stored spelling in this very directory."""
        head, _, last = path.rstrip(b"/").rpartition(b"/")
        try:
            return last == self.stored and os.path.samestat(os.stat(head or b"/"), os.fstat(self.parent))
        except OSError:
            return False


AS_GIVEN = Place()


class Lookup:
    """Looks paths up, component by component where the exact spelling fails; an exact spelling always wins.

    Pseudo file systems are exact, and so are directories that the task may not list. What the host refuses is handed to
    the kernel in the spellings found so far, so that it says why.
    """

    def __init__(self, index: DirectoryIndex, drives: Drives) -> None:
        """Ask `index` for the spellings in a directory, and `drives` whether they count there."""
        self._index = index
        self._drives = drives
        self.pseudo = PseudoDevices()
        self._rights = Rights()

    def forget_credentials(self) -> None:
        """A guest is about to change its credentials, or its number is another's now; see Rights."""
        self._rights.forget()

    def find(
        self, start: Start, path: bytes, *, follow: bool, creates: bool, entry: bool = False, expand: bool = True
    ) -> Place:
        """What `path` means.

        `follow`: a link in its last component counts as what it leads to. `entry`: such a link is meant even before a
        slash. `expand`: links may be replaced by what they contain; else the kernel is shown them.
        Errno(ELOOP): links lead to each other.
        """
        if not path or len(path) >= PATH_MAX:
            return AS_GIVEN
        try:
            if not start.moved and (follow or not creates) and _is_there(start, path, follow=follow):
                return AS_GIVEN
            walk = _Walk(start, path, expand=expand)
        except OSError as error:
            return AS_GIVEN._replace(error=error.errno or 0)
        try:
            return self._find(walk, follow=follow, creates=creates, entry=entry)
        except OSError:
            return AS_GIVEN
        finally:
            walk.close()

    def stored_otherwise(self, directory: bytes, name: bytes) -> bytes | None:
        """Another spelling of a name that a directory of ours holds; None if it holds the name itself, or neither."""
        try:
            fd = os.open(directory, _DIRECTORY)
        except OSError:
            return None
        try:
            answer = self._index.look_up(fd, name)
            if answer.found <= Found.EXACT or self._drives.is_case_sensitive(fd):
                return None
        except OSError:
            return None
        finally:
            os.close(fd)
        return answer.spelling

    def _find(self, walk: _Walk, *, follow: bool, creates: bool, entry: bool) -> Place:
        while walk.left:
            component = walk.left.pop()
            last = not walk.left
            directory = os.fstat(walk.directory)
            if component in (b".", b"..") or self.pseudo.includes(directory.st_dev, walk.start.tid):
                if last or component not in (b".", b"..") or not walk.step(component):
                    return walk.place(component)
                continue
            answer = self._look_up(walk, component, directory)
            stored = answer.spelling or component
            if answer.found and not last and walk.enter(stored):
                continue
            follows = follow or (walk.slashes != b"" and not entry)
            if answer.found and (follows or not last) and walk.expand_link(stored, to_the_end=creates):
                continue
            # An open of a FIFO may take as long as it wants: nobody is to wait for it.
            # What is there as it is spelled may be gone when the call comes to it, which would make it then.
            is_made = answer.found is not Found.EXACT or not follow
            if creates and last and is_made and (entry or not walk.is_fifo(stored)):
                return walk.new_place(component, None if answer.found is Found.EXACT else answer.spelling)
            return walk.place(stored)
        return walk.place(b"")

    def _look_up(self, walk: _Walk, component: bytes, directory: os.stat_result) -> Answer:
        """A component as the task may see it."""
        try:
            if self._drives.is_case_sensitive(walk.directory):
                return Answer(Found.EXACT, component) if _is_entry(component, walk.directory) else ABSENT
            answer = self._index.look_up(walk.directory, component)
        except OSError:
            return ABSENT
        if answer.found > Found.EXACT and not self._rights.may_list(walk.start.tid, walk.directory, directory):
            return ABSENT
        return answer


class _Walk:
    """How far a path has been followed: an open directory, its path in stored spellings, the components left."""

    __slots__ = ("_expand", "_given", "_links", "_spelled", "directory", "left", "slashes", "start")

    def __init__(self, start: Start, path: bytes, *, expand: bool) -> None:
        """Begins at the last component if the others are there as they are spelled; raises OSError."""
        self.start = start
        self._given = path
        self._expand = expand
        self._links = _MOST_LINKS
        self.left = _components(path)
        self.slashes = path[len(path.rstrip(b"/")) :] if self.left else b""
        # A script that is run as ./name is told so.
        self._spelled = next((head for head in (b"/", b"./") if path.startswith(head)), b"")
        if not start.moved and len(self.left) > 1:
            head = path[: path.rindex(self.left[0], 0, len(path) - len(self.slashes))]
            try:
                self.directory = _open(start, head)
            except OSError as error:
                if error.errno not in (ENOENT, ELOOP):
                    raise
            else:
                del self.left[1:]
                self._spelled = head
                return
        self.directory = os.open(start.root if path.startswith(b"/") else start.directory, _DIRECTORY)

    def close(self) -> None:
        if self.directory >= 0:
            os.close(self.directory)
            self.directory = -1

    def place(self, component: bytes) -> Place:
        """The path as far as it is known, ending in a component; what is left stays as it is given."""
        spelled = self._spelled + b"/".join([component, *reversed(self.left)]) + self.slashes
        if spelled == self._given or len(spelled) >= PATH_MAX:
            return AS_GIVEN
        return Place(spelled)

    def new_place(self, component: bytes, stored: bytes | None) -> Place:
        """A place of a name that is to be made; it takes the directory over."""
        place = self.place(stored or component)._replace(parent=self.directory, asked=component, stored=stored)
        self.directory = -1
        return place

    def step(self, dots: bytes) -> bool:
        """Enter `.` or `..`; false if that fails."""
        return dots == b"." or (self.start.moved and self._is_at_root()) or self.enter(dots)

    def enter(self, name: bytes) -> bool:
        """Open a directory of exactly this name; false if it is none that can be entered."""
        # The host would follow a link from its own root.
        flags = _DIRECTORY | os.O_NOFOLLOW if self.start.moved else _DIRECTORY
        try:
            below = os.open(name, flags, dir_fd=self.directory)
        except OSError:
            return False
        os.close(self.directory)
        self.directory = below
        self._spelled += name + b"/"
        return True

    def expand_link(self, name: bytes, *, to_the_end: bool) -> bool:
        """Put what a symbolic link contains in its place; false if the name is none.

        Unless it is to be followed to the end, also false if the kernel finds the way, and has to find all of it: it
        would not count the links before.
        """
        try:
            target = os.readlink(name, dir_fd=self.directory)
        except OSError:
            return False
        if not self._expand:
            return False
        is_first = self._links == _MOST_LINKS
        if is_first and not to_the_end and not self.left and not self.start.moved and _exists(name, self.directory):
            return False
        if not self._links:
            raise Errno(ELOOP)
        self._links -= 1
        if not self.left and not self.slashes and target.endswith(b"/"):
            self.slashes = b"/"
        self.left += _components(target)
        if target.startswith(b"/"):
            below = os.open(self.start.root, _DIRECTORY)
            os.close(self.directory)
            self.directory = below
            self._spelled = b"/"
        return True

    def is_fifo(self, name: bytes) -> bool:
        try:
            return stat.S_ISFIFO(os.stat(name, dir_fd=self.directory, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def _is_at_root(self) -> bool:
        return os.path.samestat(os.fstat(self.directory), os.stat(self.start.root))


def _components(path: bytes) -> list[bytes]:
    """The components of a path, the last one first; of single dots only a last one."""
    parts = [part for part in path.split(b"/") if part]
    return [part for place, part in enumerate(reversed(parts)) if part != b"." or place == 0]


def _is_there(start: Start, path: bytes, *, follow: bool) -> bool:
    """Whether the host finds a path as it is; raises OSError for what has another answer than that."""
    try:
        ours = _on_host(start, path)
        if len(ours) < PATH_MAX:
            os.stat(ours, follow_symlinks=follow)
        else:
            directory = os.open(start.directory, _DIRECTORY)
            try:
                os.stat(path, dir_fd=directory, follow_symlinks=follow)
            finally:
                os.close(directory)
    except OSError as error:
        # Of links that lead to each other one may be stored in another spelling than its text's.
        if error.errno not in (ENOENT, ELOOP):
            raise
        return False
    return True


def _open(start: Start, path: bytes) -> int:
    """Opens a directory of the task by its exact path."""
    ours = _on_host(start, path)
    if len(ours) < PATH_MAX:
        return os.open(ours, _DIRECTORY)
    directory = os.open(start.directory, _DIRECTORY)
    try:
        return os.open(path, _DIRECTORY, dir_fd=directory)
    finally:
        os.close(directory)


def _on_host(start: Start, path: bytes) -> bytes:
    """A path of a task, its root being ours, as a path of this process."""
    if not path.startswith(b"/"):
        return start.directory + path
    return as_ours(start.tid, path)


def _is_entry(name: bytes, directory: int) -> bool:
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=directory, follow_symlinks=False)
        return True
    return False


def _exists(name: bytes, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory)
    except OSError:
        return False
    return True
