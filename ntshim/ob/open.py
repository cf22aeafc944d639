"""From a name to a handle: opening what exists, and naming what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.ob.attributes import (
    OBJ_INHERIT,
    OBJ_OPENIF,
    GivenAttributes,
    ObjectAttributes,
    capture,
    capture_for_open,
)
from ntshim.ob.object import OBJ_EXCLUSIVE, OBJ_PERMANENT, Object, ObjectType, grant_access, grant_new_access
from ntshim.ob.parse import Namespace, ParseRequest, look_up
from ntshim.ob.symlink import SYMBOLIC_LINK
from ntshim.se.token import SE_CREATE_PERMANENT_PRIVILEGE, Token, require_privilege

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread


class Created(NamedTuple):
    """A handle that a creating service made; `status` is STATUS_OBJECT_NAME_EXISTS if it opened what was there."""

    handle: int
    status: int


def open_by_name(
    namespace: Namespace,
    caller: Process | Thread,
    given: GivenAttributes,
    desired_type: ObjectType | None,
    desired_access: int,
    context: Any = None,
) -> int:
    """Open an object by name, as ObOpenObjectByName; gives a handle of the caller.

    `desired_type` None takes any. `context` goes to parse routines. Statuses: facts/nt.md section 1.1; one order:
    attributes, name, type, access.
    """
    name, root_directory, attributes = capture_for_open(given)
    request = ParseRequest(caller, name, attributes, desired_type, desired_access, context)
    found = look_up(namespace, request, root_directory)
    try:
        return _open(found, request)
    finally:
        found.dereference()


def insert_object(
    namespace: Namespace, caller: Process | Thread, target: Object, given: GivenAttributes, desired_access: int
) -> Created:
    """Name a new object and open it, as ObInsertObject; takes its creator's reference over, also on failure.

    Without a name it stays anonymous. With OBJ_OPENIF an object of the same type that has the name already is opened
    in its place. STATUS_PRIVILEGE_NOT_HELD for OBJ_PERMANENT without SeCreatePermanentPrivilege; else as facts/nt.md
    section 1.1 says. A new object may be opened with access 0.
    """
    try:
        name, root_directory, attributes = capture(given)
        explicit = given.security_descriptor if isinstance(given, ObjectAttributes) else None
        if attributes & OBJ_PERMANENT:
            require_privilege(caller, SE_CREATE_PERMANENT_PRIVILEGE)
        if name is None or not (name or root_directory):
            if explicit is not None:
                assign_object_security(target, caller, explicit)
            return Created(_open_new(target, caller, attributes, desired_access), st.STATUS_SUCCESS)
        request = ParseRequest(caller, name, attributes, target.type, desired_access)
        return _insert_named(namespace, request, root_directory, target, explicit)
    finally:
        target.dereference()


def _insert_named(
    namespace: Namespace, request: ParseRequest, root_directory: int, target: Object, explicit: object
) -> Created:
    """Enter a new object under its name, or open the one that has it."""
    found = look_up(namespace, request, root_directory, target)
    try:
        if found is target:
            _assign_named(target, request.caller, explicit)
            handle = _open_new(target, request.caller, request.attributes, request.desired_access)
            return Created(handle, st.STATUS_SUCCESS)
        if found.type is not target.type:
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        if not request.attributes & OBJ_OPENIF:
            raise st.NtError(st.STATUS_OBJECT_NAME_COLLISION)
        # Windows 10 1607 and later: a link over a link is a plain success (facts/nt.md section 1.1).
        status = st.STATUS_SUCCESS if found.type is SYMBOLIC_LINK else st.STATUS_OBJECT_NAME_EXISTS
        return Created(_open(found, request), status)
    finally:
        found.dereference()


def _assign_named(target: Object, caller: Process | Thread, explicit: object) -> None:
    """Give a new object, which has its name, its descriptor if anything makes one; on failure the name goes again."""
    token = caller.effective_token
    directory = target.name.directory if target.name is not None else None
    if (
        explicit is not None
        or (directory is not None and directory.security is not None)
        or (isinstance(token, Token) and token.has_default_dacl)
    ):
        try:
            assign_object_security(target, caller, explicit, directory)
        except st.NtError:
            target.release_name()
            raise


def assign_object_security(
    target: Object, caller: Process | Thread, explicit: object, directory: Object | None = None
) -> None:
    """Give a new object the descriptor that `se.assign` makes; raises what that does, and what capturing does."""
    from ntshim.se.check import assign_new

    assign_new(target, caller, explicit, directory)


def _open(found: Object, request: ParseRequest) -> int:
    """Make the handle to an object that existed; the reference stays the caller's."""
    if request.desired_type is not None and found.type is not request.desired_type:
        raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
    process = request.caller.process
    if (found.attributes | request.attributes) & OBJ_EXCLUSIVE:
        _check_exclusive(found, process, request.attributes)
    access = request.granted_access
    if access is None:
        access = grant_access(found, request.caller, request.desired_access)
    return process.handles.insert(found, access, request.attributes)


def _open_new(target: Object, caller: Process | Thread, attributes: int, desired_access: int) -> int:
    """Make the first handle to a new object; without it the name goes again."""
    target.attributes = attributes & OBJ_EXCLUSIVE
    try:
        if attributes & OBJ_EXCLUSIVE:
            _check_exclusive(target, caller.process, attributes)
        access = grant_new_access(target, caller, desired_access)
        handle = caller.process.handles.insert(target, access, attributes)
    except st.NtError:
        target.release_name()
        raise
    target.attributes |= attributes & OBJ_PERMANENT
    return handle


def _check_exclusive(target: Object, process: Process, attributes: int) -> None:
    """Let only one process have handles to an exclusive object, and only exclusive ones.

    STATUS_INVALID_PARAMETER for an exclusive handle that is to be inherited or whose object was not made exclusive,
    STATUS_ACCESS_DENIED for who comes too late (WDK, OBJECT_ATTRIBUTES; ReactOS, obhandle.c).
    """
    if not attributes & OBJ_EXCLUSIVE:
        granted = not target.handle_count
    elif attributes & OBJ_INHERIT or not target.attributes & OBJ_EXCLUSIVE:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    else:
        granted = not target.handle_count or process.handles.holds(target)
    if not granted:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
