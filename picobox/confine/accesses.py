"""Watches a run and notes what it used: files and what was done with them, devices, addresses."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.types import CreatPath, DirFd, EntryPath, NewPath, UserPath
from picobox.confine.interpreters import interpreters
from picobox.errors import Errno
from picobox.platform.base import HostTid

if TYPE_CHECKING:
    from ntshim.ps.process import Thread
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.platform.base import Stop

# linux/socket.h; socket loads much that a run that starts has no use for.
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16

# How a path was used. SEEN: asked for, or passed through; USED: its content read, or run; LISTED: its names read.
# CHANGED: it was changed itself. FILLED: names in this directory were made or taken away.
SEEN, USED, LISTED, CHANGED, FILLED = "seen", "used", "listed", "changed", "filled"

# Calls that change the file that their path names, or that their descriptor is of.
_CHANGING = frozenset((
    "truncate", "chmod", "chown", "lchown", "fchownat", "fchmodat", "fchmodat2", "utime", "utimes", "utimensat",
    "futimesat", "setxattr", "lsetxattr", "removexattr", "lremovexattr", "setxattrat", "removexattrat",
))  # fmt: skip
_CHANGING_BY_FD = frozenset(("fchmod", "fchown", "ftruncate", "fallocate", "fsetxattr", "fremovexattr"))
_LISTING = frozenset(("getdents", "getdents64"))
_RUNNING = frozenset(("execve", "execveat"))
_OPENING = frozenset(("open", "openat", "openat2", "creat"))
_MOVING = frozenset(("rename", "renameat", "renameat2", "link", "linkat"))
TALKING = frozenset(("connect", "bind", "sendto", "sendmsg"))
_AT_FDCWD = -100
_O_TMPFILE = 0o20000000
# A hostile program could use ever more; who uses so much is given directories.
MOST_USES = 200_000
_LONGEST_ADDRESS = 128  # struct sockaddr_storage
_NET_FAMILIES = (AF_INET, AF_INET6, AF_NETLINK)


class Use(NamedTuple):
    """A path as the program wrote it, made absolute, and how it was used."""

    path: bytes
    how: str

    @property
    def changes(self) -> bool:
        """Whether something is to be changed."""
        return self.how in (CHANGED, FILLED)


class Accesses:
    """What a run used (supervisor.Observer). `together`: pairs of directories between which a name was moved."""

    def __init__(self) -> None:
        """Nothing is noted before the supervisor runs."""
        self.uses: set[Use] = set()
        self.together: set[tuple[bytes, bytes]] = set()
        self.speaks = False
        self._open: dict[HostTid, list[Use]] = {}

    def entered(self, call: Call) -> bool:
        """A call begins: paths are made absolute now, since the call may change what they lead to."""
        row = call.row
        if row is None:
            return False
        if row.name == "socket" and call.stop.args[0] in _NET_FAMILIES:
            self.speaks = True
        try:
            uses = uses_of(call, row)
        except (Errno, OSError):
            # The kernel will find the same.
            return False
        if uses:
            self._open[call.stop.tid] = uses
        return bool(uses)

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None:
        """A call is over: it counts if it did something."""
        uses = self._open.pop(stop.tid if call is None else call.stop.tid, [])
        if call is None or call.row is None or result is None or result < 0:
            return
        if len(self.uses) < MOST_USES:
            self.uses.update(uses)
        if call.row.name in _MOVING and len(self.together) < MOST_USES:
            parents = [use.path for use in uses if use.how == FILLED]
            if call.row.name.startswith("link"):
                parents.append(_parent(uses[0].path))
            self.together.add((min(parents), max(parents)))

    def signalled(self, stop: Stop, thread: Thread | None) -> None:
        """Signals use nothing."""

    def died(self, stop: Stop, thread: Thread | None) -> None:
        """A call in which a thread ended has used nothing that anybody could tell."""
        del thread
        self._open.pop(stop.tid, None)

    def executed(self, stop: Stop, thread: Thread | None) -> None:
        """A program runs: the first one has made no call for it."""
        del thread
        self.uses.update(self._open.pop(HostTid(stop.other), []))
        with suppress(OSError):
            program = os.fsencode(os.readlink(f"/proc/{stop.tid}/exe"))
            self.uses.update(Use(path, USED) for path in (program, *interpreters(_root_of(stop.tid), program)))


def uses_of(call: Call, row: Row) -> list[Use]:
    """What a call that begins is to use. Errno or OSError where that cannot be told, and the call is going to fail."""
    if row.name in _CHANGING_BY_FD or row.name in _LISTING:
        path = os.fsencode(os.readlink(f"/proc/{call.stop.tid}/fd/{_signed(call.stop.args[0])}"))
        return [Use(path, LISTED if row.name in _LISTING else CHANGED)] if path.startswith(b"/") else []
    return _socket_uses(call, row) if row.name in TALKING else _named(call, row)


def _named(call: Call, row: Row) -> list[Use]:
    """What the paths of a call stand for."""
    found: list[Use] = []
    base = _AT_FDCWD
    for argument, raw in zip(row.args, call.stop.args, strict=False):
        if isinstance(argument, DirFd):
            base = _signed(raw)
        elif isinstance(argument, UserPath):
            given = argument.decode(raw, call.memory)
            if isinstance(given, bytes) and given:
                found += _how(call, row, argument, _absolute(call.stop.tid, base, given))
            elif row.name in _CHANGING:
                found.append(Use(_absolute(call.stop.tid, base, b""), CHANGED))
    return found


def _how(call: Call, row: Row, argument: UserPath, path: bytes) -> list[Use]:
    """How a call uses a path."""
    if row.name in _OPENING:
        return _opened(call, row, path)
    if isinstance(argument, NewPath | EntryPath | CreatPath):
        return [Use(_parent(path), FILLED)]
    if row.name in _RUNNING:
        return [Use(each, USED) for each in (path, *interpreters(_root_of(call.stop.tid), path))]
    return [Use(path, CHANGED if row.name in _CHANGING else SEEN)]


def _opened(call: Call, row: Row, path: bytes) -> list[Use]:
    if row.name == "creat":
        flags = os.O_CREAT | os.O_WRONLY
    elif row.name == "openat2":
        flags = int.from_bytes(call.memory.read(call.stop.args[2], 8), "little")
    else:
        flags = call.stop.args[1 if row.name == "open" else 2]
    if flags & _O_TMPFILE:
        return [Use(path, FILLED)]
    if flags & os.O_CREAT and not os.path.exists(_root_of(call.stop.tid) + path):
        return [Use(_parent(path), FILLED)]
    if flags & (os.O_WRONLY | os.O_RDWR | os.O_TRUNC):
        return [Use(path, CHANGED)]
    return [Use(path, SEEN if flags & (os.O_DIRECTORY | os.O_PATH) else USED)]


def _socket_uses(call: Call, row: Row) -> list[Use]:
    """The file that a local address names; it is changed by whoever speaks through it."""
    raw = address_of(call, row)
    if raw is None or int.from_bytes(raw[:2], "little") != AF_UNIX or raw[2:3] in (b"", b"\0"):
        return []
    path = _absolute(call.stop.tid, _AT_FDCWD, raw[2:].split(b"\0", 1)[0])
    return [Use(_parent(path), FILLED) if row.name == "bind" else Use(path, CHANGED)]


def address_of(call: Call, row: Row) -> bytes | None:
    """The address, a struct sockaddr, that one of TALKING names; None if it names none. Errno(EFAULT)."""
    args = call.stop.args
    if row.name == "sendmsg":
        header = call.memory.read(args[1], 12)
        address, length = int.from_bytes(header[:8], "little"), int.from_bytes(header[8:], "little")
    else:
        first = 4 if row.name == "sendto" else 1
        address, length = args[first], args[first + 1] & 0xFFFFFFFF
    return call.memory.read(address, length) if address and 2 <= length <= _LONGEST_ADDRESS else None


def _absolute(tid: HostTid, base: int, path: bytes) -> bytes:
    """A path of a task, absolute as its task sees it; the links in it stay."""
    if not path.startswith(b"/"):
        link = f"/proc/{tid}/cwd" if base == _AT_FDCWD else f"/proc/{tid}/fd/{base}"
        path = os.path.join(os.fsencode(os.readlink(link)), path)
    return b"/" + os.path.normpath(path).lstrip(b"/")


def _root_of(tid: HostTid) -> bytes:
    """The path by which this process reaches what a task sees as its root."""
    return b"/proc/%d/root" % tid


def _parent(path: bytes) -> bytes:
    return os.path.dirname(path)


def _signed(raw: int) -> int:
    """A descriptor: the low half of a register."""
    return (raw & 0xFFFFFFFF) - ((raw & 0x80000000) << 1)
