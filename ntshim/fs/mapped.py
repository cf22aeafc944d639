"""Streams that have sections: what these keep from those who would open, cut, delete or replace the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs import times
from ntshim.io.create import FILE_DELETE_ON_CLOSE, FILE_OVERWRITTEN, FILE_SUPERSEDED
from ntshim.io.delete import FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK
from ntshim.io.file import FILE_WRITE_DATA
from ntshim.io.share import FILE_SHARE_WRITE, VISIBLE

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ntshim.fs.backend import Inode
    from ntshim.fs.nodes import Nodes, Open
    from ntshim.fs.volume import Volume
    from ntshim.io.create import CreateRequest, Verdict

# A stream of a file: the backend's key of the file, the stream's stored spelling.
StreamKey = tuple["Hashable", str]


class SectionObjectPointers:
    """The sections of one stream, as SECTION_OBJECT_POINTERS: how many of its data, how many of its image.

    `writable_views` counts the views through which its data can be changed. They outlive the opens of the file.
    """

    __slots__ = ("_key", "_table", "data_sections", "image_sections", "writable_views")

    def __init__(self, table: dict[StreamKey, SectionObjectPointers], key: StreamKey) -> None:
        """Begin without sections; `table` is where all look as long as there is one."""
        self._table = table
        self._key = key
        self.data_sections = 0
        self.image_sections = 0
        self.writable_views = 0

    def add_section(self, *, image: bool) -> None:
        """Count a section in."""
        if image:
            self.image_sections += 1
        else:
            self.data_sections += 1
        self._table[self._key] = self

    def remove_section(self, *, image: bool) -> None:
        """Count a section out; of a stream that has none nothing is kept."""
        if image:
            self.image_sections -= 1
        else:
            self.data_sections -= 1
        if not self.image_sections and not self.data_sections:
            del self._table[self._key]


def pointers_of(nodes: Nodes, inode: Inode, stream: str) -> SectionObjectPointers:
    """Give what is kept of the sections of a stream, new if it has none."""
    key = (inode.key, stream)
    return nodes.mapped.get(key) or SectionObjectPointers(nodes.mapped, key)


def check_open(nodes: Nodes, inode: Inode, stream: str, asked: CreateRequest, verdict: Verdict) -> None:
    """Refuse an open that no share mode refuses (facts/nt.md sections 3.4, 3.9).

    STATUS_SHARING_VIOLATION without FILE_SHARE_WRITE beside a view that writes, and for FILE_WRITE_DATA on an image;
    STATUS_CANNOT_DELETE for FILE_DELETE_ON_CLOSE on an image; STATUS_USER_MAPPED_FILE for who would empty the stream.
    """
    pointers = nodes.mapped.get((inode.key, stream))
    if pointers is None:
        return
    if pointers.writable_views and verdict.checked & VISIBLE and not asked.share & FILE_SHARE_WRITE:
        raise st.NtError(st.STATUS_SHARING_VIOLATION)
    if pointers.image_sections and asked.options & FILE_DELETE_ON_CLOSE:
        raise st.NtError(st.STATUS_CANNOT_DELETE)
    if pointers.image_sections and verdict.checked & FILE_WRITE_DATA:
        raise st.NtError(st.STATUS_SHARING_VIOLATION)
    if verdict.information in (FILE_SUPERSEDED, FILE_OVERWRITTEN):
        raise st.NtError(st.STATUS_USER_MAPPED_FILE)


def check_unmapped(nodes: Nodes, inode: Inode, stream: str) -> None:
    """Refuse to cut a stream, or to rename one: STATUS_USER_MAPPED_FILE while it has a section (facts/nt.md 3.9).

    A section's segment is the whole file, also where the section is smaller, and grows with it: BT mmap.cpp cannot
    take back an extension that a section of the former size has seen.
    """
    if (inode.key, stream) in nodes.mapped:
        raise st.NtError(st.STATUS_USER_MAPPED_FILE)


def check_deletion(nodes: Nodes, inode: Inode, stream: str, flags: int, *, other_links: int) -> None:
    """Refuse to mark a mapped file: STATUS_CANNOT_DELETE (facts/nt.md section 3.5).

    The image of a file that keeps another link does not matter unless `flags` ask for the check. A POSIX delete of a
    file whose data are mapped is refused as any other.
    """
    pointers = nodes.mapped.get((inode.key, stream))
    if pointers is None:
        return
    image_counts = not other_links or flags & FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK
    if pointers.data_sections or (pointers.image_sections and image_counts):
        raise st.NtError(st.STATUS_CANNOT_DELETE)


def check_replaced(nodes: Nodes, inode: Inode) -> None:
    """Refuse to take the name of a file whose image is mapped: STATUS_ACCESS_DENIED (facts/nt.md section 3.6)."""
    pointers = nodes.mapped.get((inode.key, ""))
    if pointers is not None and pointers.image_sections:
        raise st.NtError(st.STATUS_ACCESS_DENIED)


def page_out(volume: Volume, opened: Open, offset: int, data: bytes) -> None:
    """Write what a view has changed: times and who watches are told as of any other writing."""
    times.modify(volume, opened, lambda: volume.backend.write(opened.node.inode, opened.stream.name, offset, data))
    if volume.watches is not None:
        volume.watches.written(opened, resized=False)
