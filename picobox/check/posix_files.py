"""What only POSIX has among files: links, pipes, sockets, devices, owners, mode bits (rules PB019, PB020, PB021)."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from ntshim.fs.links import MOST_LINKS
from ntshim.status import STATUS_NOT_SUPPORTED, STATUS_PRIVILEGE_NOT_HELD, STATUS_SUCCESS, STATUS_TOO_MANY_LINKS
from picobox.errors import Errno
from picobox.platform.attributes import attributes_of
from picobox.platform.host import AT_FDCWD
from picobox.runtimes import GIT

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.check.posix import Posix

_AF_UNIX = 1
_PATH_OFFSET = 2  # of struct sockaddr_un
_ADDRESS_SIZE = 110
_UNCHANGED = (1 << 32) - 1  # chown's -1
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_SPECIAL_BITS = {stat.S_ISUID: "set-user-ID", stat.S_ISGID: "set-group-ID", stat.S_ISVTX: "sticky"}
# Modules of Python's library that do without on Windows.
_FALL_BACK_FROM_LINKS = ("/tarfile.py", "/venv/__init__.py")
_LEAVE_OUT_OWNERS = ("/tarfile.py",)
_CHOOSE_PIPES = ("/multiprocessing/connection.py",)
# The name of an address that multiprocessing has chosen itself, which is that of a named pipe on Windows.
_CHOSEN_PIPE = re.compile(rb"listener-[a-z0-9_]{8}")


def makes_symlink(posix: Posix, call: Call, dirfd: int, path: bytes) -> None:
    """A symbolic link is about to be made; git asks whether it can, and installers of packages write scripts."""
    if posix.runtime(call).name == GIT.name or _is_package_manager(posix, call):
        return
    place = posix.place(call, dirfd, path)
    if place is not None and not posix.is_prepared(call):
        message = "is made as a symbolic link"
        posix.refuse(call, "PB019", STATUS_PRIVILEGE_NOT_HELD, place, message, *_FALL_BACK_FROM_LINKS)


def makes_link(posix: Posix, call: Call, source: tuple[int, bytes], *, follow: bool) -> None:
    """A file is about to get one more name."""
    found = attributes_of(call.stop.tid, *source, follow=follow)
    if found is not None and found.links >= MOST_LINKS:
        place = posix.place(call, *source)
        if place is not None:
            message = f"gets one more name than the {MOST_LINKS} that a file can have"
            posix.refuse(call, "PB020", STATUS_TOO_MANY_LINKS, place, message)


def makes_node(posix: Posix, call: Call, dirfd: int, path: bytes, mode: int) -> None:
    """A file of another kind than Windows has may be about to be made."""
    kind = _KINDS.get(stat.S_IFMT(mode))
    place = None if kind is None else posix.place(call, dirfd, path)
    if place is not None:
        posix.refuse(call, "PB021", STATUS_NOT_SUPPORTED, place, f"is made as {kind}")


def binds(posix: Posix, call: Call, address: int, length: int) -> None:
    """A socket is about to get an address; one with a name among files is meant."""
    if not address or not _PATH_OFFSET < length <= _ADDRESS_SIZE:
        return
    try:
        data = call.memory.read(address, length)
    except Errno:
        return
    path = data[_PATH_OFFSET:].split(b"\0", 1)[0]
    if int.from_bytes(data[:_PATH_OFFSET], "little") != _AF_UNIX or not path:
        return
    if _CHOSEN_PIPE.fullmatch(path.rpartition(b"/")[2]):
        return
    place = posix.place(call, AT_FDCWD, path)
    if place is not None:
        message = "is made as the address of a socket"
        posix.refuse(call, "PB021", STATUS_NOT_SUPPORTED, place, message, *_CHOOSE_PIPES)


def changes_owner(posix: Posix, call: Call, file: tuple[int, bytes], owner: int, group: int, *, follow: bool) -> None:
    """A file may be about to belong to somebody else than it does."""
    found = attributes_of(call.stop.tid, *file, follow=follow)
    if found is None or (owner in (_UNCHANGED, found.owner) and group in (_UNCHANGED, found.group)):
        return
    place = posix.place(call, *file)
    if place is not None:
        message = "gets another owner or group by number"
        posix.report(call, "PB021", STATUS_NOT_SUPPORTED, place, message, *_LEAVE_OUT_OWNERS)


def changes_mode(posix: Posix, call: Call, file: tuple[int, bytes], mode: int, *, follow: bool) -> None:
    """A file is about to get a mode: a bit that it has already says nothing, it may be its directory's."""
    if not mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX):
        return
    found = attributes_of(call.stop.tid, *file, follow=follow)
    if found is None:
        return
    new = [name for bit, name in _SPECIAL_BITS.items() if mode & bit & ~found.mode]
    place = posix.place(call, *file) if new else None
    if place is not None:
        message = f"gets the mode bit {' and '.join(new)}, which no file of Windows has"
        posix.report(call, "PB021", STATUS_SUCCESS, place, message, *_LEAVE_OUT_OWNERS)


def _is_package_manager(posix: Posix, call: Call) -> bool:
    arguments = posix.process(call).arguments
    script = arguments[1].rpartition("/")[2] if len(arguments) > 1 else ""
    return script in {"npm", "npx", "npm-cli.js", "npx-cli.js", "yarn", "yarn.js", "pnpm", "pnpm.cjs"}
