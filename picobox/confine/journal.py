"""Owns what a commit notes before it touches the host, so that one that was interrupted can be finished."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from picobox.confine.changes import join, lstat
from picobox.confine.conflicts import changed_since_copied
from picobox.confine.files import rename_new, sync_directory
from picobox.confine.layers import write_file
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from picobox.confine.changes import Change
    from picobox.confine.layers import Layer, Part

_FILE = b"commit.json"


class Move(NamedTuple):
    """A directory of the host that is renamed: paths in its part, its inode, where it stands between the two."""

    source: bytes
    target: bytes
    inode: int
    stage: bytes


class Journal(NamedTuple):
    """What a commit has set out to do. `token` marks its names on the host; the rest is told by the number of a part.

    `times`: the directories that it changes, and the time of change, in nanoseconds, that each is to have in the end;
    None for that of the commit.
    """

    token: bytes
    moves: dict[int, list[Move]]
    times: dict[int, dict[bytes, int | None]]

    def mark(self, kind: bytes) -> bytes:
        """What the names of a kind of this commit begin with."""
        return b".picobox-%s-%s-" % (self.token, kind)


def begin(layer: Layer, changes: dict[int, list[Change]], *, whole: bool) -> Journal:
    """Notes what is to be done with these changes; `whole`: all of the layer."""
    token = secrets.token_hex(4).encode()
    moves: dict[int, list[Move]] = {}
    times: dict[int, dict[bytes, int | None]] = {}
    for number, selected in changes.items():
        moves[number] = []
        times[number] = {}
        for change in selected:
            entry = change.entry
            if entry.moved_from is not None:
                stage = b".picobox-%s-moved-%d" % (token, len(moves[number]))
                found = os.lstat(entry.host)
                moves[number].append(Move(entry.moved_from, entry.path, found.st_ino, stage))
            if entry.is_directory:
                times[number][entry.path] = _time_wanted(change, layer.prefix) if whole else None
    journal = Journal(token, moves, times)
    write_file(os.path.join(layer.path, _FILE), _as_json(journal))
    return journal


def read(layer: Layer) -> Journal | None:
    """What an interrupted commit noted; None if none was."""
    try:
        with open(os.path.join(layer.path, _FILE), "rb") as file:
            record = json.load(file)
        return Journal(
            record["token"].encode(),
            {
                int(number): [Move(os.fsencode(a), os.fsencode(b), inode, os.fsencode(c)) for a, b, inode, c in moves]
                for number, moves in record["moves"].items()
            },
            {
                int(number): {os.fsencode(path): time for path, time in times.items()}
                for number, times in record["times"].items()
            },
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PicoboxError(
            f"layer {layer.name}: what its commit noted cannot be read ({error}): look into {os.fsdecode(layer.path)}"
        ) from None


def end(layer: Layer) -> None:
    """The commit is done: forgets it."""
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(layer.path, _FILE))
    sync_directory(layer.path)


class Ways(Protocol):
    """What makes ways on the host."""

    def is_ready_for(self, path: bytes) -> bool:
        """Whether something can be renamed to a path of the part."""

    def make_ready_for(self, path: bytes) -> None:
        """Makes the directories that it lies in, and takes away what has its name."""


def carry_out(part: Part, moves: list[Move], prefix: bytes, ways: Ways) -> None:
    """Renames the directories of a part that the layer renamed, as far as that is not done, and lets the layer know.

    Each directory is known by its inode: at every moment it is under its old name, its new one, or one between.
    """
    for move in sorted(moves, key=lambda move: move.source.count(b"/"), reverse=True):
        if not (_is_at(part, move.target, move) or _is_at(part, move.stage, move)):
            if not _is_at(part, move.source, move):
                path = os.fsdecode(join(part.directory, move.source))
                raise PicoboxError(f"{path}, which the layer renames, is gone: put it back, or discard the layer")
            is_alone = not any(other is not move and _touch(move, other) for other in moves)
            _rename(part, move.source, move.target if is_alone and ways.is_ready_for(move.target) else move.stage)
    for move in sorted(moves, key=lambda move: move.target.count(b"/")):
        if not _is_at(part, move.target, move):
            ways.make_ready_for(move.target)
            _rename(part, move.stage, move.target)
    for move in moves:
        with suppress(OSError):
            os.removexattr(join(part.upper, move.target), prefix + b"redirect")


def _rename(part: Part, source: bytes, target: bytes) -> None:
    before, after = join(part.directory, source), join(part.directory, target)
    rename_new(-1, before, -1, after)
    sync_directory(os.path.dirname(after))
    if os.path.dirname(before) != os.path.dirname(after):
        sync_directory(os.path.dirname(before))


def _is_at(part: Part, path: bytes, move: Move) -> bool:
    found = lstat(join(part.directory, path))
    return found is not None and found.st_ino == move.inode


def _touch(one: Move, other: Move) -> bool:
    """Whether one of them changes what a path of the other means."""
    paths = [(a + b"/", b + b"/") for a in one[:2] for b in other[:2]]
    return any(a.startswith(b) or b.startswith(a) for a, b in paths)


def _time_wanted(change: Change, prefix: bytes) -> int | None:
    """The time of change that a directory shall have: the layer's, unless the host has changed it since, and later."""
    entry = change.entry
    found = lstat(entry.host) if entry.is_merged else None
    if found is None or entry.new.st_mtime_ns > found.st_mtime_ns or not changed_since_copied(entry, prefix):
        return entry.new.st_mtime_ns
    return None


def _as_json(journal: Journal) -> bytes:
    record = {
        "token": journal.token.decode(),
        "moves": {
            number: [
                (os.fsdecode(move.source), os.fsdecode(move.target), move.inode, os.fsdecode(move.stage))
                for move in moves
            ]
            for number, moves in journal.moves.items()
        },
        "times": {
            number: {os.fsdecode(path): time for path, time in times.items()} for number, times in journal.times.items()
        },
    }
    return json.dumps(record, indent=1).encode()
