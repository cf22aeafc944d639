"""Owns the kernel's side of a file system in user space: the requests and answers of linux/fuse.h, version 7.31."""

from __future__ import annotations

import os
from errno import EAGAIN, EINTR, ENODEV, ENOENT
from struct import Struct
from typing import NamedTuple

LOOKUP, FORGET, GETATTR, READLINK = 1, 2, 3, 5
OPEN, READ, STATFS, RELEASE, INIT = 14, 15, 17, 18, 26
OPENDIR, READDIR, RELEASEDIR = 27, 28, 29
INTERRUPT, DESTROY, BATCH_FORGET = 36, 38, 42
# Those that have no answer.
UNANSWERED = frozenset((FORGET, BATCH_FORGET, INTERRUPT))
ROOT = 1
DEVICE = "/dev/fuse"

# A read takes one whole request; the kernel refuses less than this (FUSE_MIN_READ_BUFFER).
_MOST = 1 << 17
_VERSION = 7, 31
_PARALLEL_DIROPS = 1 << 18
# Sizes of files are not known before they are read, so that reads go past the page cache.
_DIRECT_IO = 1
# What may be told once and for all, as no attribute of ours ever changes: seconds.
_ALWAYS = 1 << 31
_BLOCK = 4096
_LONGEST_NAME = 1024

_in_header = Struct("<2I2Q4I")
_out_header = Struct("<IiQ")
_init_in = Struct("<4I")
_init_out = Struct("<4I2H2I2H2I24x")
_attributes = Struct("<6Q10I")
_entry = Struct("<4Q2I")
_attributes_out = Struct("<Q2I")
_open_out = Struct("<Q2I")
_read_in = Struct("<2Q2IQ2I")
_forget_in = Struct("<Q")
_batch = Struct("<2I")
_forget_one = Struct("<2Q")
_statfs_out = Struct("<5Q4I24x")
_dirent = Struct("<2Q2I")


class Request(NamedTuple):
    """What the kernel asks for, about which node; `task`: whose call it is."""

    operation: int
    unique: int
    node: int
    task: int
    body: bytes


class Attributes(NamedTuple):
    """What stat(2) tells of a node that never changes. `size` is that of a link's target."""

    node: int
    inode: int
    mode: int
    user: int
    group: int
    time: int
    size: int = 0

    def packed(self) -> bytes:
        """A struct fuse_attr. One link, also of directories: so find(1) does not count subdirectories by it."""
        times = (self.time, self.time, self.time, 0, 0, 0)
        return _attributes.pack(
            self.inode, self.size, 0, *times, self.mode, 1, self.user, self.group, 0, _BLOCK, 0
        )  # fmt: skip


def receive(fd: int) -> Request | None:
    """The next request, None if there is none. EOFError: the file system is gone."""
    try:
        said = os.read(fd, _MOST)
    except OSError as error:
        if error.errno in (EAGAIN, EINTR, ENOENT):  # ENOENT: it was interrupted before we read it
            return None
        if error.errno == ENODEV:
            raise EOFError from None
        raise
    _, operation, unique, node, _, _, task, _ = _in_header.unpack_from(said)
    return Request(operation, unique, node, task, said[_in_header.size :])


def answer(fd: int, request: Request, body: bytes = b"", error: int = 0) -> None:
    """Answers a request; whoever does not wait for it any more gets nothing."""
    try:
        os.write(fd, _out_header.pack(_out_header.size + len(body), -error, request.unique) + body)
    except OSError as failure:
        if failure.errno not in (ENOENT, ENODEV):
            raise


def greeting(body: bytes) -> bytes:
    """The answer to INIT."""
    major, minor, readahead, flags = _init_in.unpack_from(body)
    version = (_VERSION[0], min(_VERSION[1], minor) if major == _VERSION[0] else _VERSION[1])
    return _init_out.pack(*version, readahead, flags & _PARALLEL_DIROPS, 16, 12, _BLOCK, 1, 0, 0, 0, 0)


def entry(attributes: Attributes) -> bytes:
    """The answer to LOOKUP: a node, whose name has to be asked for again each time."""
    return _entry.pack(attributes.node, 0, 0, _ALWAYS, 0, 0) + attributes.packed()


def attributes_told(attributes: Attributes) -> bytes:
    """The answer to GETATTR."""
    return _attributes_out.pack(_ALWAYS, 0, 0) + attributes.packed()


def opened(handle: int, *, is_file: bool) -> bytes:
    """The answer to OPEN and OPENDIR."""
    return _open_out.pack(handle, _DIRECT_IO if is_file else 0, 0)


def read_asked(body: bytes) -> tuple[int, int, int]:
    """What READ, READDIR and RELEASE are about: a handle, and for the first two an offset and a size."""
    if len(body) < _read_in.size:
        return int.from_bytes(body[:8], "little"), 0, 0
    handle, offset, size, *_ = _read_in.unpack_from(body)
    return handle, offset, size


def forgotten(request: Request) -> list[tuple[int, int]]:
    """The nodes of FORGET and BATCH_FORGET, each with how many entries of it the kernel has let go."""
    if request.operation == FORGET:
        return [(request.node, _forget_in.unpack_from(request.body)[0])]
    count, _ = _batch.unpack_from(request.body)
    return [_forget_one.unpack_from(request.body, _batch.size + each * _forget_one.size) for each in range(count)]


def directory_entry(inode: int, following: int, kind: int, name: bytes) -> bytes:
    """A struct fuse_dirent; `following`: the offset of the next one, `kind`: bits 12 to 15 of its mode."""
    packed = _dirent.pack(inode, following, len(name), kind) + name
    return packed.ljust((len(packed) + 7) & ~7, b"\0")


def is_nameable(name: bytes) -> bool:
    """Whether a directory may hold a name that long (FUSE_NAME_MAX)."""
    return len(name) <= _LONGEST_NAME


def usage() -> bytes:
    """The answer to STATFS: no space, as in proc(5)."""
    return _statfs_out.pack(0, 0, 0, 0, 0, _BLOCK, _LONGEST_NAME, _BLOCK, 0)
