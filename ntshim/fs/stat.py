"""What a volume answers to the classes of `io.stat`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.fs.information import shown_attributes
from ntshim.io import create, ea, query, stat

if TYPE_CHECKING:
    from ntshim.fs.backend import Facts, Inode
    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume

# The EAs in which WSL keeps a file's metadata: the field that has its value, the flag that says so.
_LX_FIELDS = {
    "$LXUID": ("lx_uid", stat.LX_FILE_METADATA_HAS_UID),
    "$LXGID": ("lx_gid", stat.LX_FILE_METADATA_HAS_GID),
    "$LXMOD": ("lx_mode", stat.LX_FILE_METADATA_HAS_MODE),
}
_LX_DEVICE = "$LXDEV"
_DEVICE = struct.Struct("<II")  # major, minor


def query_stat(volume: Volume, opened: Open, facts: Facts, information_class: int) -> Any:
    """Give the record of a class; STATUS_INVALID_INFO_CLASS for one that is not known."""
    inode, link = opened.node.inode, opened.link
    attributes = shown_attributes(inode, facts.attributes)
    links = facts.links - opened.node.pending_links
    if information_class == query.FILE_ATTRIBUTE_TAG_INFORMATION:
        return stat.FileAttributeTagInformation(attributes, reparse_tag(volume, inode))
    if information_class == query.FILE_STANDARD_LINK_INFORMATION:
        return stat.FileStandardLinkInformation(links, facts.links, link.delete_pending, inode.is_directory)
    if information_class == query.FILE_ID_INFORMATION:
        return stat.FileIdInformation(volume.backend.medium().serial_number, facts.file_id)
    if information_class == query.FILE_COMPRESSION_INFORMATION:
        return stat.FileCompressionInformation(facts.allocation_size)
    if information_class == query.FILE_HARD_LINK_INFORMATION:
        return _hard_links(volume, opened)
    told = stat.FileStatInformation(
        facts.file_id,
        *facts[1:5],
        max(facts.allocation_size, opened.stream.allocation),
        facts.size,
        attributes,
        reparse_tag(volume, inode),
        links,
        create.available_access(read_only_volume=volume.read_only),
    )
    if information_class == query.FILE_STAT_INFORMATION:
        return told
    if information_class == query.FILE_STAT_LX_INFORMATION:
        return stat.FileStatLxInformation(*told, **_lx_fields(volume, inode))
    raise st.NtError(st.STATUS_INVALID_INFO_CLASS)


def _hard_links(volume: Volume, opened: Open) -> list[stat.FileLinkEntryInformation]:
    """List all names of a file; the root directory, which has none, is told as itself, `.`."""
    if opened.link.directory is None:
        return [stat.FileLinkEntryInformation(volume.backend.facts(opened.node.inode).file_id, ".")]
    return [
        stat.FileLinkEntryInformation(volume.backend.facts(directory).file_id, name)
        for directory, name in volume.backend.links(opened.node.inode)
    ]


def _lx_fields(volume: Volume, inode: Inode) -> dict[str, int]:
    """Give what WSL adds; an extended attribute of another length does not count (facts/wsl1.md section 4.7)."""
    exact = inode.is_directory and volume.backend.is_case_sensitive(inode)
    fields = {"lx_flags": stat.LX_FILE_CASE_SENSITIVE_DIR if exact else 0}
    for attribute in volume.backend.extended_attributes(inode):
        name, value = attribute.ea_name, attribute.ea_value
        if name in _LX_FIELDS and len(value) == 4:
            field, flag = _LX_FIELDS[name]
            fields[field] = int.from_bytes(value, "little")
            fields["lx_flags"] |= flag
        elif name == _LX_DEVICE and len(value) == _DEVICE.size:
            fields["lx_device_id_major"], fields["lx_device_id_minor"] = _DEVICE.unpack(value)
            fields["lx_flags"] |= stat.LX_FILE_METADATA_HAS_DEVICE_ID
    return fields


def ea_size(volume: Volume, inode: Inode) -> int:
    """Give the bytes that a file's extended attributes take."""
    attributes = volume.backend.extended_attributes(inode)
    return ea.ea_size(attributes) if attributes else 0


def reparse_tag(volume: Volume, inode: Inode) -> int:
    """Give the tag of a reparse point, 0 of what is none."""
    return int.from_bytes(volume.backend.reparse_point(inode)[:4], "little") if inode.is_reparse_point else 0
