"""The identity that a token stands for: user, groups, what new objects get, integrity, restriction, impersonation."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from ntshim.se import sid as sids
from ntshim.se.privileges import PRIVILEGE_NAMES
from ntshim.se.sid import Sid
from ntshim.se.token import Token

if TYPE_CHECKING:
    from ntshim.se.acl import Acl

SE_GROUP_MANDATORY = 0x1
SE_GROUP_ENABLED_BY_DEFAULT = 0x2
SE_GROUP_ENABLED = 0x4
SE_GROUP_OWNER = 0x8
SE_GROUP_USE_FOR_DENY_ONLY = 0x10
SE_GROUP_INTEGRITY = 0x20
SE_GROUP_INTEGRITY_ENABLED = 0x40
SE_GROUP_LOGON_ID = 0xC0000000
_ORDINARY = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED

TOKEN_PRIMARY = 1  # TOKEN_TYPE
TOKEN_IMPERSONATION = 2

SECURITY_ANONYMOUS = 0  # SECURITY_IMPERSONATION_LEVEL
SECURITY_IDENTIFICATION = 1
SECURITY_IMPERSONATION = 2
SECURITY_DELEGATION = 3

TOKEN_MANDATORY_POLICY_NO_WRITE_UP = 0x1
TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN = 0x2

SYSTEM_LUID = 0x3E7  # the logon sessions that every system has (winnt.h)
ANONYMOUS_LOGON_LUID = 0x3E6
_USER_LUID = 0x186A0  # the session whose DOS devices the namespace has

# A machine that has no domain: its users are numbered from 1000, its users' group is None, 513.
_MACHINE = Sid(5, (21, 0, 0, 0))
DEFAULT_USER = _MACHINE.child(1000)
DEFAULT_GROUP = _MACHINE.child(513)

_luids = count(0x10000)


class SidAndAttributes(NamedTuple):
    """SID_AND_ATTRIBUTES: a SID and its SE_GROUP_ bits."""

    sid: Sid
    attributes: int = _ORDINARY


class TokenSource(NamedTuple):
    """TOKEN_SOURCE: who made a token, a name of up to eight letters and a LUID."""

    name: str = "ntshim"
    luid: int = 0


DEFAULT_GROUPS = (
    SidAndAttributes(DEFAULT_GROUP),
    SidAndAttributes(sids.EVERYONE),
    SidAndAttributes(sids.USERS),
    SidAndAttributes(sids.INTERACTIVE),
    SidAndAttributes(sids.AUTHENTICATED_USERS),
    SidAndAttributes(sids.LOCAL),
)


class Identity:
    """All of a token but its privileges; by default that of an ordinary user at medium integrity.

    `owner` None is the user. `default_dacl` None gives new objects none. `impersonation_level` counts for an
    impersonation token only. `write_restricted` makes `restricted_sids` count for writing alone.
    """

    __slots__ = (
        "authentication_id",
        "default_dacl",
        "groups",
        "impersonation_level",
        "integrity",
        "mandatory_policy",
        "modified_id",
        "owner",
        "primary_group",
        "restricted_sids",
        "sandbox_inert",
        "session_id",
        "source",
        "token_id",
        "token_type",
        "user",
        "user_is_deny_only",
        "write_restricted",
    )

    def __init__(
        self,
        user: Sid = DEFAULT_USER,
        groups: tuple[SidAndAttributes, ...] = DEFAULT_GROUPS,
        *,
        owner: Sid | None = None,
        primary_group: Sid = DEFAULT_GROUP,
        default_dacl: Acl | None = None,
        integrity: Sid = sids.MEDIUM_INTEGRITY,
        authentication_id: int = _USER_LUID,
    ) -> None:
        """Make the identity of a primary token."""
        self.user = user
        self.user_is_deny_only = False
        self.groups = list(groups)
        self.restricted_sids: tuple[Sid, ...] = ()
        self.write_restricted = False
        self.sandbox_inert = False
        self.owner = user if owner is None else owner
        self.primary_group = primary_group
        self.default_dacl = default_dacl
        self.integrity = integrity
        self.mandatory_policy = TOKEN_MANDATORY_POLICY_NO_WRITE_UP | TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN
        self.token_type = TOKEN_PRIMARY
        self.impersonation_level = SECURITY_ANONYMOUS
        self.source = TokenSource()
        self.session_id = 0
        self.authentication_id = authentication_id
        self.token_id = next(_luids)
        self.modified_id = self.token_id

    def copy(self) -> Identity:
        """Give an equal one for a new token."""
        twin = Identity.__new__(Identity)
        for name in Identity.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.groups = list(self.groups)
        twin.token_id = next(_luids)
        return twin

    def modified(self) -> None:
        """Note a change, by which who keeps answers knows that they are old."""
        self.modified_id = next(_luids)

    def may_own(self, sid: Sid) -> bool:
        """Whether the identity may make a SID the owner of what it has: itself, or a group marked for that."""
        if sid == self.user:
            return not self.user_is_deny_only
        wanted = SE_GROUP_OWNER | SE_GROUP_ENABLED
        return any(group.sid == sid and group.attributes & wanted == wanted for group in self.groups)

    def grants(self, sid: Sid) -> bool:
        """Whether what is granted to a SID is granted here."""
        if sid == self.user:
            return not self.user_is_deny_only
        return any(
            group.sid == sid and group.attributes & (SE_GROUP_ENABLED | SE_GROUP_USE_FOR_DENY_ONLY) == SE_GROUP_ENABLED
            for group in self.groups
        )

    def denies(self, sid: Sid) -> bool:
        """Whether what is denied to a SID is denied here."""
        return sid == self.user or any(
            group.sid == sid and group.attributes & (SE_GROUP_ENABLED | SE_GROUP_USE_FOR_DENY_ONLY)
            for group in self.groups
        )


def system_token() -> Token:
    """Make the token of the system itself, with every privilege."""
    groups = (
        SidAndAttributes(sids.ADMINISTRATORS, _ORDINARY | SE_GROUP_OWNER),
        SidAndAttributes(sids.EVERYONE),
        SidAndAttributes(sids.AUTHENTICATED_USERS),
    )
    identity = Identity(
        sids.LOCAL_SYSTEM,
        groups,
        owner=sids.ADMINISTRATORS,
        primary_group=sids.LOCAL_SYSTEM,
        integrity=sids.SYSTEM_INTEGRITY,
        authentication_id=SYSTEM_LUID,
    )
    return Token(PRIVILEGE_NAMES, identity)


def anonymous_token() -> Token:
    """Make the token with which a thread is nobody: everyone's rights, no privileges."""
    identity = Identity(
        sids.ANONYMOUS,
        (SidAndAttributes(sids.EVERYONE),),
        primary_group=sids.NULL_SID,
        integrity=sids.UNTRUSTED_INTEGRITY,
        authentication_id=ANONYMOUS_LOGON_LUID,
    )
    identity.token_type = TOKEN_IMPERSONATION
    identity.impersonation_level = SECURITY_IMPERSONATION
    return Token((), identity)
