"""Tokens, as far as privileges go: who may do what no access mask speaks of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ob.object import Object
from ntshim.ob.types import make_type
from ntshim.ps.process import SYSTEM_PROCESS_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ntshim.ps.process import Process, Thread

SE_CREATE_PERMANENT_PRIVILEGE = "SeCreatePermanentPrivilege"
SE_CREATE_SYMBOLIC_LINK_PRIVILEGE = "SeCreateSymbolicLinkPrivilege"
# What every user has: to pass directories that he may not list.
SE_CHANGE_NOTIFY_PRIVILEGE = "SeChangeNotifyPrivilege"

TOKEN = make_type("Token")


class Token(Object):
    """What a process may do beside what access masks say."""

    __slots__ = ("privileges",)

    def __init__(self, privileges: Iterable[str] = ()) -> None:
        """Make a token that holds privileges, by their SE_..._NAME."""
        super().__init__(TOKEN)
        self.privileges = frozenset(privileges)


def holds_privilege(caller: Process | Thread, privilege: str) -> bool:
    """Whether the caller's token holds a privilege; the system process holds all."""
    token = caller.token
    return caller.process.pid == SYSTEM_PROCESS_ID or (isinstance(token, Token) and privilege in token.privileges)


def require_privilege(caller: Process | Thread, privilege: str) -> None:
    """Raise STATUS_PRIVILEGE_NOT_HELD unless the caller holds a privilege."""
    if not holds_privilege(caller, privilege):
        raise st.NtError(st.STATUS_PRIVILEGE_NOT_HELD)
