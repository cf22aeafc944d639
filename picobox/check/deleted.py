"""Files that were deleted while they were open: their names, and their directories, are in use on Windows still."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
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

    def add(self, found: Identity, node: Node, *, is_pending: bool) -> Deleted:
        """Note that a name was removed whose file is open; `is_pending`: Windows would have removed it too, at last."""
        if len(self._files) >= self._limit:
            self._files = [file for file in self._files if file.is_open]
            self._names = {name: file for name, file in self._names.items() if file.is_open}
            self._limit = max(_FEWEST, 2 * len(self._files))
        deleted = Deleted(node, found.path, (found.directory, found.name), [])
        self._files.append(deleted)
        if is_pending:
            self._names[deleted.name] = deleted
        return deleted

    def has(self, found: Identity) -> bool:
        """Whether a file was deleted under a name that may still be open."""
        return (found.directory, found.name) in self._names

    def take(self, found: Identity) -> Deleted | None:
        """Give the open file that was deleted under a name; the name is told once."""
        deleted = self._names.pop((found.directory, found.name), None) if self._names else None
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
            self._files = [file for file in self._files if not file.path.startswith(prefix)]
        return [file for file in below if file.is_open]
