"""Files that are opened by their id instead of a name: FILE_OPEN_BY_FILE_ID."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs.names import FileName

if TYPE_CHECKING:
    from ntshim.fs.backend import Inode
    from ntshim.fs.volume import Volume
    from ntshim.io.file import File

_ID_LENGTHS = (8, 16)  # bytes of FILE_INTERNAL_INFORMATION's id and of FILE_ID_INFORMATION's
_UNITS = "utf-16-le"


def name_of_id(file_id: int) -> str:
    r"""Give a file's id as NtCreateFile wants it in ObjectName: 8 bytes, read as four units.

    It is a name relative to any file of the volume, or follows the volume's own, as in `\??\C:\`.
    """
    return file_id.to_bytes(8, "little").decode(_UNITS, "surrogatepass")


def place_of_id(volume: Volume, name: str, related: File | None) -> tuple[Inode | None, str, Inode, FileName]:
    """Find a file by the bytes of its id; gives the fields of a `volume.Place`.

    Of several links any is as good as the other. STATUS_INVALID_PARAMETER for a wrong length and for an id that no
    file has; STATUS_DELETE_PENDING for a file that is open but has no name any more (facts/nt.md section 3.5).
    """
    units = (name if related is not None else name[1:]).encode(_UNITS, "surrogatepass")
    if len(units) not in _ID_LENGTHS:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    file_id = int.from_bytes(units, "little")
    node = volume.nodes.of_key(volume.backend.key_of_id(file_id))
    if node is not None:
        links = [link for link in node.links if not link.removed]
        if links:
            link = min(links, key=lambda link: link.delete_pending)
            return link.directory, link.name, node.inode, FileName(link.name)
        raise st.NtError(st.STATUS_DELETE_PENDING)
    found = volume.backend.find_by_id(file_id)
    if found is None:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    directory, link_name, inode = found
    return directory, link_name, inode, FileName(link_name)
