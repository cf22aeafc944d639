"""The common head of all objects that a thread can wait for: NT's DISPATCHER_HEADER."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ob.object import Object

if TYPE_CHECKING:
    from ntshim.ke.wait import ObjectWait
    from ntshim.ob.object import ObjectType
    from ntshim.ps.process import Thread


class DispatcherObject(Object):
    """An object that can be waited for.

    `waiters` are the waits that have it among theirs, the oldest first; None as long as nobody waits.
    """

    __slots__ = ("waiters",)

    def __init__(self, object_type: ObjectType) -> None:
        """Make an object that nobody waits for."""
        super().__init__(object_type)
        self.waiters: dict[ObjectWait, None] | None = None

    def is_signalled(self, thread: Thread | None) -> bool:
        """Whether a wait of this thread could end now. A mutant's owner may find STATUS_MUTANT_LIMIT_EXCEEDED."""
        raise NotImplementedError

    def satisfy(self, thread: Thread | None) -> int:  # noqa: ARG002 - mutants look at it
        """Change the state as the end of a wait does; gives STATUS_SUCCESS or STATUS_ABANDONED_WAIT_0."""
        return st.STATUS_SUCCESS

    def wake(self) -> None:
        """End the waits that can end now that the object is signalled, in the order in which they began."""
        if self.waiters is not None:
            for wait in list(self.waiters):
                wait.retry()
