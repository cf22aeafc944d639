"""Serves calls that make, move and take away names: what is made is its maker's, and what is kept of names follows.

The kernel makes the call; what is kept is put right behind it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import EADDRINUSE, EEXIST, ENOENT, EPERM
from typing import TYPE_CHECKING

from picobox.confine.accesses import AF_UNIX, address_of
from picobox.errors import Errno, PicoboxError
from picobox.platform.host import AT_FDCWD, umask_of
from picobox.session import metadata
from picobox.session.fakeroot.credentials import MKNOD
from picobox.session.fakeroot.mounts import Kind
from picobox.session.fakeroot.nodes import Node
from picobox.session.fakeroot.peers import check_port
from picobox.session.fakeroot.permissions import check_entry, check_link
from picobox.session.metadata import Metadata, host_mode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.root import FakeRoot

_SET_ID = stat.S_ISUID | stat.S_ISGID
_ALL_BITS = 0o7777
_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)
_APART = (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK)
_AT_SYMLINK_FOLLOW = 0x400
_PATH_OFFSET = 2  # of struct sockaddr_un
_EXCHANGE = 2  # linux/fs.h, RENAME_EXCHANGE

Path = tuple[int, bytes]


def keep_made(credentials: Credentials, node: Node, parent: Metadata) -> None:
    """A file that a task has made is its own; nothing is kept where the host's file says it all."""
    with suppress(OSError):  # it may be gone already
        _keep_made(credentials, node, parent)


def _keep_made(credentials: Credentials, node: Node, parent: Metadata) -> None:
    if node.kind is not Kind.STORE or node.is_kept:
        return
    mode, group = node.found.st_mode, credentials.groups.files
    if parent.mode & stat.S_ISGID:
        group = parent.gid
        mode |= stat.S_ISGID if stat.S_ISDIR(mode) else 0
    needed = host_mode(mode)
    is_plain = stat.S_ISLNK(mode) or (mode & needed == needed and not mode & _SET_ID)
    if (credentials.users.files, group) != (0, 0) or not is_plain:
        # Where the file system keeps nothing, as tmpfs before Linux 6.6, it is root's.
        with suppress(Errno):
            node.keep(Metadata(credentials.users.files, group, mode))


def _directory(root: FakeRoot, call: Call, path: Path, *, replaces: bool = False) -> tuple[Node, bytes]:
    """Where a name is, held until the call is over, once it is allowed to make it or, with `replaces`, take it away."""
    credentials = root.credentials(call.task)
    finder = root.finder(call.task)
    directory, name = finder.find_directory(*path)
    call.when_over(directory.close)
    if not credentials.overrides_all:
        entry = finder.entry(directory, name)
        try:
            if entry is None or replaces:
                check_entry(credentials, directory, entry)
        finally:
            if entry is not None:
                entry.close()
    return directory, name


def _make(root: FakeRoot, call: Call, path: Path) -> None:
    _keep_result(root, call, *_directory(root, call, path))


def _keep_result(root: FakeRoot, call: Call, directory: Node, name: bytes) -> None:
    credentials = root.credentials(call.task)
    parent = directory.shown

    def then(result: int) -> None:
        made = root.finder(call.task).entry(directory, name) if result == 0 else None
        if made is None:
            return
        try:
            _drop(directory, name, made)
            keep_made(credentials, made, parent)
        finally:
            made.close()

    call.then = then


def _drop(directory: Node, name: bytes, made: Node) -> None:
    """What was kept of a name before, by who took it away unseen, is not of this one."""
    with suppress(OSError, PicoboxError):
        if directory.kind is Kind.STORE and made.type in _APART:
            metadata.keep_entry(directory.fd, name, None)
            made.__dict__.pop("kept", None)


def mkdir(root: FakeRoot, call: Call, arguments: Sequence[object]) -> None:
    """Makes directories."""
    _make(root, call, _first(arguments, at=_is_at(call)))


def symlink(root: FakeRoot, call: Call, arguments: Sequence[object]) -> None:
    """Makes symbolic links."""
    _make(root, call, _first(arguments[1:], at=_is_at(call)))


def mknod(root: FakeRoot, call: Call, arguments: Sequence[object]) -> int | None:
    """Devices are empty files of the host with what they stand for; the kernel makes the rest."""
    at = _is_at(call)
    path = _first(arguments, at=at)
    mode, number = (int(value) for value in call.stop.args[2 if at else 1 :][:2])
    if stat.S_IFMT(mode) not in _DEVICES:
        _make(root, call, path)
        return None
    credentials = root.credentials(call.task)
    directory, name = _directory(root, call, path)
    if not credentials.may(MKNOD) or directory.kind is not Kind.STORE:
        raise Errno(EPERM)
    tid = call.stop.tid
    permissions = mode & _ALL_BITS & ~umask_of(tid)
    _make_device(
        directory, name, Metadata(*_owner(credentials, directory), stat.S_IFMT(mode) | permissions, _pair(number))
    )
    return 0


def _owner(credentials: Credentials, directory: Node) -> tuple[int, int]:
    inherits = directory.shown.mode & stat.S_ISGID
    return credentials.users.files, directory.shown.gid if inherits else credentials.groups.files


def _pair(number: int) -> tuple[int, int]:
    number &= 0xFFFF_FFFF
    return os.major(number), os.minor(number)


def _make_device(directory: Node, name: bytes, wanted: Metadata) -> None:
    try:
        fd = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=directory.fd)
    except OSError as error:
        raise Errno(error.errno or EEXIST) from None
    node = Node(directory.world, fd)
    try:
        node.keep(wanted)
    except Errno:
        os.unlink(name, dir_fd=directory.fd)
        raise
    finally:
        node.close()


def bind(root: FakeRoot, call: Call, arguments: Sequence[object]) -> int | None:
    """Makes sockets, where an address is a path; an abstract one and one that the kernel chooses make no name."""
    del arguments
    check_port(root, call)
    raw = None if call.row is None else address_of(call, call.row)
    if (
        raw is None
        or int.from_bytes(raw[:_PATH_OFFSET], "little") != AF_UNIX
        or raw[_PATH_OFFSET : _PATH_OFFSET + 1] in (b"", b"\0")
    ):
        return None
    path = AT_FDCWD, raw[_PATH_OFFSET:].split(b"\0", 1)[0]
    directory, name = _directory(root, call, path)
    entry = root.finder(call.task).entry(directory, name)
    if entry is not None:
        # If the kernel were asked, this could be gone, or another path be in the guest's memory.
        entry.close()
        return -EADDRINUSE
    _keep_result(root, call, directory, name)
    return None


def unlink(root: FakeRoot, call: Call, arguments: Sequence[object]) -> None:
    """Takes away names, of directories too."""
    directory, name = _directory(root, call, _first(arguments, at=_is_at(call)), replaces=True)
    if _entry(directory, name) is None:
        return

    def then(result: int) -> None:
        if result == 0:
            _keep(directory, name, None)

    call.then = then


def link(root: FakeRoot, call: Call, arguments: Sequence[object]) -> None:
    """Makes hard links: another name of a link or a socket has the same owner."""
    at = _is_at(call)
    old = _first(arguments, at=at)
    new = _first(arguments[2 if at else 1 :], at=at)
    follows = at and bool(call.stop.args[4] & _AT_SYMLINK_FOLLOW)
    directory, name = _directory(root, call, new)
    node = root.finder(call.task).find(*old, follow=follows)
    try:
        check_link(root.credentials(call.task), node)
        text = node.kept if node.type in _APART else None
    finally:
        node.close()
    if text is None:
        return

    def then(result: int) -> None:
        if result == 0:
            _keep(directory, name, text)

    call.then = then


def rename(root: FakeRoot, call: Call, arguments: Sequence[object]) -> None:
    """Changes names: what a directory keeps of a name goes along."""
    at = _is_at(call)
    before = _directory(root, call, _first(arguments, at=at), replaces=True)
    after = _directory(root, call, _first(arguments[2 if at else 1 :], at=at), replaces=True)
    exchanges = call.row is not None and call.row.name == "renameat2" and bool(call.stop.args[4] & _EXCHANGE)
    text, replaced = _entry(*before), _entry(*after)
    if text is None and replaced is None:
        return

    def then(result: int) -> None:
        if result == 0:
            _keep(*before, replaced if exchanges else None)
            _keep(*after, text)

    call.then = then


def _entry(directory: Node, name: bytes) -> bytes | None:
    if directory.kind is not Kind.STORE:
        return None
    try:
        return metadata.entries_of(directory.fd).get(name)
    except OSError:
        return None


def _keep(directory: Node, name: bytes, text: bytes | None) -> None:
    if directory.kind is Kind.STORE:
        with suppress(OSError, PicoboxError):
            metadata.keep_entry(directory.fd, name, text)


def _is_at(call: Call) -> bool:
    return call.row is not None and call.row.name.endswith(("at", "at2"))


def _first(arguments: Sequence[object], *, at: bool) -> Path:
    """The first path of a call, with where it begins."""
    dirfd, path = (arguments[0], arguments[1]) if at else (AT_FDCWD, arguments[0])
    if not isinstance(dirfd, int) or not isinstance(path, bytes) or not path:
        raise Errno(ENOENT)
    return dirfd, path


HANDLERS: dict[str, Callable[[FakeRoot, Call, Sequence[object]], int | None]] = {
    "mkdir": mkdir,
    "mkdirat": mkdir,
    "symlink": symlink,
    "symlinkat": symlink,
    "mknod": mknod,
    "mknodat": mknod,
    "bind": bind,
    "unlink": unlink,
    "unlinkat": unlink,
    "rmdir": unlink,
    "link": link,
    "linkat": link,
    "rename": rename,
    "renameat": rename,
    "renameat2": rename,
}
