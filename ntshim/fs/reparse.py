"""Reparse points: their data, who may make which of them, and where a name that meets one goes on."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.io.file import FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA

if TYPE_CHECKING:
    from ntshim.fs.backend import Inode
    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume
    from ntshim.io.irp import ReparsePointMet

IO_REPARSE_TAG_RESERVED_ONE = 1
IO_REPARSE_TAG_MOUNT_POINT = 0xA0000003
IO_REPARSE_TAG_SYMLINK = 0xA000000C
IO_REPARSE_TAG_LX_SYMLINK = 0xA000001D
IO_REPARSE_TAG_AF_UNIX = 0x80000023
IO_REPARSE_TAG_LX_FIFO = 0x80000024
IO_REPARSE_TAG_LX_CHR = 0x80000025
IO_REPARSE_TAG_LX_BLK = 0x80000026

MAXIMUM_REPARSE_DATA_BUFFER_SIZE = 16384  # bytes
SYMLINK_FLAG_RELATIVE = 1
# How many reparse points one path may meet (facts/nt.md section 1.2, step 9).
REPARSE_POINT_LIMIT = 63

_VALID_TAG = 0xF000FFFF
_MICROSOFT = 0x80000000
# A directory with such a tag may have entries.
_DIRECTORY = 0x10000000
_HEADER = struct.Struct("<IHH")
_GUID_BYTES = 16
_NAMES = struct.Struct("<HHHH")
_SYMLINK_FLAGS = struct.Struct("<I")
_LX_VERSION = struct.Struct("<I")
_LX_SYMLINK_VERSION = 2
_LONGEST_LX_TARGET = 4095  # PATH_MAX of Linux without its end
_LONGEST_NAME = 32767  # UTF-16 units


class ReparseData(NamedTuple):
    """A REPARSE_DATA_BUFFER, or, with a `guid`, the REPARSE_GUID_DATA_BUFFER of a tag that is not Microsoft's."""

    tag: int
    guid: bytes
    data: bytes


class LinkTarget(NamedTuple):
    """What a symbolic link or mount point stands for; a relative name counts from the link's directory."""

    name: str
    relative: bool


def parse(buffer: bytes) -> ReparseData:
    """Take a buffer apart; STATUS_IO_REPARSE_DATA_INVALID for wrong lengths, STATUS_IO_REPARSE_TAG_INVALID."""
    if not _HEADER.size <= len(buffer) <= MAXIMUM_REPARSE_DATA_BUFFER_SIZE:
        raise st.NtError(st.STATUS_IO_REPARSE_DATA_INVALID)
    tag, length, _ = _HEADER.unpack_from(buffer)
    guid_bytes = 0 if tag & _MICROSOFT else _GUID_BYTES
    if len(buffer) != _HEADER.size + guid_bytes + length:
        raise st.NtError(st.STATUS_IO_REPARSE_DATA_INVALID)
    if tag & ~_VALID_TAG or tag <= IO_REPARSE_TAG_RESERVED_ONE:
        raise st.NtError(st.STATUS_IO_REPARSE_TAG_INVALID)
    data_at = _HEADER.size + guid_bytes
    return ReparseData(tag, buffer[_HEADER.size : data_at], buffer[data_at:])


def build(tag: int, data: bytes, guid: bytes = b"") -> bytes:
    """Make a buffer."""
    return _HEADER.pack(tag, len(data), 0) + guid + data


def build_lx_symlink(target: bytes) -> bytes:
    """Make the buffer of a Linux symbolic link (facts/wsl1.md section 4.2)."""
    return build(IO_REPARSE_TAG_LX_SYMLINK, _LX_VERSION.pack(_LX_SYMLINK_VERSION) + target)


def build_symlink(substitute_name: str, print_name: str = "", *, relative: bool = False) -> bytes:
    """Make the buffer of a symbolic link."""
    substitute, printed = _units(substitute_name), _units(print_name)
    names = _NAMES.pack(0, len(substitute), len(substitute), len(printed))
    flags = _SYMLINK_FLAGS.pack(SYMLINK_FLAG_RELATIVE if relative else 0)
    return build(IO_REPARSE_TAG_SYMLINK, names + flags + substitute + printed)


def build_mount_point(substitute_name: str, print_name: str = "") -> bytes:
    """Make the buffer of a mount point, or junction."""
    substitute, printed = _units(substitute_name), _units(print_name)
    names = _NAMES.pack(0, len(substitute), len(substitute) + 2, len(printed))
    return build(IO_REPARSE_TAG_MOUNT_POINT, names + substitute + b"\0\0" + printed + b"\0\0")


def lx_symlink_target(buffer: bytes) -> bytes | None:
    """Give where a Linux symbolic link leads if its data says so; None for other tags and older forms."""
    data = parse(buffer)
    if data.tag != IO_REPARSE_TAG_LX_SYMLINK or data.data[:4] != _LX_VERSION.pack(_LX_SYMLINK_VERSION):
        return None
    return data.data[4:]


def link_target(data: ReparseData) -> LinkTarget | None:
    """Give where a symbolic link or mount point leads, None for other tags; STATUS_IO_REPARSE_DATA_INVALID."""
    if data.tag == IO_REPARSE_TAG_MOUNT_POINT:
        return LinkTarget(_mount_point_name(data.data), relative=False)
    if data.tag != IO_REPARSE_TAG_SYMLINK:
        return None
    names_at = _NAMES.size + _SYMLINK_FLAGS.size
    if len(data.data) < names_at:
        raise st.NtError(st.STATUS_IO_REPARSE_DATA_INVALID)
    at, length, print_at, print_length = _NAMES.unpack_from(data.data)
    flags = _SYMLINK_FLAGS.unpack_from(data.data, _NAMES.size)[0]
    names = data.data[names_at:]
    if (
        flags & ~SYMLINK_FLAG_RELATIVE
        or not length
        or (at | length | print_at | print_length) % 2
        or max(at + length, print_at + print_length) > len(names)
    ):
        raise st.NtError(st.STATUS_IO_REPARSE_DATA_INVALID)
    return LinkTarget(_text(names[at : at + length]), relative=bool(flags))


def set_reparse_point(volume: Volume, opened: Open, access: int, buffer: bytes, *, may_link: bool) -> None:
    """Make a file or directory a reparse point: FSCTL_SET_REPARSE_POINT ([MS-FSA] 2.1.5.10.37).

    `access` is the handle's; `may_link` says whether the caller may make symbolic links. STATUS_ACCESS_DENIED;
    STATUS_MEDIA_WRITE_PROTECTED; STATUS_IO_REPARSE_DATA_INVALID; STATUS_IO_REPARSE_TAG_INVALID;
    STATUS_NOT_A_DIRECTORY for a mount point on a file; STATUS_DIRECTORY_NOT_EMPTY; STATUS_PRIVILEGE_NOT_HELD;
    STATUS_IO_REPARSE_TAG_MISMATCH and STATUS_REPARSE_ATTRIBUTE_CONFLICT for a reparse point of another tag or GUID.
    """
    inode = opened.node.inode
    _check_change(volume, opened, access)
    data = parse(buffer)
    if data.tag == IO_REPARSE_TAG_MOUNT_POINT and not inode.is_directory:
        raise st.NtError(st.STATUS_NOT_A_DIRECTORY)
    if inode.is_directory and not data.tag & _DIRECTORY and not volume.backend.is_empty(inode):
        raise st.NtError(st.STATUS_DIRECTORY_NOT_EMPTY)
    if data.tag == IO_REPARSE_TAG_SYMLINK and not may_link:
        raise st.NtError(st.STATUS_PRIVILEGE_NOT_HELD)
    link_target(data)
    _check_lx_symlink(buffer)
    if inode.is_reparse_point:
        _check_same(volume, inode, data)
    _store(volume, opened, buffer)


def delete_reparse_point(volume: Volume, opened: Open, access: int, buffer: bytes) -> None:
    """Make a reparse point an ordinary file or directory again; `buffer` is a header that names its tag and GUID.

    STATUS_NOT_A_REPARSE_POINT; otherwise as set_reparse_point.
    """
    inode = opened.node.inode
    _check_change(volume, opened, access)
    data = parse(buffer)
    if data.data:
        raise st.NtError(st.STATUS_IO_REPARSE_DATA_INVALID)
    if not inode.is_reparse_point:
        raise st.NtError(st.STATUS_NOT_A_REPARSE_POINT)
    _check_same(volume, inode, data)
    _store(volume, opened, None)


def get_reparse_point(volume: Volume, opened: Open) -> bytes:
    """Give the buffer of a reparse point; STATUS_NOT_A_REPARSE_POINT."""
    if not opened.node.inode.is_reparse_point:
        raise st.NtError(st.STATUS_NOT_A_REPARSE_POINT)
    return volume.backend.reparse_point(opened.node.inode)


def resolve(volume: Volume, met: ReparsePointMet) -> tuple[str, bool]:
    """Give the name with which a walk goes on, and whether that begins at the root of the object namespace.

    Otherwise it begins at the volume's root. STATUS_IO_REPARSE_TAG_NOT_HANDLED for tags that lead nowhere;
    STATUS_IO_REPARSE_DATA_INVALID for a link above the root; STATUS_NAME_TOO_LONG.
    """
    target = link_target(parse(volume.backend.reparse_point(met.inode)))
    if target is None:
        raise met
    name, relative = target
    if relative and not name.startswith("\\"):
        name = _beside(volume, met.directory, name)
    joined = name.rstrip("\\") + met.rest if met.rest else name
    if len(joined) > _LONGEST_NAME:
        raise st.NtError(st.STATUS_NAME_TOO_LONG)
    return joined, not relative


def _beside(volume: Volume, directory: Inode, name: str) -> str:
    """Give the name from the root of what a directory's relative link stands for; `..` is taken by its letters."""
    components: list[str] = []
    while directory.key != volume.backend.root.key:
        directory, above = volume.backend.parent(directory)
        components.insert(0, above)
    for component in name.split("\\"):
        if component == "..":
            if not components:
                raise st.NtError(st.STATUS_IO_REPARSE_DATA_INVALID)
            components.pop()
        elif component not in ("", "."):
            components.append(component)
    return "\\" + "\\".join(components)


def _check_change(volume: Volume, opened: Open, access: int) -> None:
    """Check what does not depend on the data: the handle's right, the volume, and that a file itself is open."""
    if not access & (FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES):
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if volume.read_only:
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
    if opened.stream.name:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)


def _check_lx_symlink(buffer: bytes) -> None:
    """Refuse a Linux link to what is no path there."""
    target = lx_symlink_target(buffer)
    if target is not None and (not 0 < len(target) <= _LONGEST_LX_TARGET or b"\0" in target):
        raise st.NtError(st.STATUS_IO_REPARSE_DATA_INVALID)


def _check_same(volume: Volume, inode: Inode, data: ReparseData) -> None:
    """Refuse to touch a reparse point whose owner is another one."""
    present = parse(volume.backend.reparse_point(inode))
    if present.tag != data.tag:
        raise st.NtError(st.STATUS_IO_REPARSE_TAG_MISMATCH)
    if present.guid != data.guid:
        raise st.NtError(st.STATUS_REPARSE_ATTRIBUTE_CONFLICT)


def _store(volume: Volume, opened: Open, buffer: bytes | None) -> None:
    """Change the file; on some media it is another one from then on."""
    key = opened.node.inode.key
    volume.backend.set_reparse_point(opened.node.inode, buffer)
    volume.nodes.rekey(key, opened.node)
    volume.backend.stamp(opened.node.inode, change=True)
    if volume.watches is not None:
        volume.watches.attributes_changed(opened)


def _mount_point_name(data: bytes) -> str:
    """Give a mount point's target, in the one layout that is allowed for it."""
    if len(data) < _NAMES.size:
        raise st.NtError(st.STATUS_IO_REPARSE_DATA_INVALID)
    at, length, print_at, print_length = _NAMES.unpack_from(data)
    if (
        at
        or not length
        or (length | print_length) % 2
        or print_at != length + 2
        or len(data) != _NAMES.size + length + print_length + 4
    ):
        raise st.NtError(st.STATUS_IO_REPARSE_DATA_INVALID)
    return _text(data[_NAMES.size : _NAMES.size + length])


def _units(name: str) -> bytes:
    """Give a name in UTF-16."""
    return name.encode("utf-16-le", "surrogatepass")


def _text(units: bytes) -> str:
    """Give a name of UTF-16 units."""
    return units.decode("utf-16-le", "surrogatepass")
