r"""Tells what the executive's namespace holds: each object with its type and counts, and where a link leads."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ntshim.ob.directory import Directory
from ntshim.ob.symlink import SymbolicLink
from picobox.inspection.wire import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.ob.object import Object
    from picobox.inspection.questions import Question
    from picobox.inspection.wire import Json
    from picobox.supervisor import Supervisor


def objects(supervisor: Supervisor, question: Question) -> list[Json]:
    r"""The answer to `objects`: what stands at a path and below it, in the order of a tree; ValueError: nothing does.

    The path is absolute, its case does not count, and a link is not followed at its end. Whoever asks makes all tasks
    known, as every guest does that lists `\Sessions\0\Processes`.
    """
    components = question.names
    if components is None:
        components = tuple(each for each in (question.path or "").replace("/", "\\").split("\\") if each)
    found: Object = supervisor.served().executive.namespace.root
    path = ""
    for component in components:
        below = found.find(component, ignore_case=True) if isinstance(found, Directory) else None
        if below is None:
            raise ValueError(f"objects: there is no {path}\\{component}")
        found, path = below, f"{path}\\{_spelt(found, below, component)}"
    return list(islice(_tree(path, found, question.depth), question.most))


def _spelt(directory: Object, target: Object, asked: str) -> str:
    """The name under which a directory has an object: before the next look-up, since that may make it anew."""
    if target.name is not None and target.name.directory is directory:
        return target.name.text
    entries = directory.entries() if isinstance(directory, Directory) else {}
    return next((name for name, each in entries.items() if each is target), asked)


def _tree(path: str, top: Object, most: int | None) -> Iterator[Json]:
    """Without recursion: guests may make directories as deep as they like. `most`: the depth that is asked for."""
    waiting = [(0, path, top)]
    while waiting:
        depth, path, target = waiting.pop()
        yield {
            "path": _text(path or "\\"),
            "depth": depth,
            "type": target.type.name,
            "handles": target.handle_count,
            "references": target.pointer_count,
            "target": _text(target.target) if isinstance(target, SymbolicLink) else None,
        }
        if isinstance(target, Directory) and depth != most:
            entries = sorted(target.entries().items(), reverse=True)
            waiting += [(depth + 1, f"{path}\\{name}", below) for name, below in entries]


def _text(name: str) -> str | Json:
    """A name of NT's, whose units need be no Unicode, as JSON has it: what is none is escaped as WTF-8's bytes."""
    return text(name.encode("utf-8", "surrogatepass"))
