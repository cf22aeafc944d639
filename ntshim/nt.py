"""The service table: NT services under their exact names, each called in the name of a process or thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Concatenate, NamedTuple, ParamSpec, TypeVar

from ntshim import status as st
from ntshim.ob import handles as ob
from ntshim.ps.process import (
    PROCESS,
    PROCESS_DUP_HANDLE,
    PROCESS_TERMINATE,
    THREAD,
    THREAD_QUERY_INFORMATION,
    THREAD_SET_INFORMATION,
    THREAD_TERMINATE,
    Process,
    Thread,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ob.object import ObjectType
    from ntshim.ps.executive import Executive

THREAD_AFFINITY_MASK = 4  # THREADINFOCLASS
OBJECT_BASIC_INFORMATION = 0  # OBJECT_INFORMATION_CLASS
OBJECT_TYPE_INFORMATION = 2

_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")


class ObjectBasicInformation(NamedTuple):
    """What NtQueryObject tells of a handle and its object."""

    attributes: int
    granted_access: int
    handle_count: int
    pointer_count: int


def service(
    routine: Callable[Concatenate[NtServices, _Parameters], _Answer],
) -> Callable[Concatenate[NtServices, _Parameters], _Answer]:
    """Count each call of a service under its name."""
    name = routine.__name__

    def counted(self: NtServices, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Answer:
        self.counters[name] = self.counters.get(name, 0) + 1
        return routine(self, *args, **kwargs)

    counted.__name__ = name
    counted.__doc__ = routine.__doc__
    return counted


class NtServices:
    """The services of one executive. A failure is an NtError; `counters` tells how often each was called.

    The first argument of each is the caller, a Thread or, where no thread matters, a Process. Handles are those of
    the caller; -1 to -6 are the pseudo-handles.
    """

    __slots__ = ("counters", "executive")

    def __init__(self, executive: Executive) -> None:
        """Serve an executive."""
        self.executive = executive
        self.counters: dict[str, int] = {}

    @service
    def NtClose(self, caller: Process | Thread, handle: int, *, host_decides: bool = False) -> None:
        """Close a handle.

        STATUS_INVALID_HANDLE if there is none, STATUS_HANDLE_NOT_CLOSABLE if it is protected; no effect on a
        pseudo-handle (facts/nt.md section 2). A table that is backed by the host's descriptors is asked whether
        the handle is open. With `host_decides` it is not: what is known of the handle is forgotten, and whether
        the descriptor was open is the host's answer to its own close.
        """
        if ob.CURRENT_EFFECTIVE_TOKEN <= handle <= ob.CURRENT_PROCESS:
            return
        if host_decides:
            caller.process.handles.discard(ob.handle_to_index(handle))
        else:
            caller.process.handles.close(handle)

    @service
    def NtDuplicateObject(
        self,
        caller: Process | Thread,
        source_process: int,
        source_handle: int,
        target_process: int,
        desired_access: int = 0,
        attributes: int = 0,
        options: int = 0,
        target_index: int | None = None,
    ) -> int | None:
        """Duplicate a handle of one process into another; gives the new handle, None if there was only to close.

        `source_process` and `target_process` are handles with PROCESS_DUP_HANDLE; 0 is no target. `options` are
        DUPLICATE_CLOSE_SOURCE, SAME_ACCESS, SAME_ATTRIBUTES; `target_index` is for a host that has chosen the
        place. A protected source stays open without an error. Rules and their order: facts/nt.md section 2 and
        `ob.handles.duplicate`.
        """
        source = self._process(caller, source_process, PROCESS_DUP_HANDLE)
        context = caller if source is caller.process else source
        pseudo = ob.resolve_pseudo_handle(source_handle, context)
        if pseudo is not None:
            entry = ob.HandleEntry(pseudo, pseudo.type.valid_mask, 0)
        else:
            entry = source.handles.look_up(source_handle)
        target = None
        if target_process:
            receiver = self._process(caller, target_process, PROCESS_DUP_HANDLE)
            target = (receiver, None if receiver.terminating else receiver.handle_table)

        def close_source() -> None:
            if pseudo is None and not entry.attributes & ob.OBJ_PROTECT_CLOSE:
                source.handles.close(source_handle)

        return ob.duplicate(entry, close_source, target, desired_access, attributes, options, target_index)

    @service
    def NtTerminateProcess(self, caller: Process | Thread, handle: int, exit_status: int) -> None:
        """End a process; 0 ends the caller's other threads only. Needs PROCESS_TERMINATE.

        A pico process is ended by its provider, unless the caller is a process of that provider: a kill by the
        provider never calls it back. STATUS_PROCESS_IS_TERMINATING if somebody was first (facts/wsl1.md section 1.2).
        """
        if not handle:
            for thread in list(caller.process.threads.values()):
                if thread is not caller.thread:
                    self.executive.terminate_thread(thread, exit_status)
            return
        process = self._process(caller, handle, PROCESS_TERMINATE)
        if process.terminating:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        if caller.process.provider is process.provider:
            self.executive.terminate_process(process, exit_status)
        else:
            self.executive.terminate_from_outside(process, exit_status)

    @service
    def NtTerminateThread(self, caller: Process | Thread, handle: int, exit_status: int) -> None:
        """End a thread; 0 is the caller itself, refused with STATUS_CANT_TERMINATE_SELF if it is the last one.

        Needs THREAD_TERMINATE. STATUS_THREAD_IS_TERMINATING if it is gone already.
        """
        if not handle and len(caller.process.threads) == 1:
            raise st.NtError(st.STATUS_CANT_TERMINATE_SELF)
        thread = self._thread(caller, handle or ob.CURRENT_THREAD, THREAD_TERMINATE)
        if self.executive.terminate_thread(thread, exit_status) == st.STATUS_NOTHING_TO_TERMINATE:
            raise st.NtError(st.STATUS_THREAD_IS_TERMINATING)

    @service
    def NtQueryInformationThread(self, caller: Process | Thread, handle: int, information_class: int) -> int:
        """Give the affinity mask of a thread, bit n for processor n; needs THREAD_QUERY_INFORMATION.

        Any other class than ThreadAffinityMask is STATUS_INVALID_INFO_CLASS.
        """
        if information_class != THREAD_AFFINITY_MASK:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        return self.executive.host.get_affinity(self._thread(caller, handle, THREAD_QUERY_INFORMATION))

    @service
    def NtSetInformationThread(
        self, caller: Process | Thread, handle: int, information_class: int, affinity: int
    ) -> None:
        """Restrict a thread to the processors of a mask; needs THREAD_SET_INFORMATION.

        Any other class than ThreadAffinityMask is STATUS_INVALID_INFO_CLASS, an empty mask
        STATUS_INVALID_PARAMETER.
        """
        if information_class != THREAD_AFFINITY_MASK:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        if not affinity:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        self.executive.host.set_affinity(self._thread(caller, handle, THREAD_SET_INFORMATION), affinity)

    @service
    def NtQueryObject(
        self, caller: Process | Thread, handle: int, information_class: int
    ) -> ObjectBasicInformation | str:
        """Tell of a handle: ObjectBasicInformation, or the type's name for ObjectTypeInformation.

        Counts are those of the object, over all processes (facts/nt.md section 2). Any other class is
        STATUS_INVALID_INFO_CLASS.
        """
        if information_class not in (OBJECT_BASIC_INFORMATION, OBJECT_TYPE_INFORMATION):
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        entry = self._entry(caller, handle, None, 0)
        if information_class == OBJECT_TYPE_INFORMATION:
            return entry.object.type.name
        target = entry.object
        return ObjectBasicInformation(entry.attributes, entry.access, target.handle_count, target.pointer_count)

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

    def _process(self, caller: Process | Thread, handle: int, access: int) -> Process:
        """Give the process behind a handle."""
        found = self._entry(caller, handle, PROCESS, access).object
        if not isinstance(found, Process):
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        return found

    def _thread(self, caller: Process | Thread, handle: int, access: int) -> Thread:
        """Give the thread behind a handle."""
        found = self._entry(caller, handle, THREAD, access).object
        if not isinstance(found, Thread):
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        return found
