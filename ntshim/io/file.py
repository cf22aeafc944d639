"""File objects: one for each open instance of a file, pipe or socket, however many handles lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.ke.header import DispatcherObject
from ntshim.ob.object import Object, ObjectType, Reparse
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.io.completion import IoCompletion
    from ntshim.io.device import Device
    from ntshim.io.queued import QueuedIrp
    from ntshim.ob.parse import ParseRequest
    from ntshim.ps.process import Thread
    from ntshim.se.descriptor import SecurityDescriptor

FILE_READ_DATA = 0x1
FILE_WRITE_DATA = 0x2
FILE_APPEND_DATA = 0x4
FILE_READ_EA = 0x8
FILE_WRITE_EA = 0x10
FILE_EXECUTE = 0x20
FILE_DELETE_CHILD = 0x40
FILE_READ_ATTRIBUTES = 0x80
FILE_WRITE_ATTRIBUTES = 0x100
# The same bits on a directory.
FILE_LIST_DIRECTORY = FILE_READ_DATA
FILE_ADD_FILE = FILE_WRITE_DATA
FILE_ADD_SUBDIRECTORY = FILE_APPEND_DATA


class FileType(ObjectType):
    """The type File."""

    __slots__ = ()

    has_parse_routine = True
    case_insensitive = True

    def parse(self, target: Object, request: ParseRequest) -> Object | Reparse:
        """Open relative to a file that serves as RootDirectory."""
        if not isinstance(target, File) or target.device is None:
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        return target.device.create(request, target)

    def is_container(self, target: Object) -> bool:
        """Ask the device."""
        return isinstance(target, File) and target.device is not None and target.device.is_container(target)

    def get_security(self, target: Object) -> SecurityDescriptor | None:
        """Ask the device: the descriptor is the file's, not that of one open instance."""
        file, device = self._served(target)
        return device.query_security(file)

    def put_security(self, target: Object, descriptor: SecurityDescriptor) -> None:
        """Have the device keep it."""
        file, device = self._served(target)
        device.set_security(file, descriptor)

    def _served(self, target: Object) -> tuple[File, Device]:
        """Give a file and who serves it; STATUS_INVALID_DEVICE_REQUEST for one that the host serves by itself."""
        if not isinstance(target, File) or target.device is None:
            raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
        return target, target.device

    def close(self, target: Object) -> None:
        """Tell the device, and who made the object, that the last handle is gone: IRP_MJ_CLEANUP."""
        if isinstance(target, File):
            target.clean_up()

    def delete(self, target: Object) -> None:
        """Tell the device that the last reference is gone: IRP_MJ_CLOSE."""
        if isinstance(target, File) and target.device is not None:
            target.clean_up()
            target.device.close(target)
            if target.completion is not None:
                target.completion[0].dereference()


FILE = make_type("File", FileType)


class File(DispatcherObject):
    """An open instance; `host_key` is what the host knows it by, `on_cleanup` is called when its last handle closes.

    It is signalled unless a request of it waits. `completion` is where finished requests are told, and under what key.
    `device` is who serves it, None if the host does all by itself; `context` is the device's own, `origin` the
    embedder's: how it came to be. `options` are NtCreateFile's, `position` is the byte where a synchronous file reads
    and writes next, `ea_position` the number of EAs that NtQueryEaFile has given.
    """

    __slots__ = (
        "_queued",
        "cleaned_up",
        "completion",
        "context",
        "device",
        "ea_position",
        "host_key",
        "on_cleanup",
        "options",
        "origin",
        "position",
        "signalled",
    )

    def __init__(
        self,
        host_key: Any = None,
        on_cleanup: Callable[[File], None] | None = None,
        device: Device | None = None,
        options: int = 0,
    ) -> None:
        """Make an instance that has its creator's reference."""
        super().__init__(FILE)
        self.host_key = host_key
        self.on_cleanup = on_cleanup
        self.device = device
        self.context: Any = None
        self.options = options
        self.origin: object = None
        self.position = 0
        self.ea_position = 0
        self.cleaned_up = False
        self._queued: dict[QueuedIrp, None] | None = None
        self.signalled = True
        self.completion: tuple[IoCompletion, Any] | None = None

    @property
    def queued(self) -> dict[QueuedIrp, None]:
        """The requests of this file that wait, in the order in which they came."""
        if self._queued is None:
            self._queued = {}
        return self._queued

    def is_signalled(self, thread: Thread | None) -> bool:  # noqa: ARG002 - anyone may wait
        """Whether no request of this file waits."""
        return self.signalled

    def set(self, *, signalled: bool) -> None:
        """Note that a request has begun to wait, or was finished."""
        self.signalled = signalled
        if signalled:
            self.wake()

    def cancel_queued(self) -> int:
        """Cancel all requests that wait; gives their number."""
        waiting = list(self._queued or ())
        for irp in waiting:
            if irp.status == st.STATUS_PENDING:
                irp.cancel()
        return len(waiting)

    def clean_up(self) -> None:
        """Release what counts as long as a handle is open: share access, delete-on-close. Happens once."""
        if self.cleaned_up:
            return
        self.cleaned_up = True
        if self.device is not None:
            self.device.cleanup(self)
        self.cancel_queued()
        if self.on_cleanup is not None:
            self.on_cleanup(self)


def served(target: Object) -> tuple[File, Device]:
    """Give a file and who serves it; STATUS_INVALID_DEVICE_REQUEST for one that the host serves alone."""
    if not isinstance(target, File) or target.device is None:
        raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
    return target, target.device
