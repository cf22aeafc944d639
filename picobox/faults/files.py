"""Faults of WSL1's calls about files: locks, absent names, what open files forbade (facts/wsl1.md 2.4, 4.8)."""

from __future__ import annotations

import os
from errno import EACCES, EINVAL, ENODEV, ENOENT, ENOTTY
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.faults.registry import brings_back
from picobox.platform import open_files
from picobox.platform.host import AT_FDCWD
from picobox.task import ThreadGroup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.names import Names
    from picobox.platform.base import HostTid
    from picobox.provider import PicoProvider

_F_GETLK, _F_SETLK, _F_SETLKW = 5, 6, 7
_F_OFD_LOCKS = (36, 37, 38)
_F_LEASES = (1024, 1025)
_FS_IOC_SETFLAGS = 0x4008_6602
_PID_MAX = b"/proc/sys/kernel/pid_max"
_ABSENT = {
    "proc-sys": (
        b"/proc/sys/kernel/shmmax",
        b"/proc/sys/fs/protected_fifos",
        b"/proc/sys/fs/protected_hardlinks",
        b"/proc/sys/fs/protected_regular",
        b"/proc/sys/fs/protected_symlinks",
    ),
    "proc-missing": (b"/proc/vmstat", b"/proc/net/unix"),
    "net-tun": (b"/dev/net/tun",),
}


@brings_back("locks", "fcntl")
def _locks(provider: PicoProvider, call: Call, fd: int, cmd: int, arg: object) -> int | None:
    del arg
    if cmd in _F_OFD_LOCKS or cmd in _F_LEASES:
        raise Errno(EINVAL)
    if cmd not in (_F_GETLK, _F_SETLK, _F_SETLKW):
        return None
    if provider.platform.describe(call.stop.tid, fd) is None:
        return None  # the kernel says EBADF
    return 0


@brings_back("fs-flags", "ioctl")
def _fs_flags(provider: PicoProvider, call: Call, fd: int, request: int, argp: object) -> None:
    del provider, call, fd, argp
    if request & 0xFFFF_FFFF == _FS_IOC_SETFLAGS:
        raise Errno(ENOTTY)


@brings_back("fstatfs-pipe", "fstatfs")
def _fstatfs(provider: PicoProvider, call: Call, fd: int, buf: object) -> None:
    del buf
    if open_files.is_pipe(provider.platform.describe(call.stop.tid, fd)):
        raise Errno(EINVAL)


@brings_back("truncate-mapped", "ftruncate")
def _ftruncate(provider: PicoProvider, call: Call, fd: int, length: int) -> None:
    _refuse_mapped(provider, open_files.of_descriptor(call.stop.tid, fd), length)


@brings_back("truncate-mapped", "truncate")
def _truncate(provider: PicoProvider, call: Call, path: bytes | None, length: int) -> None:
    if provider.names is not None and path:
        _refuse_mapped(provider, provider.names.on_host(call.stop.tid, AT_FDCWD, path), length)


def _refuse_mapped(provider: PicoProvider, ours: bytes, length: int) -> None:
    if open_files.is_cut_while_mapped(ours, length, _tasks(provider)):
        raise Errno(EINVAL)


@brings_back("rename-open-child", "rename")
def _rename(provider: PicoProvider, call: Call, oldpath: bytes | None, newpath: object) -> None:
    del newpath
    _refuse_held(provider, call, AT_FDCWD, oldpath)


@brings_back("rename-open-child", "renameat", "renameat2")
def _renameat(provider: PicoProvider, call: Call, olddirfd: int, oldpath: bytes | None, *_: object) -> None:
    _refuse_held(provider, call, olddirfd, oldpath)


def _refuse_held(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None) -> None:
    if provider.names is None or not path:
        return
    ours = provider.names.on_host(call.stop.tid, dirfd, path)
    if open_files.is_held_below(ours, _tasks(provider)):
        raise Errno(EACCES)


@brings_back("relink", "linkat")
def _relink(provider: PicoProvider, call: Call, *_: object) -> None:
    """Only what is reached through an open descriptor can be found and have no name."""
    del provider
    path = call.memory.read_string(call.stop.args[1], 4096)
    call.then = lambda result: -EACCES if result == -ENOENT and (not path or b"/fd/" in path) else None


@brings_back("pid-max", "open")
def _open(provider: PicoProvider, call: Call, path: bytes | None, flags: int, mode: object) -> None:
    del mode
    _refuse_pid_max(provider, call, AT_FDCWD, path, flags)


@brings_back("pid-max", "creat")
def _creat(provider: PicoProvider, call: Call, pathname: bytes | None, mode: object) -> None:
    del mode
    _refuse_pid_max(provider, call, AT_FDCWD, pathname, os.O_WRONLY)


@brings_back("pid-max", "openat")
def _openat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, mode: object) -> None:
    del mode
    _refuse_pid_max(provider, call, dirfd, path, flags)


@brings_back("pid-max", "openat2")
def _openat2(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, how: int, size: object) -> None:
    del how, size
    _refuse_pid_max(provider, call, dirfd, path, int.from_bytes(call.structure(2, 8), "little"))


def _refuse_pid_max(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int) -> None:
    if provider.names is None or not path or flags & os.O_ACCMODE == os.O_RDONLY:
        return
    if open_files.is_one_of(provider.names.on_host(call.stop.tid, dirfd, path), (_PID_MAX,)):
        raise Errno(EACCES)


@brings_back("cgroup2", "mount")
def _mount(
    provider: PicoProvider, call: Call, source: object, target: object, filesystemtype: bytes | None, *_: object
) -> None:
    del provider, call, source, target
    if filesystemtype == b"cgroup2":
        raise Errno(ENODEV)


def _tasks(provider: PicoProvider) -> Iterator[HostTid]:
    """One task of each process."""
    for process in provider.executive.processes.values():
        if isinstance(process.context, ThreadGroup) and process.context.tgid is not None:
            yield process.context.tgid


def refuse_absent(names: Names, call: Call, row: Row, arguments: Sequence[object]) -> None:
    """Errno(ENOENT) for a path to what WSL1 did not have."""
    if names.wsl is None:
        return
    faults = names.wsl.faults
    absent = [path for fault, paths in _ABSENT.items() if fault in faults for path in paths]
    if not absent and "pagemap" not in faults:
        return
    for argument in row.paths():
        path = arguments[argument.position]
        dirfd = arguments[argument.dirfd] if argument.dirfd >= 0 else AT_FDCWD
        if not isinstance(path, bytes) or not isinstance(dirfd, int):
            continue
        ours = names.on_host(call.stop.tid, dirfd, path)
        if open_files.is_one_of(ours, absent) or ("pagemap" in faults and open_files.is_pagemap(ours)):
            raise Errno(ENOENT)
