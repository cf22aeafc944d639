"""Files that were deleted while they were open: their names, and their directories, are in use on Windows still."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ntshim.fs.nodes import Node
    from picobox.check.ledger import Entry
    from picobox.platform.identity import Identity, Key

_FEWEST = 64


class Deleted(NamedTuple):
    """A file without its name. `entries` holds the finding about its deletion, none if Windows would have let it go."""

    node: Node
    path: bytes
    name: tuple[Key, bytes]
    entries: list[Entry]

    @property
    def is_open(self) -> bool:
        """Whether somebody still has it."""
        return self.node.open_count > 0


class DeletedFiles:
    """What was deleted and is still open, by the name that it had."""

    def __init__(self) -> None:
        """Nothing was."""
        self._limit = _FEWEST
        self._files: list[Deleted] = []
        self._names: dict[tuple[Key, bytes], Deleted] = {}
        # Told of the path of a file, and of a name, that is kept from now on, or no more.
        self.told: Callable[[bytes, bool], None] | None = None
        self.told_name: Callable[[tuple[Key, bytes], bool], None] | None = None

    def add(self, found: Identity, node: Node, *, is_pending: bool) -> Deleted:
        """Note that a name was removed whose file is open; `is_pending`: Windows would have removed it too, at last."""
        if len(self._files) >= self._limit:
            self._drop([file for file in self._files if not file.is_open])
            for name in [name for name, file in self._names.items() if not file.is_open]:
                self._drop_name(name)
            self._limit = max(_FEWEST, 2 * len(self._files))
        deleted = Deleted(node, found.path, (found.directory, found.name), [])
        self._files.append(deleted)
        if self.told is not None:
            self.told(deleted.path, True)
        if is_pending:
            self._names[deleted.name] = deleted
            if self.told_name is not None:
                self.told_name(deleted.name, True)
        return deleted

    def _drop(self, files: Sequence[Deleted]) -> None:
        gone = set(map(id, files))
        self._files = [file for file in self._files if id(file) not in gone]
        if self.told is not None:
            for file in files:
                self.told(file.path, False)

    def _drop_name(self, name: tuple[Key, bytes]) -> Deleted | None:
        deleted = self._names.pop(name, None)
        if deleted is not None and self.told_name is not None:
            self.told_name(name, False)
        return deleted

    def has(self, found: Identity) -> bool:
        """Whether a file was deleted under a name that may still be open."""
        return (found.directory, found.name) in self._names

    def take(self, found: Identity) -> Deleted | None:
        """Give the open file that was deleted under a name; the name is told once."""
        deleted = self._drop_name((found.directory, found.name)) if self._names else None
        return deleted if deleted is not None and deleted.is_open else None

    def has_below(self, directory: bytes) -> bool:
        """Whether files were deleted below a directory that may still be open."""
        prefix = directory + b"/"
        return any(file.path.startswith(prefix) for file in self._files)

    def take_below(self, directory: bytes) -> list[Deleted]:
        """Give the open files that were deleted below a directory; they are told once."""
        prefix = directory + b"/"
        below = [file for file in self._files if file.path.startswith(prefix)]
        if below:
            self._drop(below)
        return [file for file in below if file.is_open]
