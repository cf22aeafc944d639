"""How long a Win32 path may be, and what NT is asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import rtl
from ntshim.fs.names import WINDOWS_10, units
from ntshim.status import (
    STATUS_NAME_TOO_LONG,
    STATUS_OBJECT_NAME_INVALID,
    STATUS_OBJECT_NAME_NOT_FOUND,
    STATUS_OBJECT_PATH_NOT_FOUND,
    NtError,
)
from ntshim.win32.errors import ERROR_PATH_NOT_FOUND, Win32Error

if TYPE_CHECKING:
    from collections.abc import Callable

# In UTF-16 units with the NUL at the end (facts/nt.md section 4.2).
MAX_PATH = 260
MAX_DIRECTORY = 248
MAX_LONG_PATH = 32767

_VERBATIM = ("\\\\?\\", "\\??\\")


def check_length(full: str, *, makes_directory: bool = False) -> None:
    r"""Raise unless Win32 takes a full path without `\\?\` (facts/nt.md section 4.2).

    STATUS_NAME_TOO_LONG (error 206) where a directory is made, which must have room for a file of eight and three,
    else STATUS_OBJECT_PATH_NOT_FOUND (error 3).
    """
    length = units(full) + 1
    if makes_directory and length > MAX_DIRECTORY:
        raise NtError(STATUS_NAME_TOO_LONG)
    if length > MAX_PATH:
        raise NtError(STATUS_OBJECT_PATH_NOT_FOUND)


def nt_name(
    path: str,
    current: str,
    is_directory: Callable[[str], bool],
    *,
    version: int = WINDOWS_10,
    long_paths: bool = False,
    makes_directory: bool = False,
) -> str:
    r"""Give the object name of a Win32 path.

    `current` is the current directory with its drive, `version` that of Windows (10 or 11). `long_paths`: the program
    and the machine allow paths of 32767 units, as `\\?\` does always. Raises as `check_length`,
    RtlDosPathNameToNtPathName_U, and error 3 for an empty path (facts/nt.md sections 4.2 and 4.3).
    """
    if "\0" in path:
        raise NtError(STATUS_OBJECT_NAME_INVALID)
    if not path.rstrip(" "):
        # kernel32 says so, whatever NT's run-time library found.
        status = STATUS_OBJECT_NAME_INVALID if path else STATUS_OBJECT_NAME_NOT_FOUND
        raise Win32Error(ERROR_PATH_NOT_FOUND, status)
    name = rtl.RtlDosPathNameToNtPathName_U(path, current, is_directory, version)
    if not path.startswith(_VERBATIM) and not long_paths:
        check_length(rtl.RtlGetFullPathName_U(path, current, version), makes_directory=makes_directory)
    if units(name) > MAX_LONG_PATH:
        raise NtError(STATUS_NAME_TOO_LONG)
    return name
