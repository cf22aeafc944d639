"""What every family of NT services has in common: the count of calls and the way from a handle to its object."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ntshim import status as st
from ntshim.ob import handles as ob
from ntshim.ps.process import PROCESS, THREAD, Process, Thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ob.object import Object, ObjectType
    from ntshim.ps.executive import Executive

_Family = TypeVar("_Family", bound="ServiceFamily")
_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")
_Kind = TypeVar("_Kind", bound="Object")


class TooSmall(st.NtError):
    """A service's answer that the caller's buffer does not do; `needed` is the length in bytes that would."""

    def __init__(self, status: int, needed: int) -> None:
        """Keep what the caller is told."""
        super().__init__(status)
        self.needed = needed


def service(
    routine: Callable[Concatenate[_Family, _Parameters], _Answer],
) -> Callable[Concatenate[_Family, _Parameters], _Answer]:
    """Count each call of a service under its name."""
    name = routine.__name__

    @wraps(routine)
    def counted(self: _Family, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Answer:
        self.counters[name] = self.counters.get(name, 0) + 1
        return routine(self, *args, **kwargs)

    return counted


class ServiceFamily:
    """Services of one executive that belong together; `ntshim.nt.NtServices` is all families in one.

    A failure is an NtError; `counters` tells how often each service was called. The first argument of each is the
    caller, a Thread or, where no thread matters, a Process. Handles are those of the caller; -1 to -6 are the
    pseudo-handles.
    """

    __slots__ = ("counters", "executive")

    def __init__(self, executive: Executive) -> None:
        """Serve an executive."""
        self.executive = executive
        self.counters: dict[str, int] = {}

    def _entry(
        self, caller: Process | Thread, handle: int, object_type: ObjectType | None, access: int
    ) -> ob.HandleEntry:
        """Give what a handle of the caller stands for; a pseudo-handle has every right of its type."""
        pseudo = ob.resolve_pseudo_handle(handle, caller)
        if pseudo is None:
            return caller.process.handles.look_up(handle, object_type, access)
        if object_type is not None and pseudo.type is not object_type:
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        return ob.HandleEntry(pseudo, pseudo.type.valid_mask, 0)

    def _object(
        self, caller: Process | Thread, handle: int, kind: type[_Kind], object_type: ObjectType, access: int
    ) -> _Kind:
        """Give the object behind a handle, borrowed; raises what HandleTable.look_up does."""
        found = self._entry(caller, handle, object_type, access).object
        if not isinstance(found, kind):
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        return found

    def _process(self, caller: Process | Thread, handle: int, access: int) -> Process:
        """Give the process behind a handle."""
        return self._object(caller, handle, Process, PROCESS, access)

    def _thread(self, caller: Process | Thread, handle: int, access: int) -> Thread:
        """Give the thread behind a handle."""
        return self._object(caller, handle, Thread, THREAD, access)
