"""Owner, mode and device of a file on a WSL volume: what is stored, what counts of it, what is shown without it.

Source: facts/wsl1.md sections 4.2, 4.4 and 4.7. Modes and device numbers are Linux's own.
"""

from __future__ import annotations

import stat
from typing import NamedTuple

INVALID_ID = 0xFFFF_FFFF  # (uid_t)-1
_PERMISSIONS = 0o777
_MODE_BITS = 0o7777
TYPE_BITS = 0o170000  # S_IFMT
_READ, _WRITE, _EXECUTE = 0o444, 0o222, 0o111
_TYPES = frozenset((stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK))
# Linux's limits of a device number's parts (linux/kdev_t.h).
_MAJOR_LIMIT = 1 << 12
_MINOR_LIMIT = 1 << 20


class LxAttributes(NamedTuple):
    """The stored fields of a file, `$LXUID`, `$LXGID`, `$LXMOD` and `$LXDEV`; None: absent, or not valid."""

    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    device: tuple[int, int] | None = None


class MountOptions(NamedTuple):
    """How a drive is mounted. `uid` and `gid` own what says nothing else; masks take bits away from computed modes."""

    metadata: bool = False
    uid: int = 0
    gid: int = 0
    umask: int = 0
    dmask: int = 0
    fmask: int = 0
    case: str = "off"
    read_only: bool = False

    def text(self) -> str:
        """The options as /proc/mounts shows them, without ro."""
        masks = [
            f"{name}={value:o}"
            for name, value in (("umask", self.umask), ("dmask", self.dmask), ("fmask", self.fmask))
            if value
        ]
        words = [f"uid={self.uid}", f"gid={self.gid}", *masks, *(["metadata"] if self.metadata else [])]
        return ",".join([*words, f"case={self.case}"])


class EffectiveAccess(NamedTuple):
    """What the security of a file grants the instance: reading or listing, writing or adding, executing or passing."""

    read: bool
    write: bool
    execute: bool


def validated(stored: LxAttributes, file_type: int) -> LxAttributes:
    """What counts of stored fields, each by itself; `file_type` is the S_IFMT that attributes and tag imply."""
    mode = stored.mode
    if mode is not None and mode & ~_MODE_BITS != file_type:
        mode = None
    device = stored.device
    if device is not None and not (0 <= device[0] < _MAJOR_LIMIT and 0 <= device[1] < _MINOR_LIMIT):
        device = None
    return LxAttributes(_valid_id(stored.uid), _valid_id(stored.gid), mode, device)


def _valid_id(value: int | None) -> int | None:
    return value if value is not None and 0 <= value < INVALID_ID else None


def computed_mode(file_type: int, access: EffectiveAccess, options: MountOptions) -> int:
    """The mode of a file without a valid one: the caller's access for everybody, less what the masks take."""
    if file_type == stat.S_IFLNK:
        return stat.S_IFLNK | _PERMISSIONS
    granted = _READ * access.read | _WRITE * access.write | _EXECUTE * access.execute
    mask = options.umask | (options.dmask if file_type == stat.S_IFDIR else options.fmask)
    return file_type | granted & ~mask


def shown(stored: LxAttributes, file_type: int, access: EffectiveAccess, options: MountOptions) -> tuple[int, int, int]:
    """Mode, owner and group of a file as stat shows them. Without the option what is stored does not count."""
    valid = validated(stored, file_type) if options.metadata else LxAttributes()
    mode = valid.mode
    if mode is None or file_type == stat.S_IFLNK:
        mode = computed_mode(file_type, access, options)
    uid = options.uid if valid.uid is None else valid.uid
    gid = options.gid if valid.gid is None else valid.gid
    return mode, uid, gid


def is_read_only(mode: int) -> bool:
    """Whether a file with this mode is READONLY: nobody may write."""
    return not mode & _WRITE


def mode_after_chown(mode: int) -> int:
    """A mode after chown, be it to the ids it has: no set-user-ID, nor set-group-ID where the group may execute.

    Directories keep theirs.
    """
    if stat.S_ISDIR(mode):
        return mode
    kept = mode & ~stat.S_ISUID
    return kept & ~stat.S_ISGID if kept & stat.S_IXGRP else kept


def mode_after_write(mode: int) -> int:
    """A mode after a write or a truncation by a user who may not keep the bits: both are gone."""
    return mode & ~(stat.S_ISUID | stat.S_ISGID)


def may_make(file_type: int, options: MountOptions) -> bool:
    """Whether mknod may make a file of a type: without metadata only regular ones."""
    if file_type not in _TYPES:
        return False
    return options.metadata or file_type == stat.S_IFREG


def inherited(mode: int, gid: int, parent_mode: int, parent_gid: int) -> tuple[int, int]:
    """Mode and group of a new file: of a set-group-ID directory it takes the group, a directory the bit too."""
    if not parent_mode & stat.S_ISGID:
        return mode, gid
    return (mode | stat.S_ISGID if stat.S_ISDIR(mode) else mode), parent_gid
