"""How names of open files come and go on a volume: disposition, delete at cleanup, rename, hard link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.io import delete
from ntshim.io.delete import Condemned, decide_disposition
from ntshim.io.file import FILE_ADD_FILE, FILE_ADD_SUBDIRECTORY
from ntshim.io.irp import Irp
from ntshim.io.rename import FILE_RENAME_REPLACE_IF_EXISTS, Replaced, decide_replace
from ntshim.io.share import FILE_SHARE_READ, FILE_SHARE_WRITE

if TYPE_CHECKING:
    from ntshim.fs.backend import Inode
    from ntshim.fs.nodes import Link, Node, Open
    from ntshim.fs.volume import Place, Volume


MOST_LINKS = 1024  # [MS-FSA] section 2.1.5.15.7


def set_disposition(volume: Volume, opened: Open, flags: int) -> None:
    """Mark what is open for deletion, or take the mark off (facts/nt.md section 3.5).

    ON_CLOSE speaks of what the handle's own end does, otherwise the mark is on the link, or on a named stream.
    """
    link, inode = opened.link, opened.node.inode
    target = Condemned(
        volume.backend.attributes(inode),
        opened.delete_on_close,
        link.removed,
        link.directory is None,
        bool(opened.stream.name),
        opened.by_id,
        lambda: inode.is_directory and not volume.backend.is_empty(inode),
    )
    decide_disposition(flags, target)
    deletes = bool(flags & delete.FILE_DISPOSITION_DELETE)
    if deletes and volume.nodes.mapped:
        from ntshim.fs.mapped import check_deletion

        others = volume.backend.facts(inode).links - opened.node.pending_links - (not link.delete_pending)
        check_deletion(volume.nodes, inode, opened.stream.name, flags, other_links=others)
    posix = deletes and bool(flags & delete.FILE_DISPOSITION_POSIX_SEMANTICS)
    opened.posix_delete = posix and not opened.stream.name
    if flags & delete.FILE_DISPOSITION_ON_CLOSE:
        opened.delete_on_close = deletes
    elif opened.stream.name:
        opened.stream.delete_pending = deletes
    else:
        link.delete_pending = deletes
        if deletes and volume.watches is not None:
            volume.watches.end_directory(inode)


def clean_up(volume: Volume, opened: Open) -> None:
    """Do what the end of an open demands: release its share access, delete what is to be deleted.

    A POSIX delete takes the name at once, any other with the last open of the link. A directory that is not empty
    stays (facts/nt.md section 3.5).
    """
    link, stream, inode = opened.link, opened.stream, opened.node.inode
    if opened.delete_on_close and not link.removed:
        if stream.name:
            stream.delete_pending = True
        else:
            link.delete_pending = not inode.is_directory or volume.backend.is_empty(inode)
            if link.delete_pending and volume.watches is not None:
                volume.watches.end_directory(inode)
    volume.nodes.release(opened)
    if opened.watch is not None and volume.watches is not None:
        volume.watches.remove(inode, opened.watch)
    if stream.name and stream.delete_pending and not stream.open_count:
        volume.backend.remove_stream(inode, stream.name)
        if volume.watches is not None:
            volume.watches.stream_removed(link, inode, stream.name)
    if link.delete_pending and not link.removed and (opened.posix_delete or not link.open_count):
        _remove(volume, link, inode)


def _remove(volume: Volume, link: Link, inode: Inode) -> None:
    """Take a name away; what the medium refuses to remove stays, since the end of a handle cannot fail."""
    if link.directory is None or (inode.is_directory and not volume.backend.is_empty(inode)):
        link.delete_pending = False
        return
    try:
        volume.backend.unlink(link.directory, link.name, inode)
    except st.NtError:
        link.delete_pending = False
        return
    link.removed = True
    if volume.watches is not None:
        volume.watches.removed(link.directory, link.name, inode)


def drop_streams(volume: Volume, superseding: Open) -> None:
    """Remove the named streams of a superseded file; one that is open goes with its last handle."""
    node = superseding.node
    for name in volume.backend.streams(node.inode):
        opened = node.streams.get(name)
        if opened is not None:
            opened.delete_pending = True
            continue
        volume.backend.remove_stream(node.inode, name)
        if volume.watches is not None:
            volume.watches.stream_removed(superseding.link, node.inode, name)


def rename(volume: Volume, opened: Open, place: Place, flags: int, *, opens_directory: bool) -> Irp | None:
    """Decide about giving a file another name; None if it has that name already (facts/nt.md section 3.6).

    `opens_directory` says that the new name was not just a name: then its directory is opened for the change, in
    the share rule too. To take the name of another link of the same file needs no leave to replace it ([MS-FSA]
    section 2.1.5.15.12).
    """
    link, inode = opened.link, opened.node.inode
    if link.directory is None or opened.stream.name or opened.by_id:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    _check_target(volume, place, inode, opens_directory=opens_directory)
    if link.removed or link.delete_pending:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if inode.is_directory and _is_held_below(volume, inode, place):
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if _is_link(place, link):
        return None if place.part.file == link.name else RenameIrp(volume, opened, place)
    if place.inode is not None and place.inode.key != inode.key:
        _check_replaced(volume, place, inode, flags)
    elif place.inode is not None:
        _check_own_link(opened.node, place)
    return RenameIrp(volume, opened, place)


def make_link(volume: Volume, opened: Open, place: Place, flags: int, *, opens_directory: bool) -> Irp | None:
    """Decide about giving a file one more name; None if it has that name already (facts/nt.md section 3.6)."""
    inode = opened.node.inode
    if opened.stream.name:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if inode.is_directory:
        raise st.NtError(st.STATUS_FILE_IS_A_DIRECTORY)
    if opened.link.removed or opened.link.delete_pending:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if not volume.native and volume.backend.facts(inode).links >= MOST_LINKS:
        raise st.NtError(st.STATUS_TOO_MANY_LINKS)
    _check_target(volume, place, inode, opens_directory=opens_directory)
    if place.inode is None:
        return LinkIrp(volume, opened, place)
    if place.inode.key != inode.key:
        _check_replaced(volume, place, inode, flags)
        return LinkIrp(volume, opened, place)
    if not flags & FILE_RENAME_REPLACE_IF_EXISTS:
        raise st.NtError(st.STATUS_OBJECT_NAME_COLLISION)
    _check_own_link(opened.node, place)
    return None if place.part.file == place.name else RenameIrp(volume, opened, place, spells_only=True)


def _check_target(volume: Volume, place: Place, inode: Inode, *, opens_directory: bool) -> None:
    """Check what is the same for renames and links: the volume, the name, the directory that takes it."""
    if volume.read_only:
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
    if place.directory is None or (place.trailing_separator and not inode.is_directory):
        raise st.NtError(st.STATUS_OBJECT_NAME_INVALID)
    node = volume.nodes.find(place.directory)
    if node is None:
        return
    if node.pending_links:
        raise st.NtError(st.STATUS_DELETE_PENDING)
    access = FILE_ADD_SUBDIRECTORY if inode.is_directory else FILE_ADD_FILE
    if opens_directory and not node.allows("", access, FILE_SHARE_READ | FILE_SHARE_WRITE):
        raise st.NtError(st.STATUS_SHARING_VIOLATION)


def _is_link(place: Place, link: Link) -> bool:
    """Whether a place is the link that is open, however it was spelled."""
    return _same(place.directory, link.directory) and place.name == link.name


def _same(one: Inode | None, other: Inode | None) -> bool:
    """Whether two directories are the same; the root's own is none."""
    return one is not None and other is not None and one.key == other.key


def _is_held_below(volume: Volume, directory: Inode, place: Place) -> bool:
    """Whether anything below a directory is open, with whatever access, if only the target's own directory."""
    if place.directory is not None and volume.backend.is_below(place.directory, directory):
        return True
    return any(
        link.directory is not None and not link.removed and volume.backend.is_below(link.directory, directory)
        for node in volume.nodes.all()
        for link in node.links
    )


def _check_own_link(node: Node, place: Place) -> None:
    """Refuse the name of another link of the same file if that is to be deleted."""
    link = node.link(*place[:2])
    if link is not None and link.delete_pending:
        raise st.NtError(st.STATUS_DELETE_PENDING)


def _check_replaced(volume: Volume, place: Place, source: Inode, flags: int) -> None:
    """Ask whether the file that has the new name may lose it."""
    target = place.inode
    if target is None:
        return
    node = volume.nodes.find(target)
    link = None if node is None else node.link(*place[:2])
    replaced = Replaced(
        target.is_directory,
        volume.backend.attributes(target),
        link is not None and link.delete_pending,
        node is not None,
        node is None or node.all_share_delete(),
        lambda: target.is_directory and not volume.backend.is_empty(target),
    )
    decide_replace(flags, replaced, source_is_directory=source.is_directory)
    if volume.nodes.mapped and target.key != source.key:
        from ntshim.fs.mapped import check_replaced

        check_replaced(volume.nodes, target)


class RenameIrp(Irp):
    """IRP_MJ_SET_INFORMATION that moves `opened`'s link to `place`; what had the name there loses it.

    With `spells_only` the link at `place` itself, one of `opened`'s file, gets another spelling.
    """

    __slots__ = ("opened", "place", "source", "volume")

    def __init__(self, volume: Volume, opened: Open, place: Place, *, spells_only: bool = False) -> None:
        """Keep the new name until it is done."""
        super().__init__()
        self.volume = volume
        self.opened = opened
        self.place = place
        self.source = place[:2] if spells_only else (opened.link.directory, opened.link.name)
        if place.directory is not None:
            volume.reserve(place.directory, place.part.file, self)

    @property
    def _replaced(self) -> tuple[str, Inode] | None:
        """The file that loses the name, unless it is this very link."""
        place, (directory, name) = self.place, self.source
        if place.inode is None or (_same(place.directory, directory) and place.name == name):
            return None
        return place.name, place.inode

    def _take_effect(self) -> None:
        """Change the name."""
        from ntshim.fs import times

        place, (directory, name) = self.place, self.source
        if place.directory is None or directory is None:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        inode = self.opened.node.inode
        self.volume.backend.rename(inode, (directory, name), (place.directory, place.part.file), self._replaced)
        times.archive(self.volume, inode)

    def _commit(self, host_key: Any, inode: Any) -> None:  # noqa: ARG002 - a rename makes no file
        """Tell the state of the open files, and who watches."""
        node, target = self.opened.node, (self.place.directory, self.place.part.file)
        replaced = self._replaced
        link = node.link(*self.source)
        other = None if replaced is None else self._drop_replaced()
        if self.volume.watches is not None:
            self.volume.watches.renamed(node.inode, self.source, target, replaced)
        for named in (link, other):
            if named is not None:
                named.directory, named.name = target
        if link is not None and other is not None:
            node.merge(link, other)

    def _drop_replaced(self) -> Link | None:
        """Another file that stays open without a name counts as deleted; gives a link of the same file."""
        node = None if self.place.inode is None else self.volume.nodes.find(self.place.inode)
        link = None if node is None else node.link(*self.place[:2])
        if link is None or node is self.opened.node:
            return link
        link.removed = link.delete_pending = True
        return None

    def _abort(self) -> None:
        """The reservation goes by itself."""


class LinkIrp(RenameIrp):
    """IRP_MJ_SET_INFORMATION that gives `opened`'s file the name `place`."""

    __slots__ = ()

    def _take_effect(self) -> None:
        """Add the name."""
        from ntshim.fs import times

        if self.place.directory is None or self.source[0] is None:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        source, target = (self.source[0], self.source[1]), (self.place.directory, self.place.part.file)
        self.volume.backend.link(self.opened.node.inode, source, target, self._replaced)
        times.note_change(self.volume, self.opened)
        times.archive(self.volume, self.opened.node.inode)

    def _commit(self, host_key: Any, inode: Any) -> None:  # noqa: ARG002 - a link makes no file
        """Tell the state of the open files, and who watches."""
        self._drop_replaced()
        watches, place = self.volume.watches, self.place
        if watches is not None:
            if self._replaced is not None:
                watches.removed(place.directory, *self._replaced)
            watches.added(place.directory, place.part.file, self.opened.node.inode)
