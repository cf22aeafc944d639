"""The state of files that are open: share counters by stream, delete-pending by link (facts/nt.md section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.io.share import ShareAccess

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ntshim.fs.backend import Inode
    from ntshim.fs.mapped import SectionObjectPointers, StreamKey
    from ntshim.fs.notify import Watch
    from ntshim.fs.oplocks import Oplocks
    from ntshim.io.locks import ByteRangeLocks


class Stream:
    """A stream that is open; `name` is its stored spelling, "" for the file's own data.

    `locks` and `oplocks` are made with the first one. `allocation` are the bytes that were asked for it, which it keeps
    until its last open ends.
    """

    __slots__ = ("allocation", "delete_pending", "locks", "name", "open_count", "oplocks", "share")

    def __init__(self, name: str) -> None:
        """Begin with no open."""
        self.name = name
        self.open_count = 0
        self.share = ShareAccess()
        self.delete_pending = False
        self.locks: ByteRangeLocks | None = None
        self.allocation = 0
        self.oplocks: Oplocks | None = None


class Link:
    """A name by which a file is open, in `directory`, None for the root directory itself.

    `removed` says that the name is gone while the file is still open: POSIX delete, or replaced by a POSIX rename.
    `successor` is the link that it has become one with.
    """

    __slots__ = ("delete_pending", "directory", "name", "open_count", "removed", "successor")

    def __init__(self, directory: Inode | None, name: str) -> None:
        """Begin with no open."""
        self.directory = directory
        self.name = name
        self.open_count = 0
        self.delete_pending = False
        self.removed = False
        self.successor: Link | None = None


class Node:
    """A file that is open by at least one file object, whatever its access."""

    __slots__ = ("inode", "links", "open_count", "streams")

    def __init__(self, inode: Inode) -> None:
        """Begin with no open."""
        self.inode = inode
        self.open_count = 0
        self.links: list[Link] = []
        self.streams: dict[str, Stream] = {}

    def link(self, directory: Inode | None, name: str) -> Link | None:
        """Give the open link of this name."""
        for link in self.links:
            if link.name == name and not link.removed and link.directory is not None and directory is not None:
                if link.directory.key == directory.key:
                    return link
            elif directory is None and link.directory is None:
                return link
        return None

    def merge(self, link: Link, other: Link) -> None:
        """Make one link of two: the first has been given the name of the other."""
        other.open_count += link.open_count
        self.links.remove(link)
        link.successor = other

    def allows(self, stream: str, access: int, share: int) -> bool:
        """Whether an open of a stream may join all that are there.

        To open the file itself for DELETE, every open stream must share that (facts/nt.md section 3.4).
        """
        for name, other in self.streams.items():
            if name == stream:
                if not other.share.allows(access, share):
                    return False
            elif not stream and other.share.lacks_delete_sharing(access):
                return False
        return True

    def all_share_delete(self) -> bool:
        """Whether every open that the share rule sees lets the file be deleted."""
        return all(stream.share.shared_delete == stream.share.open_count for stream in self.streams.values())

    @property
    def pending_links(self) -> int:
        """How many of its links are to be removed, but are not yet."""
        return sum([link.delete_pending and not link.removed for link in self.links])


class Open:
    """What a volume keeps of a file object: what it opened, with which access and share mode, how it is to end.

    `by_id` says that no name led to it. `stopped_times` are the times that it does not move (`fs.times`).
    """

    __slots__ = (
        "_link",
        "access",
        "by_id",
        "delete_on_close",
        "node",
        "posix_delete",
        "scan",
        "share",
        "stopped_times",
        "stream",
        "watch",
    )

    def __init__(self, node: Node, link: Link, stream: Stream, access: int, share: int) -> None:
        """Note an open; `Nodes.acquire` counts it."""
        self.node = node
        self._link = link
        self.stream = stream
        self.access = access
        self.share = share
        self.delete_on_close = False
        self.posix_delete = False
        self.by_id = False
        self.stopped_times = 0
        self.scan: object = None
        self.watch: Watch | None = None

    @property
    def link(self) -> Link:
        """The name that was opened, as it is now."""
        while self._link.successor is not None:
            self._link = self._link.successor
        return self._link


class Nodes:
    """All files of a volume that are open; of one that nobody has open only the sections are known, `mapped`."""

    __slots__ = ("_nodes", "mapped", "told")

    def __init__(self) -> None:
        """Begin empty. `told` is called with the key of a file that is open from now on, or no more."""
        self._nodes: dict[Hashable, Node] = {}
        self.told: Callable[[Hashable, bool], None] | None = None
        self.mapped: dict[StreamKey, SectionObjectPointers] = {}

    def __len__(self) -> int:
        """Count the files that are open."""
        return len(self._nodes)

    def find(self, inode: Inode) -> Node | None:
        """Give the node of a file, None if it is not open."""
        return self._nodes.get(inode.key)

    def of_key(self, key: Hashable) -> Node | None:
        """Give the node of the file that a backend knows by a key."""
        return self._nodes.get(key)

    def all(self) -> list[Node]:
        """Give every file that is open."""
        return list(self._nodes.values())

    def rekey(self, key: Hashable, node: Node) -> None:
        """Note that a file that was known by `key` has become another one to its backend."""
        del self._nodes[key]
        self._nodes[node.inode.key] = node
        if self.told is not None:
            self.told(key, False)
            self.told(node.inode.key, True)

    def acquire(self, inode: Inode, place: tuple[Inode | None, str], stream: str, access: int, share: int) -> Open:
        """Count one more open: of the link `place`, of a stream by its stored spelling."""
        node = self._nodes.get(inode.key)
        if node is None:
            node = self._nodes[inode.key] = Node(inode)
            if self.told is not None:
                self.told(inode.key, True)
        link = node.link(*place)
        if link is None:
            link = Link(*place)
            node.links.append(link)
        opened = node.streams.get(stream)
        if opened is None:
            opened = node.streams[stream] = Stream(stream)
        node.open_count += 1
        link.open_count += 1
        opened.open_count += 1
        opened.share.add(access, share)
        return Open(node, link, opened, access, share)

    def release(self, opened: Open) -> None:
        """Count an open out; what nobody has open any more is forgotten."""
        node, link, stream = opened.node, opened.link, opened.stream
        stream.share.remove(opened.access, opened.share)
        stream.open_count -= 1
        if not stream.open_count:
            del node.streams[stream.name]
        link.open_count -= 1
        if not link.open_count:
            node.links.remove(link)
        node.open_count -= 1
        if not node.open_count:
            del self._nodes[node.inode.key]
            if self.told is not None:
                self.told(node.inode.key, False)
