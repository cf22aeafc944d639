"""What a notification of changes says of each: its information classes, their records, the bytes these take."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ntshim import status as st
from ntshim.fs.information import shown_attributes
from ntshim.fs.names import units
from ntshim.io.ea import ea_size

if TYPE_CHECKING:
    from ntshim.fs.backend import Backend, Inode

DIRECTORY_NOTIFY_INFORMATION = 1
DIRECTORY_NOTIFY_EXTENDED_INFORMATION = 2


class FileNotifyInformation(NamedTuple):
    """One change: a FILE_ACTION_ and the name, relative to the directory that is watched."""

    action: int
    file_name: str


class FileNotifyExtendedInformation(NamedTuple):
    """One change, and what the file was after it: times in 100 ns since 1601, sizes in bytes, ids of the volume.

    `reparse_point_tag_or_ea_size` is the tag of a reparse point, else the bytes of the EAs. Of a file whose last name
    went while nobody had it open all but the parent's id is 0.
    """

    action: int
    creation_time: int
    last_modification_time: int
    last_change_time: int
    last_access_time: int
    allocated_length: int
    file_size: int
    file_attributes: int
    reparse_point_tag_or_ea_size: int
    file_id: int
    parent_file_id: int
    file_name: str


Notified: TypeAlias = FileNotifyInformation | FileNotifyExtendedInformation

# Of each class: the bytes of an entry before its name, and what the start of an entry is a multiple of.
LAYOUTS = {DIRECTORY_NOTIFY_INFORMATION: (12, 4), DIRECTORY_NOTIFY_EXTENDED_INFORMATION: (84, 8)}


def bytes_with(used: int, name: str, information_class: int) -> int:
    """Give the bytes of a buffer once an entry of this name follows those that are used."""
    header, alignment = LAYOUTS[information_class]
    return -(-used // alignment) * alignment + header + 2 * units(name)


def tell(backend: Backend, information_class: int, action: int, parent: Inode, inode: Inode, name: str) -> Notified:
    """Make the record of a change to `inode`, which has or had its name in `parent`."""
    if information_class == DIRECTORY_NOTIFY_INFORMATION:
        return FileNotifyInformation(action, name)
    above = backend.facts(parent).file_id
    try:
        facts = backend.facts(inode)
        extra = _tag_or_ea_size(backend, inode)
    except st.NtError:
        return FileNotifyExtendedInformation(action, 0, 0, 0, 0, 0, 0, 0, 0, 0, above, name)
    return FileNotifyExtendedInformation(
        action,
        facts.creation_time,
        facts.last_write_time,
        facts.change_time,
        facts.last_access_time,
        facts.allocation_size,
        facts.size,
        shown_attributes(inode, facts.attributes),
        extra,
        facts.file_id,
        above,
        name,
    )


def _tag_or_ea_size(backend: Backend, inode: Inode) -> int:
    """Give what the field that two facts share holds."""
    if inode.is_reparse_point:
        return int.from_bytes(backend.reparse_point(inode)[:4], "little")
    attributes = backend.extended_attributes(inode)
    return ea_size(attributes) if attributes else 0
