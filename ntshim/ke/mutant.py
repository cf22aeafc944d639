"""Mutants: owned by one thread at a time, which may own them several times over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ob.object import Object, ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ps.process import Thread

MUTANT_QUERY_STATE = 0x1

LOWEST_COUNT = -(1 << 31)


class MutantType(ObjectType):
    """The type Mutant."""

    __slots__ = ()

    def try_wait(self, target: Object, thread: Thread | None) -> int | None:
        """Give the mutant to the thread, if it is free or the thread's already; the first after its owner died is told.

        STATUS_MUTANT_LIMIT_EXCEEDED for an owner that has it 2^31 times.
        """
        if thread is None or not isinstance(target, Mutant) or target.owner not in (None, thread):
            return None
        if target.count == LOWEST_COUNT:
            raise st.NtError(st.STATUS_MUTANT_LIMIT_EXCEEDED)
        target.count -= 1
        target.set_owner(thread)
        abandoned, target.abandoned = target.abandoned, False
        return st.STATUS_ABANDONED_WAIT_0 if abandoned else st.STATUS_SUCCESS

    def delete(self, target: Object) -> None:
        """Let the owner forget the mutant."""
        if isinstance(target, Mutant):
            target.set_owner(None)


MUTANT = make_type("Mutant", MutantType)


class Mutant(Object):
    """A mutant; `count` is 1 if it is free and one less for each time that `owner` has it."""

    __slots__ = ("abandoned", "count", "owner")

    def __init__(self, owner: Thread | None = None) -> None:
        """Make a mutant that is free, or owned once."""
        super().__init__(MUTANT)
        self.owner: Thread | None = None
        self.count = 1 if owner is None else 0
        self.abandoned = False
        self.set_owner(owner)

    def set_owner(self, owner: Thread | None) -> None:
        """Change the owner, who knows what it owns, so that its end can abandon that."""
        if self.owner is owner:
            return
        if self.owner is not None:
            self.owner.mutants.remove(self)
        self.owner = owner
        if owner is not None:
            owner.mutants.append(self)

    def abandon(self) -> None:
        """Become free because the owner has ended; the next owner is told."""
        self.set_owner(None)
        self.count = 1
        self.abandoned = True

    def release(self, thread: Thread | None) -> int:
        """Give the mutant back once; gives the count before. STATUS_MUTANT_NOT_OWNED for anyone but the owner."""
        if thread is None or self.owner is not thread:
            raise st.NtError(st.STATUS_MUTANT_NOT_OWNED)
        before = self.count
        self.count += 1
        if self.count == 1:
            self.set_owner(None)
        return before
