"""How a stream gets another name: FileRenameInformation whose new name begins with a colon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs.names import DATA, check_stream
from ntshim.io.rename import FILE_RENAME_REPLACE_IF_EXISTS
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume


def rename(volume: Volume, opened: Open, name: str, flags: int) -> None:
    """Rename the stream that is open ([MS-FSA] 2.1.5.15.11.1); `::$DATA` is the file's own data, which stays, empty.

    STATUS_INVALID_PARAMETER for a malformed name, a directory's own data, and volumes without streams;
    STATUS_OBJECT_TYPE_MISMATCH for a type other than $DATA; STATUS_OBJECT_NAME_COLLISION; STATUS_ACCESS_DENIED if
    what is to be replaced is open or mapped, or what is open is deleted; STATUS_USER_MAPPED_FILE if it is mapped.
    """
    node, stream = opened.node, opened.stream
    new = _new_name(volume, opened, name)
    if opened.link.removed or opened.link.delete_pending or stream.delete_pending:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if volume.read_only:
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
    if volume.nodes.mapped:
        from ntshim.fs.mapped import check_unmapped

        check_unmapped(volume.nodes, node.inode, stream.name)
    target = "" if not new else volume.stored_stream(node.inode, new)
    if target != stream.name and target is not None:
        if not flags & FILE_RENAME_REPLACE_IF_EXISTS:
            raise st.NtError(st.STATUS_OBJECT_NAME_COLLISION)
        if target in node.streams or (node.inode.key, target) in volume.nodes.mapped:
            raise st.NtError(st.STATUS_ACCESS_DENIED)
        if target:
            volume.backend.remove_stream(node.inode, target)
    if new != stream.name:
        old = stream.name
        volume.backend.rename_stream(node.inode, old, new)
        if old and volume.watches is not None:
            volume.watches.stream_removed(opened.link, node.inode, old)
        node.streams[new] = node.streams.pop(old)
        stream.name = new
        if new and volume.watches is not None:
            volume.watches.stream_added(opened)


def _new_name(volume: Volume, opened: Open, name: str) -> str:
    """Give the new name without its type, once it is checked."""
    inode = opened.node.inode
    new, colon, kind = name[1:].partition(":")
    malformed = name.endswith(":") or not (new or kind) or not check_stream(new) or ":" in kind
    if malformed or not volume.backend.has_streams or (inode.is_directory and not (new and opened.stream.name)):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if colon and upcase(kind) != DATA:
        raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
    return new
