"""Tokens made from others: duplicates of another type or level, and tokens with less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.se.identity import (
    SE_GROUP_ENABLED,
    SE_GROUP_ENABLED_BY_DEFAULT,
    SE_GROUP_USE_FOR_DENY_ONLY,
    SECURITY_ANONYMOUS,
    SECURITY_DELEGATION,
    SECURITY_IMPERSONATION,
    TOKEN_IMPERSONATION,
    TOKEN_PRIMARY,
    SidAndAttributes,
)
from ntshim.se.sid import ADMINISTRATORS, NULL_SID
from ntshim.se.token import SE_CHANGE_NOTIFY_PRIVILEGE, Token

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ntshim.se.sid import Sid

DISABLE_MAX_PRIVILEGE = 0x1
SANDBOX_INERT = 0x2
LUA_TOKEN = 0x4
WRITE_RESTRICTED = 0x8
_FILTER_FLAGS = DISABLE_MAX_PRIVILEGE | SANDBOX_INERT | LUA_TOKEN | WRITE_RESTRICTED

# What a token that is to be an ordinary user's keeps (LUA_TOKEN).
_USERS_PRIVILEGES = (
    SE_CHANGE_NOTIFY_PRIVILEGE,
    "SeShutdownPrivilege",
    "SeUndockPrivilege",
    "SeIncreaseWorkingSetPrivilege",
    "SeTimeZonePrivilege",
)


def duplicate_token(token: Token, token_type: int, level: int, *, effective_only: bool = False) -> Token:
    """Make a token of a type and, for an impersonation token, a level.

    STATUS_INVALID_PARAMETER for an unknown type, STATUS_BAD_IMPERSONATION_LEVEL for an unknown level, for one above
    the source's, and for a primary token from one that cannot impersonate. `effective_only` leaves out what is
    disabled now.
    """
    if token_type not in (TOKEN_PRIMARY, TOKEN_IMPERSONATION):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    identity = token.identity
    wanted = level if token_type == TOKEN_IMPERSONATION else SECURITY_IMPERSONATION
    if not SECURITY_ANONYMOUS <= wanted <= SECURITY_DELEGATION or (
        identity.token_type == TOKEN_IMPERSONATION and wanted > identity.impersonation_level
    ):
        raise st.NtError(st.STATUS_BAD_IMPERSONATION_LEVEL)
    twin = identity.copy()
    twin.token_type = token_type
    twin.impersonation_level = wanted if token_type == TOKEN_IMPERSONATION else SECURITY_ANONYMOUS
    made = Token((), twin)
    made.privileges = dict(token.privileges)
    if effective_only:
        made.privileges = {name: bits for name, bits in token.privileges.items() if token.holds(name)}
        kept = SE_GROUP_ENABLED | SE_GROUP_USE_FOR_DENY_ONLY
        twin.groups = [group for group in twin.groups if group.attributes & kept]
    return made


def filter_token(
    token: Token, flags: int, disabled: Collection[Sid], deleted: Iterable[str], restricted: Iterable[Sid]
) -> Token:
    """Make a token that can do less: groups that only deny, fewer privileges, and SIDs that have to agree.

    A token that is restricted already keeps only the restricting SIDs that both have. STATUS_INVALID_PARAMETER for
    unknown flags.
    """
    if flags & ~_FILTER_FLAGS:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    identity = token.identity.copy()
    made = Token((), identity)
    gone = set(deleted)
    kept = [name for name in token.privileges if name not in gone]
    if flags & DISABLE_MAX_PRIVILEGE:
        kept = [name for name in kept if name == SE_CHANGE_NOTIFY_PRIVILEGE]
    if flags & LUA_TOKEN:
        kept = [name for name in kept if name in _USERS_PRIVILEGES]
        disabled = [*disabled, ADMINISTRATORS]
    made.privileges = {name: token.privileges[name] for name in kept}
    identity.groups = [_deny_only(group) if group.sid in disabled else group for group in identity.groups]
    identity.user_is_deny_only |= identity.user in disabled
    restricting = tuple(dict.fromkeys(restricted))
    if restricting:
        both = identity.restricted_sids
        if both:
            # If none is left, a SID that nothing is granted to keeps the token restricted.
            restricting = tuple(sid for sid in restricting if sid in both) or (NULL_SID,)
        identity.restricted_sids = restricting
        identity.write_restricted = bool(flags & WRITE_RESTRICTED) and (identity.write_restricted or not both)
    identity.sandbox_inert |= bool(flags & SANDBOX_INERT)
    if not identity.may_own(identity.owner):
        identity.owner = identity.user
    return made


def _deny_only(group: SidAndAttributes) -> SidAndAttributes:
    """Let a group count for denials alone."""
    off = SE_GROUP_ENABLED | SE_GROUP_ENABLED_BY_DEFAULT
    return SidAndAttributes(group.sid, (group.attributes & ~off) | SE_GROUP_USE_FOR_DENY_ONLY)
