"""A volume's backend in memory: streams, attributes and times as NTFS has them, gone with the last reference."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs.backend import Facts, Inode, Medium, Space
from ntshim.fs.names import order_key
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.io.ea import FileFullEaInformation

CLUSTER = 4096  # bytes in which room is taken
CAPACITY = 1 << 28  # bytes of a medium of which nothing else is said
UNIX_EPOCH = 116444736000000000  # 1970 in units of 100 ns since 1601


def now() -> int:
    """Give the time as NT counts it."""
    return UNIX_EPOCH + time.time_ns() // 100


def _clusters(size: int) -> int:
    """Give the bytes that a stream of a size takes."""
    return -(-size // CLUSTER) * CLUSTER


class MemInode(Inode):
    """A file or directory in memory, with the names that it has; `holders` counts who has it open."""

    __slots__ = ("attributes", "eas", "holders", "names", "reparse_buffer", "security", "streams", "times")

    times: tuple[int, int, int, int]

    def __init__(self, number: int, attributes: int, *, is_directory: bool) -> None:
        """Make an empty one that has no name yet."""
        super().__init__(number, is_directory=is_directory)
        self.attributes = attributes
        self.names: list[tuple[MemDirectory, str]] = []
        self.holders = 0
        self.times = (now(),) * 4
        # By stored spelling; "" is the file's own data.
        self.streams: dict[str, bytearray] = {"": bytearray()}
        self.eas: list[FileFullEaInformation] = []
        self.reparse_buffer: bytes | None = None
        self.security: bytes | None = None

    def touch(self) -> None:
        """Note that the content has changed."""
        created, read, _, _ = self.times
        at = now()
        self.times = (created, read, at, at)


class MemDirectory(MemInode):
    """A directory: its entries by stored spelling, and the spelling for each folded name."""

    __slots__ = ("case_sensitive", "entries", "folded", "version")

    def __init__(self, number: int, attributes: int) -> None:
        """Make an empty directory."""
        super().__init__(number, attributes, is_directory=True)
        self.case_sensitive = False
        self.version = 0
        self.entries: dict[str, MemInode] = {}
        self.folded: dict[str, str] = {}

    def add(self, name: str, inode: MemInode) -> None:
        """Enter a name; an equal one is replaced."""
        self.remove(name)
        self.entries[name] = inode
        self.folded.setdefault(upcase(name), name)
        inode.names.append((self, name))
        self.version += 1
        self.touch()

    def remove(self, name: str) -> None:
        """Take a name out if it is there; another one that folds to the same takes over."""
        inode = self.entries.pop(name, None)
        if inode is None:
            return
        inode.names.remove((self, name))
        self.version += 1
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


class MemFs:
    """`backend.Backend` in memory, with room for `capacity` bytes; names and attributes take none."""

    __slots__ = ("_files", "_medium", "_next", "_used", "capacity", "root")

    has_streams = True
    keeps_all_times = True

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Begin with an empty root directory."""
        self.root = MemDirectory(1, 0)
        self.capacity = capacity
        self._files: dict[int, MemInode] = {1: self.root}
        self._next = 2
        self._used = 0
        self._medium = Medium(secrets.randbits(32), now())

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

    def key_of_id(self, file_id: int) -> int:
        """Give the number."""
        return file_id

    def find_by_id(self, file_id: int) -> tuple[Inode | None, str, Inode] | None:
        """Give the oldest name."""
        if file_id == self.root.key:
            return None, "", self.root
        found = self._files.get(file_id)
        return None if found is None or not found.names else (*found.names[0], found)

    def links(self, inode: Inode) -> list[tuple[Inode, str]]:
        """Give the names, the oldest first."""
        return list(_file(inode).names)

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
            at = at.names[0][0] if at.names else None
        return False

    def names(self, directory: Inode) -> Iterator[tuple[str, Inode]]:
        """Give the entries in order."""
        entries = _directory(directory).entries
        for name in sorted(entries, key=order_key):
            yield name, entries[name]

    def version(self, directory: Inode) -> int:
        """Give the count of changes."""
        return _directory(directory).version

    def is_empty(self, directory: Inode) -> bool:
        """Look for entries."""
        return not _directory(directory).entries

    def parent(self, directory: Inode) -> tuple[Inode, str]:
        """Go up."""
        return _directory(directory).names[0]

    def open(self, inode: Inode) -> None:
        """Count a holder."""
        _file(inode).holders += 1

    def close(self, inode: Inode) -> None:
        """Count a holder out."""
        file = _file(inode)
        file.holders -= 1
        self._drop(file)

    def facts(self, inode: Inode, stream: str = "") -> Facts:
        """Tell of a file."""
        file = _file(inode)
        size = len(_content(file, stream))
        number = file.key
        if not isinstance(number, int):
            raise TypeError(number)
        return Facts(file.attributes, *file.times, size, _clusters(size), len(file.names), number)

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

    def stamp(self, inode: Inode, *, access: bool = False, change: bool = False) -> None:
        """Set the times."""
        at = now()
        self.set_basic(inode, (0, at if access else 0, 0, at if change else 0), None)

    def space(self) -> Space:
        """Count what streams take."""
        free = self.capacity - self._used
        return Space(self.capacity, free, free)

    def medium(self) -> Medium:
        """Tell a number drawn by lot, and when this object was made."""
        return self._medium

    def make(self, directory: Inode, name: str, attributes: int, *, is_directory: bool) -> Inode:
        """Make a file or directory."""
        inside = _directory(directory)
        number = self._next
        self._next += 1
        made: MemInode
        made = MemDirectory(number, attributes) if is_directory else MemInode(number, attributes, is_directory=False)
        self._files[number] = made
        inside.add(name, made)
        return made

    def replace_contents(self, inode: Inode, stream: str, attributes: int) -> None:
        """Empty a file or stream."""
        file = _file(inode)
        self.set_end(file, stream, 0)
        if not stream:
            file.attributes = attributes

    def unlink(self, directory: Inode, name: str, inode: Inode) -> None:
        """Remove a name."""
        file = _file(inode)
        _directory(directory).remove(name)
        self.stamp(file, change=True)
        self._drop(file)

    def rename(
        self, inode: Inode, source: tuple[Inode, str], target: tuple[Inode, str], replaced: tuple[str, Inode] | None
    ) -> None:
        """Move a name."""
        if replaced is not None:
            self.unlink(target[0], *replaced)
        _directory(source[0]).remove(source[1])
        _directory(target[0]).add(target[1], _file(inode))
        self.stamp(inode, change=True)

    def link(
        self,
        inode: Inode,
        source: tuple[Inode, str],  # noqa: ARG002 - the object itself is enough here
        target: tuple[Inode, str],
        replaced: tuple[str, Inode] | None,
    ) -> None:
        """Add a name."""
        if replaced is not None:
            self.unlink(target[0], *replaced)
        _directory(target[0]).add(target[1], _file(inode))

    def streams(self, inode: Inode) -> list[str]:
        """Give the names of the named streams."""
        return [name for name in _file(inode).streams if name]

    def make_stream(self, inode: Inode, stream: str) -> None:
        """Make a stream."""
        file = _file(inode)
        file.streams[stream] = bytearray()
        file.touch()

    def remove_stream(self, inode: Inode, stream: str) -> None:
        """Remove a stream."""
        file = _file(inode)
        self.set_end(file, stream, 0)
        del file.streams[stream]

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

    def security(self, inode: Inode) -> bytes | None:
        """Give the descriptor."""
        return _file(inode).security

    def set_security(self, inode: Inode, descriptor: bytes) -> None:
        """Keep a descriptor."""
        _file(inode).security = descriptor

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
        if offset + len(data) > len(content):
            self.set_end(inode, stream, offset + len(data))
        content[offset : offset + len(data)] = data
        file.touch()

    def set_end(self, inode: Inode, stream: str, size: int) -> None:
        """Cut or extend; STATUS_DISK_FULL if there is no room."""
        file = _file(inode)
        content = _content(file, stream)
        more = _clusters(size) - _clusters(len(content))
        if self._used + more > self.capacity:
            raise st.NtError(st.STATUS_DISK_FULL)
        self._used += more
        del content[size:]
        content.extend(bytes(size - len(content)))
        file.touch()

    def flush(self, inode: Inode) -> None:
        """Nothing to bring anywhere: memory is the medium."""

    def _drop(self, file: MemInode) -> None:
        """Give back the room of a file that has neither a name nor a holder."""
        if file.names or file.holders or file is self.root:
            return
        for content in file.streams.values():
            self._used -= _clusters(len(content))
        if isinstance(file.key, int):
            self._files.pop(file.key, None)
