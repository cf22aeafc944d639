"""Processes with tokens of several people, for the tests of security."""

from __future__ import annotations

from typing import Any

from ntshim_ob import World

from ntshim.ob.attributes import ObjectAttributes
from ntshim.se.acl import Ace, Acl
from ntshim.se.descriptor import SE_DACL_PRESENT, SecurityDescriptor
from ntshim.se.identity import (
    DEFAULT_USER,
    SE_GROUP_ENABLED,
    SE_GROUP_ENABLED_BY_DEFAULT,
    SE_GROUP_OWNER,
    SECURITY_IMPERSONATION,
    TOKEN_IMPERSONATION,
    Identity,
    SidAndAttributes,
)
from ntshim.se.sid import EVERYONE, Sid
from ntshim.se.token import SE_CHANGE_NOTIFY_PRIVILEGE, Token

ALICE = DEFAULT_USER
BOB = Sid(5, (21, 0, 0, 0, 1001))
STAFF = Sid(5, (21, 0, 0, 0, 1100))
FRIENDS = Sid(5, (21, 0, 0, 0, 1101))
ON = SE_GROUP_ENABLED | SE_GROUP_ENABLED_BY_DEFAULT
EVENT_READ, EVENT_WRITE, EVENT_EXECUTE, EVENT_ALL = 0x20001, 0x20002, 0x120000, 0x1F0003


def descriptor(*aces: Ace, owner: Sid = ALICE, sacl: tuple[Ace, ...] | None = None) -> SecurityDescriptor:
    """A descriptor with a DACL of these entries."""
    return SecurityDescriptor(owner, STAFF, Acl(aces), None if sacl is None else Acl(sacl))


def null_dacl(owner: Sid = ALICE) -> SecurityDescriptor:
    return SecurityDescriptor(owner, STAFF, None, None, SE_DACL_PRESENT)


def token(user: Sid = ALICE, *groups: Any, privileges: tuple[str, ...] = (), **more: Any) -> Token:
    """A token of a user who is in Everyone and in groups: SIDs, or pairs of SID and attributes."""
    all_groups = [group if isinstance(group, SidAndAttributes) else SidAndAttributes(group, ON) for group in groups]
    identity = Identity(user, (SidAndAttributes(EVERYONE, ON), *all_groups), **more)
    return Token((SE_CHANGE_NOTIFY_PRIVILEGE, *privileges), identity)


def impersonation(made: Token, level: int = SECURITY_IMPERSONATION) -> Token:
    made.identity.token_type = TOKEN_IMPERSONATION
    made.identity.impersonation_level = level
    return made


def as_owner(sid: Sid) -> SidAndAttributes:
    return SidAndAttributes(sid, ON | SE_GROUP_OWNER)


class People(World):
    """An executive in which Alice and Bob have a process each; Alice calls where nobody is named."""

    def __init__(self) -> None:
        super().__init__()
        self.process.token = token(ALICE)
        self.alice = self.thread
        self.bob = self.new_thread()
        self.bob.process.token = token(BOB)

    def event(self, name: str | None, made: Any, access: int = EVENT_ALL, caller: Any = None) -> int:
        """An event with a descriptor."""
        given = ObjectAttributes(name, security_descriptor=made)
        return self.nt.NtCreateEvent(caller or self.alice, access, given, 0).handle

    def granted(self, caller: Any, name: str, access: int) -> int:
        """Open an event; gives the access of the handle."""
        handle = self.nt.NtOpenEvent(caller, access, ObjectAttributes(name))
        granted: int = caller.process.handles.look_up(handle).access
        self.nt.NtClose(caller, handle)
        return granted
