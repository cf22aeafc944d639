"""Access control lists and their entries, as records and as bytes (MS-DTYP sections 2.4.4 and 2.4.5)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.se.sid import Sid

if TYPE_CHECKING:
    from ntshim.ob.object import GenericMapping

ACL_REVISION = 2
ACL_REVISION_DS = 4

ACCESS_ALLOWED_ACE_TYPE = 0x0
ACCESS_DENIED_ACE_TYPE = 0x1
SYSTEM_AUDIT_ACE_TYPE = 0x2
SYSTEM_MANDATORY_LABEL_ACE_TYPE = 0x11
# Those whose form is a mask and a SID; of others the bytes are kept, and they grant and deny nothing.
SIMPLE_TYPES = (
    ACCESS_ALLOWED_ACE_TYPE,
    ACCESS_DENIED_ACE_TYPE,
    SYSTEM_AUDIT_ACE_TYPE,
    SYSTEM_MANDATORY_LABEL_ACE_TYPE,
)

OBJECT_INHERIT_ACE = 0x1
CONTAINER_INHERIT_ACE = 0x2
NO_PROPAGATE_INHERIT_ACE = 0x4
INHERIT_ONLY_ACE = 0x8
INHERITED_ACE = 0x10
INHERIT_FLAGS = OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE | NO_PROPAGATE_INHERIT_ACE | INHERIT_ONLY_ACE

# Masks of a mandatory label.
SYSTEM_MANDATORY_LABEL_NO_WRITE_UP = 0x1
SYSTEM_MANDATORY_LABEL_NO_READ_UP = 0x2
SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP = 0x4

_GENERIC = 0xF0000000
_HEADER = struct.Struct("<BxHHxx")
_ACE_HEADER = struct.Struct("<BBH")


class Ace(NamedTuple):
    """One entry; `sid` is None for a type that is not in SIMPLE_TYPES, whose bytes behind the header are `data`."""

    type: int
    flags: int
    mask: int
    sid: Sid | None
    data: bytes = b""

    def to_bytes(self) -> bytes:
        """Give the binary form, a multiple of four bytes; STATUS_INVALID_ACL, STATUS_INVALID_SID."""
        if not 0 <= self.mask < 1 << 32 or not 0 <= self.type < 256 or not 0 <= self.flags < 256:
            raise st.NtError(st.STATUS_INVALID_ACL)
        if (self.sid is None) == (self.type in SIMPLE_TYPES):
            raise st.NtError(st.STATUS_INVALID_ACL)
        body = self.data if self.sid is None else struct.pack("<I", self.mask) + self.sid.to_bytes()
        size = _ACE_HEADER.size + len(body)
        if size % 4 or size > 0xFFFF:
            raise st.NtError(st.STATUS_INVALID_ACL)
        return _ACE_HEADER.pack(self.type, self.flags, size) + body

    def applies_here(self) -> bool:
        """Whether the entry speaks of the object itself, not only of what is made below it."""
        return not self.flags & INHERIT_ONLY_ACE


class Acl(NamedTuple):
    """A list of entries in the order in which they count; an empty one grants nothing."""

    aces: tuple[Ace, ...] = ()
    revision: int = ACL_REVISION

    def to_bytes(self) -> bytes:
        """Give the binary form; STATUS_INVALID_ACL for one that is too long or of an unknown revision."""
        if not ACL_REVISION <= self.revision <= ACL_REVISION_DS:
            raise st.NtError(st.STATUS_INVALID_ACL)
        body = b"".join([ace.to_bytes() for ace in self.aces])
        size = _HEADER.size + len(body)
        if size > 0xFFFF:
            raise st.NtError(st.STATUS_INVALID_ACL)
        return _HEADER.pack(self.revision, size, len(self.aces)) + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Acl:
        """Read the binary form, which may be followed by other bytes; STATUS_INVALID_ACL."""
        if len(data) < _HEADER.size:
            raise st.NtError(st.STATUS_INVALID_ACL)
        revision, size, count = _HEADER.unpack_from(data)
        if not ACL_REVISION <= revision <= ACL_REVISION_DS or not _HEADER.size <= size <= len(data):
            raise st.NtError(st.STATUS_INVALID_ACL)
        aces = []
        at = _HEADER.size
        for _ in range(count):
            ace, at = _read_ace(data, at, size)
            aces.append(ace)
        return cls(tuple(aces), revision)


def _read_ace(data: bytes, at: int, end: int) -> tuple[Ace, int]:
    """Read the entry at an offset; gives where the next one begins."""
    if at + _ACE_HEADER.size > end:
        raise st.NtError(st.STATUS_INVALID_ACL)
    ace_type, flags, size = _ACE_HEADER.unpack_from(data, at)
    if size < _ACE_HEADER.size or size % 4 or at + size > end:
        raise st.NtError(st.STATUS_INVALID_ACL)
    body = data[at + _ACE_HEADER.size : at + size]
    if ace_type not in SIMPLE_TYPES:
        return Ace(ace_type, flags, 0, None, body), at + size
    if len(body) < 4:
        raise st.NtError(st.STATUS_INVALID_ACL)
    try:
        sid = Sid.from_bytes(body[4:])
    except st.NtError:
        raise st.NtError(st.STATUS_INVALID_ACL) from None
    return Ace(ace_type, flags, int.from_bytes(body[:4], "little"), sid), at + size


def map_generic(mask: int, mapping: GenericMapping) -> int:
    """Replace the generic rights of a mask by the specific ones, as RtlMapGenericMask."""
    specific = mask & ~_GENERIC
    for bit, rights in zip((0x80000000, 0x40000000, 0x20000000, 0x10000000), mapping, strict=True):
        if mask & bit:
            specific |= rights
    return specific


def allow(sid: Sid, mask: int, flags: int = 0) -> Ace:
    """Make an entry that grants."""
    return Ace(ACCESS_ALLOWED_ACE_TYPE, flags, mask, sid)


def deny(sid: Sid, mask: int, flags: int = 0) -> Ace:
    """Make an entry that denies."""
    return Ace(ACCESS_DENIED_ACE_TYPE, flags, mask, sid)


def label(sid: Sid, policy: int = SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, flags: int = 0) -> Ace:
    """Make a mandatory label."""
    return Ace(SYSTEM_MANDATORY_LABEL_ACE_TYPE, flags, policy, sid)
