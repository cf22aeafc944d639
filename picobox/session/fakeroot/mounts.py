"""Tells of a file on which of the mounts of an instance it lies, and so whose word on its owner counts."""

from __future__ import annotations

import os
import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from picobox.platform.host import PSEUDO_FILE_SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOUNT = re.compile(rb"^mnt_id:\s+(\d+)$", re.MULTILINE)
_SERVED = b"fuse.picobox-nt"


class Kind(Enum):
    """Where a file lies: STORE is what the instance owns, HOST a drive, OUTSIDE what programs were given from outside.

    SERVED is NT's namespace, whose files a process serves that asks us: we do not look any up, or each would wait for
    the other.
    Only of files in the store is anything kept, and only these does anybody but the guest itself change.
    """

    STORE = auto()
    PROCESSES = auto()
    KERNEL = auto()
    SERVED = auto()
    HOST = auto()
    OUTSIDE = auto()


class Mounts:
    """The mounts that an instance has; they do not change while it runs."""

    def __init__(self, init: int, drives: Iterable[bytes]) -> None:
        """`init`: the process whose mounts they are; `drives`: where those of the host are. OSError."""
        self._kinds: dict[int, Kind] = {}
        # The device of what is served, as in st_dev; None if nothing is.
        self.served: int | None = None
        drives = frozenset(drives)
        with open(f"/proc/{init}/mountinfo", "rb") as lines:
            for line in lines:
                fields, _, tail = line.partition(b" - ")
                number, _, device, _, point = fields.split(b" ")[:5]
                kind = self._kinds[int(number)] = _kind(tail.split(b" ")[0], _unescaped(point), drives)
                if kind is Kind.SERVED:
                    self.served = os.makedev(*map(int, device.split(b":")))

    def kind_of(self, fd: int, number: int) -> Kind:
        """Where lies what a descriptor of ours stands for, on a mount of that number; -1: not known. Raises OSError."""
        return self._kinds.get(_as_listed(fd) if number < 0 else number, Kind.OUTSIDE)


def _as_listed(fd: int) -> int:
    """The mount of a descriptor where statx does not tell it, as before Linux 5.8; -1 for none."""
    with open(f"/proc/self/fdinfo/{fd}", "rb", buffering=0) as file:
        found = _MOUNT.search(file.read(256))
    return -1 if found is None else int(found[1])


def _kind(file_system: bytes, point: bytes, drives: frozenset[bytes]) -> Kind:
    # A drive comes with all that is mounted below it, of whatever type.
    if any(point == drive or point.startswith(drive + b"/") for drive in drives):
        return Kind.HOST
    if file_system == b"proc":
        return Kind.PROCESSES
    if file_system == _SERVED:
        return Kind.SERVED
    if point == b"/" or (file_system == b"tmpfs" and not point.startswith((b"/proc", b"/sys")) and point != b"/dev"):
        return Kind.STORE
    if file_system in PSEUDO_FILE_SYSTEMS or point.startswith((b"/dev", b"/proc", b"/sys")):
        return Kind.KERNEL
    return Kind.HOST


def _unescaped(point: bytes) -> bytes:
    """A path as it is (proc(5), mountinfo: space, tab, newline and backslash are octal)."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes((int(found[1], 8),)), point)


def path_of(fd: int) -> bytes:
    """Where a descriptor of ours leads; guests' paths count from their own root. Raises OSError."""
    return os.readlink(b"/proc/self/fd/%d" % fd)
