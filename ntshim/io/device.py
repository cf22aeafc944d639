"""Device objects: where a name leaves the object namespace, and who serves the files behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.ob.object import Object, ObjectType, Reparse
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.fs.mapped import SectionObjectPointers
    from ntshim.io.directory import DirectoryQuery
    from ntshim.io.ea import FileFullEaInformation
    from ntshim.io.file import File
    from ntshim.io.irp import Irp
    from ntshim.io.locks import ByteRangeLocks
    from ntshim.io.queued import QueuedIrp
    from ntshim.ob.parse import ParseRequest
    from ntshim.ps.process import Process, Thread
    from ntshim.se.descriptor import SecurityDescriptor


class DeviceType(ObjectType):
    """The type Device."""

    __slots__ = ()

    has_parse_routine = True
    case_insensitive = True

    def parse(self, target: Object, request: ParseRequest) -> Object | Reparse:
        """Hand the rest of the name to the device: IRP_MJ_CREATE; who brings no context cannot mean a file."""
        if not isinstance(target, Device) or request.context is None:
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        return target.create(request, None)


DEVICE = make_type("Device", DeviceType)


class Device(Object):
    """A device: one routine for each major function, as in a driver's dispatch table.

    What a device does not serve is STATUS_INVALID_DEVICE_REQUEST. `native` says that somebody else performs its
    creations, renames and links, and completes them.
    """

    __slots__ = ("native",)

    def __init__(self, *, native: bool = False) -> None:
        """Make a device."""
        super().__init__(DEVICE)
        self.native = native

    def create(self, request: ParseRequest, related: File | None) -> File:
        """Decide about opening `request.name`, relative to `related` if there is one.

        `request.context` is an `irp.CreateContext`; its `irp` is set to the creation, which is still to be performed.
        """
        raise _unserved(request, related)

    def cleanup(self, file: File) -> None:
        """The last handle of a file is gone."""

    def close(self, file: File) -> None:
        """The last reference to a file is gone."""

    def read(self, file: File, offset: int, length: int) -> bytes:
        """Read up to `length` bytes at `offset`; STATUS_END_OF_FILE if none are there."""
        raise _unserved(file, offset, length)

    def write(self, file: File, offset: int | None, data: bytes) -> tuple[int, int]:
        """Write at `offset`, None is the end; give the bytes written and the offset behind them."""
        raise _unserved(file, offset, data)

    def byte_range_locks(self, file: File) -> ByteRangeLocks:
        """Give the locks of what is open: IRP_MJ_LOCK_CONTROL."""
        raise _unserved(file)

    def check_locks(
        self, file: File, process: Process, key: int, offset: int | None, length: int, *, writes: bool
    ) -> None:
        """Refuse to read or write bytes that a lock keeps from this file, process and key; None is the end."""

    def page_in(self, file: File, offset: int, length: int) -> bytes:
        """Read for a section, nothing at the end: no lock, oplock or alignment matters, and no handle need be left."""
        raise _unserved(file, offset, length)

    def page_out(self, file: File, offset: int, data: bytes) -> None:
        """Write for a section, within the file."""
        raise _unserved(file, offset, data)

    def section_object_pointers(self, file: File) -> SectionObjectPointers:
        """Give where the sections of what is open are counted; what is no file with data has none."""
        del file
        raise st.NtError(st.STATUS_INVALID_FILE_FOR_SECTION)

    def flush(self, file: File) -> None:
        """Bring what was written to the medium."""
        raise _unserved(file)

    def query_information(self, file: File, information_class: int) -> Any:
        """Give what NtQueryInformationFile asks for, one of the records of `io.query`."""
        raise _unserved(file, information_class)

    def set_information(self, file: File, record: Any, information_class: int) -> Irp | None:
        """Do what NtSetInformationFile asks for; gives an Irp that is still to be performed, or None if all is done."""
        raise _unserved(file, record, information_class)

    def query_volume_information(self, file: File, fs_information_class: int) -> Any:
        """Give what NtQueryVolumeInformationFile asks for, one of the records of `io.volume_query`."""
        raise _unserved(file, fs_information_class)

    def set_volume_information(self, file: File, record: Any, fs_information_class: int) -> None:
        """Do what NtSetVolumeInformationFile asks for."""
        raise _unserved(file, record, fs_information_class)

    def check_target(self, caller: Process | Thread, file: File, destination: Any) -> None:
        """Let a caller give a file the name that a rename or link leads to: STATUS_ACCESS_DENIED."""

    def check_case_flag(self, caller: Process | Thread, file: File) -> None:
        """Let a caller say whether names in a directory are exact: STATUS_ACCESS_DENIED."""

    def query_security(self, file: File) -> SecurityDescriptor | None:
        """Give the security descriptor of an open file, None if it has none."""
        raise _unserved(file)

    def set_security(self, file: File, descriptor: SecurityDescriptor) -> None:
        """Replace the security descriptor of an open file."""
        raise _unserved(file, descriptor)

    def is_container(self, file: File) -> bool:  # noqa: ARG002 - a volume has directories
        """Whether files are made below an open file."""
        return False

    def query_directory(self, file: File, query: DirectoryQuery) -> list[Any]:
        """Give the next entries of a directory, records of `io.directory`."""
        raise _unserved(file, query)

    def notify_change_directory(
        self, file: File, length: int, completion_filter: int, information_class: int, *, watch_tree: bool
    ) -> QueuedIrp:
        """Queue a request for the next changes in a directory."""
        raise _unserved(file, length, completion_filter, information_class, watch_tree)

    def before_lock(self, file: File) -> None:
        """A range of bytes is going to be locked."""

    def query_eas(self, file: File) -> list[FileFullEaInformation]:
        """Give all extended attributes of a file."""
        raise _unserved(file)

    def set_eas(self, file: File, attributes: list[FileFullEaInformation]) -> None:
        """Set extended attributes that are checked; an empty value removes."""
        raise _unserved(file, attributes)

    def fs_control(
        self, caller: Process | Thread, file: File, access: int, code: int, data: bytes, output_length: int
    ) -> Any:
        """Do what NtFsControlFile asks for with a handle's access; gives bytes, or a QueuedIrp that waits."""
        raise _unserved(caller, file, access, code, data, output_length)

    def device_control(self, caller: Process | Thread, file: File, access: int, code: int, data: bytes) -> Any:
        """Do what NtDeviceIoControlFile asks for."""
        raise _unserved(caller, file, access, code, data)


def _unserved(*_: object) -> st.NtError:
    """Make the refusal of a routine that a device does not have."""
    return st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
