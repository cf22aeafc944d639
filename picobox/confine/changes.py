"""Tells what a layer changed: what overlayfs keeps in its upper directory, read against the host's directory."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from picobox.confine.files import birth_time, handle_of, same_content, xattrs_of
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.confine.layers import Part

# SAME: it was opened for writing, or the host has become the same; nothing is left to do but to forget it.
ADDED, CHANGED, DELETED, RENAMED, SAME = "added", "changed", "deleted", "renamed", "same"

# What differs of something that both have.
CONTENT, MODE, OWNER, XATTRS, TIME, TYPE = "content", "mode", "owner", "xattrs", "time", "type"

# struct ovl_fb of the kernel's fs/overlayfs/overlayfs.h: what comes before the type and the bytes of a handle.
_HANDLE_TYPE, _HANDLE_BYTES = 4, 21


class Entry(NamedTuple):
    """Something in the upper directory of a part. Paths are relative to the part's directory; that itself is b"".

    `base`: the path on the host that it hides or that shows through it, None where nothing can; `old` is what is there,
    `new` what the layer has. `is_merged`: a directory whose contents on the host show. `moved_from`: the path on the
    host of a directory that was renamed. `is_whiteout`: it stands for nothing.
    """

    part: Part
    path: bytes
    base: bytes | None
    old: os.stat_result | None
    new: os.stat_result
    is_whiteout: bool = False
    is_merged: bool = False
    moved_from: bytes | None = None

    @property
    def upper(self) -> bytes:
        """Where the layer keeps it."""
        return join(self.part.upper, self.path)

    @property
    def host(self) -> bytes:
        """Where the host has what it began as."""
        shown = self.base if self.moved_from is None else self.moved_from
        return join(self.part.directory, self.path if shown is None else shown)

    @property
    def shown(self) -> bytes | None:
        """The directory on the host whose contents show through it."""
        if not self.is_merged:
            return None
        return self.base if self.moved_from is None else self.moved_from

    @property
    def is_directory(self) -> bool:
        """Whether the layer has a directory there."""
        return stat.S_ISDIR(self.new.st_mode)


class Change(NamedTuple):
    """How an entry of a layer differs from the host.

    `what`: of something changed or renamed. `source`: the path that something renamed had, relative as its own; of a
    file that path is DELETED besides.
    """

    entry: Entry
    kind: str
    what: tuple[str, ...] = ()
    source: bytes | None = None

    @property
    def path(self) -> bytes:
        """The path on the host that is to change."""
        return join(self.entry.part.directory, self.entry.path)


def entries(part: Part, prefix: bytes, *, hiding: bool = False) -> Iterator[Entry]:
    """All that a layer holds of a part, directories before what is in them, by name.

    `prefix`: of overlayfs's own attributes. `hiding`: only what hides something of the host, which is faster.
    """
    found, new = lstat(part.directory), _found(part, b"")
    yield Entry(part, b"", b"", found, new, is_merged=found is not None and stat.S_ISDIR(found.st_mode))
    stack: list[tuple[bytes, bytes | None]] = [(b"", b"" if found is not None else None)]
    while stack:
        path, base = stack.pop()
        below = []
        for entry in _entries_of(part, prefix, path, base, only_directories=hiding and base is None):
            if not hiding or entry.old is not None:
                yield entry
            if entry.is_directory and not entry.is_whiteout:
                below.append((entry.path, entry.shown))
        stack += reversed(below)


def since_when(part: Part, prefix: bytes) -> dict[bytes, int]:
    """Since when at the latest each path of a layer hides what the host has there, in nanoseconds.

    Each run asks before it begins, so what was not there then has come since the last one began.
    """
    found = {}
    for entry in entries(part, prefix, hiding=True):
        if entry.path and not entry.is_merged:
            found[entry.path] = hidden_since(entry, prefix)
    return found


def hidden_since(entry: Entry, prefix: bytes) -> int:
    """Since when a path hides, or a directory keeps the attributes of, what the host has there.

    overlayfs copies a file up when it is first changed, and notes of which file it is the copy: that is as old as the
    copy. Of anything else only the run is known in which it came.
    """
    known = entry.part.seen.get(entry.path)
    if known is not None:
        return known
    if not entry.is_whiteout and entry.moved_from is None and is_copy(entry, prefix):
        born = birth_time(entry.upper)
        if born is not None:
            return born
    return entry.part.runs[-1]


def is_copy(entry: Entry, prefix: bytes) -> bool:
    """Whether the layer's file began as a copy of the very file that the host has there now."""
    if entry.old is None or stat.S_IFMT(entry.old.st_mode) != stat.S_IFMT(entry.new.st_mode):
        return False
    origin = origin_of(entry.upper, prefix)
    return bool(origin) and origin == handle_of(entry.host)


def origin_of(path: bytes, prefix: bytes) -> bytes | None:
    """The handle of the file that one in a layer is a copy of; b"" if it is of one that gave none, None if of none."""
    note = _note(path, prefix + b"origin")
    return None if note is None else note[_HANDLE_TYPE : _HANDLE_TYPE + 1] + note[_HANDLE_BYTES:]


def changes_of(part: Part, prefix: bytes) -> list[Change]:
    """What a layer changed in one of its parts, in the order of `entries`."""
    try:
        found = list(entries(part, prefix))
    except PermissionError as error:
        raise PicoboxError(
            f"{os.fsdecode(error.filename)}: {error.strerror}. Its owner has closed it: chmod u+rwx opens it, "
            "but for a layer's while a run is using it."
        ) from None
    moved = {entry.moved_from for entry in found} - {None}
    changes = [_change(entry, moved, prefix) for entry in found]
    return _with_renames(changes, prefix)


def matches(change: Change, wanted: Iterable[bytes]) -> bool:
    """Whether a change is at or below one of these absolute paths, or brings something from there."""
    paths = [change.path]
    if change.source is not None:
        paths.append(join(change.entry.part.directory, change.source))
    return any(path == each or path.startswith(each.rstrip(b"/") + b"/") for each in wanted for path in paths)


def _entries_of(
    part: Part, prefix: bytes, path: bytes, base: bytes | None, *, only_directories: bool
) -> Iterator[Entry]:
    upper = join(part.upper, path)
    with os.scandir(upper) as listed:
        names = sorted(entry.name for entry in listed if not only_directories or entry.is_dir(follow_symlinks=False))
    for name in names:
        yield _entry(part, prefix, join(path, name), None if base is None else join(base, name))


def _entry(part: Part, prefix: bytes, path: bytes, base: bytes | None) -> Entry:
    upper = join(part.upper, path)
    new = _found(part, path)
    old = None if base is None else lstat(join(part.directory, base))
    if not stat.S_ISDIR(new.st_mode):
        return Entry(part, path, base, old, new, is_whiteout=_is_whiteout(upper, new, prefix))
    if is_opaque(upper, prefix):
        return Entry(part, path, base, old, new)
    redirect = _note(upper, prefix + b"redirect")
    if redirect:
        # Kernel documentation, overlayfs.rst, redirect_dir: from the root, or beside where its directory was.
        beside = b"" if base is None else os.path.dirname(base)
        moved_from = redirect.lstrip(b"/") if redirect.startswith(b"/") else join(beside, redirect)
        moved = lstat(join(part.directory, moved_from))
        is_there = moved is not None and stat.S_ISDIR(moved.st_mode)
        return Entry(part, path, base, old, new, is_merged=is_there, moved_from=moved_from)
    return Entry(part, path, base, old, new, is_merged=old is not None and stat.S_ISDIR(old.st_mode))


def _change(entry: Entry, moved: set[bytes | None], prefix: bytes) -> Change:
    """What an entry changes, without regard to names that have only moved."""
    if entry.moved_from is not None:
        what = differences(entry, prefix) if entry.is_merged else ()
        return Change(entry, RENAMED, what, source=entry.moved_from)
    # What the host has there has gone elsewhere as a whole.
    is_free = entry.old is None or (entry.base in moved and not entry.is_merged)
    if entry.is_whiteout:
        return Change(entry, SAME if is_free else DELETED)
    if is_free:
        return Change(entry, ADDED)
    what = differences(entry, prefix)
    return Change(entry, CHANGED if what else SAME, what)


def differences(entry: Entry, prefix: bytes) -> tuple[str, ...]:
    """In what the layer's file or directory differs from the host's; of a directory that shows, its own attributes."""
    old, new = entry.old if entry.moved_from is None else lstat(entry.host), entry.new
    if old is None or stat.S_IFMT(old.st_mode) != stat.S_IFMT(new.st_mode) or entry.is_directory != entry.is_merged:
        return (TYPE,)
    what = []
    if not entry.is_directory and not same_content(entry.host, entry.upper):
        what.append(CONTENT)
    if stat.S_IMODE(old.st_mode) != stat.S_IMODE(new.st_mode):
        what.append(MODE)
    # Whoever may not give a directory away cannot have done so in a layer.
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid) and (entry.path or os.geteuid() == 0):
        what.append(OWNER)
    if xattrs_of(entry.host, prefix) != xattrs_of(entry.upper, prefix):
        what.append(XATTRS)
    if not entry.is_directory and old.st_mtime_ns != new.st_mtime_ns:
        what.append(TIME)
    return tuple(what)


def _with_renames(changes: list[Change], prefix: bytes) -> list[Change]:
    """Pairs files that are gone with those that have come: by what overlayfs noted, else by what they hold."""
    gone = [each for each in changes if each.kind == DELETED and _has_content(each.entry.old)]
    come = [each for each in changes if each.kind == ADDED and _has_content(each.entry.new)]
    if not gone or not come:
        return changes
    sources = _by_origin(gone, come, prefix)
    taken = {source.entry.path for source in sources.values()}
    left = [each for each in gone if each.entry.path not in taken]
    sources |= _by_content(left, [each for each in come if each.entry.path not in sources])
    return [_renamed(each, sources.get(each.entry.path)) for each in changes]


def _renamed(change: Change, source: Change | None) -> Change:
    if change.kind != ADDED or source is None:
        return change
    what = () if same_content(source.entry.host, change.entry.upper) else (CONTENT,)
    return change._replace(kind=RENAMED, what=what, source=source.entry.path)


def _by_origin(gone: list[Change], come: list[Change], prefix: bytes) -> dict[bytes, Change]:
    origins = {each.entry.path: origin_of(each.entry.upper, prefix) for each in come}
    if not any(origins.values()):
        return {}
    handles = {handle_of(each.entry.host): each for each in gone}
    handles.pop(None, None)
    found = {}
    for path, origin in origins.items():
        source = handles.pop(origin, None) if origin else None
        if source is not None:
            found[path] = source
    return found


def _by_content(gone: list[Change], come: list[Change]) -> dict[bytes, Change]:
    candidates: defaultdict[tuple[int, int], list[Change]] = defaultdict(list)
    for each in gone:
        if each.entry.old is not None and each.entry.old.st_size:
            candidates[_type_and_size(each.entry.old)].append(each)
    found = {}
    for each in come:
        like = candidates.get(_type_and_size(each.entry.new), [])
        source = next((one for one in like if same_content(one.entry.host, each.entry.upper)), None)
        if source is not None:
            like.remove(source)
            found[each.entry.path] = source
    return found


def _type_and_size(found: os.stat_result) -> tuple[int, int]:
    return stat.S_IFMT(found.st_mode), found.st_size


def is_opaque(path: bytes, prefix: bytes) -> bool:
    """Whether nothing that the host has in a directory shows through the layer's."""
    return _note(path, prefix + b"opaque") == b"y"


def _is_whiteout(path: bytes, found: os.stat_result, prefix: bytes) -> bool:
    """Whether a file stands for nothing: a device of number 0, or an empty file with a note (overlayfs.rst)."""
    if stat.S_ISCHR(found.st_mode):
        return found.st_rdev == 0
    return stat.S_ISREG(found.st_mode) and not found.st_size and _note(path, prefix + b"whiteout") is not None


def _has_content(found: os.stat_result | None) -> bool:
    return found is not None and stat.S_IFMT(found.st_mode) in (stat.S_IFREG, stat.S_IFLNK)


def _note(path: bytes, name: bytes) -> bytes | None:
    with suppress(OSError):
        return os.getxattr(path, name, follow_symlinks=False)
    return None


def _found(part: Part, path: bytes) -> os.stat_result:
    """What a layer has at a path, with the mode that it is to have."""
    found = os.lstat(join(part.upper, path))
    mode = part.modes.get(path)
    if mode is None:
        return found
    others = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
    return os.stat_result((stat.S_IFMT(found.st_mode) | mode, *found[1:]), others)


def lstat(path: bytes) -> os.stat_result | None:
    """What a path names, a link itself; None if nothing."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def join(directory: bytes, name: bytes) -> bytes:
    """A path below a directory; either may be empty."""
    if not directory or not name:
        return directory or name
    return directory + b"/" + name
