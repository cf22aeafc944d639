"""Volumes whose files somebody else looks up, opens and changes: only the rules are ours (design section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

from ntshim import status as st
from ntshim.fs import links
from ntshim.fs.backend import Facts, Inode
from ntshim.fs.links import LinkIrp, RenameIrp
from ntshim.fs.names import FileName, to_host
from ntshim.fs.volume import Place, Volume
from ntshim.io import query
from ntshim.io.create import FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_READONLY
from ntshim.io.file import File
from ntshim.io.irp import CreateContext, Irp, NameReserved, TargetContext

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ntshim.fs.backend import Backend
    from ntshim.fs.nodes import Nodes
    from ntshim.ob.parse import ParseRequest


class NativeInode(Inode):
    """A file of the host, whose path without links is `path`; `read_only`: it has the attribute READONLY.

    `size`, in bytes, and `links`, the number of its names, are what the host said last.
    """

    __slots__ = ("links", "path", "read_only", "size")

    def __init__(self, key: Hashable, path: bytes, *, is_directory: bool = True, read_only: bool = False) -> None:
        """Stand for it, as it was found."""
        super().__init__(key, is_directory=is_directory)
        self.path = path
        self.read_only = read_only
        self.size = 0
        self.links = 1


def resolved(directory: NativeInode, name: str, inode: Inode | None) -> Place:
    """Where a name leads, as the one who asks for the file has found out: `inode` is None if it is to be made."""
    return Place(directory, name, inode, FileName(name))


class NativeVolume(Volume):
    """A volume of the host, which performs every open and every change itself.

    NtCreateFile, and NtSetInformationFile for a new name, bring the place that the name leads to along (`extra`), since
    the look-up belongs to whoever asks, with its root, its working directory and its rights; without one there is none.
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
        """Decide about opening the file at the place that came along, or about taking the place itself.

        Raises NameReserved as long as the name belongs to another request.
        """
        del related
        context = request.context
        if not isinstance(context, CreateContext | TargetContext) or not isinstance(context.extra, Place):
            raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
        place = context.extra
        self._meet(place)
        if isinstance(context, TargetContext):
            context.place = place
            context.volume = self
            self.reference()
            return self
        irp = self._decide(context.request, place)
        context.irp = irp
        request.granted_access = irp.granted
        return irp.file

    def take_over(self, place: Place, access: int, share: int, *, has_name: bool) -> File:
        """Count an open that nobody has asked for: who has it got it otherwise than by a name, so no rule is asked.

        The place has a file. Without a name it holds no directory, and nobody can delete it.
        """
        if place.inode is None:
            raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
        file = File(place.inode.key, device=self)
        node = self.nodes.find(place.inode)
        inode = place.inode if node is None else node.inode
        file.context = opened = self.nodes.acquire(inode, place[:2], "", access, share)
        opened.link.removed = not has_name
        return file

    def set_information(self, file: File, record: Any, information_class: int) -> Irp:
        """Decide about a change of an open file; the host performs each."""
        irp = super().set_information(file, record, information_class)
        if irp is None:
            return NativeChange(self, file, information_class)
        if isinstance(irp, RenameIrp) and not isinstance(irp, LinkIrp):
            irp.when_done(_follow)
        return irp

    def _meet(self, place: Place) -> None:
        """Stand behind who has the name, and take over what the host says of the file now."""
        if self.reservations and place.directory is not None:
            irp = self.reservations.get((place.directory.key, self.fold(place.directory, place.name)))
            if irp is not None:
                raise NameReserved(irp)
        node = None if place.inode is None else self.nodes.find(place.inode)
        if node is not None and isinstance(node.inode, NativeInode) and isinstance(place.inode, NativeInode):
            node.inode.read_only = place.inode.read_only
            node.inode.size = place.inode.size
            node.inode.links = place.inode.links


def give_name(nodes: Nodes, place: Place) -> None:
    """Note that a file that is open without a name has been given one by the host."""
    node = None if place.inode is None else nodes.find(place.inode)
    if node is None:
        return
    for link in [link for link in node.links if link.removed]:
        other = node.link(*place[:2])
        link.directory, link.name, link.removed = place.directory, place.name, False
        if other is not None:
            node.merge(link, other)
    if isinstance(node.inode, NativeInode) and isinstance(place.inode, NativeInode):
        node.inode.path = place.inode.path


class NativeChange(Irp):
    """IRP_MJ_SET_INFORMATION that changes the file itself: all that is reserved is a mark that it is to be deleted."""

    __slots__ = ("_class", "_file", "_volume")

    def __init__(self, volume: Volume, file: File, information_class: int) -> None:
        """Begin what was decided."""
        super().__init__()
        self._volume = volume
        self._file = file
        self._class = information_class

    def _commit(self, host_key: Any, inode: Any) -> None:
        """A name that is to go goes with the handle."""

    def _abort(self) -> None:
        """Take the mark off."""
        opened = self._file.context
        if self._class in query.DISPOSITION_CLASSES and not self._file.cleaned_up and not opened.link.removed:
            links.set_disposition(self._volume, opened, 0)


def _follow(irp: Irp) -> None:
    """A directory that has another name has another path."""
    if irp.status != st.STATUS_SUCCESS or not isinstance(irp, RenameIrp):
        return
    inode, directory = irp.opened.node.inode, irp.place.directory
    if isinstance(inode, NativeInode) and isinstance(directory, NativeInode):
        inode.path = directory.path.rstrip(b"/") + b"/" + to_host(irp.place.part.file)


class _Unasked:
    """The backend of a volume that performs nothing: it knows what an inode says of itself, and refuses all else.

    What the host has done, or does as soon as it is decided, is no request to it.
    """

    __slots__ = ()

    has_streams = False
    keeps_all_times = False

    def attributes(self, inode: Inode) -> int:
        """Give what follows from the kind of a file, and whether who has looked it up calls it READONLY."""
        read_only = isinstance(inode, NativeInode) and inode.read_only
        attributes = FILE_ATTRIBUTE_DIRECTORY * inode.is_directory | FILE_ATTRIBUTE_READONLY * read_only
        return attributes or FILE_ATTRIBUTE_NORMAL

    def facts(self, inode: Inode, stream: str = "") -> Facts:
        """Give what the host has said of the file; it was not asked for times."""
        if not isinstance(inode, NativeInode) or stream:
            raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
        return Facts(self.attributes(inode), 0, 0, 0, 0, inode.size, inode.size, inode.links, 0)

    def open(self, inode: Inode) -> None:
        """Nothing to hold: the host's descriptor does."""

    def close(self, inode: Inode) -> None:
        """Nothing to let go."""

    def is_empty(self, directory: Inode) -> bool:  # noqa: ARG002
        """Let it be the host that refuses to remove a directory with something in it."""
        return True

    def is_below(self, directory: Inode, ancestor: Inode) -> bool:
        """Tell by the paths that the host gave."""
        if not isinstance(directory, NativeInode) or not isinstance(ancestor, NativeInode):
            return directory.key == ancestor.key
        return directory.path == ancestor.path or directory.path.startswith(ancestor.path.rstrip(b"/") + b"/")

    def unlink(self, directory: Inode, name: str, inode: Inode) -> None:
        """The host has removed it."""

    def set_end(self, inode: Inode, stream: str, size: int) -> None:
        """The host does."""

    def set_basic(self, inode: Inode, times: tuple[int, int, int, int], attributes: int | None) -> None:
        """The host does."""

    def stamp(self, inode: Inode, *, access: bool = False, change: bool = False) -> None:
        """The host does."""

    def __getattr__(self, operation: str) -> NoReturn:
        """Refuse."""
        raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
