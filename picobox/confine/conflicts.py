"""Tells which changes of a layer the host's own changes stand against: what was changed there since the layer began."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from picobox.confine.changes import (
    ADDED,
    CHANGED,
    RENAMED,
    SAME,
    TIME,
    hidden_since,
    is_copy,
    join,
    lstat,
    origin_of,
)
from picobox.confine.files import birth_time, handle_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from picobox.confine.changes import Change, Entry

_SINCE = "changed on the host since"


def conflicts_of(
    selected: Iterable[Change],
    changes: list[Change],
    prefix: bytes,
    checked: Collection[bytes] = (),
    *,
    resumed: bool = False,
) -> dict[bytes, str]:
    """Why some of all the changes of one part cannot be committed, by their paths in it.

    The kernel changes a file's ctime with the file, and nobody can set it: a host file whose ctime is not before the
    moment from which the layer hides it may have been changed since. It is no conflict if the host has become what the
    layer has. `checked`: directories whose attributes a commit that was interrupted has begun to change.
    """
    moved = frozenset(
        join(each.entry.part.directory, each.entry.moved_from) for each in changes if each.entry.moved_from is not None
    )
    # Of what was committed before, the copy may still be here.
    is_rest = any(each.entry.part.is_rest for each in changes)
    known = None if resumed or is_rest else _Originals(changes, moved)
    found = {}
    for change in selected:
        reason = _conflict(change, prefix, moved, checked)
        if reason is None and known is not None and os.path.dirname(change.entry.path) not in found:
            reason = "deleted or replaced on the host since" if known.misses(change, prefix) else None
        if reason is not None:
            found[change.entry.path] = reason
    return found


def _conflict(change: Change, prefix: bytes, moved: Collection[bytes], checked: Collection[bytes]) -> str | None:
    entry = change.entry
    if change.kind == SAME:
        return None
    if entry.moved_from is not None and not entry.is_merged:
        return f"{os.fsdecode(entry.moved_from)}, which was renamed to it, is gone from the host"
    has_attributes = entry.is_merged and change.what and entry.path not in checked
    if has_attributes and changed_since_copied(entry, prefix):
        return f"its attributes were {_SINCE}"
    # What it hides goes away; of a directory that was moved elsewhere that is no loss.
    if not _hides(entry) or entry.base is None or (change.kind == CHANGED and set(change.what) <= {TIME}):
        return None
    return _lost(join(entry.part.directory, entry.base), hidden_since(entry, prefix), moved)


def _lost(path: bytes, since: int, moved: Collection[bytes]) -> str | None:
    """What would be lost, of a file or of all in a directory, that was not there or otherwise at that time."""
    for below, found in _tree(path, moved):
        if not stat.S_ISDIR(found.st_mode):
            changed = found.st_ctime_ns >= since
        elif below == path:
            # Its own attributes are the layer's to replace, and what came into it is looked at.
            continue
        else:
            changed = (birth_time(below) or found.st_ctime_ns) >= since
        if changed:
            return _SINCE if below == path else f"{os.fsdecode(below)} was {_SINCE}"
    return None


def _tree(path: bytes, moved: Collection[bytes]) -> Iterator[tuple[bytes, os.stat_result]]:
    """A file, or a directory and all below it, but for what is moved elsewhere."""
    stack = [path]
    while stack:
        path = stack.pop()
        found = None if path in moved else lstat(path)
        if found is None:
            continue
        yield path, found
        if stat.S_ISDIR(found.st_mode):
            stack += [join(path, name) for name in sorted(os.listdir(path), reverse=True)]


def changed_since_copied(entry: Entry, prefix: bytes) -> bool:
    """Whether a directory that shows may have been changed since its attributes were copied; new names count too."""
    found = lstat(entry.host)
    if found is None:
        return True
    if entry.shown is not None and found.st_ctime_ns == entry.part.touched.get(entry.shown):
        return False
    since = birth_time(entry.upper)
    if since is None or not is_copy(entry._replace(old=found), prefix):
        since = entry.part.runs[-1]
    return found.st_ctime_ns >= since


class _Originals:
    """The host's files that a layer's copies were made of, as far as they are hidden."""

    def __init__(self, changes: list[Change], moved: Collection[bytes]) -> None:
        self._changes = changes
        self._moved = moved
        self._shallow: set[bytes | None] | None = None
        self._deep: set[bytes | None] | None = None

    def misses(self, change: Change, prefix: bytes) -> bool:
        """Whether something that has come is the copy of a file that is no more on the host."""
        entry = change.entry
        # Of a file with several names another may be the one that it was copied from.
        if change.kind not in (ADDED, RENAMED) or entry.is_directory or entry.new.st_nlink > 1:
            return False
        origin = origin_of(entry.upper, prefix)
        if not origin:
            # In a user namespace overlayfs notes no handle: whatever went, or was made anew, may be where it came from.
            return (
                origin == b""
                and change.kind == ADDED
                and not any(self._lets_go(each, prefix) for each in self._changes)
            )
        return origin not in self._hidden() and origin not in self._hidden_below()

    def _lets_go(self, change: Change, prefix: bytes) -> bool:
        """Whether a file of the host may be elsewhere in the layer, since none of that name is a copy of it."""
        entry = change.entry
        is_other = entry.is_whiteout or entry.is_directory or origin_of(entry.upper, prefix) is None
        return change.kind != SAME and _hides(entry) and is_other

    def _hidden(self) -> set[bytes | None]:
        if self._shallow is None:
            self._shallow = {handle_of(path) for path in self._hiding()}
        return self._shallow

    def _hidden_below(self) -> set[bytes | None]:
        if self._deep is None:
            self._deep = {handle_of(path) for tree in self._hiding() for path, _ in _tree(tree, self._moved)}
        return self._deep

    def _hiding(self) -> list[bytes]:
        hidden = [each.entry for each in self._changes if each.kind != SAME and _hides(each.entry)]
        return [join(entry.part.directory, entry.base or b"") for entry in hidden]


def _hides(entry: Entry) -> bool:
    """Whether a change takes away what the host has at its path, or replaces it."""
    return entry.old is not None and (entry.moved_from is not None or not entry.is_merged)
