"""Owns what the kernel holds of the tree: nodes of objects, by number and by name, and what is open."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from picobox.nt_files import fuse
from picobox.nt_files.escape import spelt
from picobox.nt_files.place import PLACE

_DIRECTORY, _LINK = "Directory", "SymbolicLink"
_MOST_INODE = (1 << 62) - 1


class Facts(NamedTuple):
    """What the supervisor tells of an object. `names`: its path, in UTF-8; `target`: where a link leads."""

    names: tuple[bytes, ...]
    type: str
    handles: int
    references: int
    target: bytes | None

    @property
    def kind(self) -> int:
        """As what it is shown: bits of st_mode."""
        return {_DIRECTORY: stat.S_IFDIR, _LINK: stat.S_IFLNK}.get(self.type, stat.S_IFREG)

    def text(self) -> bytes:
        """What its file says: always as much, since its size never changes."""
        name = b"\\" + b"\\".join(spelt(each) for each in self.names)
        return b"Name:\t%s\nType:\t%s\nHandles:\t%10d\nReferences:\t%10d\n" % (
            name, self.type.encode(), self.handles, self.references,
        )  # fmt: skip

    def link(self) -> bytes:
        r"""Where it leads among files: an absolute target of NT's lies in the tree, an empty one is `\`."""
        target = self.target or b"\\"
        below = b"/".join(spelt(each) for each in target.split(b"\\") if each)
        return (PLACE + b"/" + below).rstrip(b"/") if target.startswith(b"\\") else below


class Node:
    """An object as the kernel knows it, until it has forgotten all entries of it."""

    __slots__ = ("entries", "facts", "number")

    def __init__(self, number: int, facts: Facts) -> None:
        self.number = number
        self.facts = facts
        self.entries = 0


class Nodes:
    """All nodes. An object of the same name and kind is the same one."""

    def __init__(self) -> None:
        self._user, self._group, self._time = os.geteuid(), os.getegid(), int(os.stat("/proc/self").st_ctime)
        root = Node(fuse.ROOT, Facts((), _DIRECTORY, 0, 0, None))
        self._by_number = {root.number: root}
        self._by_name = {_key(root.facts): root}
        self._by_path: dict[tuple[bytes, ...], Node] = {(): root}
        self._last = root.number

    def known(self, number: int) -> Node | None:
        """The node of that number, if the kernel may speak of it."""
        return self._by_number.get(number)

    def named(self, names: tuple[bytes, ...]) -> Node | None:
        """A node of that path, if the kernel knows one."""
        return self._by_path.get(names)

    def looked_up(self, facts: Facts) -> fuse.Attributes:
        """Gives the kernel one more entry of an object's node."""
        node = self._by_name.get(_key(facts))
        if node is None:
            self._last += 1
            node = Node(self._last, facts)
            self._by_number[node.number] = self._by_name[_key(facts)] = node
        self._by_path[facts.names] = node
        node.facts = facts
        node.entries += 1
        return self.attributes(node)

    def forget(self, number: int, entries: int) -> None:
        """The kernel has let so many entries go."""
        node = self._by_number.get(number)
        if node is None or number == fuse.ROOT:
            return
        node.entries -= entries
        if node.entries <= 0:
            del self._by_number[number], self._by_name[_key(node.facts)]
            if self._by_path.get(node.facts.names) is node:
                del self._by_path[node.facts.names]

    def attributes(self, node: Node) -> fuse.Attributes:
        """What never changes of a node."""
        kind = node.facts.kind
        mode = {stat.S_IFDIR: 0o555, stat.S_IFLNK: 0o777}.get(kind, 0o444)
        size = len(node.facts.link()) if kind == stat.S_IFLNK else 0
        if kind == stat.S_IFREG:
            # sendfile(2) and splice(2) give as much as the size says, whatever a read would.
            size = len(node.facts.text())
        return fuse.Attributes(node.number, inode(node.facts), kind | mode, self._user, self._group, self._time, size)


def inode(facts: Facts) -> int:
    """The number that stat(2) and readdir(3) tell, the same for as long as the tree is there."""
    return (hash(_key(facts)) & _MOST_INODE) + 1


def _key(facts: Facts) -> tuple[tuple[bytes, ...], int, bytes | None]:
    return facts.names, facts.kind, facts.target
