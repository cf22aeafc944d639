"""What the verbs diff, commit and discard have in common: which layer is meant, which paths, how a change is told."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from picobox.cli.options import Option
from picobox.confine.changes import ADDED, CHANGED, DELETED, OWNER, RENAMED, SAME, TIME, TYPE, XATTRS
from picobox.confine.layers import Layer, layers_in, store_of, usual_name
from picobox.errors import PicoboxError
from picobox.findings.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.confine.changes import Change

_LONGEST_SHOWN = 200
LETTERS = {ADDED: "A", CHANGED: "M", DELETED: "D", RENAMED: "R"}
_TYPES = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device",
}  # fmt: skip


def name_option() -> Option:
    """Which layer a verb is about."""
    return Option("name", metavar="NAME", nargs="?", help="the layer; that of runs in this directory unless you say so")


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """A command line before `--`, and the paths after it."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def layer_meant(name: str | None) -> Layer:
    """The layer of that name; without one that of the working directory, or of the nearest above it that has one."""
    store = store_of(os.environ)
    if name is not None:
        return Layer(store, name)
    here = directory = os.path.realpath(os.getcwdb())
    while True:
        layer = Layer(store, usual_name(directory))
        if layer.exists():
            return layer
        if directory == b"/":
            break
        directory = os.path.dirname(directory)
    known = layers_in(store)
    others = f"name one of {', '.join(known)}" if known else "`picobox --overlay -- CMD` makes one"
    raise PicoboxError(f"no run with --overlay in {os.fsdecode(here)} has left a layer; {others}")


def layer_of_run(name: str, workdir: str | None) -> Layer:
    """The layer that a run writes into, made if it is not there: of that name, or the one of its working directory."""
    if not name:
        directory = os.path.realpath(os.path.join(os.getcwdb(), os.fsencode(workdir or "")))
        name = usual_name(directory)
    layer = Layer(store_of(os.environ), name)
    if not layer.exists():
        layer.create()
    return layer


def real_paths(paths: Iterable[str]) -> list[bytes]:
    """Paths as layers have them: absolute, with no link on the way; the last name may be one."""
    found = []
    for path in paths:
        head, name = os.path.split(os.path.abspath(path))
        found.append(os.path.join(os.path.realpath(os.fsencode(head)), os.fsencode(name)))
    return found


@contextmanager
def readable_or_told() -> Iterator[None]:
    """What cannot be read, of a layer or of the host, is told in one line."""
    try:
        yield
    except OSError as error:
        where = visible(os.fsdecode(error.filename or b"the layer"))
        if len(where) > _LONGEST_SHOWN:
            where = f"...{where[-_LONGEST_SHOWN:]}"
        raise PicoboxError(f"{where}: {error.strerror}. Mend that on the host, or discard the layer.") from None


def as_shown(path: bytes) -> str:
    """A path for a reader: from here if it is below, without anything that a terminal would obey."""
    here = os.path.realpath(os.getcwdb())
    if path == here:
        return "."
    below = path[len(here.rstrip(b"/")) + 1 :] if path.startswith(here.rstrip(b"/") + b"/") else path
    return visible(os.fsdecode(below))


def shown_changes(changes: Iterable[Change]) -> list[Change]:
    """The changes that a reader wants to see: what went as part of a renaming is told there."""
    changes = list(changes)
    sources = {(each.entry.part.directory, each.source) for each in changes if each.kind == RENAMED}
    return [
        each
        for each in changes
        if each.kind != SAME and not (each.kind == DELETED and (each.entry.part.directory, each.entry.path) in sources)
    ]


def type_of(change: Change) -> str:
    """What kind of file the change is about."""
    found = change.entry.old if change.kind == DELETED and change.entry.old is not None else change.entry.new
    return _TYPES[stat.S_IFMT(found.st_mode)]


def line_of(change: Change, conflict: str | None = None) -> str:
    """One line about a change: letter, path, and what is not seen by the letter."""
    slash = "/" if type_of(change) == "directory" else ""
    letter = "T" if TYPE in change.what else LETTERS[change.kind]
    path = as_shown(change.path) + slash
    if change.kind == RENAMED and change.source is not None:
        path = f"{as_shown(os.path.join(change.entry.part.directory, change.source))}{slash} -> {path}"
    details = list(_details(change))
    text = f"{letter}  {path}" + (f"  ({', '.join(details)})" if details else "")
    return text if conflict is None else f"{text}  ! {visible(conflict)}"


def _details(change: Change) -> Iterable[str]:
    old, new = change.entry.old, change.entry.new
    if change.kind == CHANGED and old is not None:
        if TYPE in change.what:
            yield f"{_TYPES[stat.S_IFMT(old.st_mode)]} -> {_TYPES[stat.S_IFMT(new.st_mode)]}"
        if stat.S_IMODE(old.st_mode) != stat.S_IMODE(new.st_mode) and TYPE not in change.what:
            yield f"mode {stat.S_IMODE(old.st_mode):o} -> {stat.S_IMODE(new.st_mode):o}"
        if OWNER in change.what:
            yield f"owner {old.st_uid}:{old.st_gid} -> {new.st_uid}:{new.st_gid}"
        if XATTRS in change.what:
            yield "extended attributes"
        if change.what == (TIME,):
            yield "time"
    elif change.kind == RENAMED and change.what:
        yield "changed"
