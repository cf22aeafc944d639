"""The services that list directories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.io import directory
from ntshim.io.directory import DirectoryQuery
from ntshim.io.file import FILE_LIST_DIRECTORY
from ntshim.io.services import FileServices
from ntshim.ob.attributes import capture_name
from ntshim.service import service

if TYPE_CHECKING:
    from ntshim.ob.attributes import GivenName
    from ntshim.ps.process import Process, Thread


class DirectoryServices(FileServices):
    """Directories, one scan for each open of one."""

    __slots__ = ()

    @service
    def NtQueryDirectoryFile(
        self,
        caller: Process | Thread,
        handle: int,
        information_class: int,
        file_name: GivenName = None,
        *,
        restart_scan: bool = False,
        return_single_entry: bool = False,
        length: int | None = None,
    ) -> list[Any]:
        """Give the next entries of a directory, records of `io.directory`, in the order of their upcased units.

        The first `file_name` is the scan's pattern, with the wildcards of `fs.expression`, until one comes with
        `restart_scan`. What a scan has not reached yet it sees as it then is. `length` are the bytes of the buffer,
        without it everything fits; as many entries are given as it holds in NT's structures.

        STATUS_INVALID_INFO_CLASS; STATUS_INVALID_PARAMETER for a file; STATUS_OBJECT_NAME_INVALID for a pattern that
        no name could match; STATUS_INFO_LENGTH_MISMATCH if not even an empty name fits, TooSmall with
        STATUS_BUFFER_OVERFLOW if the next one does not; STATUS_NO_SUCH_FILE if nothing matches at first,
        STATUS_NO_MORE_FILES at the end; STATUS_DELETE_PENDING once the directory's name is gone. Source: facts/nt.md
        section 3.10, [MS-FSA] section 2.1.5.6.3.
        """
        query = DirectoryQuery(
            information_class, capture_name(file_name) or "", restart_scan, return_single_entry, length
        )
        return _query(self, caller, handle, query)

    @service
    def NtQueryDirectoryFileEx(
        self,
        caller: Process | Thread,
        handle: int,
        information_class: int,
        query_flags: int,
        file_name: GivenName = None,
        *,
        length: int | None = None,
    ) -> list[Any]:
        """As NtQueryDirectoryFile, with SL_ flags; STATUS_INVALID_PARAMETER for others than those of `io.directory`."""
        if query_flags & ~directory.QUERY_FLAGS:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        query = DirectoryQuery(
            information_class,
            capture_name(file_name) or "",
            bool(query_flags & directory.SL_RESTART_SCAN),
            bool(query_flags & directory.SL_RETURN_SINGLE_ENTRY),
            length,
            bool(query_flags & directory.SL_NO_CURSOR_UPDATE),
        )
        return _query(self, caller, handle, query)


def _query(family: FileServices, caller: Process | Thread, handle: int, query: DirectoryQuery) -> list[Any]:
    """Ask the device."""
    if query.information_class not in directory.RECORDS:
        raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
    file, device, _ = family._device_file(caller, handle, FILE_LIST_DIRECTORY)  # noqa: SLF001 - a service of the family
    return device.query_directory(file, query)
