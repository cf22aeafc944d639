"""The security of objects: checks at open, in directories and at duplication, and the descriptor of a new object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.ob.directory import (
    DIRECTORY,
    DIRECTORY_CREATE_OBJECT,
    DIRECTORY_CREATE_SUBDIRECTORY,
    DIRECTORY_TRAVERSE,
)
from ntshim.ob.object import ACCESS_SYSTEM_SECURITY
from ntshim.se.access import access_check, check_level, effective_token
from ntshim.se.assign import assign_security
from ntshim.se.descriptor import capture_descriptor
from ntshim.se.token import SE_CHANGE_NOTIFY_PRIVILEGE

if TYPE_CHECKING:
    from ntshim.ob.object import Object
    from ntshim.ps.process import Process, Thread


def grant_by_descriptor(target: Object, caller: Process | Thread | None, access: int, maximum: int) -> int:
    """Give the access that a caller gets on an object; generic rights are mapped, `maximum` is what its type lets.

    Raises what `access.access_check` does, and STATUS_BAD_IMPERSONATION_LEVEL.
    """
    kind = target.type
    token = effective_token(caller)
    check_level(token)
    everything = kind.valid_mask & maximum
    return access_check(kind.get_security(target), token, access, kind.generic_mapping, everything)


def require_system_security(caller: Process | Thread, access: int, valid_mask: int) -> None:
    """Let only who has SeSecurityPrivilege ask for ACCESS_SYSTEM_SECURITY: STATUS_PRIVILEGE_NOT_HELD."""
    token = effective_token(caller)
    access_check(None, token, access & (valid_mask | ACCESS_SYSTEM_SECURITY), DIRECTORY.generic_mapping, valid_mask)


def check_traversal(directory: Object, caller: Process | Thread) -> None:
    """Let a name go on through a directory: STATUS_ACCESS_DENIED without DIRECTORY_TRAVERSE.

    SeChangeNotifyPrivilege passes every directory.
    """
    if not effective_token(caller).holds(SE_CHANGE_NOTIFY_PRIVILEGE):
        grant_by_descriptor(directory, caller, DIRECTORY_TRAVERSE, DIRECTORY.valid_mask)


def check_insertion(directory: Object, caller: Process | Thread, *, is_directory: bool) -> None:
    """Let a caller make an object or a directory in a directory: STATUS_ACCESS_DENIED."""
    needed = DIRECTORY_CREATE_SUBDIRECTORY if is_directory else DIRECTORY_CREATE_OBJECT
    check_traversal(directory, caller)
    grant_by_descriptor(directory, caller, needed, DIRECTORY.valid_mask)


def assign_new(target: Object, caller: Process | Thread, given: object, directory: Object | None) -> None:
    """Give a new object its descriptor; raises what capturing `given` and `assign.assign_security` do."""
    target.security = assign_security(
        capture_descriptor(given),
        None if directory is None else directory.security,
        effective_token(caller),
        target.type.generic_mapping,
        is_container=target.type.is_container(target),
    )
