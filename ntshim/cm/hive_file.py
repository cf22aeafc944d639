"""A hive in a file of the host that survives crashes: a journal of changes, made short by an atomic replacement.

One process has a hive at a time: it holds a lock on the file beside it that ends in `.lock`.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.cm import journal
from ntshim.cm.node import Hive

if TYPE_CHECKING:
    from ntshim.cm.node import Value

# A journal is made short when it is this much longer than twice what it would be then.
_SLACK = 16 * 1024


def open_hive(path: str) -> HiveFile:
    """Read a hive, or make an empty one, and lock it until it is closed, which NtUnloadKey does.

    STATUS_SHARING_VIOLATION if another process has it, STATUS_NOT_REGISTRY_FILE, STATUS_REGISTRY_CORRUPT, what the
    host says.
    """
    try:
        store = HiveFile(path)
    except OSError as error:
        raise _failed(error) from None
    try:
        store.load()
    except OSError as error:
        store.close()
        raise _failed(error) from None
    except st.NtError:
        store.close()
        raise
    return store


class HiveFile:
    """`node.Store` in a file."""

    def __init__(self, path: str) -> None:
        """Lock a hive; raises OSError, or STATUS_SHARING_VIOLATION."""
        self._path = path
        self.hive = Hive("")
        self._fd = -1
        self._end = 0
        self._number = 0
        self._is_flushed = False
        # How long it would be if it were made short, by what there was when that was last counted; -1: not counted yet.
        self._short = -1
        self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(self._lock)
        except OSError:
            os.close(self._lock)
            raise st.NtError(st.STATUS_SHARING_VIOLATION) from None

    def load(self) -> None:
        """Read the file; what a crash has left torn at its end is cut off. Raises OSError, NtError."""
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            content = b""
        else:
            content = _read_whole(self._fd)
        self.hive, self._end, self._number = journal.read(content)
        self.hive.store = self
        if self._end:
            os.ftruncate(self._fd, self._end)
            self._is_flushed = journal.ends_flushed(content[: self._end])
        else:
            self._rewrite()

    def create(
        self, path: list[str], class_name: str, last_write_time: int, *, is_link: bool, security: bytes | None
    ) -> None:
        self._append(journal.CREATE, path, class_name, last_write_time, is_link, (security or b"").hex())

    def delete(self, path: list[str]) -> None:
        self._append(journal.DELETE, path)

    def rename(self, path: list[str], name: str) -> None:
        self._append(journal.RENAME, path, name)

    def set_value(self, path: list[str], value: Value, last_write_time: int) -> None:
        self._append(*journal.set_fields(path, value, last_write_time))

    def delete_value(self, path: list[str], name: str, last_write_time: int) -> None:
        self._append(journal.UNSET, path, name, last_write_time)

    def set_time(self, path: list[str], last_write_time: int) -> None:
        self._append(journal.TIME, path, last_write_time)

    def set_security(self, path: list[str], descriptor: bytes) -> None:
        self._append(journal.SECURITY, path, descriptor.hex())

    def flush(self) -> None:
        """Bring everything to the medium, by a short new file if the old one has become long."""
        try:
            if self._is_long():
                self._rewrite()
            elif not self._is_flushed:
                os.fsync(self._fd)
                self._append(journal.FLUSHED)
                os.fsync(self._fd)
                self._is_flushed = True
        except OSError as error:
            raise _failed(error) from None

    def _is_long(self) -> bool:
        """Whether it is to be made short: it may have been lengthened by many, each of which had it for a moment."""
        if self._end <= _SLACK:
            return False
        if self._short < 0:
            self._short = len(journal.saved(self.hive.root)[0])
        return self._end > 2 * self._short + _SLACK

    def close(self) -> None:
        """Give file and lock back."""
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1

    def _append(self, *fields: Any) -> None:
        """Write a change down whole, or not at all."""
        written = journal.line(self._number + 1, *fields)
        try:
            _write_whole(self._fd, self._end, written)
        except OSError as error:
            _cut(self._fd, self._end)
            raise _failed(error) from None
        self._end += len(written)
        self._number += 1
        self._is_flushed = False

    def _rewrite(self) -> None:
        """Put a new file in the place of the old one, in one step. Raises OSError."""
        content, number = journal.saved(self.hive.root)
        new = f"{self._path}.new"
        fd = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write_whole(fd, 0, content)
            os.fsync(fd)
            os.replace(new, self._path)
            _sync_directory(self._path)
        except OSError:
            os.close(fd)
            raise
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd
        self._end = self._short = len(content)
        self._number = number
        self._is_flushed = True


def _read_whole(fd: int) -> bytes:
    """Read a file from its beginning."""
    pieces = []
    while piece := os.read(fd, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def _write_whole(fd: int, offset: int, data: bytes) -> None:
    """Write at an offset, however many steps that takes."""
    os.lseek(fd, offset, os.SEEK_SET)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _cut(fd: int, end: int) -> None:
    """Take back what the medium took of a change, as far as it lets."""
    with suppress(OSError):
        os.ftruncate(fd, end)


def _sync_directory(path: str) -> None:
    """Bring a new name to the medium, where directories can be opened for that."""
    if sys.platform != "win32":
        fd = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


if sys.platform == "win32":

    def _lock(fd: int) -> None:
        """Take the lock; raises OSError if it is taken."""
        import msvcrt

        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:

    def _lock(fd: int) -> None:
        """Take the lock; raises OSError if it is taken."""
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _failed(error: OSError) -> st.NtError:
    """Name the host's failure."""
    return st.NtError(st.status_of_errno(error.errno or errno.EIO))
