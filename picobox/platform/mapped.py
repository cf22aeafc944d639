"""What /proc tells about the files that tasks run and have mapped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.platform.base import HostTid
    from picobox.platform.identity import Key

_ELF = b"\x7fELF"


class Mapping(NamedTuple):
    """How a part of a file is mapped."""

    is_shared: bool
    is_writable: bool
    is_executable: bool


def image_of(tid: HostTid) -> Key | None:
    """The file that a task runs; None if the task is gone."""
    try:
        found = os.stat(f"/proc/{tid}/exe")
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_elf(tid: HostTid, fd: int) -> bool:
    """Whether an open file of a task begins as programs and libraries do."""
    try:
        ours = os.open(f"/proc/{tid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.pread(ours, len(_ELF), 0) == _ELF
    except OSError:
        return False
    finally:
        os.close(ours)


def mappings_of(tid: HostTid, key: Key) -> list[Mapping]:
    """How a task has a file mapped (proc(5), maps).

    The device is not compared: of some file systems it is not the one that stat gives. Of files with one inode number
    the one that is meant is told by its path.
    """
    inode = b"%d" % key[1]
    found = []
    try:
        with open(f"/proc/{tid}/maps", "rb") as lines:
            for line in lines:
                fields = line.rstrip(b"\n").split(None, 5)
                if len(fields) == 6 and fields[4] == inode and _is_file(fields, key):
                    rights = fields[1]
                    found.append(Mapping(rights[3:4] == b"s", rights[1:2] == b"w", rights[2:3] == b"x"))
    except OSError:
        return []
    return found


def _is_file(fields: list[bytes], key: Key) -> bool:
    major, minor = (int(number, 16) for number in fields[3].split(b":"))
    if os.makedev(major, minor) == key[0]:
        return True
    try:
        found = os.stat(fields[5])
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == key
