"""Keyed events: objects on which waiters and releasers meet by a key of their own choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.ob.object import Object
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ke.keyed_wait import KeyedWait, Place

KEYED_EVENT = make_type("KeyedEvent")

KEYEDEVENT_WAIT = 0x1
KEYEDEVENT_WAKE = 0x2


class KeyedEvent(Object):
    """A keyed event; it has no state beside those who wait for each other.

    `queues` holds them by key, process and side, the oldest first; None as long as nobody waits.
    """

    __slots__ = ("queues",)

    def __init__(self) -> None:
        """Make a keyed event."""
        super().__init__(KEYED_EVENT)
        self.queues: dict[Place, dict[KeyedWait, None]] | None = None
