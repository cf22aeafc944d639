"""OBJECT_ATTRIBUTES as a caller gives them, right or malformed, and what is captured of them."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from ntshim import status as st
from ntshim.ob.object import OBJ_EXCLUSIVE, OBJ_PERMANENT

OBJ_INHERIT = 0x2
OBJ_CASE_INSENSITIVE = 0x40
OBJ_OPENIF = 0x80
OBJ_OPENLINK = 0x100
OBJ_KERNEL_HANDLE = 0x200
OBJ_FORCE_ACCESS_CHECK = 0x400
OBJ_IGNORE_IMPERSONATED_DEVICEMAP = 0x800
OBJ_DONT_REPARSE = 0x1000
OBJ_VALID_ATTRIBUTES = (
    OBJ_INHERIT
    | OBJ_PERMANENT
    | OBJ_EXCLUSIVE
    | OBJ_CASE_INSENSITIVE
    | OBJ_OPENIF
    | OBJ_OPENLINK
    | OBJ_KERNEL_HANDLE
    | OBJ_FORCE_ACCESS_CHECK
    | OBJ_IGNORE_IMPERSONATED_DEVICEMAP
    | OBJ_DONT_REPARSE
)

OBJECT_ATTRIBUTES_SIZE = 48  # bytes on a 64-bit system
NAME_LENGTH_LIMIT = 65534  # bytes; a name must be shorter

# A str of at most this many code points is below the limit whatever they are, each being 2 or 4 bytes of UTF-16.
_SURELY_SHORT = (NAME_LENGTH_LIMIT - 1) // 4


class BadPointer(NamedTuple):
    """A pointer that cannot be followed; `status` is what probing it gives."""

    status: int


UNREADABLE = BadPointer(st.STATUS_ACCESS_VIOLATION)
MISALIGNED = BadPointer(st.STATUS_DATATYPE_MISALIGNMENT)


class UnicodeString(NamedTuple):
    """A UNICODE_STRING in its raw form, for callers whose lengths or buffers may be wrong; `length` is in bytes."""

    buffer: str | BadPointer
    length: int


GivenName: TypeAlias = str | UnicodeString | BadPointer | None


class ObjectAttributes(NamedTuple):
    """OBJECT_ATTRIBUTES as the caller gives them; where a service takes them, None is the NULL pointer.

    `name` is a str, in which surrogates may stand alone; a UnicodeString where its raw form matters; None where
    the pointer to it is NULL. `root_directory` is a handle of the caller or 0. `length` is the structure's own idea
    of its size in bytes.
    """

    name: GivenName = None
    root_directory: int = 0
    attributes: int = 0
    security_descriptor: object | None = None
    length: int = OBJECT_ATTRIBUTES_SIZE


GivenAttributes: TypeAlias = ObjectAttributes | BadPointer | None


class CapturedAttributes(NamedTuple):
    """What a service works with: well-formed, and no longer the caller's to change."""

    name: str | None
    root_directory: int
    attributes: int


_NOTHING = CapturedAttributes(None, 0, 0)


def capture(given: GivenAttributes) -> CapturedAttributes:
    """Check attributes for a service that creates an object; NULL attributes make an anonymous one.

    Raises what probing a bad pointer gives; STATUS_INVALID_PARAMETER for a wrong size or an unknown attribute bit;
    STATUS_OBJECT_NAME_INVALID for a name of odd length or of NAME_LENGTH_LIMIT bytes (facts/nt.md section 1.1).
    """
    if given is None:
        return _NOTHING
    if isinstance(given, BadPointer):
        raise st.NtError(given.status)
    name, root_directory, attributes, _, length = given
    if length != OBJECT_ATTRIBUTES_SIZE or attributes & ~OBJ_VALID_ATTRIBUTES:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    return CapturedAttributes(capture_name(name), root_directory, attributes)


def capture_for_open(given: GivenAttributes) -> tuple[str, int, int]:
    """Check attributes for a service that opens an object; gives name, root directory and attribute bits.

    Raises what `capture` does; STATUS_INVALID_PARAMETER for NULL attributes; for a NULL name
    STATUS_OBJECT_NAME_INVALID with a root directory and STATUS_OBJECT_PATH_SYNTAX_BAD without.
    """
    if given is None:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    name, root_directory, attributes = capture(given)
    if name is None:
        raise st.NtError(st.STATUS_OBJECT_NAME_INVALID if root_directory else st.STATUS_OBJECT_PATH_SYNTAX_BAD)
    return name, root_directory, attributes


def capture_name(given: GivenName) -> str | None:
    """Check a name and give it in its one form: a pair of surrogates is one code point, a lone one stays.

    Raises what probing a bad pointer gives, and STATUS_OBJECT_NAME_INVALID (facts/nt.md section 1.1).
    """
    if isinstance(given, str):
        if given.isascii() and len(given) <= _SURELY_SHORT:
            return given
        units = given.encode("utf-16-le", "surrogatepass")
        if len(units) >= NAME_LENGTH_LIMIT:
            raise st.NtError(st.STATUS_OBJECT_NAME_INVALID)
        return units.decode("utf-16-le", "surrogatepass")
    if given is None:
        return None
    if isinstance(given, BadPointer):
        raise st.NtError(given.status)
    return _capture_raw_name(given)


def _capture_raw_name(given: UnicodeString) -> str:
    """Check a UNICODE_STRING: its buffer is probed first, and only if there is something to read."""
    buffer, length = given
    if not length:
        return ""
    if isinstance(buffer, BadPointer):
        raise st.NtError(buffer.status)
    if length % 2 or length >= NAME_LENGTH_LIMIT:
        raise st.NtError(st.STATUS_OBJECT_NAME_INVALID)
    units = buffer.encode("utf-16-le", "surrogatepass")
    if length > len(units):
        raise st.NtError(st.STATUS_ACCESS_VIOLATION)
    return units[:length].decode("utf-16-le", "surrogatepass")
