"""Keyed events: objects on which waiters and releasers meet by a key of their own choice."""

from __future__ import annotations

from ntshim.ob.object import Object
from ntshim.ob.types import make_type

KEYED_EVENT = make_type("KeyedEvent")


class KeyedEvent(Object):
    """A keyed event; it has no state beside those who wait for each other."""

    __slots__ = ()

    def __init__(self) -> None:
        """Make a keyed event."""
        super().__init__(KEYED_EVENT)
