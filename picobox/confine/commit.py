"""Makes what a layer changed the host's own: each file at once or not at all, resumable at any moment."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from picobox.confine import journal as journals
from picobox.confine.changes import (
    ADDED,
    CHANGED,
    DELETED,
    MODE,
    RENAMED,
    SAME,
    TIME,
    TYPE,
    Entry,
    changes_of,
    is_opaque,
    join,
    lstat,
    matches,
)
from picobox.confine.closed import readable
from picobox.confine.conflicts import changed_since_copied, conflicts_of
from picobox.confine.files import copy_new, remove_tree, rename_new, set_attributes, sync_directory, xattrs_of
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from picobox.confine.changes import Change
    from picobox.confine.journal import Journal
    from picobox.confine.layers import Layer, Part

_TEMPORARY, _GONE = b"new", b"old"


class Conflict(NamedTuple):
    """A path of the host that cannot be committed, and why."""

    path: bytes
    reason: str


class ConflictError(PicoboxError):
    """The host has changed what a layer changes: nothing was committed."""

    def __init__(self, layer: str, conflicts: list[Conflict]) -> None:
        first = conflicts[0]
        more = f", and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
        super().__init__(
            f"layer {layer}: nothing was committed: {os.fsdecode(first.path)}: {first.reason}{more}. "
            "`picobox diff` shows all; commit other paths, or --force takes the layer's"
        )
        self.conflicts = conflicts


def commit(layer: Layer, wanted: Sequence[bytes] = (), *, force: bool = False) -> list[Change]:
    """Commits a layer, or only what is at or below absolute paths; needs its lock. Gives what was changed.

    ConflictError if the host changed any of it since and `force` is not given: nothing was done then.
    """
    with readable(layer):
        return _commit(layer, wanted, force=force)


def _commit(layer: Layer, wanted: Sequence[bytes], *, force: bool) -> list[Change]:
    journal = journals.read(layer)
    resumed = journal is not None
    if journal is not None:
        for number, part in enumerate(layer.parts):
            _Host(part, layer.prefix, journal, number, force=True).move()
    selected: dict[int, list[Change]] = {}
    unchanged: dict[int, list[bytes]] = {}
    conflicts: list[Conflict] = []
    for number, part in enumerate(layer.parts):
        present = changes_of(part, layer.prefix)
        changes = selection(present, wanted)
        unchanged[number] = _own_directories(present, changes, layer.prefix) if wanted else []
        checked = journal.times.get(number, {}) if journal is not None else ()
        found = {} if force else conflicts_of(changes, present, layer.prefix, checked, resumed=resumed)
        conflicts += [Conflict(join(part.directory, path), reason) for path, reason in found.items()]
        selected[number] = changes
    if conflicts:
        raise ConflictError(layer.name, conflicts)
    if not any(selected.values()):
        return []
    done = [change for changes in selected.values() for change in changes if change.kind != SAME]
    if journal is None:
        journal = journals.begin(layer, selected, whole=not wanted)
    for number, part in enumerate(layer.parts):
        paths = {change.path for change in selected[number]}
        host = _Host(part, layer.prefix, journal, number, force=force)
        if journal.moves.get(number) and not resumed:
            host.move()
            selected[number] = [each for each in changes_of(part, layer.prefix) if each.path in paths]
        host.apply(selected[number])
        committed = {change.entry.path for change in selected[number]}
        seen = {path: at for path, at in part.seen.items() if path not in committed}
        touched = {**part.touched, **_ctimes(part, unchanged[number])}
        touched = {path: at for path, at in touched.items() if os.path.lexists(join(part.upper, path))}
        layer.replace(part._replace(seen=seen, touched=touched, is_rest=bool(wanted)))
    layer.write()
    journals.end(layer)
    return done


def selection(changes: list[Change], wanted: Sequence[bytes]) -> list[Change]:
    """Those changes that are wanted, with those that they need: directories on the way, and what a rename leaves."""
    if not wanted:
        return changes
    chosen = {each.entry.path for each in changes if matches(each, wanted)}
    while True:
        on_the_way = {parent for path in chosen for parent in _parents(path)}
        needed = {each.entry.path for each in changes if each.entry.path in on_the_way and each.kind != SAME}
        if any(each.entry.path in chosen and _needs_moves(each.entry) for each in changes):
            needed |= {each.entry.path for each in changes if each.entry.moved_from is not None}
        needed |= {each.source for each in changes if each.source is not None and each.entry.path in chosen}
        if needed <= chosen:
            return [each for each in changes if each.entry.path in chosen]
        chosen |= needed


def _needs_moves(entry: Entry) -> bool:
    """Whether a renamed directory may have to leave an old name, or a directory, before this is done."""
    goes = entry.old is not None and stat.S_ISDIR(entry.old.st_mode) and not entry.is_merged
    return goes or entry.moved_from is not None


def _own_directories(changes: list[Change], selected: list[Change], prefix: bytes) -> list[bytes]:
    """The directories that nobody else has changed on the host: what a commit of a part does to them is no change."""
    merged = [change.entry for change in changes if change.entry.is_merged]
    own = [entry.path for entry in merged if not changed_since_copied(entry, prefix)]
    return [*own, *(change.entry.path for change in selected if change.entry.is_directory)]


def _ctimes(part: Part, directories: list[bytes]) -> dict[bytes, int]:
    found = {path: lstat(join(part.directory, path)) for path in directories}
    return {path: state.st_ctime_ns for path, state in found.items() if state is not None}


def leftovers(layer: Layer) -> None:
    """Takes away what an interrupted commit left on the host that is no file of anybody's.

    PicoboxError if directories of the host still wait there for their new names.
    """
    journal = journals.read(layer)
    if journal is None:
        return
    for number, part in enumerate(layer.parts):
        for move in journal.moves.get(number, []):
            if lstat(join(part.directory, move.stage)) is not None:
                raise PicoboxError(
                    f"a commit of layer {layer.name} was interrupted while it renamed directories: "
                    f"`picobox commit {layer.name}` finishes it first"
                )
        host = _Host(part, layer.prefix, journal, number, force=True)
        for path in journal.times.get(number, {}):
            host.tidy(path)


def _parents(path: bytes) -> Iterable[bytes]:
    while path:
        path = os.path.dirname(path)
        yield path


class _Host:
    """The directory of the host that a part of a layer belongs to, as a commit changes it."""

    def __init__(self, part: Part, prefix: bytes, journal: Journal, number: int, *, force: bool) -> None:
        self._part = part
        self._prefix = prefix
        self._journal = journal
        self._moves = journal.moves.get(number, [])
        self._times = journal.times.get(number, {})
        self._force = force
        self._count = 0
        # Names of one file of the layer: where the host has it by now.
        self._links: dict[int, bytes] = {}

    def is_ready_for(self, path: bytes) -> bool:
        """Whether a path is free on the host, and lies in directories that it has."""
        if lstat(join(self._part.directory, path)) is not None:
            return False
        return not any(parent and self._is_new(parent) for parent in _parents(path))

    def make_ready_for(self, path: bytes) -> None:
        """Makes it so."""
        self._make_parents(path)
        self._take_away(path)

    def move(self) -> None:
        """Renames what the layer renamed as a whole."""
        try:
            journals.carry_out(self._part, self._moves, self._prefix, self)
        except OSError as error:
            raise self._stopped(error) from error

    def apply(self, changes: list[Change]) -> None:
        """Makes these changes, what comes before what goes; then the layer forgets them."""
        try:
            for directory in {os.path.dirname(each.entry.path) for each in changes if each.entry.path}:
                self.tidy(directory)
            self._make_directories(changes)
            for change in changes:
                entry = change.entry
                if change.kind == SAME and stat.S_ISREG(entry.new.st_mode) and entry.new.st_nlink > 1:
                    self._links[entry.new.st_ino] = join(self._part.directory, entry.path)
            for kinds in ((ADDED, RENAMED), (CHANGED,), (DELETED,), (SAME,)):
                self._apply_files([each for each in changes if each.kind in kinds])
            self._forget_links(changes)
            self._finish_directories([each.entry for each in changes if each.entry.is_directory])
        except OSError as error:
            raise self._stopped(error) from error

    def tidy(self, directory: bytes) -> None:
        """Takes away what this commit left in a directory when it was interrupted."""
        path = join(self._part.directory, directory)
        found = lstat(path)
        if found is None or not stat.S_ISDIR(found.st_mode):
            return
        marks = self._journal.mark(_TEMPORARY), self._journal.mark(_GONE)
        try:
            names = os.listdir(path)
        except PermissionError:
            # It was closed when all in it was done.
            return
        left = [join(path, name) for name in names if name.startswith(marks)]
        for name in left:
            remove_tree(name)

    def _make_directories(self, changes: list[Change]) -> None:
        for change in changes:
            entry = change.entry
            if entry.is_directory and not entry.is_merged and change.kind != SAME:
                self._make_directory(entry)

    def _make_directory(self, entry: Entry) -> None:
        """The host gets a directory; from then on its contents show through the layer's."""
        path = join(self._part.directory, entry.path)
        found = lstat(path)
        if found is not None and not (stat.S_ISDIR(found.st_mode) and not os.listdir(path)):
            self._take_away(entry.path)
            found = None
        if found is None:
            os.mkdir(path, stat.S_IRWXU)
        sync_directory(os.path.dirname(path))
        with suppress(OSError):
            os.removexattr(entry.upper, self._prefix + b"opaque")

    def _make_parents(self, path: bytes) -> None:
        """The directories that a path lies in, as far as the layer made them anew."""
        for parent in reversed(list(_parents(path))):
            if parent and self._is_new(parent):
                found = os.lstat(join(self._part.upper, parent))
                self._make_directory(Entry(self._part, parent, None, None, found))

    def _is_new(self, directory: bytes) -> bool:
        """Whether a directory of the layer is not the one that the host has there, if it has one."""
        found = lstat(join(self._part.directory, directory))
        if found is None or not stat.S_ISDIR(found.st_mode):
            return True
        return is_opaque(join(self._part.upper, directory), self._prefix)

    def _apply_files(self, changes: list[Change]) -> None:
        """Of each directory first all files, and once they last, the layer forgets them."""
        directory: bytes | None = None
        done: list[Entry] = []
        for change in changes:
            entry = change.entry
            if entry.is_directory or not entry.path:
                continue
            parent = os.path.dirname(entry.path)
            if parent != directory:
                self._forget(directory, done)
                directory, done = parent, []
            if change.kind == DELETED:
                self._check(change, join(self._part.directory, entry.path))
                self._take_away(entry.path)
            elif change.kind != SAME:
                self._put(change)
            done.append(entry)
        self._forget(directory, done)

    def _forget(self, directory: bytes | None, done: list[Entry]) -> None:
        if directory is None:
            return
        path = join(self._part.directory, directory)
        if lstat(path) is not None:
            sync_directory(path)
        for entry in done:
            if entry.is_whiteout or entry.new.st_nlink == 1:
                os.unlink(entry.upper)

    def _forget_links(self, changes: list[Change]) -> None:
        for change in changes:
            entry = change.entry
            if not (entry.is_directory or entry.is_whiteout) and entry.new.st_nlink > 1:
                os.unlink(entry.upper)

    def _put(self, change: Change) -> None:
        """The host gets the layer's file; who looks sees the old one or the new one."""
        entry = change.entry
        path = join(self._part.directory, entry.path)
        is_linked = stat.S_ISREG(entry.new.st_mode) and entry.new.st_nlink > 1
        if change.kind == CHANGED and not is_linked and self._set_one(change, path):
            return
        made = self._temporary(path, _TEMPORARY)
        if is_linked and entry.new.st_ino in self._links:
            os.link(self._links[entry.new.st_ino], made, follow_symlinks=False)
        else:
            copy_new(entry.upper, made, self._prefix)
        self._check(change, path)
        if change.what == (TYPE,) and entry.old is not None and stat.S_ISDIR(entry.old.st_mode):
            self._take_away(entry.path)
        if change.kind == CHANGED or self._force:
            os.rename(made, path)
        else:
            rename_new(-1, made, -1, path)
        if is_linked:
            self._links[entry.new.st_ino] = path

    def _set_one(self, change: Change, path: bytes) -> bool:
        """What one call changes is changed in place: the file stays the same, with all its names."""
        new = change.entry.new
        if change.what == (TIME,):
            os.utime(path, ns=(new.st_atime_ns, new.st_mtime_ns), follow_symlinks=False)
        elif change.what == (MODE,) and not stat.S_ISLNK(new.st_mode):
            os.chmod(path, stat.S_IMODE(new.st_mode))
        else:
            return False
        return True

    def _check(self, change: Change, path: bytes) -> None:
        """A last look: OSError if somebody has changed the host's file in the meantime."""
        old, found = change.entry.old, lstat(path)
        if self._force or old is None or found is None or stat.S_ISDIR(found.st_mode):
            return
        if (old.st_ino, old.st_size, old.st_mtime_ns) != (found.st_ino, found.st_size, found.st_mtime_ns):
            raise OSError(errno.EBUSY, "it is being changed by somebody else", path)

    def _take_away(self, path: bytes) -> None:
        """What the host has under a path goes: a directory at once, since it gets another name first."""
        whole = join(self._part.directory, path)
        found = lstat(whole)
        if found is None:
            return
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(whole)
            return
        gone = self._temporary(whole, _GONE)
        os.rename(whole, gone)
        remove_tree(gone)

    def _finish_directories(self, directories: list[Entry]) -> None:
        """Attributes and times, the inner directories first; what the layer has no more use for goes."""
        for entry in reversed(directories):
            path = join(self._part.directory, entry.path)
            xattrs = xattrs_of(entry.upper, self._prefix)
            wanted = entry.new
            found = os.lstat(path)
            if (
                (found.st_mode, found.st_uid, found.st_gid) != (wanted.st_mode, wanted.st_uid, wanted.st_gid)
                or xattrs_of(path, self._prefix) != xattrs
            ) and (entry.path or os.geteuid() == 0):
                set_attributes(path, wanted, xattrs, self._prefix, times=False)
            if entry.path:
                # What a partial commit leaves in it stays.
                with suppress(OSError):
                    os.rmdir(entry.upper)
        for entry in reversed(directories):
            # Its entries went, which is no change of what the layer says.
            kept = self._times.get(entry.path) or entry.new.st_mtime_ns
            with suppress(FileNotFoundError):
                os.utime(entry.upper, ns=(entry.new.st_atime_ns, kept))
        # Also of those that an interrupted commit has made the layer forget.
        for directory, time in sorted(self._times.items(), reverse=True):
            path = join(self._part.directory, directory)
            there = lstat(path)
            if time is not None and there is not None and stat.S_ISDIR(there.st_mode):
                os.utime(path, ns=(there.st_atime_ns, time), follow_symlinks=False)

    def _temporary(self, path: bytes, kind: bytes) -> bytes:
        self._count += 1
        return join(os.path.dirname(path), self._journal.mark(kind) + b"%d" % self._count)

    def _stopped(self, error: OSError) -> PicoboxError:
        where = os.fsdecode(error.filename or self._part.directory)
        return PicoboxError(
            f"commit stopped at {where}: {error.strerror}. Nothing is lost: mend that, and `picobox commit` goes on"
        )
