"""Extended attributes of Linux on a WSL volume: one EA for each, and the case flag of directories as one.

Source: facts/wsl1.md sections 4.2 and 4.5. EAs know no lower case, so names are shown in it.
"""

from __future__ import annotations

import stat as modes
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.io import query
from ntshim.io.ea import FileFullEaInformation
from ntshim.io.file import (
    FILE_ADD_FILE,
    FILE_ADD_SUBDIRECTORY,
    FILE_DELETE_CHILD,
    FILE_READ_ATTRIBUTES,
    FILE_READ_EA,
    FILE_WRITE_ATTRIBUTES,
    FILE_WRITE_EA,
)
from ntshim.lx.errors import as_errno, failure
from ntshim.lx.record import type_of

if TYPE_CHECKING:
    from ntshim.lx.volume import LxVolume

CASE_FLAG = "system.wsl_case_sensitive"
XATTR_CREATE = 1
XATTR_REPLACE = 2
_SYSTEM = "system."
_NAMESPACES = ("user.", "security.", "trusted.")
_PREFIX = "LX."
_MARK = b"lxea"
LONGEST_VALUE = 0xFFFF - len(_MARK)
_VALUES = (b"0", b"1")
_CHANGES_FLAG = FILE_WRITE_ATTRIBUTES | FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | FILE_DELETE_CHILD


def getxattr(volume: LxVolume, path: str, name: str) -> bytes:
    """The value of an attribute; ENODATA, or ENOTSUP for a name that is in none of the namespaces."""
    if name.startswith(_SYSTEM):
        return _VALUES[_flag(volume, path, name)]
    value = _stored(volume, path, _ea_name(name))
    if value is None:
        raise failure("ENODATA")
    return value


def setxattr(volume: LxVolume, path: str, name: str, value: bytes, flags: int = 0) -> None:
    """Set an attribute; EEXIST and ENODATA as the flags say, E2BIG for a value that is too long.

    The case flag takes `0` and `1`, else EINVAL; it is there already, so that XATTR_CREATE is EEXIST.
    """
    if flags & ~(XATTR_CREATE | XATTR_REPLACE):
        raise failure("EINVAL")
    if name.startswith(_SYSTEM):
        _set_flag(volume, path, name, value, flags)
        return
    stored = _ea_name(name)
    if len(value) > LONGEST_VALUE:
        raise failure("E2BIG")
    present = _stored(volume, path, stored) is not None if flags else False
    if flags & XATTR_CREATE and present:
        raise failure("EEXIST")
    if flags & XATTR_REPLACE and not present:
        raise failure("ENODATA")
    _store(volume, path, stored, _MARK + value)


def removexattr(volume: LxVolume, path: str, name: str) -> None:
    """Take an attribute away; ENODATA. The case flag stays: ENOTSUP."""
    if name.startswith(_SYSTEM):
        raise failure("ENOTSUP")
    stored = _ea_name(name)
    if _stored(volume, path, stored) is None:
        raise failure("ENODATA")
    _store(volume, path, stored, b"")


def listxattr(volume: LxVolume, path: str) -> list[str]:
    """The names of all attributes; every directory has the case flag."""
    with volume.opened(path, FILE_READ_ATTRIBUTES | FILE_READ_EA) as handle:
        is_directory = type_of(volume.information(handle)) == modes.S_IFDIR
        names = [ea.ea_name for ea in _all(volume, handle) if ea.ea_value.startswith(_MARK)]
    shown = [name.removeprefix(_PREFIX).lower() for name in names if name.startswith(_PREFIX)]
    return [*shown, CASE_FLAG] if is_directory else shown


def _ea_name(name: str) -> str:
    if not name.startswith(_NAMESPACES):
        raise failure("ENOTSUP")
    return _PREFIX + name.upper()


def _all(volume: LxVolume, handle: int) -> list[FileFullEaInformation]:
    with as_errno():
        try:
            return volume.nt.NtQueryEaFile(volume.caller, handle, restart_scan=True)
        except st.NtError as error:
            if error.status in (st.STATUS_NO_EAS_ON_FILE, st.STATUS_NO_MORE_EAS):
                return []
            raise


def _stored(volume: LxVolume, path: str, name: str) -> bytes | None:
    """The value of an EA that Linux has set; another one, or a short one, is none of Linux' attributes."""
    with volume.opened(path, FILE_READ_EA) as handle:
        for ea in _all(volume, handle):
            if ea.ea_name == name and ea.ea_value.startswith(_MARK):
                return ea.ea_value[len(_MARK) :]
    return None


def _store(volume: LxVolume, path: str, name: str, value: bytes) -> None:
    with volume.opened(path, FILE_WRITE_EA) as handle, as_errno():
        volume.nt.NtSetEaFile(volume.caller, handle, [FileFullEaInformation(0, name, value)])


def _flag(volume: LxVolume, path: str, name: str) -> bool:
    with volume.opened(path, FILE_READ_ATTRIBUTES) as handle:
        if name != CASE_FLAG or type_of(volume.information(handle)) != modes.S_IFDIR:
            raise failure("ENOTSUP")
        with as_errno():
            flags = volume.nt.NtQueryInformationFile(volume.caller, handle, query.FILE_CASE_SENSITIVE_INFORMATION)
    return bool(flags & query.FILE_CS_FLAG_CASE_SENSITIVE_DIR)


def _set_flag(volume: LxVolume, path: str, name: str, value: bytes, flags: int) -> None:
    _flag(volume, path, name)
    if flags & XATTR_CREATE:
        raise failure("EEXIST")
    if value not in _VALUES:
        raise failure("EINVAL")
    with volume.opened(path, _CHANGES_FLAG) as handle, as_errno():
        volume.nt.NtSetInformationFile(
            volume.caller, handle, _VALUES.index(value), query.FILE_CASE_SENSITIVE_INFORMATION
        )
