"""Semaphores: a count between 0 and a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ntshim import status as st
from ntshim.ke.header import DispatcherObject
from ntshim.ob.object import ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ob.object import Object
    from ntshim.ps.process import Thread

SEMAPHORE_QUERY_STATE = 0x1
SEMAPHORE_MODIFY_STATE = 0x2


class SemaphoreType(ObjectType):
    """The type Semaphore."""

    __slots__ = ()

    def maximum_access(self, target: Object, opener: Object | None) -> int:
        """Give what anybody may have: of a semaphore that is somebody else's, less than all."""
        return target.maximum_access if isinstance(target, Semaphore) else super().maximum_access(target, opener)


SEMAPHORE = make_type("Semaphore", SemaphoreType)


class Semaphore(DispatcherObject):
    """A semaphore; it is signalled while `count` is above 0."""

    __slots__ = ("count", "limit")

    maximum_access: ClassVar[int] = SEMAPHORE.valid_mask

    def __init__(self, count: int, limit: int) -> None:
        """Make a semaphore; STATUS_INVALID_PARAMETER unless 0 <= count <= limit and limit > 0."""
        if limit <= 0 or not 0 <= count <= limit:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        super().__init__(SEMAPHORE)
        self.count = count
        self.limit = limit

    def state(self) -> tuple[int, int]:
        """Give count and limit."""
        return self.count, self.limit

    def release(self, adjustment: int) -> int:
        """Raise the count; gives the count before.

        STATUS_INVALID_PARAMETER unless the adjustment is above 0, STATUS_SEMAPHORE_LIMIT_EXCEEDED above the limit.
        """
        if adjustment <= 0:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        before = self.count
        if before + adjustment > self.limit:
            raise st.NtError(st.STATUS_SEMAPHORE_LIMIT_EXCEEDED)
        self.count = before + adjustment
        self.wake()
        return before

    def is_signalled(self, thread: Thread | None) -> bool:  # noqa: ARG002 - anyone may wait
        """Whether there is something to take."""
        return self.count > 0

    def satisfy(self, thread: Thread | None) -> int:  # noqa: ARG002 - as above
        """Take one of the count."""
        self.count -= 1
        return st.STATUS_SUCCESS
