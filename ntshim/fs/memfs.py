"""A volume's backend in memory: streams, attributes and times as NTFS has them, gone with the last reference."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs.backend import Facts, Inode
from ntshim.fs.names import order_key
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.io.ea import FileFullEaInformation

LARGEST_FILE = 1 << 28  # bytes
UNIX_EPOCH = 116444736000000000  # 1970 in units of 100 ns since 1601


def now() -> int:
    """Give the time as NT counts it."""
    return UNIX_EPOCH + time.time_ns() // 100


class MemInode(Inode):
    """A file or directory in memory."""

    __slots__ = ("attributes", "eas", "links", "reparse_buffer", "streams", "times")

    times: tuple[int, int, int, int]

    def __init__(self, number: int, attributes: int, *, is_directory: bool) -> None:
        """Make an empty one that has no name yet."""
        super().__init__(number, is_directory=is_directory)
        self.attributes = attributes
        self.links = 0
        self.times = (now(),) * 4
        # By stored spelling; "" is the file's own data.
        self.streams: dict[str, bytearray] = {"": bytearray()}
        self.eas: list[FileFullEaInformation] = []
        self.reparse_buffer: bytes | None = None

    def touch(self) -> None:
        """Note that the content has changed."""
        created, read, _, _ = self.times
        at = now()
        self.times = (created, read, at, at)


class MemDirectory(MemInode):
    """A directory: its entries by stored spelling, and the spelling for each folded name."""

    __slots__ = ("case_sensitive", "entries", "folded", "parent")

    def __init__(self, number: int, attributes: int, parent: MemDirectory | None) -> None:
        """Make an empty directory; the root has no parent."""
        super().__init__(number, attributes, is_directory=True)
        self.parent = parent
        self.case_sensitive = False
        self.entries: dict[str, MemInode] = {}
        self.folded: dict[str, str] = {}

    def add(self, name: str, inode: MemInode) -> None:
        """Enter a name; an equal one is replaced."""
        self.remove(name)
        self.entries[name] = inode
        self.folded.setdefault(upcase(name), name)
        inode.links += 1
        if isinstance(inode, MemDirectory):
            inode.parent = self
        self.touch()

    def remove(self, name: str) -> None:
        """Take a name out if it is there; another one that folds to the same takes over."""
        inode = self.entries.pop(name, None)
        if inode is None:
            return
        inode.links -= 1
        folded = upcase(name)
        if self.folded[folded] == name:
            del self.folded[folded]
            if len(self.folded) < len(self.entries):
                self.fold_again()
        self.touch()

    def fold_again(self) -> None:
        """Make the index of folded names from the entries."""
        self.folded = {upcase(name): name for name in reversed(self.entries)}


def _file(inode: Inode) -> MemInode:
    """Give one's own inode; those of other backends never come here."""
    if not isinstance(inode, MemInode):
        raise TypeError(inode)
    return inode


def _directory(inode: Inode) -> MemDirectory:
    """Give one's own directory."""
    if not isinstance(inode, MemDirectory):
        raise TypeError(inode)
    return inode


def _content(file: MemInode, stream: str) -> bytearray:
    """Give the bytes of a stream; one that is gone may still be mapped."""
    content = file.streams.get(stream)
    if content is None:
        raise st.NtError(st.STATUS_FILE_DELETED)
    return content


def _check_size(size: int) -> None:
    """Refuse what would take the memory of the machine."""
    if size > LARGEST_FILE:
        raise st.NtError(st.STATUS_DISK_FULL)


class MemFs:
    """`backend.Backend` in memory."""

    __slots__ = ("_next", "root")

    has_streams = True

    def __init__(self) -> None:
        """Begin with an empty root directory."""
        self.root = MemDirectory(1, 0, None)
        self._next = 2

    def find(self, directory: Inode, name: str, *, ignore_case: bool) -> tuple[str, Inode] | None:
        """Look a name up."""
        inside = _directory(directory)
        found = inside.entries.get(name)
        if found is not None:
            return name, found
        if ignore_case:
            stored = inside.folded.get(upcase(name))
            if stored is not None:
                return stored, inside.entries[stored]
        return None

    def is_case_sensitive(self, directory: Inode) -> bool:
        """Tell the directory's flag."""
        return _directory(directory).case_sensitive

    def set_case_sensitive(self, directory: Inode, sensitive: bool) -> None:
        """Set the directory's flag; it is not cleared over names that differ in case only."""
        inside = _directory(directory)
        if not sensitive and len(inside.folded) < len(inside.entries):
            raise st.NtError(st.STATUS_CASE_DIFFERING_NAMES_IN_DIR)
        inside.case_sensitive = sensitive

    def is_below(self, directory: Inode, ancestor: Inode) -> bool:
        """Go up from the directory."""
        at: MemDirectory | None = _directory(directory)
        while at is not None:
            if at is ancestor:
                return True
            at = at.parent
        return False

    def names(self, directory: Inode) -> Iterator[tuple[str, Inode]]:
        """Give the entries in order."""
        entries = _directory(directory).entries
        for name in sorted(entries, key=order_key):
            yield name, entries[name]

    def is_empty(self, directory: Inode) -> bool:
        """Look for entries."""
        return not _directory(directory).entries

    def parent(self, directory: Inode) -> tuple[Inode, str]:
        """Go up."""
        above = _directory(directory).parent or self.root
        return above, next(name for name, inode in above.entries.items() if inode is directory)

    def open(self, inode: Inode) -> None:
        """Nothing to hold: the object itself stays."""

    def close(self, inode: Inode) -> None:
        """Nothing to let go."""

    def facts(self, inode: Inode, stream: str = "") -> Facts:
        """Tell of a file."""
        file = _file(inode)
        size = len(_content(file, stream))
        number = file.key
        if not isinstance(number, int):
            raise TypeError(number)
        return Facts(file.attributes, *file.times, size, size, file.links, number)

    def attributes(self, inode: Inode) -> int:
        """Give the attributes."""
        return _file(inode).attributes

    def set_basic(self, inode: Inode, times: tuple[int, int, int, int], attributes: int | None) -> None:
        """Set times and attributes."""
        file = _file(inode)
        created, read, written, changed = file.times
        file.times = (times[0] or created, times[1] or read, times[2] or written, times[3] or changed)
        if attributes is not None:
            file.attributes = attributes

    def make(self, directory: Inode, name: str, attributes: int, *, is_directory: bool) -> Inode:
        """Make a file or directory."""
        inside = _directory(directory)
        number = self._next
        self._next += 1
        made: MemInode
        if is_directory:
            made = MemDirectory(number, attributes, inside)
        else:
            made = MemInode(number, attributes, is_directory=False)
        inside.add(name, made)
        return made

    def replace_contents(self, inode: Inode, stream: str, attributes: int) -> None:
        """Empty a file or stream."""
        file = _file(inode)
        file.streams[stream] = bytearray()
        file.touch()
        if not stream:
            file.attributes = attributes

    def unlink(self, directory: Inode, name: str, inode: Inode) -> None:  # noqa: ARG002 - a name is enough here
        """Remove a name."""
        _directory(directory).remove(name)

    def rename(
        self, inode: Inode, source: tuple[Inode, str], target: tuple[Inode, str], replaced: tuple[str, Inode] | None
    ) -> None:
        """Move a name."""
        if replaced is not None:
            _directory(target[0]).remove(replaced[0])
        _directory(source[0]).remove(source[1])
        _directory(target[0]).add(target[1], _file(inode))

    def link(self, inode: Inode, target: tuple[Inode, str], replaced: tuple[str, Inode] | None) -> None:
        """Add a name."""
        if replaced is not None:
            _directory(target[0]).remove(replaced[0])
        _directory(target[0]).add(target[1], _file(inode))

    def streams(self, inode: Inode) -> list[str]:
        """Give the names of the named streams."""
        return [name for name in _file(inode).streams if name]

    def make_stream(self, inode: Inode, stream: str) -> None:
        """Make a stream."""
        _file(inode).streams[stream] = bytearray()

    def remove_stream(self, inode: Inode, stream: str) -> None:
        """Remove a stream."""
        del _file(inode).streams[stream]

    def rename_stream(self, inode: Inode, old: str, new: str) -> None:
        """Move a stream."""
        streams = _file(inode).streams
        streams[new] = streams.pop(old)
        if not old:
            streams[""] = bytearray()

    def extended_attributes(self, inode: Inode) -> list[FileFullEaInformation]:
        """Give the EAs."""
        return list(_file(inode).eas)

    def set_extended_attributes(self, inode: Inode, attributes: list[FileFullEaInformation]) -> None:
        """Keep EAs."""
        _file(inode).eas = attributes

    def reparse_point(self, inode: Inode) -> bytes:
        """Give the buffer."""
        buffer = _file(inode).reparse_buffer
        if buffer is None:
            raise st.NtError(st.STATUS_NOT_A_REPARSE_POINT)
        return buffer

    def set_reparse_point(self, inode: Inode, buffer: bytes | None) -> None:
        """Keep a buffer."""
        _file(inode).reparse_buffer = buffer
        inode.is_reparse_point = buffer is not None

    def read(self, inode: Inode, stream: str, offset: int, length: int) -> bytes:
        """Read."""
        return bytes(_content(_file(inode), stream)[offset : offset + length])

    def write(self, inode: Inode, stream: str, offset: int, data: bytes) -> None:
        """Write."""
        file = _file(inode)
        content = _content(file, stream)
        _check_size(offset + len(data))
        if offset > len(content):
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data
        file.touch()

    def set_end(self, inode: Inode, stream: str, size: int) -> None:
        """Cut or extend."""
        content = _content(_file(inode), stream)
        _check_size(size)
        del content[size:]
        content.extend(bytes(size - len(content)))

    def flush(self, inode: Inode) -> None:
        """Nothing to bring anywhere: memory is the medium."""
