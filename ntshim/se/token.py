"""Token objects: the privileges that services ask for, and the rest of an identity, made when somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ob.object import Object
from ntshim.ob.types import make_type
from ntshim.ps.process import SYSTEM_PROCESS_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ntshim.ps.process import Process, Thread
    from ntshim.se.identity import Identity

SE_CREATE_PERMANENT_PRIVILEGE = "SeCreatePermanentPrivilege"
SE_CREATE_SYMBOLIC_LINK_PRIVILEGE = "SeCreateSymbolicLinkPrivilege"
# What every user has: to pass directories that he may not list.
SE_CHANGE_NOTIFY_PRIVILEGE = "SeChangeNotifyPrivilege"
# SE_PRIVILEGE_ENABLED | SE_PRIVILEGE_ENABLED_BY_DEFAULT
_ENABLED = 0x3
# Of `se.identity`, which is not loaded for the like of this.
_TOKEN_PRIMARY = 1
_SECURITY_IMPERSONATION = 2

TOKEN_DUPLICATE = 0x2
TOKEN_IMPERSONATE = 0x4
TOKEN_QUERY = 0x8
TOKEN_QUERY_SOURCE = 0x10
TOKEN_ADJUST_PRIVILEGES = 0x20
TOKEN_ADJUST_GROUPS = 0x40
TOKEN_ADJUST_DEFAULT = 0x80
TOKEN_ADJUST_SESSIONID = 0x100

TOKEN = make_type("Token")


class Token(Object):
    """Who somebody is: `privileges` by their SE_..._NAME, each with its SE_PRIVILEGE_ bits, and the `identity`."""

    __slots__ = ("_identity", "privileges")

    def __init__(self, privileges: Iterable[str] = (), identity: Identity | None = None) -> None:
        """Make a token that holds privileges, all of them enabled; without an identity it is an ordinary user's."""
        super().__init__(TOKEN)
        self.privileges: dict[str, int] = dict.fromkeys(privileges, _ENABLED)
        self._identity = identity

    @property
    def identity(self) -> Identity:
        """User, groups and all else."""
        if self._identity is None:
            from ntshim.se.identity import Identity

            self._identity = Identity()
        return self._identity

    @property
    def has_default_dacl(self) -> bool:
        """Whether what is made with the token gets a DACL for that alone."""
        return self._identity is not None and self._identity.default_dacl is not None

    @property
    def acts(self) -> bool:
        """Whether somebody may act with it: it is a primary token, or one of level SecurityImpersonation or above."""
        identity = self.identity
        return identity.token_type == _TOKEN_PRIMARY or identity.impersonation_level >= _SECURITY_IMPERSONATION

    def holds(self, privilege: str) -> bool:
        """Whether a privilege is there and enabled."""
        return bool(self.privileges.get(privilege, 0) & 0x2)


def holds_privilege(caller: Process | Thread, privilege: str) -> bool:
    """Whether the caller's effective token holds a privilege; the system process holds all.

    A token that only tells who somebody is holds none.
    """
    token = caller.effective_token
    if isinstance(token, Token):
        return token.holds(privilege) and (token is caller.token or token.acts)
    return token is None and caller.process.pid == SYSTEM_PROCESS_ID


def require_privilege(caller: Process | Thread, privilege: str) -> None:
    """Raise STATUS_PRIVILEGE_NOT_HELD unless the caller's effective token holds a privilege."""
    if not holds_privilege(caller, privilege):
        raise st.NtError(st.STATUS_PRIVILEGE_NOT_HELD)
