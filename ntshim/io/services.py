"""The services on files: opening, information, data, directories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.io import create, query
from ntshim.io.create import CreateRequest
from ntshim.io.file import (
    FILE,
    FILE_APPEND_DATA,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    FILE_WRITE_DATA,
    File,
)
from ntshim.io.irp import CreateContext, CreateIrp, Irp, TargetContext
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes, UnicodeString, capture_for_open, capture_name
from ntshim.ob.object import ACCESS_SYSTEM_SECURITY, DELETE
from ntshim.ob.parse import ParseRequest, look_up
from ntshim.se.token import holds_privilege, require_privilege
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ntshim.io.device import Device
    from ntshim.io.ea import FileFullEaInformation
    from ntshim.ob.attributes import GivenAttributes
    from ntshim.ob.handles import HandleEntry
    from ntshim.ps.process import Process, Thread
    from ntshim.se.descriptor import SecurityDescriptor

_SYNCHRONOUS = create.FILE_SYNCHRONOUS_IO_ALERT | create.FILE_SYNCHRONOUS_IO_NONALERT
_MOST_OFFSET = (1 << 63) - 1
_LENGTH_END = 1 << 32
FILE_WRITE_TO_END_OF_FILE = -1
FILE_USE_FILE_POINTER_POSITION = -2


class CreateAnswer(NamedTuple):
    """What NtCreateFile gives.

    With STATUS_SUCCESS a `handle` and `information`, how it came about; STATUS_OPLOCK_BREAK_IN_PROGRESS says besides
    that the holder of an oplock has still to answer (FILE_COMPLETE_IF_OPLOCKED). With STATUS_PENDING no handle, but
    `irp`, which somebody performs natively and then completes and installs, or fails.
    """

    status: int
    handle: int
    information: int
    irp: CreateIrp | None = None


class Destination(NamedTuple):
    """Where a rename or link leads, for the device: a `name` beside the old one, or a `place` that was looked up."""

    name: str
    place: Any
    flags: int


class FileServices(ServiceFamily):
    """Files on the devices of the namespace. Names and handles are the caller's."""

    __slots__ = ()

    @service
    def NtCreateFile(
        self,
        caller: Process | Thread,
        desired_access: int,
        object_attributes: GivenAttributes,
        file_attributes: int,
        share_access: int,
        create_disposition: int,
        create_options: int,
        extra: object = None,
        ea_buffer: Sequence[FileFullEaInformation] = (),
    ) -> CreateAnswer:
        """Open or make a file (facts/nt.md sections 3.1 to 3.4, 3.7); `io.create` has the rules and their order.

        `extra` is what the device of the name wants besides. `ea_buffer` is what a file that is made or replaced has
        for EAs; STATUS_INVALID_EA_NAME and what else NtSetEaFile answers. Raises NameReserved if the name belongs to
        a request that is being performed.
        """
        request = CreateRequest(desired_access, share_access, create_disposition, create_options, file_attributes)
        return self._create(caller, request, object_attributes, extra, ea_buffer)

    @service
    def NtOpenFile(
        self,
        caller: Process | Thread,
        desired_access: int,
        object_attributes: GivenAttributes,
        share_access: int,
        open_options: int,
        extra: object = None,
    ) -> CreateAnswer:
        """Open a file that exists; as NtCreateFile with FILE_OPEN."""
        request = CreateRequest(desired_access, share_access, create.FILE_OPEN, open_options)
        return self._create(caller, request, object_attributes, extra)

    @service
    def NtQueryAttributesFile(
        self, caller: Process | Thread, object_attributes: GivenAttributes
    ) -> query.FileBasicInformation:
        """Give times and attributes of a file by name."""
        basic: query.FileBasicInformation = self._query_by_name(caller, object_attributes, query.FILE_BASIC_INFORMATION)
        return basic

    @service
    def NtQueryFullAttributesFile(
        self, caller: Process | Thread, object_attributes: GivenAttributes
    ) -> query.FileNetworkOpenInformation:
        """Give times, sizes and attributes of a file by name."""
        full: query.FileNetworkOpenInformation = self._query_by_name(
            caller, object_attributes, query.FILE_NETWORK_OPEN_INFORMATION
        )
        return full

    @service
    def NtDeleteFile(self, caller: Process | Thread, object_attributes: GivenAttributes) -> None:
        """Delete a file by name; a directory that is not empty stays, without an error (facts/nt.md section 3.5)."""
        request = CreateRequest(DELETE, FILE_SHARE_ALL, create.FILE_OPEN, create.FILE_DELETE_ON_CLOSE)
        self._open_file(caller, request, object_attributes).dereference()

    @service
    def NtQueryInformationFile(self, caller: Process | Thread, handle: int, information_class: int) -> Any:
        """Tell of an open file: a record of `io.query` or `io.stat`, a number or a name; STATUS_INVALID_INFO_CLASS."""
        access = query.QUERY_ACCESS.get(information_class)
        if access is None:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        file, device, entry = self._device_file(caller, handle, access)
        if information_class in query.OF_THE_OPEN:
            from ntshim.io import opened

            return opened.query_open(file, entry, information_class)
        return device.query_information(file, information_class)

    @service
    def NtSetInformationFile(
        self, caller: Process | Thread, handle: int, information: Any, information_class: int, extra: object = None
    ) -> Irp | None:
        """Change an open file or its names (facts/nt.md sections 3.5, 3.6, 3.10, 4.5).

        `information` is FileBasicInformation, FileRenameInformation (for links too), FileCompletionInformation (once,
        and for no synchronous file: else STATUS_INVALID_PARAMETER), a bool for Disposition, flags for DispositionEx
        and CaseSensitive, create options for Mode, bytes for EndOfFile, Allocation, Position and ValidDataLength,
        which needs SeManageVolumePrivilege. Gives the request if its device has it performed natively, else None;
        `extra` is what the device of a new name wants besides. STATUS_INVALID_INFO_CLASS for other classes.
        """
        access = query.SET_ACCESS.get(information_class)
        if access is None:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        file, device, _ = self._device_file(caller, handle, access)
        if information_class in query.OF_THE_OPEN:
            from ntshim.io import opened

            opened.set_open(file, information, information_class)
            return None
        if information_class == query.FILE_COMPLETION_INFORMATION:
            self._associate(caller, file, information)
            return None
        if information_class == query.FILE_VALID_DATA_LENGTH_INFORMATION:
            require_privilege(caller, "SeManageVolumePrivilege")
        if information_class in query.RENAME_CLASSES or information_class in query.LINK_CLASSES:
            information = self._destination(caller, device, information, extra)
            device.check_target(caller, file, information)
        if information_class == query.FILE_CASE_SENSITIVE_INFORMATION:
            device.check_case_flag(caller, file)
        irp = device.set_information(file, information, information_class)
        if irp is None or device.native:
            return irp
        irp.perform()
        return None

    @service
    def NtReadFile(
        self, caller: Process | Thread, handle: int, length: int, byte_offset: int | None = None, key: int = 0
    ) -> bytes:
        """Read up to `length` bytes; STATUS_END_OF_FILE at the end (facts/nt.md section 3.10).

        Without an offset, or with FILE_USE_FILE_POINTER_POSITION, at the position that a synchronous file has.
        STATUS_FILE_LOCK_CONFLICT if another file object, process or key has locked some of it (section 3.8).
        """
        file, device, _ = self._device_file(caller, handle, FILE_READ_DATA)
        offset = _position(file, byte_offset)
        if not 0 <= length < _LENGTH_END:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        device.check_locks(file, caller.process, key, offset, length, writes=False)
        data = device.read(file, offset, length)
        if file.options & _SYNCHRONOUS:
            file.position = offset + len(data)
        return data

    @service
    def NtWriteFile(
        self, caller: Process | Thread, handle: int, data: bytes, byte_offset: int | None = None, key: int = 0
    ) -> int:
        """Write; gives the number of bytes. A handle that may only append writes at the end, wherever it is told.

        STATUS_FILE_LOCK_CONFLICT as NtReadFile, and for what anybody has locked shared.
        """
        file, device, entry = self._device_file(caller, handle, 0)
        if not entry.access & (FILE_WRITE_DATA | FILE_APPEND_DATA):
            raise st.NtError(st.STATUS_ACCESS_DENIED)
        at: int | None = None
        if byte_offset != FILE_WRITE_TO_END_OF_FILE:
            at = _position(file, byte_offset)
        if not entry.access & FILE_WRITE_DATA:
            at = None
        device.check_locks(file, caller.process, key, at, len(data), writes=True)
        count, end = device.write(file, at, data)
        if file.options & _SYNCHRONOUS:
            file.position = end
        return count

    @service
    def NtFlushBuffersFile(self, caller: Process | Thread, handle: int) -> None:
        """Bring what was written to the medium; needs FILE_WRITE_DATA or FILE_APPEND_DATA."""
        file, device, entry = self._device_file(caller, handle, 0)
        if not entry.access & (FILE_WRITE_DATA | FILE_APPEND_DATA):
            raise st.NtError(st.STATUS_ACCESS_DENIED)
        device.flush(file)

    @service
    def NtCancelIoFile(self, caller: Process | Thread, handle: int) -> None:
        """Cancel the requests of a file that wait; they end with STATUS_CANCELLED."""
        self._device_file(caller, handle, 0)[0].cancel_queued()

    def _create(
        self,
        caller: Process | Thread,
        request: CreateRequest,
        object_attributes: GivenAttributes,
        extra: object = None,
        eas: Sequence[FileFullEaInformation] = (),
    ) -> CreateAnswer:
        """Decide and, unless that is somebody else's part, perform."""
        irp, attributes = self._decide(caller, request, object_attributes, extra, eas)
        if irp.file.device is not None and irp.file.device.native:
            return CreateAnswer(st.STATUS_PENDING, 0, irp.information, irp)
        irp.perform()
        status = st.STATUS_OPLOCK_BREAK_IN_PROGRESS if irp.beside_break else st.STATUS_SUCCESS
        return CreateAnswer(status, irp.install(caller.process.handles, attributes), irp.information)

    def _decide(
        self,
        caller: Process | Thread,
        request: CreateRequest,
        object_attributes: GivenAttributes,
        extra: object = None,
        eas: Sequence[FileFullEaInformation] = (),
    ) -> tuple[CreateIrp, int]:
        """Validate, and have the name's device decide; gives the request and the handle's attributes."""
        may_audit = bool(request.access & ACCESS_SYSTEM_SECURITY) and holds_privilege(caller, "SeSecurityPrivilege")
        create.validate(request, may_audit=may_audit)
        name, root_directory, attributes = capture_for_open(object_attributes)
        if eas:
            eas = _checked_eas(request, eas)
        context = CreateContext(request, extra, eas, _given_security(object_attributes))
        parse = ParseRequest(caller, name, attributes, FILE, request.access, context)
        parse.is_binary = bool(request.options & create.FILE_OPEN_BY_FILE_ID)
        found = look_up(self.executive.namespace, parse, root_directory)
        if context.irp is None:
            found.dereference()
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        return context.irp, attributes

    def _open_file(self, caller: Process | Thread, request: CreateRequest, object_attributes: GivenAttributes) -> File:
        """Open without a handle; the caller has the file's reference."""
        irp, _ = self._decide(caller, request, object_attributes)
        irp.perform()
        return irp.file

    def _query_by_name(
        self, caller: Process | Thread, object_attributes: GivenAttributes, information_class: int
    ) -> Any:
        """Open for attributes, query, close."""
        options = create.FILE_OPEN_REPARSE_POINT
        request = CreateRequest(FILE_READ_ATTRIBUTES, FILE_SHARE_ALL, create.FILE_OPEN, options)
        file = self._open_file(caller, request, object_attributes)
        try:
            return None if file.device is None else file.device.query_information(file, information_class)
        finally:
            file.dereference()

    def _device_file(self, caller: Process | Thread, handle: int, access: int) -> tuple[File, Device, HandleEntry]:
        """Give the file behind a handle, and who serves it."""
        entry = self._entry(caller, handle, FILE, access)
        file = entry.object
        if not isinstance(file, File) or file.device is None:
            raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
        return file, file.device, entry

    def _associate(self, caller: Process | Thread, file: File, information: query.FileCompletionInformation) -> None:
        """Have a file's finished requests told at a completion port (WDK, FILE_COMPLETION_INFORMATION)."""
        from ntshim.io.completion import IO_COMPLETION, IO_COMPLETION_MODIFY_STATE, IoCompletion

        if file.options & _SYNCHRONOUS or file.completion is not None:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        port = self._object(caller, information.port, IoCompletion, IO_COMPLETION, IO_COMPLETION_MODIFY_STATE)
        port.reference()
        file.completion = (port, information.key)

    def _destination(
        self, caller: Process | Thread, device: Device, information: query.FileRenameInformation, extra: object
    ) -> Destination:
        """Find where a rename or link leads (facts/nt.md section 3.6)."""
        given, flags, root_directory = information
        if isinstance(given, UnicodeString) and given.length % 2:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        name = capture_name(given)
        if not name or (root_directory and name.startswith("\\")):
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        if not root_directory and not name.startswith("\\"):
            return Destination(name, None, flags)
        context = TargetContext(extra)
        parse = ParseRequest(caller, name, OBJ_CASE_INSENSITIVE, FILE, 0, context)
        look_up(self.executive.namespace, parse, root_directory).dereference()
        if context.volume is not device:
            raise st.NtError(st.STATUS_NOT_SAME_DEVICE)
        return Destination(name, context.place, flags)


def _given_security(object_attributes: GivenAttributes) -> SecurityDescriptor | None:
    """Check the descriptor that a new file is to have, if one is given."""
    if not isinstance(object_attributes, ObjectAttributes) or object_attributes.security_descriptor is None:
        return None
    from ntshim.se.descriptor import capture_descriptor

    return capture_descriptor(object_attributes.security_descriptor)


def _checked_eas(request: CreateRequest, given: Sequence[FileFullEaInformation]) -> list[FileFullEaInformation]:
    """Check EAs that come with an open; who does not know EAs cannot bring any (STATUS_ACCESS_DENIED)."""
    from ntshim.io import ea

    if request.options & create.FILE_NO_EA_KNOWLEDGE:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    return ea.merge([], ea.check(given))


def _position(file: File, byte_offset: int | None) -> int:
    """Give where to read or write: only a synchronous file has a position of its own (facts/nt.md section 3.10)."""
    if byte_offset is None or byte_offset == FILE_USE_FILE_POINTER_POSITION:
        if not file.options & _SYNCHRONOUS:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        return file.position
    if not 0 <= byte_offset <= _MOST_OFFSET:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    return byte_offset
