"""The services on tokens: opening, asking, adjusting, deriving, and acting in another one's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.ob.attributes import GivenAttributes, ObjectAttributes, capture
from ntshim.ob.object import grant_access, grant_new_access
from ntshim.ob.open import assign_object_security
from ntshim.ps.process import (
    PROCESS_QUERY_LIMITED_INFORMATION,
    THREAD_DIRECT_IMPERSONATION,
    THREAD_IMPERSONATE,
    THREAD_QUERY_LIMITED_INFORMATION,
)
from ntshim.se import impersonation, token_information
from ntshim.se.derive import duplicate_token, filter_token
from ntshim.se.identity import (
    SE_GROUP_ENABLED,
    SE_GROUP_ENABLED_BY_DEFAULT,
    SE_GROUP_MANDATORY,
    SE_GROUP_USE_FOR_DENY_ONLY,
    SECURITY_ANONYMOUS,
    SECURITY_IDENTIFICATION,
    SECURITY_IMPERSONATION,
    TOKEN_IMPERSONATION,
    SidAndAttributes,
)
from ntshim.se.privileges import (
    SE_PRIVILEGE_ENABLED,
    SE_PRIVILEGE_REMOVED,
    SE_PRIVILEGE_USED_FOR_ACCESS,
    LuidAndAttributes,
    name_of_privilege,
)
from ntshim.se.token import (
    TOKEN,
    TOKEN_ADJUST_GROUPS,
    TOKEN_ADJUST_PRIVILEGES,
    TOKEN_DUPLICATE,
    TOKEN_QUERY,
    Token,
)
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ntshim.ps.process import Process, Thread
    from ntshim.se.sid import Sid


class AdjustedPrivileges(NamedTuple):
    """What NtAdjustPrivilegesToken tells: the privileges it changed, as they were, and whether that was all."""

    previous: list[LuidAndAttributes]
    status: int


class AdjustedGroups(NamedTuple):
    """What NtAdjustGroupsToken tells: the groups it changed, as they were, and whether that was all."""

    previous: list[SidAndAttributes]
    status: int


class PrivilegeCheck(NamedTuple):
    """What NtPrivilegeCheck tells: the result, and the privileges, those that are held marked as used."""

    result: bool
    privileges: list[LuidAndAttributes]


class TokenServices(ServiceFamily):
    """Tokens, the primary ones of processes and those that threads impersonate with."""

    __slots__ = ()

    @service
    def NtOpenProcessToken(self, caller: Process | Thread, handle: int, desired_access: int) -> int:
        """Open the primary token of a process; as NtOpenProcessTokenEx without attributes."""
        process = self._process(caller, handle, PROCESS_QUERY_LIMITED_INFORMATION)
        return _open_process_token(caller, process, desired_access, 0)

    @service
    def NtOpenProcessTokenEx(
        self, caller: Process | Thread, handle: int, desired_access: int, handle_attributes: int = 0
    ) -> int:
        """Open the primary token of a process; needs PROCESS_QUERY_LIMITED_INFORMATION.

        STATUS_NO_TOKEN for a process without one, STATUS_ACCESS_DENIED as for every object (OpenProcessToken function).
        """
        process = self._process(caller, handle, PROCESS_QUERY_LIMITED_INFORMATION)
        return _open_process_token(caller, process, desired_access, handle_attributes)

    @service
    def NtOpenThreadToken(
        self, caller: Process | Thread, handle: int, desired_access: int, open_as_self: bool = False
    ) -> int:
        """Open the token that a thread impersonates with; as NtOpenThreadTokenEx without attributes."""
        thread = self._thread(caller, handle, THREAD_QUERY_LIMITED_INFORMATION)
        return _open_thread_token(caller, thread, desired_access, 0, open_as_self=open_as_self)

    @service
    def NtOpenThreadTokenEx(
        self,
        caller: Process | Thread,
        handle: int,
        desired_access: int,
        open_as_self: bool = False,
        handle_attributes: int = 0,
    ) -> int:
        """Open the token that a thread impersonates with; needs THREAD_QUERY_LIMITED_INFORMATION.

        `open_as_self` has the process's own token decide about the access. STATUS_NO_TOKEN for a thread that acts as
        itself, STATUS_CANT_OPEN_ANONYMOUS at level SecurityAnonymous (OpenThreadToken function).
        """
        thread = self._thread(caller, handle, THREAD_QUERY_LIMITED_INFORMATION)
        return _open_thread_token(caller, thread, desired_access, handle_attributes, open_as_self=open_as_self)

    @service
    def NtQueryInformationToken(self, caller: Process | Thread, handle: int, information_class: int) -> Any:
        """Tell of a token: what the class of `se.token_information` gives; STATUS_INVALID_INFO_CLASS.

        Needs TOKEN_QUERY, TokenSource TOKEN_QUERY_SOURCE. The impersonation level of a primary token is
        STATUS_INVALID_PARAMETER.
        """
        access = token_information.query_access(information_class)
        return token_information.query(self._object(caller, handle, Token, TOKEN, access), information_class)

    @service
    def NtSetInformationToken(
        self, caller: Process | Thread, handle: int, information_class: int, information: Any
    ) -> None:
        """Change owner, primary group, default DACL, session, integrity level or policy of a token.

        Needs TOKEN_ADJUST_DEFAULT, for the session TOKEN_ADJUST_SESSIONID too. Statuses: `token_information.change`.
        """
        access = token_information.change_access(information_class)
        token_information.change(
            caller, self._object(caller, handle, Token, TOKEN, access), information_class, information
        )

    @service
    def NtAdjustPrivilegesToken(
        self,
        caller: Process | Thread,
        handle: int,
        disable_all_privileges: bool,
        new_state: Sequence[LuidAndAttributes] = (),
        *,
        return_previous: bool = False,
    ) -> AdjustedPrivileges:
        """Enable, disable or, with SE_PRIVILEGE_REMOVED, give up privileges that the token has.

        Needs TOKEN_ADJUST_PRIVILEGES, to tell the previous state TOKEN_QUERY. STATUS_NOT_ALL_ASSIGNED, a success, if
        the token lacks some (AdjustTokenPrivileges function).
        """
        token = self._object(
            caller, handle, Token, TOKEN, TOKEN_ADJUST_PRIVILEGES | (TOKEN_QUERY if return_previous else 0)
        )
        wanted = new_state
        if disable_all_privileges:
            wanted = [LuidAndAttributes(each.luid) for each in token_information.privileges_of(token)]
        previous = []
        status = st.STATUS_SUCCESS
        for luid, attributes in wanted:
            name = name_of_privilege(luid)
            present = token.privileges.get(name)
            if present is None:
                status = st.STATUS_NOT_ALL_ASSIGNED
                continue
            changed = (present & ~SE_PRIVILEGE_ENABLED) | (attributes & SE_PRIVILEGE_ENABLED)
            if attributes & SE_PRIVILEGE_REMOVED:
                del token.privileges[name]
            else:
                token.privileges[name] = changed
            if attributes & SE_PRIVILEGE_REMOVED or changed != present:
                previous.append(LuidAndAttributes(luid, present))
        if previous:
            token.identity.modified()
        return AdjustedPrivileges(previous if return_previous else [], status)

    @service
    def NtAdjustGroupsToken(
        self,
        caller: Process | Thread,
        handle: int,
        reset_to_default: bool,
        new_state: Sequence[SidAndAttributes] = (),
        *,
        return_previous: bool = False,
    ) -> AdjustedGroups:
        """Enable or disable groups of a token, or all as they are by default; all or, if one is refused, none.

        Needs TOKEN_ADJUST_GROUPS, to tell the previous state TOKEN_QUERY. STATUS_CANT_DISABLE_MANDATORY,
        STATUS_CANT_ENABLE_DENY_ONLY; STATUS_NOT_ALL_ASSIGNED, a success, if the token is not in some
        (AdjustTokenGroups function).
        """
        token = self._object(
            caller, handle, Token, TOKEN, TOKEN_ADJUST_GROUPS | (TOKEN_QUERY if return_previous else 0)
        )
        groups = token.identity.groups
        wanted = {sid: bool(attributes & SE_GROUP_ENABLED) for sid, attributes in new_state}
        missing = set(wanted) - {group.sid for group in groups}
        if reset_to_default:
            wanted = {group.sid: bool(group.attributes & SE_GROUP_ENABLED_BY_DEFAULT) for group in groups}
            missing = set()
        adjusted = [_adjust(group, wanted, lenient=reset_to_default) for group in groups]
        previous = [old for old, new in zip(groups, adjusted, strict=True) if old != new]
        if previous:
            token.identity.groups = adjusted
            token.identity.modified()
        status = st.STATUS_NOT_ALL_ASSIGNED if missing else st.STATUS_SUCCESS
        return AdjustedGroups(previous if return_previous else [], status)

    @service
    def NtPrivilegeCheck(
        self,
        caller: Process | Thread,
        handle: int,
        required_privileges: Sequence[LuidAndAttributes],
        all_necessary: bool = True,
    ) -> PrivilegeCheck:
        """Tell whether a token has all, or one, of some privileges enabled; needs TOKEN_QUERY.

        STATUS_BAD_IMPERSONATION_LEVEL for a token at level SecurityAnonymous (PrivilegeCheck function).
        """
        token = self._object(caller, handle, Token, TOKEN, TOKEN_QUERY)
        identity = token.identity
        if identity.token_type == TOKEN_IMPERSONATION and identity.impersonation_level < SECURITY_IDENTIFICATION:
            raise st.NtError(st.STATUS_BAD_IMPERSONATION_LEVEL)
        held = [token.holds(name_of_privilege(luid)) for luid, _ in required_privileges]
        marked = [
            LuidAndAttributes(luid, attributes | (SE_PRIVILEGE_USED_FOR_ACCESS if has else 0))
            for (luid, attributes), has in zip(required_privileges, held, strict=True)
        ]
        return PrivilegeCheck(all(held) if all_necessary else any(held), marked)

    @service
    def NtDuplicateToken(
        self,
        caller: Process | Thread,
        handle: int,
        desired_access: int,
        attributes: GivenAttributes,
        effective_only: bool,
        token_type: int,
        impersonation_level: int = SECURITY_ANONYMOUS,
    ) -> int:
        """Make a token like another one; needs TOKEN_DUPLICATE. `desired_access` 0 is what the source handle has.

        `impersonation_level` is that of the attributes' quality of service. Statuses: `derive.duplicate_token`; the
        token gets the descriptor of the attributes, if there is one (DuplicateTokenEx function).
        """
        entry = self._entry(caller, handle, TOKEN, TOKEN_DUPLICATE)
        source = self._object(caller, handle, Token, TOKEN, TOKEN_DUPLICATE)
        captured = capture(attributes)
        explicit = attributes.security_descriptor if isinstance(attributes, ObjectAttributes) else None
        made = duplicate_token(source, token_type, impersonation_level, effective_only=effective_only)
        return _insert(caller, made, desired_access or entry.access, captured.attributes, explicit)

    @service
    def NtFilterToken(
        self,
        caller: Process | Thread,
        handle: int,
        flags: int,
        sids_to_disable: Sequence[SidAndAttributes] = (),
        privileges_to_delete: Sequence[LuidAndAttributes] = (),
        restricted_sids: Sequence[SidAndAttributes] = (),
    ) -> int:
        """Make a token that can do less; needs TOKEN_DUPLICATE. The handle has the access of the source's.

        `flags` are DISABLE_MAX_PRIVILEGE, SANDBOX_INERT, LUA_TOKEN, WRITE_RESTRICTED of `se.derive`
        (CreateRestrictedToken function). STATUS_INVALID_PARAMETER for others, and for a restricting SID with
        attributes.
        """
        entry = self._entry(caller, handle, TOKEN, TOKEN_DUPLICATE)
        source = self._object(caller, handle, Token, TOKEN, TOKEN_DUPLICATE)
        if any(attributes for _, attributes in restricted_sids):
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        made = filter_token(
            source,
            flags,
            _sids(sids_to_disable),
            [name_of_privilege(luid) for luid, _ in privileges_to_delete],
            _sids(restricted_sids),
        )
        return _insert(caller, made, entry.access, 0)

    @service
    def NtImpersonateThread(
        self,
        caller: Process | Thread,
        server_thread: int,
        client_thread: int,
        impersonation_level: int = SECURITY_IMPERSONATION,
    ) -> None:
        """Have one thread act in the name of another one.

        Needs THREAD_DIRECT_IMPERSONATION on `server_thread`, THREAD_IMPERSONATE on `client_thread`. Statuses:
        `derive.duplicate_token`.
        """
        server = self._thread(caller, server_thread, THREAD_DIRECT_IMPERSONATION)
        client = self._thread(caller, client_thread, THREAD_IMPERSONATE)
        impersonation.impersonate_thread(server, client, impersonation_level)

    @service
    def NtImpersonateAnonymousToken(self, caller: Process | Thread, handle: int) -> None:
        """Have a thread act as nobody; needs THREAD_IMPERSONATE.

        STATUS_ACCESS_DENIED if its process is restricted (ImpersonateAnonymousToken function).
        """
        impersonation.impersonate_anonymous(self._thread(caller, handle, THREAD_IMPERSONATE))


def _insert(caller: Process | Thread, made: Token, access: int, attributes: int, explicit: object = None) -> int:
    """Make the handle to a new token, whose first reference goes with that."""
    try:
        if explicit is not None:
            assign_object_security(made, caller, explicit)
        return caller.process.handles.insert(made, grant_new_access(made, caller, access), attributes)
    finally:
        made.dereference()


def _open_process_token(caller: Process | Thread, process: Process, desired: int, attributes: int) -> int:
    """Open a process's token."""
    if process.token is None:
        raise st.NtError(st.STATUS_NO_TOKEN)
    access = grant_access(process.token, caller, desired)
    return caller.process.handles.insert(process.token, access, attributes)


def _open_thread_token(
    caller: Process | Thread, thread: Thread, desired: int, attributes: int, *, open_as_self: bool
) -> int:
    """Open a thread's token."""
    token = thread.impersonation
    if token is None:
        raise st.NtError(st.STATUS_NO_TOKEN)
    if isinstance(token, Token) and token.identity.impersonation_level == SECURITY_ANONYMOUS:
        raise st.NtError(st.STATUS_CANT_OPEN_ANONYMOUS)
    access = grant_access(token, caller.process if open_as_self else caller, desired)
    return caller.process.handles.insert(token, access, attributes)


def _sids(given: Iterable[SidAndAttributes]) -> list[Sid]:
    """Give the SIDs alone, each of them well-formed: STATUS_INVALID_SID."""
    sids = [each.sid for each in given]
    for sid in sids:
        sid.to_bytes()
    return sids


def _adjust(group: SidAndAttributes, wanted: dict[Sid, bool], *, lenient: bool) -> SidAndAttributes:
    """Give a group as it is wanted; `lenient` leaves it where it may not be changed."""
    enable = wanted.get(group.sid)
    if enable is None:
        return group
    refusal = 0
    if not enable and group.attributes & SE_GROUP_MANDATORY:
        refusal = st.STATUS_CANT_DISABLE_MANDATORY
    elif enable and group.attributes & SE_GROUP_USE_FOR_DENY_ONLY:
        refusal = st.STATUS_CANT_ENABLE_DENY_ONLY
    if not refusal:
        return token_information.adjust_group(group, enable=enable)
    if not lenient:
        raise st.NtError(refusal)
    return group
