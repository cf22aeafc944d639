"""What NtQueryInformationToken tells of a token, and what NtSetInformationToken changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.se.acl import Acl
from ntshim.se.identity import (
    SE_GROUP_ENABLED,
    SE_GROUP_INTEGRITY,
    SE_GROUP_INTEGRITY_ENABLED,
    SE_GROUP_LOGON_ID,
    SE_GROUP_USE_FOR_DENY_ONLY,
    TOKEN_IMPERSONATION,
    TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN,
    TOKEN_MANDATORY_POLICY_NO_WRITE_UP,
    SidAndAttributes,
)
from ntshim.se.privileges import SE_RELABEL_PRIVILEGE, SE_TCB_PRIVILEGE, LuidAndAttributes, luid_of
from ntshim.se.sid import ADMINISTRATORS, Sid
from ntshim.se.token import (
    TOKEN_ADJUST_DEFAULT,
    TOKEN_ADJUST_SESSIONID,
    TOKEN_QUERY,
    TOKEN_QUERY_SOURCE,
    Token,
    require_privilege,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ps.process import Process, Thread

TOKEN_USER = 1  # TOKEN_INFORMATION_CLASS
TOKEN_GROUPS = 2
TOKEN_PRIVILEGES = 3
TOKEN_OWNER = 4
TOKEN_PRIMARY_GROUP = 5
TOKEN_DEFAULT_DACL = 6
TOKEN_SOURCE = 7
TOKEN_TYPE = 8
TOKEN_IMPERSONATION_LEVEL = 9
TOKEN_STATISTICS = 10
TOKEN_RESTRICTED_SIDS = 11
TOKEN_SESSION_ID = 12
TOKEN_SANDBOX_INERT = 15
TOKEN_ELEVATION_TYPE = 18
TOKEN_ELEVATION = 20
TOKEN_HAS_RESTRICTIONS = 21
TOKEN_INTEGRITY_LEVEL = 25
TOKEN_MANDATORY_POLICY = 27
TOKEN_LOGON_SID = 28
TOKEN_IS_RESTRICTED = 40

_ELEVATION_TYPE_DEFAULT = 1  # TokenElevationTypeDefault: a token that has no other half
_MANDATORY_AUTHORITY = 16
_POLICIES = TOKEN_MANDATORY_POLICY_NO_WRITE_UP | TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN
_INTEGRITY = SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED


class TokenStatistics(NamedTuple):
    """TOKEN_STATISTICS; ids are LUIDs, `expiration_time` is in units of 100 ns since 1601: never."""

    token_id: int
    authentication_id: int
    expiration_time: int
    token_type: int
    impersonation_level: int
    group_count: int
    privilege_count: int
    modified_id: int


def privileges_of(token: Token) -> list[LuidAndAttributes]:
    """Give the privileges in the order of their LUIDs."""
    return sorted(LuidAndAttributes(luid_of(name), bits) for name, bits in token.privileges.items())


def _user(token: Token) -> SidAndAttributes:
    """Give the user, whose attributes are 0 unless it only denies."""
    identity = token.identity
    return SidAndAttributes(identity.user, SE_GROUP_USE_FOR_DENY_ONLY if identity.user_is_deny_only else 0)


def _level(token: Token) -> int:
    """Give the impersonation level; STATUS_INVALID_PARAMETER for a primary token, which has none."""
    if token.identity.token_type != TOKEN_IMPERSONATION:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    return token.identity.impersonation_level


def _statistics(token: Token) -> TokenStatistics:
    """Give ids and counts."""
    identity = token.identity
    return TokenStatistics(
        identity.token_id,
        identity.authentication_id,
        0x7FFFFFFFFFFFFFFF,
        identity.token_type,
        identity.impersonation_level,
        len(identity.groups),
        len(token.privileges),
        identity.modified_id,
    )


def _is_elevated(token: Token) -> bool:
    """Whether the token acts as an administrator."""
    return token.identity.user == ADMINISTRATORS or token.identity.grants(ADMINISTRATORS)


def _logon_sids(token: Token) -> list[SidAndAttributes]:
    """Give the groups that stand for the logon; STATUS_NOT_FOUND if there is none."""
    found = [group for group in token.identity.groups if group.attributes & SE_GROUP_LOGON_ID == SE_GROUP_LOGON_ID]
    if not found:
        raise st.NtError(st.STATUS_NOT_FOUND)
    return found


_QUERIES: dict[int, Callable[[Token], Any]] = {
    TOKEN_USER: _user,
    TOKEN_GROUPS: lambda token: list(token.identity.groups),
    TOKEN_PRIVILEGES: privileges_of,
    TOKEN_OWNER: lambda token: token.identity.owner,
    TOKEN_PRIMARY_GROUP: lambda token: token.identity.primary_group,
    TOKEN_DEFAULT_DACL: lambda token: token.identity.default_dacl,
    TOKEN_SOURCE: lambda token: token.identity.source,
    TOKEN_TYPE: lambda token: token.identity.token_type,
    TOKEN_IMPERSONATION_LEVEL: _level,
    TOKEN_STATISTICS: _statistics,
    TOKEN_RESTRICTED_SIDS: lambda token: [SidAndAttributes(sid) for sid in token.identity.restricted_sids],
    TOKEN_SESSION_ID: lambda token: token.identity.session_id,
    TOKEN_SANDBOX_INERT: lambda token: token.identity.sandbox_inert,
    TOKEN_ELEVATION_TYPE: lambda _: _ELEVATION_TYPE_DEFAULT,
    TOKEN_ELEVATION: _is_elevated,
    TOKEN_HAS_RESTRICTIONS: lambda token: bool(token.identity.restricted_sids),
    TOKEN_INTEGRITY_LEVEL: lambda token: SidAndAttributes(token.identity.integrity, _INTEGRITY),
    TOKEN_MANDATORY_POLICY: lambda token: token.identity.mandatory_policy,
    TOKEN_LOGON_SID: _logon_sids,
    TOKEN_IS_RESTRICTED: lambda token: bool(token.identity.restricted_sids),
}


def query_access(information_class: int) -> int:
    """Give the right that a class needs; STATUS_INVALID_INFO_CLASS."""
    if information_class not in _QUERIES:
        raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
    return TOKEN_QUERY_SOURCE if information_class == TOKEN_SOURCE else TOKEN_QUERY


def query(token: Token, information_class: int) -> Any:
    """Tell of a token."""
    return _QUERIES[information_class](token)


def _set_owner(token: Token, owner: Sid) -> None:
    """Let new objects belong to a SID: STATUS_INVALID_OWNER for one that the token may not give."""
    owner.to_bytes()
    if not token.identity.may_own(owner):
        raise st.NtError(st.STATUS_INVALID_OWNER)
    token.identity.owner = owner


def _set_primary_group(token: Token, group: Sid) -> None:
    """Let new objects have a group: STATUS_INVALID_PRIMARY_GROUP for one that the token is not in."""
    group.to_bytes()
    identity = token.identity
    if group != identity.user and all(group != each.sid for each in identity.groups):
        raise st.NtError(st.STATUS_INVALID_PRIMARY_GROUP)
    identity.primary_group = group


def _set_default_dacl(token: Token, dacl: Acl | None) -> None:
    """Let new objects have a DACL; None: none."""
    token.identity.default_dacl = None if dacl is None else Acl.from_bytes(dacl.to_bytes())


def _set_session(token: Token, session: int) -> None:
    """Move to a session."""
    if not 0 <= session < 1 << 32:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    token.identity.session_id = session


def _set_integrity(token: Token, level: SidAndAttributes) -> None:
    """Change the integrity level: STATUS_INVALID_SID for what is no level."""
    sid = level.sid
    sid.to_bytes()
    if sid.authority != _MANDATORY_AUTHORITY or len(sid.sub_authorities) != 1:
        raise st.NtError(st.STATUS_INVALID_SID)
    token.identity.integrity = sid


def _set_mandatory_policy(token: Token, policy: int) -> None:
    """Say whether levels count."""
    if policy & ~_POLICIES:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    token.identity.mandatory_policy = policy


_CHANGES: dict[int, tuple[tuple[type, ...], Callable[[Token, Any], None]]] = {
    TOKEN_OWNER: ((Sid,), _set_owner),
    TOKEN_PRIMARY_GROUP: ((Sid,), _set_primary_group),
    TOKEN_DEFAULT_DACL: ((Acl, type(None)), _set_default_dacl),
    TOKEN_SESSION_ID: ((int,), _set_session),
    TOKEN_INTEGRITY_LEVEL: ((SidAndAttributes,), _set_integrity),
    TOKEN_MANDATORY_POLICY: ((int,), _set_mandatory_policy),
}


def change_access(information_class: int) -> int:
    """Give the rights that a change needs; STATUS_INVALID_INFO_CLASS."""
    if information_class not in _CHANGES:
        raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
    session = TOKEN_ADJUST_SESSIONID if information_class == TOKEN_SESSION_ID else 0
    return TOKEN_ADJUST_DEFAULT | session


def change(caller: Process | Thread, token: Token, information_class: int, information: Any) -> None:
    """Change a token; STATUS_INFO_LENGTH_MISMATCH for what is not the class's record.

    STATUS_PRIVILEGE_NOT_HELD for session and policy without SeTcbPrivilege, and for an integrity level above the
    present one without SeRelabelPrivilege.
    """
    kinds, routine = _CHANGES[information_class]
    if not isinstance(information, kinds):
        raise st.NtError(st.STATUS_INFO_LENGTH_MISMATCH)
    if information_class in (TOKEN_SESSION_ID, TOKEN_MANDATORY_POLICY):
        require_privilege(caller, SE_TCB_PRIVILEGE)
    if isinstance(information, SidAndAttributes) and information.sid.last > token.identity.integrity.last:
        require_privilege(caller, SE_RELABEL_PRIVILEGE)
    routine(token, information)
    token.identity.modified()


def adjust_group(group: SidAndAttributes, *, enable: bool) -> SidAndAttributes:
    """Give a group enabled or disabled."""
    attributes = group.attributes | SE_GROUP_ENABLED if enable else group.attributes & ~SE_GROUP_ENABLED
    return SidAndAttributes(group.sid, attributes)
