"""Acting in somebody else's name: which token a thread gets, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.se.access import effective_token
from ntshim.se.derive import duplicate_token
from ntshim.se.identity import (
    SECURITY_ANONYMOUS,
    SECURITY_IDENTIFICATION,
    SECURITY_IMPERSONATION,
    TOKEN_IMPERSONATION,
    anonymous_token,
)
from ntshim.se.privileges import SE_IMPERSONATE_PRIVILEGE

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread
    from ntshim.se.token import Token


def set_thread_token(thread: Thread, token: Token | None) -> None:
    """Have a thread act in the name of a token, None is its process's own again.

    STATUS_BAD_TOKEN_TYPE for a primary token. One that the process may not act with is taken as far as telling who
    it is: at level SecurityIdentification (winnt.h, SeImpersonatePrivilege).
    """
    if token is None:
        thread.impersonate(None)
        return
    if token.identity.token_type != TOKEN_IMPERSONATION:
        raise st.NtError(st.STATUS_BAD_TOKEN_TYPE)
    if token.identity.impersonation_level < SECURITY_IMPERSONATION or _may_impersonate(thread.process, token):
        thread.impersonate(token)
    else:
        _adopt(thread, duplicate_token(token, TOKEN_IMPERSONATION, SECURITY_IDENTIFICATION))


def impersonate_thread(server: Thread, client: Thread, level: int) -> None:
    """Have a thread act in the name of another one; statuses as `derive.duplicate_token`."""
    if level == SECURITY_ANONYMOUS:
        _adopt(server, anonymous_token())
        return
    made = duplicate_token(effective_token(client), TOKEN_IMPERSONATION, level)
    try:
        set_thread_token(server, made)
    finally:
        made.dereference()


def impersonate_anonymous(thread: Thread) -> None:
    """Have a thread be nobody; STATUS_ACCESS_DENIED if its process is restricted."""
    if effective_token(thread.process).identity.restricted_sids:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    _adopt(thread, anonymous_token())


def _adopt(thread: Thread, made: Token) -> None:
    """Have a thread act with a new token, which only it has."""
    thread.impersonate(made)
    made.dereference()


def _may_impersonate(process: Process, token: Token) -> bool:
    """Whether a process may act with a token: by privilege, or with what is no more than its own."""
    own = effective_token(process)
    if own.holds(SE_IMPERSONATE_PRIVILEGE):
        return True
    mine, theirs = own.identity, token.identity
    return (
        mine.user == theirs.user
        and mine.integrity.last >= theirs.integrity.last
        and (not mine.restricted_sids or mine.restricted_sids == theirs.restricted_sids)
    )
