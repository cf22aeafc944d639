"""The order of a directory's names: where a listing goes on, though names come and go meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Listing:
    """Names in the order in which they came, each at a place that it keeps until many others have gone."""

    __slots__ = ("_names", "_places")

    def __init__(self, names: Iterable[str]) -> None:
        """Begin with names, at the places 0, 1, 2 ..."""
        self._names: list[str | None] = []
        self._places: dict[str, int] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Put a new name at the end."""
        self._places[name] = len(self._names)
        self._names.append(name)

    def remove(self, name: str) -> None:
        """Take a name out. Its place stays empty until most are: then all move up."""
        self._names[self._places.pop(name)] = None
        if len(self._names) > 2 * len(self._places) + 16:
            self._names = list(self._places)
            self._places = {kept: place for place, kept in enumerate(self._places)}

    def following(self, place: int) -> Iterator[tuple[int, str]]:
        """Give the names from a place on, each with its place."""
        for at in range(place, len(self._names)):
            name = self._names[at]
            if name is not None:
                yield at, name
