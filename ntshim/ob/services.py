"""The services on objects of every type: handles, and what is known of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.ob import handles as ob
from ntshim.ob.object import DELETE, OBJ_PERMANENT, GenericMapping
from ntshim.ob.types import ROWS
from ntshim.ps.process import PROCESS_DUP_HANDLE
from ntshim.se.token import SE_CREATE_PERMANENT_PRIVILEGE, require_privilege
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread

OBJECT_BASIC_INFORMATION = 0  # OBJECT_INFORMATION_CLASS
OBJECT_NAME_INFORMATION = 1
OBJECT_TYPE_INFORMATION = 2
OBJECT_TYPES_INFORMATION = 3
OBJECT_HANDLE_FLAG_INFORMATION = 4


class ObjectBasicInformation(NamedTuple):
    """What NtQueryObject tells of a handle and its object; the handle's attribute bits stand beside the object's."""

    attributes: int
    granted_access: int
    handle_count: int
    pointer_count: int


class ObjectTypeInformation(NamedTuple):
    """What NtQueryObject tells of a type."""

    type_name: str
    generic_mapping: GenericMapping
    valid_access_mask: int


class ObjectHandleFlagInformation(NamedTuple):
    """What can be changed of a handle."""

    inherit: bool
    protect_from_close: bool


ObjectInformation = (
    ObjectBasicInformation | str | ObjectTypeInformation | list[ObjectTypeInformation] | ObjectHandleFlagInformation
)


class ObjectServices(ServiceFamily):
    """Handles, and what is known of an object."""

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
    def NtQueryObject(self, caller: Process | Thread, handle: int, information_class: int) -> ObjectInformation:
        """Tell of a handle and its object: the record of the class asked for.

        ObjectBasicInformation (counts are those of the object, over all processes), ObjectNameInformation (the full
        name, "" without one), ObjectTypeInformation, ObjectHandleFlagInformation. ObjectTypesInformation tells of
        every type, and looks at no handle. Any other class is STATUS_INVALID_INFO_CLASS. Source: facts/nt.md
        sections 1.5 and 2.
        """
        if information_class == OBJECT_TYPES_INFORMATION:
            return [ObjectTypeInformation(name, GenericMapping(*row[:4]), row[4]) for name, row in ROWS.items()]
        if not OBJECT_BASIC_INFORMATION <= information_class <= OBJECT_HANDLE_FLAG_INFORMATION:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        target, access, attributes = self._entry(caller, handle, None, 0)
        kind = target.type
        if information_class == OBJECT_NAME_INFORMATION:
            return kind.query_name(target)
        if information_class == OBJECT_TYPE_INFORMATION:
            return ObjectTypeInformation(kind.name, kind.generic_mapping, kind.valid_mask)
        if information_class == OBJECT_HANDLE_FLAG_INFORMATION:
            return ObjectHandleFlagInformation(
                bool(attributes & ob.OBJ_INHERIT), bool(attributes & ob.OBJ_PROTECT_CLOSE)
            )
        attributes |= target.attributes
        return ObjectBasicInformation(attributes, access, target.handle_count, target.pointer_count)

    @service
    def NtSetInformationObject(
        self,
        caller: Process | Thread,
        handle: int,
        information_class: int,
        information: ObjectHandleFlagInformation,
    ) -> None:
        """Change what a handle is: ObjectHandleFlagInformation; any other class is STATUS_INVALID_INFO_CLASS.

        A pseudo-handle is in no table: STATUS_INVALID_HANDLE.
        """
        if information_class != OBJECT_HANDLE_FLAG_INFORMATION:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        table = caller.process.handles
        attributes = table.look_up(handle).attributes & ob.OBJ_AUDIT_OBJECT_CLOSE
        if information.inherit:
            attributes |= ob.OBJ_INHERIT
        if information.protect_from_close:
            attributes |= ob.OBJ_PROTECT_CLOSE
        table.set_attributes(handle, attributes)

    @service
    def NtMakePermanentObject(self, caller: Process | Thread, handle: int) -> None:
        """Let an object keep its name without handles; any handle will do.

        STATUS_PRIVILEGE_NOT_HELD without SeCreatePermanentPrivilege (facts/nt.md section 1.3).
        """
        require_privilege(caller, SE_CREATE_PERMANENT_PRIVILEGE)
        self._entry(caller, handle, None, 0).object.attributes |= OBJ_PERMANENT

    @service
    def NtMakeTemporaryObject(self, caller: Process | Thread, handle: int) -> None:
        """Let an object lose its name with its last handle; needs DELETE (facts/nt.md section 1.3)."""
        self._entry(caller, handle, None, DELETE).object.attributes &= ~OBJ_PERMANENT
