"""Routines of NT's run-time library on names: folding, comparison, and the way from a Win32 path to an NT name."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from ntshim.fs.names import WINDOWS_10, WINDOWS_11, device_of, order_key, win32_component
from ntshim.status import STATUS_OBJECT_NAME_INVALID, NtError
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Callable

_DOS_BASE, _DOS_EXTENSION = 8, 3  # units before and behind the dot
_NOT_IN_DOS = frozenset('"*+,/:;<=>?[\\]|')
_OEM_CODE_PAGE = "cp850"
_NT_PREFIX = "\\??\\"


class DosPathType(IntEnum):
    """RTL_PATH_TYPE (facts/nt.md section 4.3)."""

    UNC_ABSOLUTE = 1
    DRIVE_ABSOLUTE = 2
    DRIVE_RELATIVE = 3
    ROOTED = 4
    RELATIVE = 5
    LOCAL_DEVICE = 6
    ROOT_LOCAL_DEVICE = 7


def RtlUpcaseUnicodeString(source: str) -> str:
    """Fold a name unit by unit (facts/nt.md section 4.1)."""
    return upcase(source)


def RtlEqualUnicodeString(one: str, other: str, case_in_sensitive: bool) -> bool:
    """Whether two names are the same, by their units as they are or folded."""
    return RtlCompareUnicodeString(one, other, case_in_sensitive) == 0


def RtlCompareUnicodeString(one: str, other: str, case_in_sensitive: bool) -> int:
    """Order two names by their units, as they are or folded: below, equal to or above zero."""
    if case_in_sensitive:
        first, second = order_key(one), order_key(other)
    else:
        first, second = (name.encode("utf-16-be", "surrogatepass") for name in (one, other))
    return (first > second) - (first < second)


def RtlDetermineDosPathNameType_U(path: str) -> DosPathType:
    """What a Win32 path is relative to; both slashes separate."""
    start = path[:4].replace("/", "\\")
    if start.startswith("\\\\"):
        if start in {"\\\\.\\", "\\\\?\\"}:
            return DosPathType.LOCAL_DEVICE
        return DosPathType.ROOT_LOCAL_DEVICE if start in {"\\\\.", "\\\\?"} else DosPathType.UNC_ABSOLUTE
    if start.startswith("\\"):
        return DosPathType.ROOTED
    if start[1:2] == ":":
        return DosPathType.DRIVE_ABSOLUTE if start[2:3] == "\\" else DosPathType.DRIVE_RELATIVE
    return DosPathType.RELATIVE


def RtlIsDosDeviceName_U(path: str, version: int = WINDOWS_10) -> int:
    """Where a path names a DOS device: offset of its name << 16 | length, both in bytes; 0 if it names none.

    Up to Windows 10 in any directory and with any extension; since then only the bare name, and NUL in a directory
    (facts/nt.md section 4.2).
    """
    kind = RtlDetermineDosPathNameType_U(path)
    if kind in {DosPathType.UNC_ABSOLUTE, DosPathType.LOCAL_DEVICE, DosPathType.ROOT_LOCAL_DEVICE}:
        return 0
    start = max(path.rfind("\\"), path.rfind("/"), 1 if path[1:2] == ":" else -1) + 1
    device = device_of(path[start:])
    if device is None:
        return 0
    if version >= WINDOWS_11 and (device != path[start:] or (start > 0 and upcase(device) != "NUL")):
        return 0
    return start * 2 << 16 | len(device) * 2


def RtlGetFullPathName_U(path: str, current: str, version: int = WINDOWS_10) -> str:
    r"""Make a path absolute, textually (facts/nt.md sections 4.2 and 4.3); "" if it is empty or blank.

    `current` is the current directory with its drive, such as `C:\windows`. A path that names a device becomes
    `\\.\` and the device's name.
    """
    if not path.rstrip(" "):
        return ""
    device = RtlIsDosDeviceName_U(path, version)
    if device:
        offset, length = device >> 17, (device & 0xFFFF) // 2
        return "\\\\.\\" + path[offset : offset + length]
    kind = RtlDetermineDosPathNameType_U(path)
    path = path.replace("/", "\\")
    if kind is DosPathType.ROOT_LOCAL_DEVICE:
        return path + "\\"
    if kind in {DosPathType.UNC_ABSOLUTE, DosPathType.LOCAL_DEVICE}:
        return _normalise(*_split_double(path, kind))
    if kind is DosPathType.DRIVE_RELATIVE:
        base = current if upcase(path[0]) == upcase(current[0]) else path[:2]
        return _normalise(path[:2], f"{base[2:]}\\{path[2:]}")
    if kind is DosPathType.RELATIVE:
        return _normalise(current[:2], f"{current[2:]}\\{path}")
    if kind is DosPathType.ROOTED:
        return _normalise(current[:2], path)
    return _normalise(path[:2], path[2:])


def RtlDosPathNameToNtPathName_U(
    path: str, current: str, is_directory: Callable[[str], bool], version: int = WINDOWS_10
) -> str:
    """Turn a Win32 path into an object name.

    `is_directory` says whether a directory exists, by its full Win32 path: a device name in one that does not is no
    name at all. Raises STATUS_OBJECT_NAME_INVALID for that and for a blank path (facts/nt.md section 4.3).
    """
    start = path[:4]
    if start in {_NT_PREFIX, "\\\\?\\"}:
        return _NT_PREFIX + path[4:]
    full = RtlGetFullPathName_U(path, current, version)
    device = RtlIsDosDeviceName_U(path, version)
    if not full or (device >> 16 and not is_directory(RtlGetFullPathName_U(path[: device >> 17] + ".", current))):
        raise NtError(STATUS_OBJECT_NAME_INVALID)
    if full[:4].startswith(("\\\\.\\", "\\\\?\\")):
        return _NT_PREFIX + full[4:]
    return _NT_PREFIX + ("UNC\\" + full[2:] if full.startswith("\\\\") else full)


def RtlIsNameLegalDOS8Dot3(name: str) -> tuple[bool, bool]:
    """Whether a name is one that DOS could have, and whether it has spaces, which only some callers put up with.

    At most 8 units, or up to 8 and behind the only dot up to 3, all in the OEM code page, here 850; `.` and `..` too
    (facts/nt.md section 4.4).
    """
    if name in {".", ".."}:
        return True, False
    base, dot, extension = name.partition(".")
    fits = 0 < len(base) <= _DOS_BASE and len(extension) <= _DOS_EXTENSION and bool(extension) == bool(dot)
    padded = base.startswith(" ") or base.endswith(" ") or extension.endswith(" ")
    legal = fits and not padded and not _NOT_IN_DOS.intersection(upcase(name)) and "." not in extension
    return (True, " " in name) if legal and _is_oem(name) else (False, False)


def _is_oem(name: str) -> bool:
    """Whether a name survives the way to the OEM code page and back."""
    try:
        name.encode(_OEM_CODE_PAGE)
    except UnicodeEncodeError:
        return False
    return True


def _split_double(path: str, kind: DosPathType) -> tuple[str, str]:
    """Cut a path that starts with two backslashes behind what no `..` leads out of: the share, or the device prefix."""
    if kind is DosPathType.LOCAL_DEVICE:
        return path[:3], path[3:]
    server, _, rest = path[2:].lstrip("\\").partition("\\")
    share, slash, rest = rest.lstrip("\\").partition("\\")
    return f"\\\\{server}\\{share}" if share else f"\\\\{server}", slash + rest


def _normalise(root: str, path: str) -> str:
    """Resolve `.` and `..` and strip dots and spaces; `path` starts with a separator unless it is empty."""
    kept: list[str] = []
    *inner, last = path.split("\\")
    for part in inner:
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part.removesuffix("."))
    stripped = win32_component(last)
    if last == "..":
        del kept[-1:]
    elif stripped:
        kept.append(stripped)
    # A path that ends with a separator, or in what strips to nothing, keeps the separator; so does a root.
    directory = path != "" and not stripped and last not in {".", ".."}
    is_root = path != "" and not kept
    return "\\".join([root, *kept]) + ("\\" if directory or is_root else "")
