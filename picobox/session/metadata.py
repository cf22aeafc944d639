"""Owns what is kept of a file of an instance that the host would not let us give it: owner, mode, device, attributes.

Regular files and directories have it as extended attributes of their own; a device is an empty regular file with it.
What can have none, as a link, has it in the directory that it is in, if it is not root's.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import ENODATA, ENOTSUP
from typing import NamedTuple

from picobox.errors import PicoboxError
from picobox.platform.lx_files import LX_XATTR

# Of a directory: what is known of its entries that keep nothing, each `NAME\0uid=0 gid=0 mode=0\0`.
_ENTRIES_XATTR = "user.picobox.entries"
# Before the name of one that the host keeps for itself, as `security.capability`.
FOREIGN = "user.picobox.xattr."
OWN = "user.picobox."
_USER = "user."

_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)
_SPECIAL = (stat.S_IFIFO, stat.S_IFSOCK)


class Metadata(NamedTuple):
    """What a guest sees: ids, st_mode with the type, and of a device its two numbers."""

    uid: int
    gid: int
    mode: int
    device: tuple[int, int] | None = None

    @property
    def is_device(self) -> bool:
        """Whether it stands for a device."""
        return stat.S_IFMT(self.mode) in _DEVICES

    @property
    def is_kept_apart(self) -> bool:
        """Whether the host's file can have no attributes."""
        return stat.S_ISLNK(self.mode) or stat.S_IFMT(self.mode) in _SPECIAL

    def text(self) -> bytes:
        """As it is kept, for a person to read."""
        device = "" if self.device is None else f" rdev={self.device[0]}:{self.device[1]}"
        return f"uid={self.uid} gid={self.gid} mode={self.mode:o}{device}".encode()


def host_mode(mode: int) -> int:
    """The permissions that the host's file gets: ours to read and write, and executable if it is for anybody."""
    if stat.S_ISDIR(mode):
        return 0o700
    return 0o600 | (0o100 if mode & 0o111 else 0)


def store(directory: int, name: str, metadata: Metadata) -> None:
    """Keeps it with the entry of an open directory. PicoboxError if the file system cannot, OSError."""
    if metadata.is_kept_apart:
        _store_apart(directory, name, metadata)
        return
    _set(_path(directory, name), LX_XATTR, metadata.text())


def load(directory: int, name: str, found: os.stat_result) -> Metadata:
    """What is kept of an entry, of which the host says `found`; where nothing is, it is root's. Raises OSError."""
    mode = found.st_mode
    if stat.S_ISLNK(mode) or stat.S_IFMT(mode) in _SPECIAL:
        text = entries_of(directory).get(os.fsencode(name))
    else:
        text = _get(_path(directory, name), LX_XATTR)
    return parsed(text or b"", Metadata(0, 0, mode))


def store_attribute(directory: int, name: str, attribute: str, value: bytes) -> None:
    """Keeps an extended attribute. PicoboxError if the file system cannot, OSError."""
    if attribute.startswith(OWN):
        return
    kept = attribute if attribute.startswith(_USER) else FOREIGN + attribute
    _set(_path(directory, name), kept, value)


def attributes(directory: int, name: str) -> dict[str, bytes]:
    """The extended attributes of a regular file or directory, but for ours. Raises OSError."""
    path = _path(directory, name)
    found = {}
    with suppress(_Unsupported):
        for kept in _listed(path):
            if kept.startswith(FOREIGN):
                found[kept.removeprefix(FOREIGN)] = os.getxattr(path, kept, follow_symlinks=False)
            elif kept.startswith(_USER) and not kept.startswith(OWN):
                found[kept] = os.getxattr(path, kept, follow_symlinks=False)
    return found


class _Unsupported(OSError):
    """The file system has no such attributes."""


def _path(directory: int, name: str) -> str:
    return f"/proc/self/fd/{directory}/{name}"


def _listed(path: str) -> list[str]:
    try:
        return sorted(os.listxattr(path, follow_symlinks=False))
    except OSError as error:
        if error.errno == ENOTSUP:
            raise _Unsupported from None
        raise


def _get(path: str, attribute: str) -> bytes | None:
    try:
        return os.getxattr(path, attribute, follow_symlinks=False)
    except OSError as error:
        if error.errno in (ENODATA, ENOTSUP):
            return None
        raise


def _set(path: str, attribute: str, value: bytes) -> None:
    try:
        os.setxattr(path, attribute, value, follow_symlinks=False)
    except OSError as error:
        if error.errno != ENOTSUP:
            raise
        raise PicoboxError(
            f"{os.path.realpath(os.path.dirname(path))}: its file system keeps no extended attributes of users, in "
            "which owners and modes are kept. Name a directory on another one, as ext4, xfs or btrfs."
        ) from None


def entries_of(directory: int) -> dict[bytes, bytes]:
    """What is kept in an open directory of those of its entries that keep nothing, by their names. Raises OSError."""
    fields = (_get(f"/proc/self/fd/{directory}/.", _ENTRIES_XATTR) or b"").split(b"\0")
    return dict(zip(fields[::2], fields[1::2], strict=False))


def _store_apart(directory: int, name: str, metadata: Metadata) -> None:
    permissions = 0 if stat.S_ISLNK(metadata.mode) else stat.S_IMODE(metadata.mode)
    is_usual = (metadata.uid, metadata.gid) == (0, 0) and not permissions
    keep_entry(directory, os.fsencode(name), None if is_usual else metadata.text())


def keep_entry(directory: int, name: bytes, text: bytes | None) -> None:
    """Keeps in an open directory what is to be known of an entry; None: nothing. PicoboxError, OSError."""
    known = entries_of(directory)
    if known.get(name) == text:
        return
    known.pop(name, None)
    if text is not None:
        known[name] = text
    kept = b"".join(b"%s\0%s\0" % entry for entry in sorted(known.items()))
    _set(f"/proc/self/fd/{directory}/.", _ENTRIES_XATTR, kept)


def parsed(text: bytes, usual: Metadata) -> Metadata:
    """What is kept in a text; a field that is damaged is as if it were not there."""
    uid, gid, mode, device = usual
    for word in text.split():
        name, _, value = word.partition(b"=")
        with suppress(ValueError):
            if name == b"uid":
                uid = int(value)
            elif name == b"gid":
                gid = int(value)
            elif name == b"mode":
                mode = int(value, 8)
            elif name == b"rdev":
                major, minor = value.split(b":")
                device = int(major), int(minor)
    return Metadata(uid, gid, mode, device)
