"""The tree of a WSL run: its own mount namespace, with the drives under /mnt and what the kernel says of itself."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from picobox._native._core import ffi, lib
from picobox.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOUNT_ROOT = b"/mnt"
# linux/mount.h
MS_RDONLY = 1
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
_LOCKED = 2 | 4 | 8 | 1024  # nosuid, nodev, noexec, noatime: a bind mount in a user namespace has to keep them


class DriveMount(NamedTuple):
    """A directory of the host that is mounted as a drive."""

    letter: str
    directory: bytes
    read_only: bool

    @property
    def target(self) -> bytes:
        """Where guests find it."""
        return MOUNT_ROOT + b"/" + self.letter.lower().encode()


def lay_out(drives: list[DriveMount], texts: Mapping[bytes, bytes], programs: Mapping[bytes, bytes]) -> None:
    """Leave the host's mounts, mount the drives, and let files of /proc say these texts.

    `programs` are scripts, by their paths in /mnt. What the host has there stays unless a drive has its name.
    PlatformError where this machine forbids it.
    """
    if not os.path.isdir(MOUNT_ROOT):
        raise PlatformError(f"profile wsl1 mounts drives in {os.fsdecode(MOUNT_ROOT)}: make that directory")
    _check(lib.pb_own_mounts(), "a mount namespace of its own")
    with _opened([drive.directory for drive in drives]) as sources:
        kept = {entry.name: entry.path for entry in os.scandir(MOUNT_ROOT)}
        taken = {os.path.basename(path) for path in (*programs, *(drive.target for drive in drives))}
        kept = {name: path for name, path in kept.items() if name not in taken}
        with _opened(list(kept.values())) as others:
            _mount_texts(texts)
            _mount(b"none", MOUNT_ROOT, b"tmpfs", 0, b"mode=755,size=1m")
            for path, text in programs.items():
                _make_file(path, text, 0o555)
            for name, fd in zip(kept, others, strict=True):
                _bind(fd, MOUNT_ROOT + b"/" + name)
            for drive, fd in zip(drives, sources, strict=True):
                _bind(fd, drive.target)
                if drive.read_only:
                    flags = os.statvfs(drive.target).f_flag & _LOCKED
                    _mount(b"none", drive.target, b"", MS_REMOUNT | MS_BIND | MS_RDONLY | flags, b"")
    _check(lib.pb_return_capabilities(), "giving capabilities back")


def place_of(drives: list[DriveMount], directory: bytes) -> bytes | None:
    """Where on a drive a directory of the host lies for guests, None if on none; the deepest drive counts."""
    real = os.path.realpath(directory)
    best = max(
        (drive for drive in drives if real == drive.directory or real.startswith(drive.directory.rstrip(b"/") + b"/")),
        key=lambda drive: len(drive.directory),
        default=None,
    )
    return None if best is None else (best.target + b"/" + real[len(best.directory) :].strip(b"/")).rstrip(b"/")


def _mount_texts(texts: Mapping[bytes, bytes]) -> None:
    """Files with these texts over others; the file system that holds them is seen nowhere else."""
    _mount(b"none", MOUNT_ROOT, b"tmpfs", 0, b"mode=755,size=1m")
    for number, (target, text) in enumerate(texts.items()):
        source = MOUNT_ROOT + b"/%d" % number
        _make_file(source, text, 0o444)
        _mount(source, target, b"", MS_BIND, b"")
    _check(lib.pb_unmount(MOUNT_ROOT), "unmount")


def _make_file(path: bytes, text: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.write(fd, text)
    finally:
        os.close(fd)
    os.chmod(path, mode)  # whatever the umask


def _bind(fd: int, target: bytes) -> None:
    """Mount what is open at a new name."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(b"", dir_fd=fd), target)
        return
    if stat.S_ISDIR(mode):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    _mount(b"/proc/self/fd/%d" % fd, target, b"", MS_BIND | MS_REC, b"")


@contextmanager
def _opened(paths: list[bytes]) -> Iterator[list[int]]:
    fds: list[int] = []
    try:
        for path in paths:
            fds.append(os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC))  # noqa: PERF401 - those open are closed
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


def _mount(source: bytes, target: bytes, kind: bytes, flags: int, data: bytes) -> None:
    what = f"mounting {os.fsdecode(target)}"
    _check(lib.pb_mount(source, target, kind or ffi.NULL, flags, data or ffi.NULL), what)


def _check(result: int, what: str) -> None:
    if result < 0:
        remedy = "profile wsl1 needs mounts; `picobox doctor` tells what this machine allows"
        raise PlatformError(f"{what}: {os.strerror(-result)}; {remedy}")
