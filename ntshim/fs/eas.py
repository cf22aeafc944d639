"""Extended attributes of a volume's files: how they are changed, and who may open a file that needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.io import ea

if TYPE_CHECKING:
    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume
    from ntshim.io.ea import FileFullEaInformation


def change(volume: Volume, opened: Open, attributes: list[FileFullEaInformation]) -> None:
    """Set and remove EAs of a file; STATUS_MEDIA_WRITE_PROTECTED, STATUS_EA_TOO_LARGE."""
    if volume.read_only:
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
    inode = opened.node.inode
    present = volume.backend.extended_attributes(inode)
    merged = ea.merge(present, attributes)
    if merged != present:
        volume.backend.set_extended_attributes(inode, merged)
        volume.backend.stamp(inode, change=True)
        if volume.watches is not None:
            volume.watches.eas_set(opened)


def check_understood(volume: Volume, opened: Open) -> None:
    """Raise STATUS_ACCESS_DENIED for a file that cannot be understood without its EAs."""
    attributes = volume.backend.extended_attributes(opened.node.inode)
    if any(attribute.flags & ea.FILE_NEED_EA for attribute in attributes):
        raise st.NtError(st.STATUS_ACCESS_DENIED)
