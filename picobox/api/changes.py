"""Owns the layer of a program of the Python API, and its changes as records."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from picobox.confine.layers import Layer, store_of
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.api.settings import Path, Settings
    from picobox.confine import changes as layers_changes

Kind = Literal["added", "changed", "deleted", "renamed"]


@dataclass(frozen=True, slots=True)
class Change:
    """How a layer differs from the host in one path.

    `kind`: added, changed, deleted or renamed. `path`: absolute, on the host. `source`: the path that something renamed
    had. `type`: file, directory, link, fifo, socket or device. `what`: of something changed or renamed, what differs:
    content, mode, owner, xattrs, time, type. `old_mode`, `new_mode`: st_mode, None where there is nothing. `kept_as`:
    the path of what the layer has, None of something deleted; it is there as long as the layer.
    """

    kind: Kind
    path: str
    source: str | None
    type: str
    what: tuple[str, ...]
    old_mode: int | None
    new_mode: int | None
    kept_as: str | None


class Layered:
    """The layer that takes what programs write: its own, gone with `close`, or a named one, which stays."""

    def __init__(self, name: str | None = None) -> None:
        """`name`: of a layer that stays. PicoboxError if that cannot be one."""
        self._is_own = name is None
        self.name = name or f"api-{secrets.token_hex(8)}"
        self._layer = Layer(store_of(os.environ), self.name)

    @classmethod
    def of(cls, settings: Settings) -> Layered | None:
        """The one that the settings ask for, None if they do not."""
        if settings.overlay is False:
            return None
        return cls(None if settings.overlay is True else settings.overlay)

    def changes(self) -> tuple[Change, ...]:
        """What it holds, by path. PicoboxError if a program uses it now, or it cannot be read."""
        from picobox.cli.layers import readable_or_told, shown_changes
        from picobox.confine.changes import changes_of
        from picobox.confine.closed import readable

        if not self._layer.exists():
            return ()
        with readable_or_told(), self._layer, readable(self._layer):
            found = [
                _change(change)
                for part in self._layer.parts
                for change in shown_changes(changes_of(part, self._layer.prefix))
            ]
        return tuple(sorted(found, key=lambda change: change.path))

    def commit(self, paths: Iterable[Path] = (), *, force: bool = False) -> tuple[Change, ...]:
        """Makes changes the host's own, all or those at or below `paths`; gives them.

        PicoboxError if the host has changed the same since: then nothing is done, unless `force` is.
        """
        from picobox.cli.layers import readable_or_told, real_paths, shown_changes
        from picobox.confine.commit import commit

        if not self._layer.exists():
            return ()
        wanted = real_paths([os.fspath(path) for path in paths])
        with readable_or_told(), self._layer:
            return tuple(map(_change, shown_changes(commit(self._layer, wanted, force=force))))

    def discard(self) -> None:
        """Throws away what it holds. PicoboxError if a program uses it now."""
        from picobox.cli.layers import readable_or_told
        from picobox.confine.commit import leftovers

        if self._layer.exists():
            with readable_or_told(), self._layer:
                leftovers(self._layer)
                self._layer.discard()

    def close(self) -> None:
        """What is nobody's any more is thrown away."""
        if self._is_own:
            self.discard()

    def __del__(self) -> None:
        with suppress(PicoboxError, OSError, TypeError, ImportError, AttributeError):
            self.close()


def _change(change: layers_changes.Change) -> Change:
    from picobox.cli.layers import type_of
    from picobox.confine.changes import DELETED, join

    entry = change.entry
    is_gone = change.kind == DELETED
    return Change(
        cast("Kind", change.kind),
        os.fsdecode(change.path),
        None if change.source is None else os.fsdecode(join(entry.part.directory, change.source)),
        type_of(change),
        tuple(change.what),
        None if entry.old is None else entry.old.st_mode,
        None if is_gone else entry.new.st_mode,
        None if is_gone else os.fsdecode(entry.upper),
    )
