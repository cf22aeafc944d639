"""The calls of which a check knows that Windows lacks what they do: a function for each row, by its name.

They see a call before anybody serves it, with the names that the guest wrote.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from picobox.abi.table import BY_NAME
from picobox.check import posix_files, signals
from picobox.creations import CLONE_VM
from picobox.errors import Errno
from picobox.platform.host import AT_FDCWD

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.call import Call
    from picobox.check.judge import Judge

_AT_SYMLINK_NOFOLLOW = 0x100
_AT_SYMLINK_FOLLOW = 0x400
_O_CREAT = 0o100
# F_SETLK, F_SETLKW and those of open file descriptions.
_LOCKS = frozenset((6, 7, 37, 38))
_TIMES = struct.Struct("<4q")


def watchers() -> dict[str, Callable[..., None]]:
    """The functions of this module for rows, by the rows' names."""
    return {name: found for name, found in globals().items() if name in BY_NAME and callable(found)}


def chdir(judge: Judge, call: Call, path: bytes | None) -> None:
    del path
    judge.holders.moments.enters(call)


def fchdir(judge: Judge, call: Call, fd: int) -> None:
    del fd
    judge.holders.moments.enters(call)


def symlink(judge: Judge, call: Call, target: bytes | None, linkpath: bytes | None) -> None:
    symlinkat(judge, call, target, AT_FDCWD, linkpath)


def symlinkat(judge: Judge, call: Call, target: bytes | None, newdirfd: int, linkpath: bytes | None) -> None:
    if target and linkpath:
        posix_files.makes_symlink(judge.posix, call, newdirfd, linkpath)


def link(judge: Judge, call: Call, oldpath: bytes | None, newpath: bytes | None) -> None:
    linkat(judge, call, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0)


def linkat(
    judge: Judge, call: Call, olddirfd: int, oldpath: bytes | None, newdirfd: int, newpath: bytes | None, flags: int
) -> None:
    del newdirfd
    if oldpath and newpath:
        posix_files.makes_link(judge.posix, call, (olddirfd, oldpath), follow=bool(flags & _AT_SYMLINK_FOLLOW))


def mknod(judge: Judge, call: Call, pathname: bytes | None, mode: int, dev: int) -> None:
    mknodat(judge, call, AT_FDCWD, pathname, mode, dev)


def mknodat(judge: Judge, call: Call, dirfd: int, path: bytes | None, mode: int, dev: int) -> None:
    del dev
    if path:
        posix_files.makes_node(judge.posix, call, dirfd, path, mode)


def bind(judge: Judge, call: Call, sockfd: int, addr: int, addrlen: int) -> None:
    del sockfd
    posix_files.binds(judge.posix, call, addr, addrlen)


def chown(judge: Judge, call: Call, pathname: bytes | None, owner: int, group: int) -> None:
    fchownat(judge, call, AT_FDCWD, pathname, owner, group, 0)


def lchown(judge: Judge, call: Call, pathname: bytes | None, owner: int, group: int) -> None:
    fchownat(judge, call, AT_FDCWD, pathname, owner, group, _AT_SYMLINK_NOFOLLOW)


def fchown(judge: Judge, call: Call, fd: int, owner: int, group: int) -> None:
    fchownat(judge, call, fd, b"", owner, group, 0)


def fchownat(judge: Judge, call: Call, dirfd: int, path: bytes | None, owner: int, group: int, flags: int) -> None:
    if path is not None:
        follow = not flags & _AT_SYMLINK_NOFOLLOW
        posix_files.changes_owner(judge.posix, call, (dirfd, path), owner, group, follow=follow)


def chmod(judge: Judge, call: Call, pathname: bytes | None, mode: int) -> None:
    fchmodat2(judge, call, AT_FDCWD, pathname, mode, 0)


def fchmod(judge: Judge, call: Call, fd: int, mode: int) -> None:
    fchmodat2(judge, call, fd, b"", mode, 0)


def fchmodat(judge: Judge, call: Call, dirfd: int, path: bytes | None, mode: int) -> None:
    fchmodat2(judge, call, dirfd, path, mode, 0)


def fchmodat2(judge: Judge, call: Call, dirfd: int, path: bytes | None, mode: int, flags: int) -> None:
    if path is None:
        return
    follow = not flags & _AT_SYMLINK_NOFOLLOW
    posix_files.changes_mode(judge.posix, call, (dirfd, path), mode, follow=follow)
    judge.posix.read_back.sets_mode(call, (dirfd, path), mode, follow=follow)


def umask(judge: Judge, call: Call, mask: int) -> None:
    judge.posix.read_back.sets_umask(call, mask)


def open(judge: Judge, call: Call, path: bytes | None, flags: int, mode: int) -> None:  # noqa: A001 - the row's name
    openat(judge, call, AT_FDCWD, path, flags, mode)


def creat(judge: Judge, call: Call, pathname: bytes | None, mode: int) -> None:
    openat(judge, call, AT_FDCWD, pathname, _O_CREAT, mode)


def openat(judge: Judge, call: Call, dirfd: int, path: bytes | None, flags: int, mode: int) -> None:
    if path and flags & _O_CREAT:
        judge.posix.read_back.creates(call, (dirfd, path), mode, is_directory=False)


def mkdir(judge: Judge, call: Call, pathname: bytes | None, mode: int) -> None:
    mkdirat(judge, call, AT_FDCWD, pathname, mode)


def mkdirat(judge: Judge, call: Call, dirfd: int, path: bytes | None, mode: int) -> None:
    if path:
        judge.posix.read_back.creates(call, (dirfd, path), mode, is_directory=True)


def utimensat(judge: Judge, call: Call, dirfd: int, path: bytes | None, times: int, flags: int) -> None:
    del flags
    if not times:
        return
    try:
        _, accessed, _, changed = _TIMES.unpack(call.memory.read(times, _TIMES.size))
    except Errno:
        return
    judge.posix.read_back.sets_times(call, (dirfd, path or b""), (accessed, changed))


def stat(judge: Judge, call: Call, path: bytes | None, statbuf: int) -> None:
    del statbuf
    if path:
        judge.posix.read_back.looks(call, AT_FDCWD, path)


def lstat(judge: Judge, call: Call, path: bytes | None, statbuf: int) -> None:
    stat(judge, call, path, statbuf)


def fstat(judge: Judge, call: Call, fd: int, statbuf: int) -> None:
    del statbuf
    judge.posix.read_back.looks(call, fd, b"")


def newfstatat(judge: Judge, call: Call, dirfd: int, path: bytes | None, statbuf: int, flags: int) -> None:
    del statbuf, flags
    if path is not None:
        judge.posix.read_back.looks(call, dirfd, path)


def statx(judge: Judge, call: Call, dirfd: int, path: bytes | None, flags: int, mask: int, statxbuf: int) -> None:
    del flags, mask, statxbuf
    if path is not None:
        judge.posix.read_back.looks(call, dirfd, path)


def fork(judge: Judge, call: Call) -> None:
    judge.posix.forks.begins(call, 0)


def vfork(judge: Judge, call: Call) -> None:
    judge.posix.forks.begins(call, CLONE_VM)


def clone(judge: Judge, call: Call, flags: int, stack: int, parent_tid: int, child_tid: int, tls: int) -> None:
    del stack, parent_tid, child_tid, tls
    judge.posix.forks.begins(call, flags)


def clone3(judge: Judge, call: Call, cl_args: int, size: int) -> None:
    del size
    try:
        flags = int.from_bytes(call.memory.read(cl_args, 8), "little")
    except Errno:
        return
    judge.posix.forks.begins(call, flags)


def execve(judge: Judge, call: Call, pathname: bytes | None, argv: int, envp: int) -> None:
    execveat(judge, call, AT_FDCWD, pathname, argv, envp, 0)


def execveat(judge: Judge, call: Call, dirfd: int, pathname: bytes | None, argv: int, envp: int, flags: int) -> None:
    del dirfd, argv, envp, flags
    judge.posix.forks.executes(call)
    judge.posix.read_back.executes(pathname or b"")


def exit_group(judge: Judge, call: Call, status: int) -> None:
    del status
    judge.posix.forks.ends(call)


def flock(judge: Judge, call: Call, fd: int, operation: int) -> None:
    del fd, operation
    judge.posix.locks(call)


def fcntl(judge: Judge, call: Call, fd: int, cmd: int, arg: int) -> None:
    del fd, arg
    if cmd in _LOCKS:
        judge.posix.locks(call)


def kill(judge: Judge, call: Call, pid: int, sig: int) -> None:
    del pid
    signals.is_sent(judge.posix, call, sig)


def tkill(judge: Judge, call: Call, tid: int, sig: int) -> None:
    signals.is_sent(judge.posix, call, sig, to_thread=tid != call.task.vtid)


def tgkill(judge: Judge, call: Call, tgid: int, tid: int, sig: int) -> None:
    del tgid
    tkill(judge, call, tid, sig)


def rt_sigqueueinfo(judge: Judge, call: Call, tgid: int, sig: int, info: int) -> None:
    del tgid, info
    signals.is_sent(judge.posix, call, sig)


def rt_tgsigqueueinfo(judge: Judge, call: Call, tgid: int, tid: int, sig: int, info: int) -> None:
    del tgid, info
    tkill(judge, call, tid, sig)


def pidfd_send_signal(judge: Judge, call: Call, pidfd: int, sig: int, info: int, flags: int) -> None:
    del pidfd, info, flags
    signals.is_sent(judge.posix, call, sig)


def alarm(judge: Judge, call: Call, seconds: int) -> None:
    if seconds:
        signals.sets_timer(judge.posix, call, "alarm")


def setitimer(judge: Judge, call: Call, which: int, new_value: int, old_value: int) -> None:
    del old_value
    signals.sets_interval(judge.posix, call, which, new_value)


def rt_sigaction(judge: Judge, call: Call, signum: int, act: int, oldact: int, sigsetsize: int) -> None:
    del oldact, sigsetsize
    signals.sets_handler(judge.posix, call, signum, act)
