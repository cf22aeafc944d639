"""The service on changes in directories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.io.file import FILE, FILE_LIST_DIRECTORY, File
from ntshim.io.queued import signal_when_done
from ntshim.ke.event import EVENT, EVENT_MODIFY_STATE, Event
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.io.queued import QueuedIrp
    from ntshim.ps.process import Process, Thread

_LONGEST = 0xFFFFFFFF
_DIRECTORY_NOTIFY_INFORMATION = 1


class NotifyServices(ServiceFamily):
    """Notification of changes in directories."""

    __slots__ = ()

    @service
    def NtNotifyChangeDirectoryFile(
        self,
        caller: Process | Thread,
        handle: int,
        length: int,
        completion_filter: int,
        watch_tree: bool = False,
        event: int = 0,
        apc_context: Any = None,
    ) -> QueuedIrp:
        """Ask for the next changes in a directory; needs FILE_LIST_DIRECTORY.

        The first request of a handle fixes the FILE_NOTIFY_CHANGE_ bits of `completion_filter`, whether all below is
        meant, and the bytes of the buffer in which changes wait for the next request. The request gives a list of
        `fs.notified.FileNotifyInformation`; its status is STATUS_NOTIFY_ENUM_DIR, with 0 bytes, if changes were lost or
        do not fit into `length` bytes, STATUS_NOTIFY_CLEANUP if the handle was closed, STATUS_DELETE_PENDING if the
        directory is deleted. `event` is reset, and set at the end; `apc_context` goes to the file's completion port.
        STATUS_INVALID_PARAMETER for a file, no filter or an unknown one.
        Source: facts/nt.md section 3.10, MS-FSA 2.1.5.10.2.
        """
        return self.NtNotifyChangeDirectoryFileEx(
            caller, handle, length, completion_filter, watch_tree, event, apc_context
        )

    @service
    def NtNotifyChangeDirectoryFileEx(
        self,
        caller: Process | Thread,
        handle: int,
        length: int,
        completion_filter: int,
        watch_tree: bool = False,
        event: int = 0,
        apc_context: Any = None,
        information_class: int = _DIRECTORY_NOTIFY_INFORMATION,
    ) -> QueuedIrp:
        """Ask for the next changes in a directory, each told by a record of a class of `fs.notified`.

        As NtNotifyChangeDirectoryFile; the first request of a handle fixes the class too. The extended class tells
        times, sizes, attributes and ids besides; STATUS_INVALID_INFO_CLASS. Source: WDK, ntifs.h.
        """
        file = self._entry(caller, handle, FILE, FILE_LIST_DIRECTORY).object
        if not isinstance(file, File) or file.device is None:
            raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
        signalled = self._object(caller, event, Event, EVENT, EVENT_MODIFY_STATE) if event else None
        if not 0 <= length <= _LONGEST:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        irp = file.device.notify_change_directory(
            file, length, completion_filter, information_class, watch_tree=bool(watch_tree)
        )
        signal_when_done(irp, signalled, apc_context)
        return irp
