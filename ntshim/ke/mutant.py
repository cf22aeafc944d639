"""Mutants: owned by one thread at a time, which may own them several times over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ke.header import DispatcherObject
from ntshim.ob.object import ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ob.object import Object
    from ntshim.ps.process import Thread

MUTANT_QUERY_STATE = 0x1

LOWEST_COUNT = -(1 << 31)


class MutantType(ObjectType):
    """The type Mutant."""

    __slots__ = ()

    def delete(self, target: Object) -> None:
        """Let the owner forget the mutant."""
        if isinstance(target, Mutant):
            target.set_owner(None)


MUTANT = make_type("Mutant", MutantType)


class Mutant(DispatcherObject):
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
        self.wake()

    def release(self, thread: Thread | None) -> int:
        """Give the mutant back once; gives the count before. STATUS_MUTANT_NOT_OWNED for anyone but the owner."""
        if thread is None or self.owner is not thread:
            raise st.NtError(st.STATUS_MUTANT_NOT_OWNED)
        before = self.count
        self.count += 1
        if self.count == 1:
            self.set_owner(None)
            self.wake()
        return before

    def is_signalled(self, thread: Thread | None) -> bool:
        """Whether the thread could have the mutant: it is free, or the thread's already.

        STATUS_MUTANT_LIMIT_EXCEEDED for an owner that has it 2^31 times.
        """
        if thread is None or self.owner not in (None, thread):
            return False
        if self.count == LOWEST_COUNT:
            raise st.NtError(st.STATUS_MUTANT_LIMIT_EXCEEDED)
        return True

    def satisfy(self, thread: Thread | None) -> int:
        """Give the mutant to the thread; the first one after its owner died is told: STATUS_ABANDONED_WAIT_0."""
        self.count -= 1
        self.set_owner(thread)
        abandoned, self.abandoned = self.abandoned, False
        return st.STATUS_ABANDONED_WAIT_0 if abandoned else st.STATUS_SUCCESS
