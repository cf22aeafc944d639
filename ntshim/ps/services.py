"""The services on processes and threads."""

from __future__ import annotations

from typing import NamedTuple

from ntshim import status as st
from ntshim.ob.attributes import CapturedAttributes, GivenAttributes, capture
from ntshim.ob.handles import CURRENT_THREAD
from ntshim.ob.object import Object, ObjectType, grant_access, grant_new_access
from ntshim.ob.open import open_by_name
from ntshim.ps.process import (
    PROCESS,
    PROCESS_TERMINATE,
    THREAD,
    THREAD_QUERY_INFORMATION,
    THREAD_SET_INFORMATION,
    THREAD_SET_THREAD_TOKEN,
    THREAD_TERMINATE,
    Process,
    Thread,
)
from ntshim.se.token import TOKEN, TOKEN_IMPERSONATE, Token, holds_privilege
from ntshim.service import ServiceFamily, service

THREAD_AFFINITY_MASK = 4  # THREADINFOCLASS
THREAD_IMPERSONATION_TOKEN = 5


class ClientId(NamedTuple):
    """CLIENT_ID: the ids of a process and of a thread in it; 0 where only the other one is meant."""

    unique_process: int
    unique_thread: int = 0


class ProcessServices(ServiceFamily):
    """Processes and threads: their handles, their end, their affinity."""

    __slots__ = ()

    @service
    def NtOpenProcess(
        self,
        caller: Process | Thread,
        desired_access: int,
        attributes: GivenAttributes,
        client_id: ClientId | None = None,
    ) -> int:
        """Open a process by its id, or by the id of a thread in it too, or by name.

        STATUS_INVALID_PARAMETER_MIX for both id and name, or neither; STATUS_INVALID_CID; STATUS_ACCESS_DENIED,
        also above the ceiling that a pico provider sets for outsiders. By name: facts/nt.md section 1.1, below
        `ps.process.PROCESS_DIRECTORY`.
        """
        captured = _capture(attributes, client_id)
        if client_id is None:
            return open_by_name(self.executive.namespace, caller, attributes, PROCESS, desired_access)
        found = self.executive.find_client(client_id.unique_process)
        if client_id.unique_thread:
            thread = self.executive.find_client(client_id.unique_thread)
            if not isinstance(thread, Thread) or thread.process is not found:
                raise st.NtError(st.STATUS_INVALID_CID)
        return _open(caller, found, PROCESS, desired_access, captured)

    @service
    def NtOpenThread(
        self,
        caller: Process | Thread,
        desired_access: int,
        attributes: GivenAttributes,
        client_id: ClientId | None = None,
    ) -> int:
        """Open a thread by its id, with that of its process or 0, or by name; statuses as NtOpenProcess."""
        captured = _capture(attributes, client_id)
        if client_id is None:
            return open_by_name(self.executive.namespace, caller, attributes, THREAD, desired_access)
        found = self.executive.find_client(client_id.unique_thread)
        process_id = client_id.unique_process
        if process_id and isinstance(found, Thread) and found.process is not self.executive.find_client(process_id):
            raise st.NtError(st.STATUS_INVALID_CID)
        return _open(caller, found, THREAD, desired_access, captured)

    @service
    def NtTerminateProcess(self, caller: Process | Thread, handle: int, exit_status: int) -> None:
        """End a process; 0 ends the caller's other threads only. Needs PROCESS_TERMINATE.

        A pico process is ended by its provider, unless the caller is a process of that provider: a kill by the
        provider never calls it back. STATUS_PROCESS_IS_TERMINATING if somebody was first (facts/wsl1.md section 1.2).
        """
        if not handle:
            for thread in list(caller.process.threads.values()):
                if thread is not caller.thread:
                    self.executive.terminate_thread(thread, exit_status)
            return
        process = self._process(caller, handle, PROCESS_TERMINATE)
        if process.terminating:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        if caller.process.provider is process.provider:
            self.executive.terminate_process(process, exit_status)
        else:
            self.executive.terminate_from_outside(process, exit_status)

    @service
    def NtTerminateThread(self, caller: Process | Thread, handle: int, exit_status: int) -> None:
        """End a thread; 0 is the caller itself, refused with STATUS_CANT_TERMINATE_SELF if it is the last one.

        Needs THREAD_TERMINATE. STATUS_THREAD_IS_TERMINATING if it is gone already.
        """
        if not handle and len(caller.process.threads) == 1:
            raise st.NtError(st.STATUS_CANT_TERMINATE_SELF)
        thread = self._thread(caller, handle or CURRENT_THREAD, THREAD_TERMINATE)
        if self.executive.terminate_thread(thread, exit_status) == st.STATUS_NOTHING_TO_TERMINATE:
            raise st.NtError(st.STATUS_THREAD_IS_TERMINATING)

    @service
    def NtQueryInformationThread(self, caller: Process | Thread, handle: int, information_class: int) -> int:
        """Give the affinity mask of a thread, bit n for processor n; needs THREAD_QUERY_INFORMATION.

        Any other class than ThreadAffinityMask is STATUS_INVALID_INFO_CLASS.
        """
        if information_class != THREAD_AFFINITY_MASK:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        return self.executive.host.get_affinity(self._thread(caller, handle, THREAD_QUERY_INFORMATION))

    @service
    def NtSetInformationThread(
        self, caller: Process | Thread, handle: int, information_class: int, information: int
    ) -> None:
        """Change a thread.

        ThreadAffinityMask restricts it to the processors of a mask; needs THREAD_SET_INFORMATION. An empty mask is
        STATUS_INVALID_PARAMETER. ThreadImpersonationToken has it act in the name of the token with that handle, 0 is
        its process's own; needs THREAD_SET_THREAD_TOKEN, and statuses as `se.impersonation.set_thread_token`. Any
        other class is STATUS_INVALID_INFO_CLASS.
        """
        if not isinstance(information, int):
            raise st.NtError(st.STATUS_INFO_LENGTH_MISMATCH)
        if information_class == THREAD_IMPERSONATION_TOKEN:
            from ntshim.se.impersonation import set_thread_token

            thread = self._thread(caller, handle, THREAD_SET_THREAD_TOKEN)
            set_thread_token(thread, self._impersonation_token(caller, information) if information else None)
            return
        if information_class != THREAD_AFFINITY_MASK:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        if not information:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        self.executive.host.set_affinity(self._thread(caller, handle, THREAD_SET_INFORMATION), information)

    def _impersonation_token(self, caller: Process | Thread, handle: int) -> Token:
        """Give the token behind a handle that may be impersonated with."""
        return self._object(caller, handle, Token, TOKEN, TOKEN_IMPERSONATE)


def _capture(attributes: GivenAttributes, client_id: ClientId | None) -> CapturedAttributes:
    """Check that either a name or a client id tells what is to be opened."""
    if attributes is None:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    captured = capture(attributes)
    if (captured.name is None) == (client_id is None):
        raise st.NtError(st.STATUS_INVALID_PARAMETER_MIX)
    return captured


def _open(
    caller: Process | Thread,
    found: Object | None,
    object_type: ObjectType,
    desired_access: int,
    captured: CapturedAttributes,
) -> int:
    """Make the handle to what a client id stands for; SeDebugPrivilege asks no descriptor."""
    if found is None or found.type is not object_type:
        raise st.NtError(st.STATUS_INVALID_CID)
    if found.security is not None and holds_privilege(caller, "SeDebugPrivilege"):
        access = grant_new_access(found, caller, desired_access)
    else:
        access = grant_access(found, caller, desired_access)
    return caller.process.handles.insert(found, access, captured.attributes)
