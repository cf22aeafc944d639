"""What Linux is told of a file, made of what NT tells (facts/wsl1.md section 4.8)."""

from __future__ import annotations

import stat as modes
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs import reparse
from ntshim.io import stat
from ntshim.io.create import FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_REPARSE_POINT
from ntshim.io.file import FILE_APPEND_DATA, FILE_DELETE_CHILD, FILE_EXECUTE, FILE_READ_DATA, FILE_WRITE_DATA
from ntshim.lx import attributes as lx

if TYPE_CHECKING:
    from ntshim.fs.rules import VolumeRules
    from ntshim.io.directory import FileIdExtdDirectoryInformation
    from ntshim.io.stat import FileStatLxInformation

FILE_SYSTEM_TYPE = 0x53464846  # of VolFs and DrvFs; linux/magic.h has none
FILES, FREE_FILES = 999, 1_000_000  # counts that stand for none
DT_UNKNOWN = 0
_SECTOR = 512
_EPOCH = 116_444_736_000_000_000  # 1970 in 100 ns since 1601
_TYPES = {
    reparse.IO_REPARSE_TAG_SYMLINK: modes.S_IFLNK,
    reparse.IO_REPARSE_TAG_MOUNT_POINT: modes.S_IFLNK,
    reparse.IO_REPARSE_TAG_LX_SYMLINK: modes.S_IFLNK,
    reparse.IO_REPARSE_TAG_AF_UNIX: modes.S_IFSOCK,
    reparse.IO_REPARSE_TAG_LX_FIFO: modes.S_IFIFO,
    reparse.IO_REPARSE_TAG_LX_CHR: modes.S_IFCHR,
    reparse.IO_REPARSE_TAG_LX_BLK: modes.S_IFBLK,
}


class LxStat(NamedTuple):
    """struct stat: times in ns since 1970, `blocks` of 512 bytes; `device` is major and minor of a device file."""

    inode: int
    mode: int
    links: int
    uid: int
    gid: int
    device: tuple[int, int]
    size: int
    blocks: int
    block_size: int
    access_time: int
    write_time: int
    change_time: int
    birth_time: int


class LxStatfs(NamedTuple):
    """struct statfs: room in blocks, that of all and what the caller may use."""

    type: int
    block_size: int
    blocks: int
    free_blocks: int
    available_blocks: int
    files: int
    free_files: int


class LxEntry(NamedTuple):
    """struct dirent: `type` is DT_, which is the mode's type without its low bits."""

    name: str
    inode: int
    type: int


def type_of(found: FileStatLxInformation) -> int:
    """The S_IFMT that attributes and reparse tag imply; an unknown tag changes nothing."""
    known = _TYPES.get(found.reparse_tag)
    if known is not None:
        return known
    return modes.S_IFDIR if found.file_attributes & FILE_ATTRIBUTE_DIRECTORY else modes.S_IFREG


def stored_of(found: FileStatLxInformation) -> lx.LxAttributes:
    """The metadata that a file has."""
    flags = found.lx_flags
    return lx.LxAttributes(
        found.lx_uid if flags & stat.LX_FILE_METADATA_HAS_UID else None,
        found.lx_gid if flags & stat.LX_FILE_METADATA_HAS_GID else None,
        found.lx_mode if flags & stat.LX_FILE_METADATA_HAS_MODE else None,
        (found.lx_device_id_major, found.lx_device_id_minor) if flags & stat.LX_FILE_METADATA_HAS_DEVICE_ID else None,
    )


def _access_of(found: FileStatLxInformation) -> lx.EffectiveAccess:
    granted = found.effective_access
    if found.file_attributes & FILE_ATTRIBUTE_DIRECTORY:
        adds = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_DELETE_CHILD
        return lx.EffectiveAccess(bool(granted & FILE_READ_DATA), bool(granted & adds), execute=True)
    writable = granted & FILE_WRITE_DATA and not found.file_attributes & FILE_ATTRIBUTE_READONLY
    return lx.EffectiveAccess(bool(granted & FILE_READ_DATA), bool(writable), bool(granted & FILE_EXECUTE))


def stat_of(found: FileStatLxInformation, options: lx.MountOptions, cluster: int, target_size: int) -> LxStat:
    """What stat tells; `cluster` is the volume's unit in bytes, `target_size` the length of what a link contains.

    A directory has a cluster's size and no links; what takes less than a cluster has no blocks.
    """
    file_type = type_of(found)
    stored = stored_of(found)
    mode, uid, gid = lx.shown(stored, file_type, _access_of(found), options)
    sizes = {modes.S_IFDIR: cluster, modes.S_IFLNK: target_size}
    allocated = found.allocation_size
    valid = lx.validated(stored, file_type) if options.metadata else lx.LxAttributes()
    is_device = file_type in (modes.S_IFCHR, modes.S_IFBLK)
    return LxStat(
        found.file_id,
        mode,
        0 if file_type == modes.S_IFDIR else found.number_of_links,
        uid,
        gid,
        (valid.device or (0, 0)) if is_device else (0, 0),
        sizes.get(file_type, found.end_of_file),
        0 if allocated < cluster else -(-allocated // _SECTOR),
        cluster,
        _since_1970(found.last_access_time),
        _since_1970(found.last_write_time),
        _since_1970(found.change_time or found.last_write_time),
        _since_1970(found.creation_time),
    )


def _since_1970(time: int) -> int:
    return (time - _EPOCH) * 100


def entry_of(record: FileIdExtdDirectoryInformation, rules: VolumeRules) -> LxEntry:
    """An entry of a directory; what a tag means that nobody knows, nobody can tell."""
    attributes, tag = record.file_attributes, record.reparse_point_tag
    file_type = modes.S_IFDIR if attributes & FILE_ATTRIBUTE_DIRECTORY else modes.S_IFREG
    if attributes & FILE_ATTRIBUTE_REPARSE_POINT:
        file_type = _TYPES.get(tag, DT_UNKNOWN)
    return LxEntry(rules.unescape(record.file_name), record.file_id, file_type >> 12)
