"""Files of drives as WSL shows them: what the host grants, and the Linux attributes it keeps for us."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ntshim.lx.attributes import EffectiveAccess, LxAttributes, is_read_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LX_XATTR = "user.picobox.lx"
# Each field by itself, in text: a person may look at it, and a damaged one does not take the others along.
_FIELD = re.compile(rb"(?:^| )(uid|gid|mode)=([0-7]+|[0-9]+)(?= |$)")
_BASES = {b"uid": 10, b"gid": 10, b"mode": 8}
_READ = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_KEEPERS = (stat.S_IFREG, stat.S_IFDIR)  # user attributes are only theirs (xattr(7))


class LxFile(NamedTuple):
    """A file that a path or a descriptor leads to: its path without links, what the host says, what is stored."""

    path: bytes
    found: os.stat_result
    stored: LxAttributes
    access: EffectiveAccess

    @property
    def key(self) -> tuple[int, int]:
        """Device and inode."""
        return self.found.st_dev, self.found.st_ino

    def is_file(self, device: tuple[int, int], inode: int) -> bool:
        """Whether it is the file of this inode; the device in its two parts."""
        return self.key == (os.makedev(*device), inode)

    @property
    def type(self) -> int:
        """S_IFMT of its mode."""
        return stat.S_IFMT(self.found.st_mode)

    @property
    def keeps_attributes(self) -> bool:
        """Whether the host keeps attributes with such a file; of others its own are shown."""
        return self.type in _KEEPERS


def look_at(ours: bytes, *, follow: bool, wanted: Callable[[bytes], bool]) -> LxFile | None:
    """What is at a path of ours; None if that cannot be told, or its path without links is not wanted."""
    try:
        fd = os.open(ours, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    except OSError:
        return None
    try:
        path = b"/proc/self/fd/%d" % fd
        real = os.readlink(path)
        if not wanted(real):
            return None
        found = os.fstat(fd)
        keeps = stat.S_IFMT(found.st_mode) in _KEEPERS
        return LxFile(real, found, _stored(path) if keeps else LxAttributes(), _access(path, found))
    except OSError:
        return None
    finally:
        os.close(fd)


def real_path(ours: bytes, *, follow: bool) -> bytes | None:
    """The path without links of what is at a path of ours; None if nothing is."""
    try:
        fd = os.open(ours, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    except OSError:
        return None
    try:
        return os.readlink(b"/proc/self/fd/%d" % fd)
    finally:
        os.close(fd)


def _stored(path: bytes) -> LxAttributes:
    try:
        text = os.getxattr(path, LX_XATTR)
    except OSError:
        return LxAttributes()
    fields = {name.decode(): int(value, _BASES[name]) for name, value in _fields(text)}
    return LxAttributes(fields.get("uid"), fields.get("gid"), fields.get("mode"))


def _fields(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    for found in _FIELD.finditer(text):
        name, value = found.groups()
        if name != b"mode" or not set(value) & set(b"89"):
            yield name, value


def store(file: LxFile, attributes: LxAttributes) -> None:
    """Keep attributes with a file, a field that is None as it is. Raises OSError, also if another lies there."""
    old = file.stored
    fields = {
        "uid": old.uid if attributes.uid is None else attributes.uid,
        "gid": old.gid if attributes.gid is None else attributes.gid,
    }
    words = [f"{name}={value}" for name, value in fields.items() if value is not None]
    kept = old.mode if attributes.mode is None else attributes.mode
    if kept is not None:
        words.append(f"mode={kept:o}")
    with _opened(file) as (path, mode):
        _set(path, mode, " ".join(words).encode())


def inherit_access(file: LxFile) -> None:
    """Give a new file of the caller's the access that NT files inherit: its owner reads it, who reads it executes it.

    Nothing is taken away, and nobody else is let read. OSError where the host has no such modes, or another file lies
    there.
    """
    with _opened(file) as (path, mode):
        old = stat.S_IMODE(mode)
        new = old | (stat.S_IRWXU if stat.S_ISDIR(mode) else stat.S_IRUSR)
        new |= (new & _READ) >> 2
        if new != old:
            os.chmod(path, new)


@contextmanager
def _opened(file: LxFile) -> Iterator[tuple[bytes, int]]:
    """A path of ours to this very file, and its mode. OSError if another lies there."""
    fd = os.open(file.path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if (found.st_dev, found.st_ino) != file.key:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file.path)
        yield b"/proc/self/fd/%d" % fd, found.st_mode
    finally:
        os.close(fd)


def _set(path: bytes, mode: int, text: bytes) -> None:
    try:
        os.setxattr(path, LX_XATTR, text)
    except PermissionError:
        # A user's attributes can be set only where he may write.
        os.chmod(path, stat.S_IMODE(mode) | stat.S_IWUSR)
        try:
            os.setxattr(path, LX_XATTR, text)
        finally:
            os.chmod(path, stat.S_IMODE(mode))


def _access(path: bytes, found: os.stat_result) -> EffectiveAccess:
    """What the instance, which runs as we do, may do with a file; a READONLY one cannot be written by anybody."""
    if stat.S_ISDIR(found.st_mode):
        return EffectiveAccess(_may(path, os.R_OK), _may(path, os.W_OK), execute=True)
    writable = not is_read_only(found.st_mode) and _may(path, os.W_OK)
    return EffectiveAccess(_may(path, os.R_OK), writable, _may(path, os.X_OK))


def _may(path: bytes, what: int) -> bool:
    return os.access(path, what, effective_ids=True)


def exists(ours: bytes) -> bool:
    """Whether a path of ours names anything."""
    return os.path.lexists(ours)


def xattr_names(ours: bytes, *, follow: bool) -> list[bytes]:
    """The extended attributes of what is at a path of ours, as the host lists them to us; none if that fails."""
    try:
        return [os.fsencode(name) for name in os.listxattr(ours, follow_symlinks=follow)]
    except OSError:
        return []


def device_of(path: bytes) -> int:
    """The device that a path is on. OSError if it is not there."""
    return os.stat(path).st_dev


def text_of(path: bytes) -> bytes:
    """What a file of /proc says now. OSError if it says nothing."""
    with open(path, "rb") as file:
        return file.read()


def hold_text(text: bytes) -> tuple[int, bytes]:
    """A descriptor of ours whose file says this, and the path by which guests open it."""
    fd = os.memfd_create("text", os.MFD_CLOEXEC)
    os.write(fd, text)
    return fd, b"/proc/%d/fd/%d" % (os.getpid(), fd)


def let_go(fd: int) -> None:
    """Close what `hold_text` gave."""
    os.close(fd)


def working_directory() -> str:
    """The path of this process's working directory. OSError if it is gone."""
    return os.getcwd()


def real(path: str) -> str:
    """A path of ours without links; what is not there stays as it is."""
    return os.path.realpath(path)
