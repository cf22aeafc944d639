"""Volumes whose files somebody else looks up and opens: only the rules are ours (design section 5, steps 4 to 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

from ntshim import status as st
from ntshim.fs.backend import Inode
from ntshim.fs.names import FileName
from ntshim.fs.volume import Place, Volume
from ntshim.io.create import FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL
from ntshim.io.irp import CreateContext

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ntshim.fs.backend import Backend
    from ntshim.fs.nodes import Nodes
    from ntshim.io.file import File
    from ntshim.ob.parse import ParseRequest


class NativeInode(Inode):
    """A directory of the host, whose path without links is `path`."""

    __slots__ = ("path",)

    def __init__(self, key: Hashable, path: bytes) -> None:
        """Stand for it."""
        super().__init__(key, is_directory=True)
        self.path = path


def resolved(directory: NativeInode, name: str, inode: Inode | None) -> Place:
    """Where a name leads, as the one who asks for the file has found out: `inode` is None if it is to be made."""
    return Place(directory, name, inode, FileName(name))


class NativeVolume(Volume):
    """A volume of the host, which performs every open itself.

    NtCreateFile brings the place that the name leads to along (`extra`), since the look-up belongs to whoever opens
    the file, with its root, its working directory and its rights; without one a file cannot be opened here.
    """

    __slots__ = ("_is_exact",)

    def __init__(self, nodes: Nodes, is_exact: Callable[[bytes], bool]) -> None:
        """Put the rules over a host that is not asked.

        `nodes` is shared by all volumes on which its files can be. `is_exact` tells of a directory, by its path without
        links, whether names in it are exact: the rule by which names were looked up.
        """
        super().__init__(cast("Backend", _Unasked()), native=True)
        self.nodes = nodes
        self._is_exact = is_exact

    def is_case_sensitive(self, directory: Inode) -> bool:
        """Ask the rule of whoever looks names up."""
        if not isinstance(directory, NativeInode):
            raise TypeError(directory)
        return self._is_exact(directory.path)

    def create(self, request: ParseRequest, related: File | None) -> Any:
        """Decide about opening the file at the place that came along."""
        del related
        context = request.context
        if not isinstance(context, CreateContext) or not isinstance(context.extra, Place):
            raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
        irp = self._decide(context.request, context.extra)
        context.irp = irp
        request.granted_access = irp.granted
        return irp.file


class _Unasked:
    """The backend of a volume that performs nothing: it knows what an inode says of itself, and refuses all else."""

    __slots__ = ()

    has_streams = False

    def attributes(self, inode: Inode) -> int:
        """Give what follows from the kind of a file: modes are the host's to check."""
        return FILE_ATTRIBUTE_DIRECTORY if inode.is_directory else FILE_ATTRIBUTE_NORMAL

    def open(self, inode: Inode) -> None:
        """Nothing to hold: the host's descriptor does."""

    def close(self, inode: Inode) -> None:
        """Nothing to let go."""

    def __getattr__(self, operation: str) -> NoReturn:
        """Refuse."""
        raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
