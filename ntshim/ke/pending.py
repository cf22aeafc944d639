"""What a service gives back when it cannot end yet: a request with a status that changes once, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st

if TYPE_CHECKING:
    from collections.abc import Callable


class PendingRequest:
    """A request whose `status` is STATUS_PENDING until it is finished, which happens once."""

    __slots__ = ("_routines", "status")

    def __init__(self) -> None:
        """Begin."""
        self.status = st.STATUS_PENDING
        self._routines: list[Callable[[Any], None]] | None = None

    def when_done(self, routine: Callable[[Any], None]) -> None:
        """Have a routine called with the request once it is finished, at once if it is."""
        if self.status != st.STATUS_PENDING:
            routine(self)
        elif self._routines is None:
            self._routines = [routine]
        else:
            self._routines.append(routine)

    def _finish(self, status: int) -> None:
        """Set the status and tell who waits."""
        self.status = status
        self._tell()

    def _tell(self) -> None:
        """Call the routines of those who wait."""
        routines, self._routines = self._routines, None
        for routine in routines or ():
            routine(self)
