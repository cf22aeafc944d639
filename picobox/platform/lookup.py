"""Finds what a guest's path means where case does not matter: the same path in the spellings that are stored."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import ENOENT
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ntshim.fs.view import Found, fold
from picobox.platform.host import AT_FDCWD, pseudo_devices

if TYPE_CHECKING:
    from ntshim.fs.view import DirectoryIndex
    from picobox.platform.base import HostTid

PATH_MAX = 4096
_MOST_LINKS = 40  # path_resolution(7)
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class Start(NamedTuple):
    """Where a task's relative and absolute paths begin, as paths of ours that end in a slash.

    `moved`: its root is not ours. The host then may follow no link for us, since it would do so from our root.
    """

    directory: bytes
    root: bytes
    moved: bool


def start_of(tid: HostTid, dirfd: int, *, moved: bool) -> Start:
    """Where a path argument of a task begins (design section 5, "Where names are resolved")."""
    directory = b"/proc/%d/cwd/" % tid if dirfd == AT_FDCWD else b"/proc/%d/fd/%d/" % (tid, dirfd)
    return Start(directory, b"/proc/%d/root/" % tid if moved else b"/", moved)


class Place(NamedTuple):
    """What a path means. `path` is what the host must be given, None for the path as it is.

    If the last component is not there, or only in another spelling, and the path is to make it: `parent` is an open
    descriptor of its directory, `stored` the other spelling and `asked` the one in the path.
    """

    path: bytes | None = None
    parent: int = -1
    asked: bytes = b""
    stored: bytes | None = None

    def close(self) -> None:
        """Lets the directory go."""
        os.close(self.parent)

    def key(self) -> tuple[int, int, str | bytes]:
        """What all spellings of the name have in common."""
        directory = os.fstat(self.parent)
        return directory.st_dev, directory.st_ino, fold(self.asked)

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


class _Unfoldable(Exception):
    """The path is the host's affair alone."""


def _give_up() -> NoReturn:
    raise _Unfoldable


class Lookup:
    """Looks paths up, component by component where the exact spelling fails; an exact spelling always wins.

    Pseudo file systems are exact, and so is whatever the host refuses to show: the host then says why.
    """

    def __init__(self, index: DirectoryIndex) -> None:
        """Ask `index` for the spellings in a directory."""
        self._index = index
        self._devices = pseudo_devices()

    def find(self, start: Start, path: bytes, *, follow: bool, creates: bool) -> Place:
        """What `path` means; `follow` says whether a link in its last component counts as what it leads to."""
        if not path or len(path) >= PATH_MAX:
            return AS_GIVEN
        if not start.moved:
            try:
                (os.stat if follow else os.lstat)(_on_host(start, path))
            except OSError as error:
                if error.errno != ENOENT:
                    return AS_GIVEN
            else:
                return AS_GIVEN
        try:
            return self._find(start, path, path, follow=follow, creates=creates, links=_MOST_LINKS)
        except (_Unfoldable, OSError):
            return AS_GIVEN

    def _find(self, start: Start, given: bytes, path: bytes, *, follow: bool, creates: bool, links: int) -> Place:
        """Find the last component of `path`, which is `given` or what links in it have led to."""
        stem = path.rstrip(b"/")
        head, slash, asked = stem.rpartition(b"/")
        if asked in (b"", b".", b".."):
            directory, spelled = self._directory(start, path, links)
            os.close(directory)
            return _changed(given, spelled)
        parent, spelled_head = self._directory(start, head + slash, links)
        try:
            self._refuse_pseudo(parent)
            answer = self._index.look_up(parent, asked)
            stored = answer.spelling
            spelled = spelled_head + (stored or asked) + path[len(stem) :]
            if stored is not None and (follow or len(stem) != len(path)):
                target = _link(parent, stored)
                if target is not None and (start.moved or not _exists(stored, parent)):
                    if not links:
                        _give_up()
                    onward = target if target.startswith(b"/") else spelled_head + target
                    return self._find(start, given, onward, follow=follow, creates=creates, links=links - 1)
            place = _changed(given, spelled)
            if not creates or answer.found is Found.EXACT:
                return place if stored is not None or creates else AS_GIVEN
            place = place._replace(parent=parent, asked=asked, stored=stored)
            parent = -1
            return place
        finally:
            if parent >= 0:
                os.close(parent)

    def _directory(self, start: Start, path: bytes, links: int) -> tuple[int, bytes]:
        """An open descriptor of a directory, and its path in stored spellings, which ends in a slash unless empty."""
        if not start.moved:
            try:
                return os.open(_on_host(start, path) or b".", _DIRECTORY), path
            except FileNotFoundError:
                pass
        absolute = path.startswith(b"/")
        directory = os.open(start.root if absolute else start.directory, _DIRECTORY)
        spelled = b"/" if absolute else b""
        components = [component for component in reversed(path.split(b"/")) if component not in (b"", b".")]
        try:
            while components:
                component = components.pop()
                below, stored = self._enter(directory, component, follow=not start.moved)
                if below >= 0:
                    os.close(directory)
                    directory = below
                    spelled += stored + b"/"
                    continue
                target = _link(directory, stored)
                if target is None or not links:
                    _give_up()
                links -= 1
                components += [part for part in reversed(target.split(b"/")) if part not in (b"", b".")]
                if target.startswith(b"/"):
                    os.close(directory)
                    directory = -1
                    directory = os.open(start.root, _DIRECTORY)
                    spelled = b"/"
        except BaseException:
            if directory >= 0:
                os.close(directory)
            raise
        return directory, spelled

    def _enter(self, directory: int, component: bytes, *, follow: bool) -> tuple[int, bytes]:
        """Open a component as a directory: its descriptor and stored spelling; -1 for a link that leads nowhere."""
        flags = _DIRECTORY if follow else _DIRECTORY | os.O_NOFOLLOW
        if component == b"..":
            return os.open(component, flags, dir_fd=directory), component
        self._refuse_pseudo(directory)
        stored = self._index.look_up(directory, component).spelling
        if stored is None:
            raise _Unfoldable
        try:
            return os.open(stored, flags, dir_fd=directory), stored
        except OSError:
            return -1, stored

    def _refuse_pseudo(self, directory: int) -> None:
        """Where the kernel makes names up, /proc/self above all, they are not the same for us."""
        device = os.fstat(directory).st_dev
        if device not in self._devices:
            self._devices |= pseudo_devices()
            # A file system with several devices is listed with one of them.
            self._devices.setdefault(device, False)
        if self._devices[device]:
            raise _Unfoldable


def _on_host(start: Start, path: bytes) -> bytes:
    return path if path.startswith(b"/") else start.directory + path


def _changed(given: bytes, spelled: bytes) -> Place:
    if spelled == given:
        return AS_GIVEN
    if len(spelled) >= PATH_MAX:
        raise _Unfoldable
    return Place(spelled)


def _link(directory: int, name: bytes) -> bytes | None:
    """What a symbolic link contains; None if the name is none."""
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return None


def _exists(name: bytes, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory)
    except OSError:
        return False
    return True
