"""The services on objects of every type: handles, what is known of an object, and its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.ob import handles as ob
from ntshim.ps.process import PROCESS_DUP_HANDLE
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread

OBJECT_BASIC_INFORMATION = 0  # OBJECT_INFORMATION_CLASS
OBJECT_TYPE_INFORMATION = 2


class ObjectBasicInformation(NamedTuple):
    """What NtQueryObject tells of a handle and its object."""

    attributes: int
    granted_access: int
    handle_count: int
    pointer_count: int


class ObjectServices(ServiceFamily):
    """Handles, directories, symbolic links."""

    __slots__ = ()

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
