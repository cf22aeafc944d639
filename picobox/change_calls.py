"""What the calls that change names and files ask of NT where Windows' rules hold: a function for each row, by its name.

They come after the handlers of the rows, if there are any, and get the names that are stored.
"""

from __future__ import annotations

from stat import S_IFMT, S_IFREG
from typing import TYPE_CHECKING

from ntshim.status import STATUS_NOT_SUPPORTED
from picobox.platform.host import AT_FDCWD

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.changes import Changes

_AT_REMOVEDIR = 0x200
_AT_SYMLINK_NOFOLLOW = 0x100
_AT_SYMLINK_FOLLOW = 0x400
_AT_EMPTY_PATH = 0x1000
_RENAME_NOREPLACE = 1
_MAP_ANONYMOUS = 0x20


def unlink(changes: Changes, call: Call, pathname: bytes | None) -> None:
    unlinkat(changes, call, AT_FDCWD, pathname, 0)


def rmdir(changes: Changes, call: Call, pathname: bytes | None) -> None:
    unlinkat(changes, call, AT_FDCWD, pathname, _AT_REMOVEDIR)


def unlinkat(changes: Changes, call: Call, dirfd: int, path: bytes | None, flags: int) -> None:
    if path:
        changes.delete(call, dirfd, path, directory=bool(flags & _AT_REMOVEDIR))


def rename(changes: Changes, call: Call, oldpath: bytes | None, newpath: bytes | None) -> None:
    renameat2(changes, call, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0)


def renameat(
    changes: Changes, call: Call, olddirfd: int, oldpath: bytes | None, newdirfd: int, newpath: bytes | None
) -> None:
    renameat2(changes, call, olddirfd, oldpath, newdirfd, newpath, 0)


def renameat2(
    changes: Changes, call: Call, olddirfd: int, oldpath: bytes | None, newdirfd: int, newpath: bytes | None, flags: int
) -> None:
    """Two names cannot be exchanged on Windows, and no whiteout is left there."""
    if not oldpath or not newpath:
        return
    if flags & ~_RENAME_NOREPLACE:
        changes.refuse(call, olddirfd, oldpath, STATUS_NOT_SUPPORTED)
        return
    changes.rename(call, (olddirfd, oldpath), (newdirfd, newpath), replace=not flags & _RENAME_NOREPLACE)


def link(changes: Changes, call: Call, oldpath: bytes | None, newpath: bytes | None) -> None:
    linkat(changes, call, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0)


def linkat(
    changes: Changes, call: Call, olddirfd: int, oldpath: bytes | None, newdirfd: int, newpath: bytes | None, flags: int
) -> None:
    names_open_file = oldpath == b"" and flags & _AT_EMPTY_PATH
    if newpath and (oldpath or names_open_file):
        changes.link(call, (olddirfd, oldpath or b""), (newdirfd, newpath), follow=bool(flags & _AT_SYMLINK_FOLLOW))


def symlink(changes: Changes, call: Call, target: bytes | None, linkpath: bytes | None) -> None:
    symlinkat(changes, call, target, AT_FDCWD, linkpath)


def symlinkat(changes: Changes, call: Call, target: bytes | None, newdirfd: int, linkpath: bytes | None) -> None:
    if target and linkpath:
        changes.make(call, newdirfd, linkpath, directory=False)


def mkdir(changes: Changes, call: Call, pathname: bytes | None, mode: int) -> None:
    mkdirat(changes, call, AT_FDCWD, pathname, mode)


def mkdirat(changes: Changes, call: Call, dirfd: int, path: bytes | None, mode: int) -> None:
    del mode
    if path:
        changes.make(call, dirfd, path, directory=True)


def mknod(changes: Changes, call: Call, pathname: bytes | None, mode: int, dev: int) -> None:
    mknodat(changes, call, AT_FDCWD, pathname, mode, dev)


def mknodat(changes: Changes, call: Call, dirfd: int, path: bytes | None, mode: int, dev: int) -> None:
    """A name for a pipe, a socket or a device has no counterpart on a volume of NT: it is the host's."""
    del dev
    if path and S_IFMT(mode) in (0, S_IFREG):
        changes.make(call, dirfd, path, directory=False)


def truncate(changes: Changes, call: Call, path: bytes | None, length: int) -> None:
    if path and length >= 0:
        changes.truncate(call, AT_FDCWD, path, length)


def ftruncate(changes: Changes, call: Call, fd: int, length: int) -> None:
    if fd >= 0 and length >= 0:
        changes.truncate_open(call, fd, length)


def chmod(changes: Changes, call: Call, pathname: bytes | None, mode: int) -> None:
    fchmodat(changes, call, AT_FDCWD, pathname, mode)


def fchmod(changes: Changes, call: Call, fd: int, mode: int) -> None:
    if fd >= 0:
        changes.set_basic_open(call, fd, mode)


def fchmodat(changes: Changes, call: Call, dirfd: int, path: bytes | None, mode: int) -> None:
    fchmodat2(changes, call, dirfd, path, mode, 0)


def fchmodat2(changes: Changes, call: Call, dirfd: int, path: bytes | None, mode: int, flags: int) -> None:
    if path:
        changes.set_basic(call, dirfd, path, mode, follow=not flags & _AT_SYMLINK_NOFOLLOW)


def mmap(changes: Changes, call: Call, addr: int, length: int, prot: int, flags: int, fd: int, offset: int) -> None:
    del addr, length, offset
    if fd >= 0 and not flags & _MAP_ANONYMOUS:
        changes.note_mapping(call, fd, prot, flags)


def utime(changes: Changes, call: Call, filename: bytes | None, times: int) -> None:
    utimensat(changes, call, AT_FDCWD, filename, times, 0)


def utimes(changes: Changes, call: Call, filename: bytes | None, times: int) -> None:
    utimensat(changes, call, AT_FDCWD, filename, times, 0)


def futimesat(changes: Changes, call: Call, dirfd: int, path: bytes | None, times: int) -> None:
    utimensat(changes, call, dirfd, path, times, 0)


def utimensat(changes: Changes, call: Call, dirfd: int, path: bytes | None, times: object, flags: int) -> None:
    del times
    if path:
        changes.set_basic(call, dirfd, path, None, follow=not flags & _AT_SYMLINK_NOFOLLOW)
    elif path is None and dirfd >= 0:
        changes.set_basic_open(call, dirfd, None)
