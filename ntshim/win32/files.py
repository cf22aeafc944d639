"""Win32's calls on files, as a process makes them over NT's services (facts/nt.md sections 3.1, 3.5 and 3.6)."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ntshim import rtl
from ntshim import status as st
from ntshim.fs.names import WINDOWS_10, WINDOWS_11
from ntshim.fs.reparse import build_symlink
from ntshim.io import create, query
from ntshim.io.control import FSCTL_SET_REPARSE_POINT
from ntshim.io.delete import FILE_DISPOSITION_DELETE, FILE_DISPOSITION_POSIX_SEMANTICS
from ntshim.io.file import FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES
from ntshim.io.irp import NameReserved
from ntshim.io.rename import FILE_RENAME_REPLACE_IF_EXISTS
from ntshim.io.share import FILE_SHARE_ALL, FILE_SHARE_READ, FILE_SHARE_WRITE
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.object import DELETE, GENERIC_ALL, GENERIC_WRITE, SYNCHRONIZE
from ntshim.win32 import errors
from ntshim.win32.errors import RtlNtStatusToDosError, Win32Error
from ntshim.win32.paths import nt_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.nt import NtServices
    from ntshim.ps.process import Process

CREATE_NEW = 1
CREATE_ALWAYS = 2
OPEN_EXISTING = 3
OPEN_ALWAYS = 4
TRUNCATE_EXISTING = 5

FILE_FLAG_WRITE_THROUGH = 0x80000000
FILE_FLAG_OVERLAPPED = 0x40000000
FILE_FLAG_NO_BUFFERING = 0x20000000
FILE_FLAG_SEQUENTIAL_SCAN = 0x08000000
FILE_FLAG_DELETE_ON_CLOSE = 0x04000000
FILE_FLAG_BACKUP_SEMANTICS = 0x02000000
FILE_FLAG_OPEN_REPARSE_POINT = 0x00200000

MOVEFILE_REPLACE_EXISTING = 0x1
MOVEFILE_COPY_ALLOWED = 0x2
MOVEFILE_WRITE_THROUGH = 0x8

SYMBOLIC_LINK_FLAG_DIRECTORY = 0x1
SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE = 0x2

BUILD_1809 = 17763
BUILD_WINDOWS_10_22H2 = 19045
BUILD_WINDOWS_11 = 22000

_DISPOSITIONS = {
    CREATE_NEW: create.FILE_CREATE,
    CREATE_ALWAYS: create.FILE_OVERWRITE_IF,
    OPEN_EXISTING: create.FILE_OPEN,
    OPEN_ALWAYS: create.FILE_OPEN_IF,
    TRUNCATE_EXISTING: create.FILE_OVERWRITE,
}
_OPTIONS = {
    FILE_FLAG_WRITE_THROUGH: create.FILE_WRITE_THROUGH,
    FILE_FLAG_NO_BUFFERING: create.FILE_NO_INTERMEDIATE_BUFFERING,
    FILE_FLAG_SEQUENTIAL_SCAN: create.FILE_SEQUENTIAL_ONLY,
    FILE_FLAG_DELETE_ON_CLOSE: create.FILE_DELETE_ON_CLOSE,
    FILE_FLAG_BACKUP_SEMANTICS: create.FILE_OPEN_FOR_BACKUP_INTENT,
    FILE_FLAG_OPEN_REPARSE_POINT: create.FILE_OPEN_REPARSE_POINT,
}
_ATTRIBUTES = 0xFFFF
# What a file system says that does not know the class, or the semantics, of POSIX.
_NO_POSIX = (st.STATUS_INVALID_INFO_CLASS, st.STATUS_INVALID_PARAMETER, st.STATUS_NOT_SUPPORTED)
_SYNCHRONOUS = create.FILE_SYNCHRONOUS_IO_NONALERT


class Win32Files:
    """The calls of one process; each raises Win32Error, whose `error` GetLastError gives as well.

    Paths are Win32's, relative ones count from `current`. `build` is that of Windows: from BUILD_1809 on files are
    deleted the POSIX way, from BUILD_WINDOWS_11 on fewer names are reserved. `long_paths`: both the program and the
    machine allow paths over MAX_PATH. A request that a device has others perform is STATUS_NOT_SUPPORTED.
    """

    def __init__(
        self,
        nt: NtServices,
        process: Process,
        *,
        current: str = "C:\\",
        build: int = BUILD_WINDOWS_10_22H2,
        long_paths: bool = False,
    ) -> None:
        """Call `nt` in the name of `process`."""
        self._nt = nt
        self._process = process
        self._build = build
        self._long_paths = long_paths
        self._last_error = 0
        self.current = current

    @property
    def version(self) -> int:
        """The version of Windows, 10 or 11."""
        return WINDOWS_11 if self._build >= BUILD_WINDOWS_11 else WINDOWS_10

    def GetLastError(self) -> int:
        """Give the error of the last call that set one."""
        return self._last_error

    def CreateFileW(
        self,
        file_name: str,
        desired_access: int,
        share_mode: int,
        creation_disposition: int,
        flags_and_attributes: int = 0,
    ) -> int:
        """Open or make a file; gives its handle.

        A directory needs FILE_FLAG_BACKUP_SEMANTICS, else error 5. CREATE_NEW of what exists is error 80;
        CREATE_ALWAYS and OPEN_ALWAYS leave 183 as last error if the file was there. TRUNCATE_EXISTING needs
        GENERIC_WRITE, else error 87.
        """
        with self._call():
            disposition = _DISPOSITIONS.get(creation_disposition)
            writes = desired_access & (GENERIC_WRITE | GENERIC_ALL)
            if disposition is None or (creation_disposition == TRUNCATE_EXISTING and not writes):
                raise st.NtError(st.STATUS_INVALID_PARAMETER)
            options = sum(option for flag, option in _OPTIONS.items() if flags_and_attributes & flag)
            if not flags_and_attributes & FILE_FLAG_OVERLAPPED:
                options |= _SYNCHRONOUS
            if not flags_and_attributes & FILE_FLAG_BACKUP_SEMANTICS:
                options |= create.FILE_NON_DIRECTORY_FILE
            access = desired_access | SYNCHRONIZE | FILE_READ_ATTRIBUTES
            if flags_and_attributes & FILE_FLAG_DELETE_ON_CLOSE:
                access |= DELETE
            attributes = flags_and_attributes & _ATTRIBUTES & create.FILE_ATTRIBUTE_VALID_FLAGS
            try:
                handle, information = self._create(file_name, access, share_mode, disposition, options, attributes)
            except st.NtError as error:
                if error.status == st.STATUS_OBJECT_NAME_COLLISION and creation_disposition == CREATE_NEW:
                    raise Win32Error(errors.ERROR_FILE_EXISTS, error.status) from None
                raise
        if creation_disposition in (CREATE_ALWAYS, OPEN_ALWAYS) and information != create.FILE_CREATED:
            self._last_error = errors.ERROR_ALREADY_EXISTS
        return handle

    def CloseHandle(self, handle: int) -> None:
        """Close a handle."""
        with self._call():
            self._nt.NtClose(self._process, handle)

    def CreateDirectoryW(self, path_name: str) -> None:
        """Make a directory; error 183 if the name is taken, 206 for a path of 248 units or more."""
        with self._call():
            handle, _ = self._create(
                path_name,
                FILE_LIST_DIRECTORY | SYNCHRONIZE,
                FILE_SHARE_READ | FILE_SHARE_WRITE,
                create.FILE_CREATE,
                create.FILE_DIRECTORY_FILE | _SYNCHRONOUS,
                makes_directory=True,
            )
            self._nt.NtClose(self._process, handle)

    def DeleteFileW(self, file_name: str) -> None:
        """Delete a file, or a link; error 5 for a directory or READONLY, 32 if an open does not share that."""
        with self._call():
            self._delete(file_name, create.FILE_NON_DIRECTORY_FILE)

    def RemoveDirectoryW(self, path_name: str) -> None:
        """Delete a directory; error 267 for a file, 145 if it is not empty, 32 if an open does not share that."""
        with self._call():
            self._delete(path_name, create.FILE_DIRECTORY_FILE)

    def MoveFileExW(self, existing_name: str, new_name: str, flags: int = 0) -> None:
        """Rename; error 183 if the name is taken, 5 if what has it may not be replaced, 17 for another volume.

        Flags are MOVEFILE_REPLACE_EXISTING and MOVEFILE_WRITE_THROUGH; to copy, or to wait for the next start, is
        error 50.
        """
        with self._call():
            if flags & ~(MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH | MOVEFILE_COPY_ALLOWED):
                raise st.NtError(st.STATUS_NOT_SUPPORTED)
            target = self._name(new_name)
            replace = FILE_RENAME_REPLACE_IF_EXISTS if flags & MOVEFILE_REPLACE_EXISTING else 0
            with self._opened(existing_name, DELETE, create.FILE_OPEN_REPARSE_POINT) as handle:
                try:
                    self._set(handle, query.FileRenameInformation(target, replace), query.FILE_RENAME_INFORMATION)
                except st.NtError as error:
                    if error.status == st.STATUS_NOT_SAME_DEVICE and flags & MOVEFILE_COPY_ALLOWED:
                        raise st.NtError(st.STATUS_NOT_SUPPORTED) from None
                    raise

    def CreateHardLinkW(self, file_name: str, existing_file_name: str) -> None:
        """Give a file one more name; error 183 if it is taken, 5 for a directory."""
        with self._call():
            name = self._name(file_name)
            with self._opened(existing_file_name, FILE_WRITE_ATTRIBUTES, create.FILE_OPEN_REPARSE_POINT) as handle:
                self._set(handle, query.FileRenameInformation(name, 0), query.FILE_LINK_INFORMATION)

    def CreateSymbolicLinkW(self, link_name: str, target_name: str, flags: int = 0) -> None:
        """Make a symbolic link, to a directory with SYMBOLIC_LINK_FLAG_DIRECTORY.

        Error 1314 without the privilege, 183 if the name is taken.
        """
        with self._call():
            if flags & ~(SYMBOLIC_LINK_FLAG_DIRECTORY | SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE):
                raise st.NtError(st.STATUS_INVALID_PARAMETER)
            is_directory = flags & SYMBOLIC_LINK_FLAG_DIRECTORY
            kind = create.FILE_DIRECTORY_FILE if is_directory else create.FILE_NON_DIRECTORY_FILE
            data = self._link_data(target_name)
            options = kind | create.FILE_OPEN_REPARSE_POINT | _SYNCHRONOUS
            access = DELETE | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE
            handle, _ = self._create(link_name, access, 0, create.FILE_CREATE, options)
            try:
                self._nt.NtFsControlFile(self._process, handle, FSCTL_SET_REPARSE_POINT, data)
            except st.NtError:
                with suppress(st.NtError):
                    self._set(handle, True, query.FILE_DISPOSITION_INFORMATION)
                raise
            finally:
                self._nt.NtClose(self._process, handle)

    def GetFileAttributesW(self, file_name: str) -> int:
        """Give a file's attributes; those of a DOS device are ARCHIVE."""
        with self._call():
            if rtl.RtlIsDosDeviceName_U(file_name, self.version):
                self._name(file_name)
                return create.FILE_ATTRIBUTE_ARCHIVE
            name = ObjectAttributes(self._name(file_name), attributes=OBJ_CASE_INSENSITIVE)
            found = self._nt.NtQueryAttributesFile(self._process, name).file_attributes
            return found or create.FILE_ATTRIBUTE_NORMAL

    def SetFileAttributesW(self, file_name: str, attributes: int) -> None:
        """Change a file's attributes, to none with FILE_ATTRIBUTE_NORMAL or 0."""
        with self._call(), self._opened(file_name, FILE_WRITE_ATTRIBUTES, create.FILE_OPEN_REPARSE_POINT) as handle:
            given = attributes & create.FILE_ATTRIBUTE_VALID_SET_FLAGS or create.FILE_ATTRIBUTE_NORMAL
            self._set(handle, query.FileBasicInformation(file_attributes=given), query.FILE_BASIC_INFORMATION)

    @contextmanager
    def _call(self) -> Iterator[None]:
        """Show NT's statuses as Win32 errors; a name that somebody is just making is for the caller to wait for."""
        try:
            yield
        except NameReserved:
            raise
        except Win32Error as error:
            self._last_error = error.error
            raise
        except st.NtError as error:
            self._last_error = RtlNtStatusToDosError(error.status)
            raise Win32Error(self._last_error, error.status) from error

    def _name(self, path: str, *, makes_directory: bool = False) -> str:
        return nt_name(
            path,
            self.current,
            self._is_directory,
            version=self.version,
            long_paths=self._long_paths,
            makes_directory=makes_directory,
        )

    def _is_directory(self, full: str) -> bool:
        """Whether a directory is there, by its full Win32 path."""
        name = ObjectAttributes(rtl.RtlDosPathNameToNtPathName_U(full, self.current, lambda _: True))
        try:
            found = self._nt.NtQueryAttributesFile(self._process, name).file_attributes
        except st.NtError:
            return False
        return bool(found & create.FILE_ATTRIBUTE_DIRECTORY)

    def _create(
        self,
        path: str,
        access: int,
        share: int,
        disposition: int,
        options: int,
        attributes: int = 0,
        *,
        makes_directory: bool = False,
    ) -> tuple[int, int]:
        """Give a handle, and how it came about."""
        name = ObjectAttributes(self._name(path, makes_directory=makes_directory), attributes=OBJ_CASE_INSENSITIVE)
        answer = self._nt.NtCreateFile(self._process, access, name, attributes, share, disposition, options)
        if answer.irp is not None:
            answer.irp.fail(st.STATUS_NOT_SUPPORTED)
            raise st.NtError(st.STATUS_NOT_SUPPORTED)
        return answer.handle, answer.information

    @contextmanager
    def _opened(self, path: str, access: int, options: int) -> Iterator[int]:
        """Open what is there for one change."""
        options |= _SYNCHRONOUS | create.FILE_OPEN_FOR_BACKUP_INTENT
        handle, _ = self._create(path, access | SYNCHRONIZE, FILE_SHARE_ALL, create.FILE_OPEN, options)
        try:
            yield handle
        finally:
            self._nt.NtClose(self._process, handle)

    def _set(self, handle: int, record: object, information_class: int) -> None:
        irp = self._nt.NtSetInformationFile(self._process, handle, record, information_class)
        if irp is not None:
            irp.fail(st.STATUS_NOT_SUPPORTED)
            raise st.NtError(st.STATUS_NOT_SUPPORTED)

    def _delete(self, path: str, kind: int) -> None:
        """Mark a file or directory and close it: its name is free at once, or with its last handle before 1809."""
        with self._opened(path, DELETE | FILE_READ_ATTRIBUTES, kind | create.FILE_OPEN_REPARSE_POINT) as handle:
            if self._build >= BUILD_1809:
                flags = FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS
                try:
                    self._set(handle, flags, query.FILE_DISPOSITION_INFORMATION_EX)
                except st.NtError as error:
                    if error.status not in _NO_POSIX:
                        raise
                else:
                    return
            self._set(handle, True, query.FILE_DISPOSITION_INFORMATION)

    def _link_data(self, target: str) -> bytes:
        """What a symbolic link holds: a relative target as it is, a full one as an object name."""
        kind = rtl.RtlDetermineDosPathNameType_U(target)
        if kind in (rtl.DosPathType.RELATIVE, rtl.DosPathType.ROOTED):
            text = target.replace("/", "\\")
            return build_symlink(text, text, relative=True)
        return build_symlink(self._name(target), target)
