"""The parts of a descriptor that a SECURITY_INFORMATION names: which rights they take, cutting out, putting in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ob.object import ACCESS_SYSTEM_SECURITY, READ_CONTROL, WRITE_DAC, WRITE_OWNER
from ntshim.se.acl import SYSTEM_MANDATORY_LABEL_ACE_TYPE, Ace, Acl
from ntshim.se.assign import Assignment, check_label, check_owner
from ntshim.se.descriptor import (
    SE_DACL_AUTO_INHERITED,
    SE_DACL_DEFAULTED,
    SE_DACL_PRESENT,
    SE_DACL_PROTECTED,
    SE_GROUP_DEFAULTED,
    SE_OWNER_DEFAULTED,
    SE_SACL_AUTO_INHERITED,
    SE_SACL_DEFAULTED,
    SE_SACL_PRESENT,
    SE_SACL_PROTECTED,
    SecurityDescriptor,
)

if TYPE_CHECKING:
    from ntshim.ob.object import GenericMapping
    from ntshim.se.sid import Sid
    from ntshim.se.token import Token

OWNER_SECURITY_INFORMATION = 0x1
GROUP_SECURITY_INFORMATION = 0x2
DACL_SECURITY_INFORMATION = 0x4
SACL_SECURITY_INFORMATION = 0x8
LABEL_SECURITY_INFORMATION = 0x10
UNPROTECTED_SACL_SECURITY_INFORMATION = 0x10000000
UNPROTECTED_DACL_SECURITY_INFORMATION = 0x20000000
PROTECTED_SACL_SECURITY_INFORMATION = 0x40000000
PROTECTED_DACL_SECURITY_INFORMATION = 0x80000000

_OWNER_BITS = SE_OWNER_DEFAULTED
_GROUP_BITS = SE_GROUP_DEFAULTED
_DACL_BITS = SE_DACL_PRESENT | SE_DACL_DEFAULTED | SE_DACL_AUTO_INHERITED | SE_DACL_PROTECTED
_SACL_BITS = SE_SACL_PRESENT | SE_SACL_DEFAULTED | SE_SACL_AUTO_INHERITED | SE_SACL_PROTECTED
_READ = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION
_WRITE_OWNER = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION
_DACL = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION | UNPROTECTED_DACL_SECURITY_INFORMATION
_SACL = SACL_SECURITY_INFORMATION | PROTECTED_SACL_SECURITY_INFORMATION | UNPROTECTED_SACL_SECURITY_INFORMATION


def query_access(information: int) -> int:
    """Give the access that asking for some parts needs, as SeQuerySecurityAccessMask."""
    access = READ_CONTROL if information & _READ else 0
    return access | (ACCESS_SYSTEM_SECURITY if information & SACL_SECURITY_INFORMATION else 0)


def change_access(information: int) -> int:
    """Give the access that changing some parts needs, as SeSetSecurityAccessMask."""
    access = WRITE_OWNER if information & _WRITE_OWNER else 0
    access |= WRITE_DAC if information & _DACL else 0
    return access | (ACCESS_SYSTEM_SECURITY if information & _SACL else 0)


def select(descriptor: SecurityDescriptor, information: int) -> SecurityDescriptor:
    """Give a descriptor with the parts asked for; LABEL without SACL gives a SACL of the label alone."""
    owner = descriptor.owner if information & OWNER_SECURITY_INFORMATION else None
    group = descriptor.group if information & GROUP_SECURITY_INFORMATION else None
    dacl = descriptor.dacl if information & DACL_SECURITY_INFORMATION else None
    bits = _OWNER_BITS if owner else 0
    bits |= _GROUP_BITS if group else 0
    bits |= _DACL_BITS if information & DACL_SECURITY_INFORMATION else 0
    sacl = None
    if information & SACL_SECURITY_INFORMATION:
        bits |= _SACL_BITS
        labelled = bool(information & LABEL_SECURITY_INFORMATION)
        sacl = descriptor.sacl if labelled else _only(descriptor.sacl, labels=False)
    elif information & LABEL_SECURITY_INFORMATION:
        sacl = _only(descriptor.sacl, labels=True)
        bits |= SE_SACL_PRESENT if sacl is not None else 0
    return SecurityDescriptor(owner, group, dacl, sacl, descriptor.control & bits)


def merge(
    present: SecurityDescriptor,
    given: SecurityDescriptor,
    information: int,
    token: Token,
    mapping: GenericMapping,
    *,
    is_container: bool,
) -> SecurityDescriptor:
    """Give a descriptor with some parts replaced.

    STATUS_INVALID_OWNER for no owner or one that the token may not give, STATUS_INVALID_PRIMARY_GROUP for no group,
    STATUS_PRIVILEGE_NOT_HELD for a label above the token's own.
    """
    owner, group, dacl, sacl, control = present
    if information & OWNER_SECURITY_INFORMATION:
        owner = _new_owner(given.owner, token)
        control = (control & ~_OWNER_BITS) | (given.control & _OWNER_BITS)
    if information & GROUP_SECURITY_INFORMATION:
        if given.group is None:
            raise st.NtError(st.STATUS_INVALID_PRIMARY_GROUP)
        group = given.group
        control = (control & ~_GROUP_BITS) | (given.control & _GROUP_BITS)
    maker = Assignment(
        owner or token.identity.owner, group or token.identity.primary_group, mapping, is_container=is_container
    )
    if information & DACL_SECURITY_INFORMATION:
        dacl = None if given.dacl is None else maker.acl(given.dacl, None, protected=True)
        control = (control & ~_DACL_BITS) | (given.control & _DACL_BITS) | (SE_DACL_PRESENT if dacl is not None else 0)
    if information & (SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION):
        sacl = _new_sacl(sacl, given.sacl, information, token)
        control = (control & ~_SACL_BITS) | (given.control & _SACL_BITS & ~SE_SACL_PRESENT)
        control |= SE_SACL_PRESENT if sacl is not None else 0
    return SecurityDescriptor(owner, group, dacl, sacl, _protection(control, information))


def _new_owner(owner: Sid | None, token: Token) -> Sid:
    """Check who is to own an object."""
    if owner is None:
        raise st.NtError(st.STATUS_INVALID_OWNER)
    check_owner(owner, token)
    return owner


def _new_sacl(present: Acl | None, given: Acl | None, information: int, token: Token) -> Acl | None:
    """Replace the label, all else, or both."""
    labels = _aces(given if information & LABEL_SECURITY_INFORMATION else present, labels=True)
    others = _aces(given if information & SACL_SECURITY_INFORMATION else present, labels=False)
    if information & LABEL_SECURITY_INFORMATION:
        for ace in labels:
            check_label(ace, token)
    aces = labels + others
    return Acl(aces, (given or present or Acl()).revision) if aces or given is not None else None


def _aces(acl: Acl | None, *, labels: bool) -> tuple[Ace, ...]:
    """Give the labels of a SACL, or all else."""
    aces = () if acl is None else acl.aces
    return tuple([ace for ace in aces if (ace.type == SYSTEM_MANDATORY_LABEL_ACE_TYPE) == labels])


def _only(acl: Acl | None, *, labels: bool) -> Acl | None:
    """Give a SACL of the labels, or of all else; None if there is none."""
    if acl is None:
        return None
    aces = _aces(acl, labels=labels)
    return Acl(aces, acl.revision) if aces or not labels else None


def _protection(control: int, information: int) -> int:
    """Protect ACLs from what their parent's would add, or stop that."""
    if information & PROTECTED_DACL_SECURITY_INFORMATION:
        control |= SE_DACL_PROTECTED
    elif information & UNPROTECTED_DACL_SECURITY_INFORMATION:
        control &= ~SE_DACL_PROTECTED
    if information & PROTECTED_SACL_SECURITY_INFORMATION:
        control |= SE_SACL_PROTECTED
    elif information & UNPROTECTED_SACL_SECURITY_INFORMATION:
        control &= ~SE_SACL_PROTECTED
    return control
