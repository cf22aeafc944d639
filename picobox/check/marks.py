"""What a check has told of already and leaves alone from then on, as long as it is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from ntshim.fs.nodes import Node

_MOST = 1024


class Marks:
    """Files by their nodes, which are theirs as long as they are open; directories by those who kept them busy."""

    def __init__(self) -> None:
        """Mark nothing."""
        self._nodes: dict[Node, None] = {}
        self._directories: dict[Hashable, tuple[Node, ...]] = {}

    def add(self, node: Node) -> None:
        """Leave an open file alone."""
        if len(self._nodes) >= _MOST:
            self._nodes = {other: None for other in self._nodes if other.open_count}
        self._nodes[node] = None

    def add_directory(self, key: Hashable, holders: Sequence[Node]) -> None:
        """Leave a directory alone until those are closed who hold it now."""
        if len(self._directories) >= _MOST:
            self._directories = {other: held for other, held in self._directories.items() if _any_open(held)}
        self._directories[key] = tuple(holders)

    def has(self, node: Node) -> bool:
        """Whether an open file is left alone."""
        return node in self._nodes and node.open_count > 0

    def has_directory(self, key: Hashable) -> bool:
        """Whether a directory is left alone."""
        held = self._directories.get(key)
        return held is not None and _any_open(held)


def _any_open(nodes: Sequence[Node]) -> bool:
    return any(node.open_count for node in nodes)
