"""What a file's name may be at each layer: NT on NTFS, Win32 above it, and the bytes of the host below it."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from ntshim.status import STATUS_NAME_TOO_LONG, STATUS_OBJECT_NAME_INVALID, STATUS_SUCCESS, NtError
from ntshim.upcase import upcase

COMPONENT_UNITS = 255  # UTF-16 units of a component or of a stream's name
HOST_BYTES = 255  # NAME_MAX of every file system that Linux commonly has
WINDOWS_10 = 10
WINDOWS_11 = 11

DATA = "$DATA"
INDEX_ALLOCATION = "$INDEX_ALLOCATION"
DIRECTORY_INDEX = "$I30"

_COMPONENT = re.compile(r'[^\x00-\x1f"*/:<>?\\|]{1,255}')
_STREAM = re.compile(r"[^\x00/:\\]{0,255}")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_WIN32_TRAILING = ". "
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [port + digit for port in ("COM", "LPT") for digit in "123456789\u00b9\u00b2\u00b3"]
)


class FileName(NamedTuple):
    """The last component of a name: the file's own name, and what the part after the first colon says."""

    file: str
    stream: str = ""
    type: str = DATA

    @property
    def is_main_stream(self) -> bool:
        """Whether it names the file or directory itself, not one of its alternate streams."""
        return not self.stream or self.type == INDEX_ALLOCATION


class Win32(Enum):
    """What Win32 makes of a component before NT sees it; the values are those of oracles/names.json."""

    SAME = "same"
    STRIPPED = "stripped"
    DIRECTORY = "resolves to the directory itself"
    DEVICE = "device"


class Verdict(NamedTuple):
    """What becomes of a name that a Win32 program uses as the last component of a path.

    `status` is NT's answer to the name as it stands, `reason` says why in words, `stored_as` is what a created file is
    then called (empty for a name that means its directory, None if there is no file), and `portable` whether the name
    means the same on every system.
    """

    status: int
    reason: str
    win32: Win32
    stored_as: str | None
    portable: bool


def units(name: str) -> int:
    """The length in UTF-16 units, in which NT counts."""
    return len(name) if name.isascii() else len(name.encode("utf-16-le", "surrogatepass")) // 2


def check_component(name: str) -> None:
    """Raise STATUS_OBJECT_NAME_INVALID unless NTFS can store a file of this name (facts/nt.md section 4.2).

    Trailing dots and spaces, device names and lone surrogates are legal here; a stream is not part of the name.
    """
    if _COMPONENT.fullmatch(name) is None or name in {".", ".."} or (len(name) > 127 and units(name) > COMPONENT_UNITS):
        raise NtError(STATUS_OBJECT_NAME_INVALID)


def check_stream(name: str) -> bool:
    """Whether a stream can have a name; "" is that of the file's own data (facts/nt.md section 4.2)."""
    return _STREAM.fullmatch(name) is not None and units(name) <= COMPONENT_UNITS


def split_stream(name: str) -> FileName:
    """Take a last component apart at its colons and check all parts.

    `file:stream:$TYPE`, with the stream's name optional if a type is given (facts/nt.md section 4.2). Raises
    STATUS_OBJECT_NAME_INVALID.
    """
    file, colon, rest = name.partition(":")
    check_component(file)
    if not colon:
        return FileName(file)
    stream, colon, kind = rest.partition(":")
    kind = upcase(kind) if colon else DATA
    valid = check_stream(stream)
    if kind == INDEX_ALLOCATION:
        valid = valid and upcase(stream) in {"", DIRECTORY_INDEX}
    elif kind != DATA or not (stream or colon):
        valid = False
    if not valid:
        raise NtError(STATUS_OBJECT_NAME_INVALID)
    return FileName(file, stream, kind)


def order_key(name: str) -> bytes:
    """Sorts names as an NTFS directory does: by upcased units (facts/nt.md section 4.1)."""
    return upcase(name).encode("utf-16-be", "surrogatepass")


def from_host(name: bytes) -> str:
    """The NT name of a host's component.

    Bytes that are no UTF-8 become units DC80 to DCFF, so that every host name has an NT name; a lone surrogate that was
    written in three bytes is itself again (facts/nt.md section 4.2).
    """
    try:
        return name.decode()
    except UnicodeDecodeError:
        return _from_wtf8(name)


def _from_wtf8(name: bytes) -> str:
    escaped = name.decode("utf-8", "surrogateescape")
    try:
        wide = name.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return escaped
    # Not if the bytes could be written in another way: a pair in six bytes, or what stands for a single byte.
    return wide if _ESCAPED_BYTE.search(wide) is None and _to_wtf8(wide) == name else escaped


def _to_wtf8(name: str) -> bytes:
    whole = name.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    pieces = _ESCAPED_BYTE.split(whole)
    escapes = [piece.encode("utf-8", "surrogateescape") for piece in _ESCAPED_BYTE.findall(whole)]
    encoded = [piece.encode("utf-8", "surrogatepass") for piece in pieces]
    return b"".join(part for pair in zip(encoded, [*escapes, b""], strict=True) for part in pair)


def to_host(name: str) -> bytes:
    """The bytes by which the host knows a component, the inverse of `from_host`.

    Raises STATUS_NAME_TOO_LONG for what fits into an NTFS component but not into a host's, and
    STATUS_OBJECT_NAME_INVALID for a name that another one already stands for.
    """
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        encoded = _to_wtf8(name)
        if from_host(encoded) != name:
            raise NtError(STATUS_OBJECT_NAME_INVALID) from None
    if len(encoded) > HOST_BYTES:
        raise NtError(STATUS_NAME_TOO_LONG)
    return encoded


def device_of(name: str) -> str | None:
    """The DOS device that a component is reserved for, as it is spelled there, or None.

    What follows the first dot or colon, and spaces before it, do not count (facts/nt.md section 4.2).
    """
    base = re.split("[.:]", name, maxsplit=1)[0].rstrip(" ")
    return base if upcase(base) in _DEVICES else None


def reaches_device(name: str, version: int = WINDOWS_10) -> bool:
    """Whether Win32 opens a device for this name in the current directory: since Windows 11 only for the bare name."""
    device = device_of(name)
    return device is not None and (version < WINDOWS_11 or device == name)


def win32_component(name: str) -> str:
    """The last component as Win32 hands it to NT: without trailing dots and spaces."""
    return name.rstrip(_WIN32_TRAILING)


def judge(name: str, version: int = WINDOWS_10) -> Verdict:
    """What NT and Win32 of this Windows version make of one component, and whether a portable program may use it."""
    status, reason = _nt_answer(name)
    stored = win32_component(name)
    if reaches_device(name, version):
        kind = Win32.DEVICE
    elif not stored:
        kind = Win32.DIRECTORY
    else:
        kind = Win32.SAME if stored == name else Win32.STRIPPED
    portable = status == STATUS_SUCCESS and stored == name and ":" not in name and device_of(name) is None
    # The directory is reached without its name's last component, whatever NT would think of that.
    accepted = not stored or _nt_answer(stored)[0] == STATUS_SUCCESS
    kept = stored if accepted and kind is not Win32.DEVICE else None
    return Verdict(status, reason, kind, kept, portable)


def _nt_answer(name: str) -> tuple[int, str]:
    file, colon, _ = name.partition(":")
    try:
        check_component(file)
    except NtError as error:
        return error.status, _why_refused(file, colon)
    try:
        split_stream(name)
    except NtError as error:
        return error.status, "malformed stream"
    return STATUS_SUCCESS, "alternate data stream (creates base file as well)" if colon else "ok"


def _why_refused(file: str, colon: str) -> str:
    if not file:
        return "stream with empty file name" if colon else "empty"
    if file in {".", ".."}:
        return "relative component"
    return "too long" if units(file) > COMPONENT_UNITS else "reserved character"
