"""SeAccessCheck: what a descriptor and a token together allow (MS-DTYP section 2.5.3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ob.object import ACCESS_SYSTEM_SECURITY, MAXIMUM_ALLOWED, READ_CONTROL, WRITE_DAC, WRITE_OWNER
from ntshim.ps.process import SYSTEM_PROCESS_ID
from ntshim.se.acl import (
    ACCESS_ALLOWED_ACE_TYPE,
    ACCESS_DENIED_ACE_TYPE,
    SYSTEM_MANDATORY_LABEL_ACE_TYPE,
    SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP,
    SYSTEM_MANDATORY_LABEL_NO_READ_UP,
    SYSTEM_MANDATORY_LABEL_NO_WRITE_UP,
    Acl,
    map_generic,
)
from ntshim.se.identity import TOKEN_MANDATORY_POLICY_NO_WRITE_UP, system_token
from ntshim.se.privileges import SE_RELABEL_PRIVILEGE, SE_SECURITY_PRIVILEGE, SE_TAKE_OWNERSHIP_PRIVILEGE
from ntshim.se.sid import MEDIUM_INTEGRITY, OWNER_RIGHTS, Sid
from ntshim.se.token import SE_CHANGE_NOTIFY_PRIVILEGE, Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ob.object import GenericMapping
    from ntshim.ps.process import Process, Thread
    from ntshim.se.descriptor import SecurityDescriptor

_SYSTEM = system_token()
# Processes that nobody gave a token are an ordinary user's.
_NOBODY = Token((SE_CHANGE_NOTIFY_PRIVILEGE,))


def effective_token(caller: Process | Thread | None) -> Token:
    """Give the token in whose name a caller acts; None is the executive itself."""
    if caller is None:
        return _SYSTEM
    token = caller.effective_token
    if isinstance(token, Token):
        return token
    return _SYSTEM if token is None and caller.process.pid == SYSTEM_PROCESS_ID else _NOBODY


def check_level(token: Token) -> None:
    """Raise STATUS_BAD_IMPERSONATION_LEVEL for a token that tells who somebody is, and no more."""
    if not token.acts:
        raise st.NtError(st.STATUS_BAD_IMPERSONATION_LEVEL)


def access_check(
    descriptor: SecurityDescriptor | None, token: Token, desired: int, mapping: GenericMapping, everything: int
) -> int:
    """Give the access granted of `desired`, whose generic rights are mapped; `everything` is the type's valid mask.

    MAXIMUM_ALLOWED is resolved. STATUS_PRIVILEGE_NOT_HELD for ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege,
    else STATUS_ACCESS_DENIED.
    """
    granted = 0
    if desired & ACCESS_SYSTEM_SECURITY:
        if not token.holds(SE_SECURITY_PRIVILEGE):
            raise st.NtError(st.STATUS_PRIVILEGE_NOT_HELD)
        granted = ACCESS_SYSTEM_SECURITY
    wanted = desired & ~(ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED)
    allowed = everything if descriptor is None else allowed_access(descriptor, token, mapping, everything)
    if wanted & ~allowed:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    granted |= wanted
    if desired & MAXIMUM_ALLOWED:
        granted |= allowed
    if not granted:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    return granted


def allowed_access(descriptor: SecurityDescriptor, token: Token, mapping: GenericMapping, everything: int) -> int:
    """Give all rights that a token has by a descriptor, ACCESS_SYSTEM_SECURITY aside."""
    identity = token.identity
    allowed = _by_dacl(descriptor, mapping, everything, identity.grants, identity.denies)
    restricted = identity.restricted_sids
    if restricted:
        second = _by_dacl(descriptor, mapping, everything, restricted.__contains__, restricted.__contains__)
        if identity.write_restricted:
            second |= everything & ~_write_class(mapping, everything)
        allowed &= second
    if token.holds(SE_TAKE_OWNERSHIP_PRIVILEGE):
        allowed |= WRITE_OWNER
    return allowed & _by_label(descriptor.sacl, token, mapping, everything)


def _by_dacl(
    descriptor: SecurityDescriptor,
    mapping: GenericMapping,
    everything: int,
    grants: Callable[[Sid], bool],
    denies: Callable[[Sid], bool],
) -> int:
    """Give what the DACL grants: of each right the first entry that names it decides.

    The owner may always read and change the DACL, unless an entry for OWNER RIGHTS says what he may.
    """
    dacl = descriptor.dacl
    if dacl is None:
        return everything
    owner = descriptor.owner
    effective = [ace for ace in dacl.aces if ace.applies_here()]
    owns = owner is not None and grants(owner)
    limited = any(ace.sid == OWNER_RIGHTS for ace in effective)
    granted = READ_CONTROL | WRITE_DAC if owns and not limited else 0
    denied = 0
    for ace in effective:
        sid = ace.sid
        if sid is None:
            continue
        mask = map_generic(ace.mask, mapping)
        of_owner = sid == OWNER_RIGHTS
        if ace.type == ACCESS_ALLOWED_ACE_TYPE and (owns if of_owner else grants(sid)):
            granted |= mask & ~denied
        elif ace.type == ACCESS_DENIED_ACE_TYPE and (owner is not None and denies(owner) if of_owner else denies(sid)):
            denied |= mask & ~granted
    return granted & everything


def label_of(sacl: Acl | None) -> tuple[Sid, int]:
    """Give level and policy of a SACL's mandatory label; what has none is medium and not to be written from below."""
    for ace in sacl.aces if sacl is not None else ():
        if ace.type == SYSTEM_MANDATORY_LABEL_ACE_TYPE and ace.applies_here() and ace.sid is not None:
            return ace.sid, ace.mask
    return MEDIUM_INTEGRITY, SYSTEM_MANDATORY_LABEL_NO_WRITE_UP


def _by_label(sacl: Acl | None, token: Token, mapping: GenericMapping, everything: int) -> int:
    """Give what the mandatory label leaves (MS-DTYP section 2.5.3.3); SeRelabelPrivilege lets take it over."""
    identity = token.identity
    level, policy = label_of(sacl)
    if identity.integrity.last >= level.last or not identity.mandatory_policy & TOKEN_MANDATORY_POLICY_NO_WRITE_UP:
        return everything
    left = 0
    if not policy & SYSTEM_MANDATORY_LABEL_NO_READ_UP:
        left |= mapping.read
    if not policy & SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP:
        left |= mapping.execute
    if not policy & SYSTEM_MANDATORY_LABEL_NO_WRITE_UP:
        left |= _write_class(mapping, everything)
    if token.holds(SE_RELABEL_PRIVILEGE):
        left |= WRITE_OWNER
    return left & everything


def _write_class(mapping: GenericMapping, everything: int) -> int:
    """Give the rights by which something can be changed: all that are neither for reading nor for executing."""
    return everything & ~(mapping.read | mapping.execute)
