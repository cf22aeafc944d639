"""What the I/O manager itself knows of an open file: position, mode, rights; and the class that tells all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.io import create, query
from ntshim.io.stat import FILE_BYTE_ALIGNMENT, FileAllInformation

if TYPE_CHECKING:
    from ntshim.io.file import File
    from ntshim.ob.handles import HandleEntry

_SYNCHRONOUS = create.FILE_SYNCHRONOUS_IO_ALERT | create.FILE_SYNCHRONOUS_IO_NONALERT
_SETTABLE = _SYNCHRONOUS | create.FILE_WRITE_THROUGH | create.FILE_SEQUENTIAL_ONLY
_MODE = _SETTABLE | create.FILE_NO_INTERMEDIATE_BUFFERING | create.FILE_DELETE_ON_CLOSE
_MOST_OFFSET = (1 << 63) - 1


def query_open(file: File, entry: HandleEntry, information_class: int) -> Any:
    """Give the answer of one of `query.OF_THE_OPEN`."""
    if information_class == query.FILE_POSITION_INFORMATION:
        return file.position
    if information_class == query.FILE_MODE_INFORMATION:
        return file.options & _MODE
    if information_class == query.FILE_ACCESS_INFORMATION:
        return entry.access
    if information_class == query.FILE_ALIGNMENT_INFORMATION:
        return FILE_BYTE_ALIGNMENT
    return _query_all(file, entry)


def _query_all(file: File, entry: HandleEntry) -> FileAllInformation:
    """Put together what the device and the I/O manager tell."""
    device = file.device
    if device is None:
        raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
    basic, standard, index, ea_size, name = (
        device.query_information(file, information_class)
        for information_class in (
            query.FILE_BASIC_INFORMATION,
            query.FILE_STANDARD_INFORMATION,
            query.FILE_INTERNAL_INFORMATION,
            query.FILE_EA_INFORMATION,
            query.FILE_NAME_INFORMATION,
        )
    )
    mode = file.options & _MODE
    return FileAllInformation(
        basic, standard, index, ea_size, entry.access, file.position, mode, FILE_BYTE_ALIGNMENT, name
    )


def set_open(file: File, value: int, information_class: int) -> None:
    """Set position or mode; STATUS_INVALID_PARAMETER, and STATUS_INVALID_INFO_CLASS for what can only be asked."""
    if information_class == query.FILE_POSITION_INFORMATION:
        unbuffered = file.options & create.FILE_NO_INTERMEDIATE_BUFFERING
        if not 0 <= value <= _MOST_OFFSET or (unbuffered and value % create.SECTOR_SIZE):
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        file.position = value
    elif information_class == query.FILE_MODE_INFORMATION:
        _set_mode(file, value)
    else:
        raise st.NtError(st.STATUS_INVALID_INFO_CLASS)


def _set_mode(file: File, mode: int) -> None:
    """Change how the file is used; a file stays synchronous, or not, for good ([MS-FSA] section 2.1.5.15.8)."""
    synchronous = mode & _SYNCHRONOUS
    if mode & ~_SETTABLE or synchronous == _SYNCHRONOUS or bool(synchronous) != bool(file.options & _SYNCHRONOUS):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    changes = _SETTABLE
    if file.options & create.FILE_NO_INTERMEDIATE_BUFFERING:
        changes &= ~create.FILE_WRITE_THROUGH
    file.options = (file.options & ~changes) | (mode & changes)
