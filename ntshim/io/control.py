"""NtFsControlFile and NtDeviceIoControlFile: control codes, the rights that stand in them, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.io.file import FILE, FILE_READ_DATA, FILE_WRITE_DATA, served
from ntshim.io.queued import QueuedIrp, signal_when_done
from ntshim.ke.event import EVENT, EVENT_MODIFY_STATE, Event
from ntshim.service import ServiceFamily, TooSmall, service

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread

FSCTL_REQUEST_OPLOCK_LEVEL_1 = 0x90000
FSCTL_REQUEST_OPLOCK_LEVEL_2 = 0x90004
FSCTL_REQUEST_BATCH_OPLOCK = 0x90008
FSCTL_OPLOCK_BREAK_ACKNOWLEDGE = 0x9000C
FSCTL_OPBATCH_ACK_CLOSE_PENDING = 0x90010
FSCTL_OPLOCK_BREAK_NOTIFY = 0x90014
FSCTL_OPLOCK_BREAK_ACK_NO_2 = 0x90050
FSCTL_REQUEST_FILTER_OPLOCK = 0x9005C
FSCTL_REQUEST_OPLOCK = 0x90240
FSCTL_SET_REPARSE_POINT = 0x900A4
FSCTL_GET_REPARSE_POINT = 0x900A8
FSCTL_DELETE_REPARSE_POINT = 0x900AC

_FILE_READ_ACCESS = 0x4000
_FILE_WRITE_ACCESS = 0x8000


class ControlServices(ServiceFamily):
    """What is done to files by control codes."""

    __slots__ = ()

    @service
    def NtFsControlFile(
        self,
        caller: Process | Thread,
        handle: int,
        fs_control_code: int,
        input_buffer: bytes = b"",
        output_length: int = 0,
        event: int = 0,
        apc_context: Any = None,
    ) -> bytes | QueuedIrp:
        """Have a file system do what a code says; gives its output, or the request if that is to wait.

        The codes that volumes know, with their statuses, are in `fs.control`; every other is
        STATUS_INVALID_DEVICE_REQUEST. STATUS_ACCESS_DENIED if the handle lacks what the code asks for;
        STATUS_BUFFER_TOO_SMALL, or STATUS_BUFFER_OVERFLOW if the output's first 8 bytes fit. `event`, which needs
        EVENT_MODIFY_STATE, is set when the request is done. Of one that had to wait, `apc_context` goes to the file's
        completion port.
        """
        entry = self._entry(caller, handle, FILE, _needed_access(fs_control_code))
        file, device = served(entry.object)
        signalled = self._object(caller, event, Event, EVENT, EVENT_MODIFY_STATE) if event else None
        answer = device.fs_control(caller, file, entry.access, fs_control_code, bytes(input_buffer), output_length)
        return _delivered(answer, output_length, signalled, apc_context)

    @service
    def NtDeviceIoControlFile(
        self,
        caller: Process | Thread,
        handle: int,
        io_control_code: int,
        input_buffer: bytes = b"",
        output_length: int = 0,
        event: int = 0,
        apc_context: Any = None,
    ) -> bytes | QueuedIrp:
        """Have a device do what a code says; as NtFsControlFile."""
        entry = self._entry(caller, handle, FILE, _needed_access(io_control_code))
        file, device = served(entry.object)
        signalled = self._object(caller, event, Event, EVENT, EVENT_MODIFY_STATE) if event else None
        answer = device.device_control(caller, file, entry.access, io_control_code, bytes(input_buffer))
        return _delivered(answer, output_length, signalled, apc_context)


def _needed_access(code: int) -> int:
    """Give the data rights that a code says it needs."""
    needed = FILE_READ_DATA if code & _FILE_READ_ACCESS else 0
    return needed | FILE_WRITE_DATA if code & _FILE_WRITE_ACCESS else needed


def _delivered(
    answer: bytes | QueuedIrp, output_length: int, event: Event | None, apc_context: Any
) -> bytes | QueuedIrp:
    """Give output that fits, or the request."""
    if isinstance(answer, QueuedIrp):
        signal_when_done(answer, event, apc_context)
        return answer
    if len(answer) > output_length:
        header_fits = output_length >= 8
        status = st.STATUS_BUFFER_OVERFLOW if header_fits else st.STATUS_BUFFER_TOO_SMALL
        raise TooSmall(status, len(answer))
    if event is not None:
        event.set(signalled=True)
    return answer
