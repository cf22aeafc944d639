"""The services on I/O completion ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.io.completion import (
    IO_COMPLETION,
    IO_COMPLETION_MODIFY_STATE,
    IO_COMPLETION_QUERY_STATE,
    FileIoCompletionInformation,
    IoCompletion,
    Removal,
)
from ntshim.ob.open import Created, insert_object, open_by_name
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.ob.attributes import GivenAttributes
    from ntshim.ps.process import Process, Thread

IO_COMPLETION_BASIC_INFORMATION = 0  # IO_COMPLETION_INFORMATION_CLASS


class IoCompletionBasicInformation(NamedTuple):
    """What NtQueryIoCompletion tells: how many packets there are."""

    depth: int


class IoCompletionServices(ServiceFamily):
    """I/O completion ports (facts/nt.md section 6).

    A port gets a packet for each request of an associated file that was finished (NtSetInformationFile,
    FileCompletionInformation), from its job, and from NtSetIoCompletion. Threads that wait are served last come,
    first served, and only while fewer than the port's number of them are active.
    """

    __slots__ = ()

    @service
    def NtCreateIoCompletion(
        self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes, count: int = 0
    ) -> Created:
        """Make a port that lets `count` threads work at a time; 0 stands for the number of processors."""
        maximum = count & 0xFFFFFFFF or self.executive.processor_count
        return insert_object(self.executive.namespace, caller, IoCompletion(maximum), attributes, desired_access)

    @service
    def NtOpenIoCompletion(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open a port."""
        return open_by_name(self.executive.namespace, caller, attributes, IO_COMPLETION, desired_access)

    @service
    def NtSetIoCompletion(
        self,
        caller: Process | Thread,
        handle: int,
        key_context: Any,
        apc_context: Any = None,
        io_status: int = st.STATUS_SUCCESS,
        information: int = 0,
    ) -> None:
        """Give a port a packet; needs IO_COMPLETION_MODIFY_STATE."""
        port = self._object(caller, handle, IoCompletion, IO_COMPLETION, IO_COMPLETION_MODIFY_STATE)
        port.post(FileIoCompletionInformation(key_context, apc_context, io_status, information))

    @service
    def NtRemoveIoCompletion(self, caller: Process | Thread, handle: int, timeout: int | None = None) -> Removal:
        """Take the oldest packet; needs IO_COMPLETION_MODIFY_STATE.

        Gives a request whose `status` is STATUS_PENDING as long as it waits, in the end STATUS_SUCCESS with a list of
        one packet as its `result`, STATUS_TIMEOUT, or STATUS_ABANDONED_WAIT_0 if the port's last handle was closed.
        Timeouts are as for `ke.wait_services`.
        """
        port = self._object(caller, handle, IoCompletion, IO_COMPLETION, IO_COMPLETION_MODIFY_STATE)
        removal = Removal(self.executive, caller, port, 1, alertable=False)
        removal.begin(timeout)
        return removal

    @service
    def NtRemoveIoCompletionEx(
        self,
        caller: Process | Thread,
        handle: int,
        count: int,
        timeout: int | None = None,
        *,
        alertable: bool = False,
    ) -> Removal:
        """Take the oldest packets, at most `count` and at least one; else as NtRemoveIoCompletion.

        STATUS_INVALID_PARAMETER for no place for a packet; STATUS_ALERTED and STATUS_USER_APC end an alertable wait.
        """
        if count <= 0:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        port = self._object(caller, handle, IoCompletion, IO_COMPLETION, IO_COMPLETION_MODIFY_STATE)
        removal = Removal(self.executive, caller, port, count, alertable=alertable)
        removal.begin(timeout)
        return removal

    @service
    def NtQueryIoCompletion(
        self, caller: Process | Thread, handle: int, information_class: int = IO_COMPLETION_BASIC_INFORMATION
    ) -> IoCompletionBasicInformation:
        """Tell how many packets there are; needs IO_COMPLETION_QUERY_STATE. STATUS_INVALID_INFO_CLASS for others."""
        if information_class != IO_COMPLETION_BASIC_INFORMATION:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        port = self._object(caller, handle, IoCompletion, IO_COMPLETION, IO_COMPLETION_QUERY_STATE)
        return IoCompletionBasicInformation(len(port.packets))
