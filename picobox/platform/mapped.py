"""What /proc tells about the files that tasks run and have mapped."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from picobox.platform.elf import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from picobox.platform.base import HostTid
    from picobox.platform.elf import FileKey
    from picobox.platform.identity import Key

_ELF = b"\x7fELF"
_MOST_MAPPINGS = 4096


class Mapping(NamedTuple):
    """How a part of a file is mapped."""

    is_shared: bool
    is_writable: bool
    is_executable: bool


class CodeMapping(NamedTuple):
    """A part of a file that is mapped executable: addresses, and where in the file it begins."""

    start: int
    end: int
    offset: int
    inode: int
    path: bytes


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


def code_of(tid: HostTid, original: Callable[[int, int], int]) -> list[CodeMapping]:
    """The executable mappings of files in a task's address space, ascending; none if that cannot be seen.

    `original`: see Platform.original.
    """
    try:
        with open(f"/proc/{tid}/maps", "rb") as lines:
            text = lines.read()
    except OSError:
        return []
    return list(islice(_code_in(text, original), _MOST_MAPPINGS))


def _code_in(text: bytes, original: Callable[[int, int], int]) -> Iterator[CodeMapping]:
    """The executable ones of files, of all mappings as /proc tells them."""
    for line in text.splitlines():
        addresses, rights, offset, device, inode, *path = line.split(None, 5)
        if not path or not path[0].startswith(b"/") or rights[2:3] != b"x":
            continue
        start, _, end = addresses.partition(b"-")
        file = original(_device(device), int(inode))
        yield CodeMapping(int(start, 16), int(end, 16), int(offset, 16), file, path[0])


def _device(text: bytes) -> int:
    major, _, minor = text.partition(b":")
    return os.makedev(int(major, 16), int(minor, 16))


def file_of(tid: HostTid, mapping: CodeMapping) -> tuple[bytes, FileKey] | None:
    """The file that is mapped, as a path of ours, if it still has its name."""
    for path in (mapping.path, b"/proc/%d/root" % tid + mapping.path):
        key = key_of(path)
        # The device is not compared: of some file systems it is not the one that stat gives.
        if key is not None and key.inode == mapping.inode:
            return path, key
    return None


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
    if _device(fields[3]) == key[0]:
        return True
    try:
        found = os.stat(fields[5])
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == key
