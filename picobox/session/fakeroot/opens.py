"""Serves opens and execs: what stands for a device is opened as one, what is made has its maker's ids."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import EACCES, EEXIST, ENOENT, ENXIO
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.names import meaning_of
from picobox.platform.host import AT_FDCWD
from picobox.session.fakeroot import processes
from picobox.session.fakeroot.credentials import FSETID
from picobox.session.fakeroot.entries import keep_made
from picobox.session.fakeroot.mounts import Kind
from picobox.session.fakeroot.nodes import Node
from picobox.session.fakeroot.owners import without_set_ids
from picobox.session.fakeroot.permissions import EXECUTE, READ, WRITE, check, check_entry
from picobox.session.fakeroot.statuses import is_device

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.root import FakeRoot
    from picobox.session.metadata import Metadata

_O_TMPFILE = os.O_TMPFILE
# Documentation/admin-guide/devices.txt: those that are the same for everybody.
_DEVICES = {
    (1, 3): b"/dev/null", (1, 5): b"/dev/zero", (1, 7): b"/dev/full", (1, 8): b"/dev/random", (1, 9): b"/dev/urandom",
    (5, 0): b"/dev/tty", (5, 2): b"/dev/ptmx",
}  # fmt: skip
_WANTED = {os.O_RDONLY: READ, os.O_WRONLY: WRITE, os.O_RDWR: READ | WRITE}


def serve(root: FakeRoot, call: Call, row: Row, arguments: Sequence[object]) -> None:
    """An open; the kernel makes it. Raises Errno where it is refused."""
    argument = row.paths()[0]
    path = arguments[argument.position]
    if not isinstance(path, bytes) or not path:
        return
    dirfd = arguments[argument.dirfd] if argument.dirfd >= 0 else AT_FDCWD
    flags = _flags(call, row, arguments)
    follow = meaning_of(call, row, argument, arguments).follow
    if not isinstance(dirfd, int):
        return
    try:
        node = root.finder(call.task).find(dirfd, path, follow=follow)
    except Errno as error:
        if error.errno != ENOENT or not flags & os.O_CREAT:
            root.leave(error)
            return
        _create(root, call, dirfd, path)
        return
    try:
        if _makes_only(flags) and not path.endswith(b"/"):
            # It was there. If the kernel were asked, it could be gone, and what is made then would be nobody's.
            raise Errno(EEXIST)
        _open(root, call, node, flags, argument.position)
    finally:
        node.close()


def _flags(call: Call, row: Row, arguments: Sequence[object]) -> int:
    if row.name == "openat2":
        return int.from_bytes(call.structure(2, 8), "little")
    place = row.open_flags()
    given = arguments[place] if place else os.O_CREAT | os.O_WRONLY | os.O_TRUNC
    return given if isinstance(given, int) else 0


def _makes_only(flags: int) -> bool:
    """Whether what is there is not to be opened (open(2), O_EXCL and O_PATH)."""
    return flags & (os.O_CREAT | os.O_EXCL | os.O_PATH) == os.O_CREAT | os.O_EXCL


def _open(root: FakeRoot, call: Call, node: Node, flags: int, position: int) -> None:
    """Something that is there."""
    if flags & os.O_PATH or _makes_only(flags):
        return
    credentials = root.credentials(call.task)
    if flags & _O_TMPFILE == _O_TMPFILE:
        check(credentials, node, WRITE | EXECUTE)
        _own_result(root, call, node.shown)
        return
    wanted = _WANTED.get(flags & os.O_ACCMODE, READ | WRITE) | (WRITE if flags & os.O_TRUNC else 0)
    check(credentials, node, wanted)
    if wanted & WRITE and _has_set_ids_to_lose(credentials, node):
        _with_result(root, call, lambda opened: drop_set_ids(credentials, opened))
    # A device is an empty file to the host; the files of /proc are of no size either.
    if node.found.st_size or node.type != stat.S_IFREG:
        return
    if node.kind is Kind.STORE:
        _open_device(call, node.shown, position)
    elif node.kind is Kind.PROCESSES and wanted == READ:
        processes.show_status(root, call, node, position)


def _has_set_ids_to_lose(credentials: Credentials, node: Node) -> bool:
    mode = node.shown.mode
    changes = stat.S_ISREG(mode) and without_set_ids(mode) != mode
    return changes and node.kind is Kind.STORE and not credentials.may(FSETID)


def drop_set_ids(credentials: Credentials, node: Node) -> None:
    """Who writes a file takes its set-id bits away (inode(7)). Writes are not seen: that it may be written counts."""
    with suppress(OSError, Errno):  # it is gone, or nothing can be kept, so that there was no such bit
        if _has_set_ids_to_lose(credentials, node):
            node.keep(node.shown._replace(mode=without_set_ids(node.shown.mode)))


def _open_device(call: Call, told: Metadata, position: int) -> None:
    if not is_device(told) or told.device is None:
        return
    device = _DEVICES.get(told.device) if stat.S_ISCHR(told.mode) else None
    if device is None:
        raise Errno(ENXIO)
    call.put(position, 0, device + b"\0")


def _create(root: FakeRoot, call: Call, dirfd: int, path: bytes) -> None:
    """A name that is not there, or a link to one; in a directory of somebody else's the link leads nowhere."""
    credentials = root.credentials(call.task)
    finder = root.finder(call.task)
    try:
        directory, name = finder.find_directory(dirfd, path)
    except Errno as error:
        root.leave(error)
        return
    try:
        if not credentials.overrides_all:
            check_entry(credentials, directory, None)
            entry = finder.entry(directory, name)
            if entry is not None:
                is_link = stat.S_ISLNK(entry.found.st_mode)
                entry.close()
                if is_link:
                    # Where it leads was not looked at, and nothing is made unseen.
                    raise Errno(EACCES)
        _own_result(root, call, directory.shown)
    finally:
        directory.close()


def _own_result(root: FakeRoot, call: Call, parent: Metadata) -> None:
    """What a call has opened, and made, is the caller's."""
    credentials = root.credentials(call.task)
    _with_result(root, call, lambda node: keep_made(credentials, node, parent))


def _with_result(root: FakeRoot, call: Call, routine: Callable[[Node], None]) -> None:
    """Does something with what a call has opened."""
    tid = call.stop.tid

    def then(result: int) -> None:
        if result < 0:
            return
        try:
            node = Node(root.world, os.open(b"/proc/%d/fd/%d" % (tid, result), os.O_PATH | os.O_CLOEXEC))
        except OSError:
            return  # killed meanwhile
        try:
            routine(node)
        finally:
            node.close()

    call.then = then
