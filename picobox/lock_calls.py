"""What the calls that lock bytes, and those that read and write them, ask of NT where Windows' rules hold.

A function for each row, by its name, as in change_calls.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from picobox.byte_locks import DESCRIPTION, RECORD, WHOLE, WHOLE_FILE
from picobox.errors import Errno
from picobox.platform.host import position_of

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.changes import Changes

_F_SETLK = 6
_F_SETLKW = 7
_F_OFD_SETLK = 37
_F_OFD_SETLKW = 38
# Each command that locks: whose the lock is, and whether it waits.
_COMMANDS = {
    _F_SETLK: (RECORD, False),
    _F_SETLKW: (RECORD, True),
    _F_OFD_SETLK: (DESCRIPTION, False),
    _F_OFD_SETLKW: (DESCRIPTION, True),
}
_FLOCK = struct.Struct("<hh4xqqi4x")
_LOCK_PLACE = 8192  # in an argument slot: two paths, then structures
_F_RDLCK, _F_WRLCK, _F_UNLCK = range(3)
_LOCK_SH, _LOCK_EX, _LOCK_NB, _LOCK_UN = 1, 2, 4, 8
_IOVEC = struct.Struct("<QQ")
_MOST_VECTORS = 1024
_END = 1 << 63


def fcntl(changes: Changes, call: Call, fd: int, cmd: int, arg: int) -> None:
    """The kernel reads a copy of the lock: another thread may be writing to the guest's."""
    if cmd not in _COMMANDS:
        return
    kind, waits = _COMMANDS[cmd]
    lock = call.memory.read(arg, _FLOCK.size)
    if not call.put(2, _LOCK_PLACE, lock):
        return
    how, whence, start, length, _ = _FLOCK.unpack(lock)
    span = _span(call, fd, whence, start, length)
    if span is None or not _F_RDLCK <= how <= _F_UNLCK:
        return
    if how == _F_UNLCK:
        changes.locks.unlock(call, fd, kind, span)
    else:
        changes.locks.lock(call, fd, kind, span, exclusive=how == _F_WRLCK, waits=waits)


def _span(call: Call, fd: int, whence: int, start: int, length: int) -> tuple[int, int] | None:
    """Offset and length of a struct flock (man 2 fcntl); None for what the kernel refuses."""
    found = position_of(call.stop.tid, fd) if whence else None
    if whence and (found is None or whence > 2):
        return None
    if found is not None:
        start += found.position if whence == 1 else found.size
    if length < 0:
        start, length = start + length, -length
    if not 0 <= start < _END or start + length > _END:
        return None
    return start, length or _END - start


def flock(changes: Changes, call: Call, fd: int, operation: int) -> None:
    how = operation & ~_LOCK_NB
    if how == _LOCK_UN:
        changes.locks.unlock(call, fd, WHOLE_FILE, WHOLE)
    elif how in (_LOCK_SH, _LOCK_EX):
        changes.locks.lock(call, fd, WHOLE_FILE, WHOLE, exclusive=how == _LOCK_EX, waits=not operation & _LOCK_NB)


def read(changes: Changes, call: Call, fd: int, buf: int, count: int) -> None:
    del buf
    changes.locks.check(call, fd, count, None, writes=False)


def write(changes: Changes, call: Call, fd: int, buf: object, count: int) -> None:
    del buf
    changes.locks.check(call, fd, count, None, writes=True)


def pread64(changes: Changes, call: Call, fd: int, buf: int, count: int, offset: int) -> None:
    del buf
    changes.locks.check(call, fd, count, offset, writes=False)


def pwrite64(changes: Changes, call: Call, fd: int, buf: object, count: int, offset: int) -> None:
    del buf
    changes.locks.check(call, fd, count, offset, writes=True)


def readv(changes: Changes, call: Call, fd: int, iov: object, iovcnt: int) -> None:
    del iov
    changes.locks.check(call, fd, _length(call, iovcnt), None, writes=False)


def writev(changes: Changes, call: Call, fd: int, iov: object, iovcnt: int) -> None:
    del iov
    changes.locks.check(call, fd, _length(call, iovcnt), None, writes=True)


def preadv(changes: Changes, call: Call, fd: int, iov: object, iovcnt: int, pos_l: int, pos_h: int) -> None:
    del iov, pos_h
    changes.locks.check(call, fd, _length(call, iovcnt), pos_l, writes=False)


def pwritev(changes: Changes, call: Call, fd: int, iov: object, iovcnt: int, pos_l: int, pos_h: int) -> None:
    del iov, pos_h
    changes.locks.check(call, fd, _length(call, iovcnt), pos_l, writes=True)


def preadv2(
    changes: Changes, call: Call, fd: int, iov: object, iovcnt: int, pos_l: int, pos_h: int, flags: int
) -> None:
    del iov, pos_h, flags
    changes.locks.check(call, fd, _length(call, iovcnt), _or_position(pos_l), writes=False)


def pwritev2(
    changes: Changes, call: Call, fd: int, iov: object, iovcnt: int, pos_l: int, pos_h: int, flags: int
) -> None:
    del iov, pos_h, flags
    changes.locks.check(call, fd, _length(call, iovcnt), _or_position(pos_l), writes=True)


def sendfile(changes: Changes, call: Call, out_fd: int, in_fd: int, offset: int, count: int) -> None:
    _copy(changes, call, (in_fd, offset), (out_fd, 0), count)


def copy_file_range(
    changes: Changes,
    call: Call,
    fd_in: int,
    off_in: int,
    fd_out: int,
    off_out: int,
    len: int,  # noqa: A002 - the row's name
    flags: int,
) -> None:
    del flags
    _copy(changes, call, (fd_in, off_in), (fd_out, off_out), len)


def splice(
    changes: Changes,
    call: Call,
    fd_in: int,
    off_in: int,
    fd_out: int,
    off_out: int,
    len: int,  # noqa: A002 - the row's name
    flags: int,
) -> None:
    del flags
    _copy(changes, call, (fd_in, off_in), (fd_out, off_out), len)


def _copy(changes: Changes, call: Call, source: tuple[int, int], target: tuple[int, int], length: int) -> None:
    """Descriptors with the addresses of their offsets, 0: where the description stands."""
    for (fd, address), writes in ((source, False), (target, True)):
        offset = int.from_bytes(call.memory.read(address, 8), "little") if address else None
        changes.locks.check(call, fd, length, offset, writes=writes)


def _length(call: Call, count: int) -> int:
    """How many bytes a vector of buffers has, which the kernel reads from a copy; 0 for one that it refuses."""
    if not 0 < count <= _MOST_VECTORS:
        return 0
    try:
        vectors = call.memory.read(call.stop.args[1], count * _IOVEC.size)
    except Errno:
        return 0
    return sum([length for _, length in _IOVEC.iter_unpack(vectors)]) if call.put(1, 0, vectors) else 0


def _or_position(offset: int) -> int | None:
    """An offset of -1 is the description's own (man 2 preadv2)."""
    return None if offset == (1 << 64) - 1 else offset
