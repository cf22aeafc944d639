"""The folded index of directories: which stored spelling a name means where case does not matter."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

NAMES_KEPT = 1 << 21
# What a kept directory counts for in addition to its names: the kernel keeps a kilobyte for a watch.
DIRECTORY_WEIGHT = 64
DIRECTORIES_SEEN = 1 << 16


class Found(IntEnum):
    """How a directory holds a name."""

    ABSENT = 0
    EXACT = 1
    FOLDED = 2  # in one other spelling
    AMBIGUOUS = 3  # in several other spellings


class Answer(NamedTuple):
    """`spelling` is what the host knows the file by: the name itself if it is there, of several others the least."""

    found: Found
    spelling: bytes | None


ABSENT = Answer(Found.ABSENT, None)


class DirectoryIndex(Protocol):
    """What finds stored spellings. Directories are open descriptors, names the host's bytes.

    An exact spelling wins. Names that are no UTF-8 are only found as they are. In a directory that may not be listed
    there is nothing but exact spelling. An answer is true of the moment in which it was given and grants nothing: the
    operation that follows may still fail, and then `forget` and another look-up settle it.
    """

    def look_up(self, directory: int, name: bytes, /) -> Answer:
        """Find a component. Raises OSError as the host does when a directory is read or searched."""
        ...

    def told_changed(self, directory: int, /) -> None:
        """Hear that an operation we know of added, removed or renamed something in the directory."""
        ...

    def forget(self, directory: int, /) -> None:
        """Read the directory anew at the next look-up."""
        ...


class Stamp(NamedTuple):
    """The state of a directory: its names are the same as long as the stamps are equal and `change` is not None.

    `watched` says that no change can go unnoticed; otherwise an absence is not believed.
    """

    identity: Hashable
    change: Hashable | None
    watched: bool


class Listing(Protocol):
    """How the reference index below sees directories of a host."""

    def stamp(self, directory: int, /) -> Stamp:
        """Tell the state that a listing which starts now would have. Raises OSError."""
        ...

    def names(self, directory: int, /) -> Iterable[bytes]:
        """List all entries but `.` and `..`. Raises PermissionError if it may not be listed, or another OSError."""
        ...

    def exists(self, directory: int, name: bytes, /) -> bool:
        """Whether there is an entry of exactly this name. Raises OSError."""
        ...


class Timestamps:
    """Change tokens for directories that are only known by their timestamps.

    Two changes within `granularity` (nanoseconds) may leave the same timestamp, so one is believed only after it has
    been seen for that long. Only our own monotonic clock is asked: the host of a network file system has another.
    """

    def __init__(self, granularity: int) -> None:
        self._granularity = granularity
        self._seen: dict[Hashable, tuple[Hashable, int]] = {}

    def change(self, identity: Hashable, timestamps: Hashable, now: int) -> Hashable | None:
        """Turn a directory's timestamps into a token for `Stamp.change`; `now` in nanoseconds of a monotonic clock."""
        before, since = self._seen.get(identity, (None, now))
        if before != timestamps:
            if len(self._seen) >= DIRECTORIES_SEEN:
                self._seen.clear()
            since = now
            self._seen[identity] = (timestamps, now)
        return timestamps if now - since >= self._granularity else None


def fold(name: bytes) -> str | bytes:
    """What two spellings of one name have in common; a name that is no UTF-8 has only one."""
    try:
        return upcase(name.decode())
    except UnicodeDecodeError:
        return name


class _Directory:
    """The names of one directory as they were at a stamp."""

    __slots__ = ("spellings", "stamp", "weight")

    def __init__(self, stamp: Stamp, names: Iterable[bytes]) -> None:
        self.stamp = stamp
        self.spellings: dict[str | bytes, list[bytes]] = {}
        self.weight = DIRECTORY_WEIGHT
        for name in names:
            self.spellings.setdefault(fold(name), []).append(name)
            self.weight += 1

    def answer(self, name: bytes) -> Answer:
        spellings = self.spellings.get(fold(name))
        if not spellings:
            return ABSENT
        if name in spellings:
            return Answer(Found.EXACT, name)
        return Answer(Found.FOLDED if len(spellings) == 1 else Found.AMBIGUOUS, min(spellings))


class FoldedIndex:
    """The index in Python: the reference for the one in C, and what ntshim uses without it."""

    def __init__(self, listing: Listing, limit: int = NAMES_KEPT) -> None:
        """Make an empty index that keeps at most `limit` names, of the directories used last."""
        self._listing = listing
        self._limit = limit
        self._kept: OrderedDict[Hashable, _Directory] = OrderedDict()
        self._weight = 0

    def look_up(self, directory: int, name: bytes, /) -> Answer:
        """Find a component; see DirectoryIndex."""
        if name in {b"", b".", b".."} or b"/" in name or b"\0" in name:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        stamp = self._listing.stamp(directory)
        kept = self._kept.get(stamp.identity)
        if kept is not None and kept.stamp == stamp and stamp.change is not None:
            self._kept.move_to_end(stamp.identity)
            answer = kept.answer(name)
            if stamp.watched or answer.found is not Found.ABSENT:
                return answer
        return self._read(directory, stamp, name)

    def told_changed(self, directory: int, /) -> None:
        """Timestamps may be too coarse to show a change; a watch shows it."""
        stamp = self._listing.stamp(directory)
        if not stamp.watched:
            self._drop(stamp.identity)

    def forget(self, directory: int, /) -> None:
        """Drop the directory."""
        self._drop(self._listing.stamp(directory).identity)

    def _read(self, directory: int, stamp: Stamp, name: bytes) -> Answer:
        self._drop(stamp.identity)
        try:
            read = _Directory(stamp, self._listing.names(directory))
        except PermissionError:
            return Answer(Found.EXACT, name) if self._listing.exists(directory, name) else ABSENT
        if read.weight <= self._limit:
            self._kept[stamp.identity] = read
            self._weight += read.weight
            while self._weight > self._limit:
                self._drop(next(iter(self._kept)))
        return read.answer(name)

    def _drop(self, identity: Hashable) -> None:
        dropped = self._kept.pop(identity, None)
        if dropped is not None:
            self._weight -= dropped.weight
