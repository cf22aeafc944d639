"""Security identifiers: their text, their bytes, and the well-known ones."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from ntshim import status as st

SID_REVISION = 1
SID_MAX_SUB_AUTHORITIES = 15

_TEXT = re.compile(r"[Ss]-1-(0[xX][0-9A-Fa-f]{1,12}|[0-9]{1,15})((?:-[0-9]{1,10}){0,15})", re.ASCII)


class Sid(NamedTuple):
    """A SID: the authority that issued it, 48 bits, and up to 15 sub-authorities of 32 bits (MS-DTYP section 2.4.2)."""

    authority: int
    sub_authorities: tuple[int, ...]

    def __str__(self) -> str:
        """Give the text, `S-1-...`; an authority of more than 32 bits is in hexadecimal."""
        authority = f"{self.authority:#014x}" if self.authority >> 32 else str(self.authority)
        return "-".join(["S", "1", authority, *map(str, self.sub_authorities)])

    @property
    def last(self) -> int:
        """The last sub-authority, the relative identifier; 0 if there is none."""
        return self.sub_authorities[-1] if self.sub_authorities else 0

    def to_bytes(self) -> bytes:
        """Give the binary form; STATUS_INVALID_SID for numbers that do not fit it."""
        parts = self.sub_authorities
        if (
            len(parts) > SID_MAX_SUB_AUTHORITIES
            or not 0 <= self.authority < 1 << 48
            or any(not 0 <= part < 1 << 32 for part in parts)
        ):
            raise st.NtError(st.STATUS_INVALID_SID)
        head = bytes([SID_REVISION, len(parts)]) + self.authority.to_bytes(6, "big")
        return head + struct.pack(f"<{len(parts)}I", *parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Sid:
        """Read the binary form, which may be followed by other bytes; STATUS_INVALID_SID."""
        if len(data) < 8 or data[0] != SID_REVISION or data[1] > SID_MAX_SUB_AUTHORITIES:
            raise st.NtError(st.STATUS_INVALID_SID)
        count = data[1]
        if len(data) < 8 + 4 * count:
            raise st.NtError(st.STATUS_INVALID_SID)
        return cls(int.from_bytes(data[2:8], "big"), struct.unpack_from(f"<{count}I", data, 8))

    @classmethod
    def parse(cls, text: str) -> Sid:
        """Read the text `S-1-...`; STATUS_INVALID_SID."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise st.NtError(st.STATUS_INVALID_SID)
        number = found[1]
        authority = int(number, 16) if number[:2] in ("0x", "0X") else int(number)
        sid = cls(authority, tuple(int(part) for part in found[2].split("-")[1:]))
        sid.to_bytes()
        return sid

    def child(self, *relative: int) -> Sid:
        """Give the SID with more sub-authorities."""
        return Sid(self.authority, self.sub_authorities + relative)


def _nt(*sub_authorities: int) -> Sid:
    """Give a SID of the NT authority."""
    return Sid(5, sub_authorities)


NULL_SID = Sid(0, (0,))
EVERYONE = Sid(1, (0,))
LOCAL = Sid(2, (0,))
CREATOR_OWNER = Sid(3, (0,))
CREATOR_GROUP = Sid(3, (1,))
OWNER_RIGHTS = Sid(3, (4,))
INTERACTIVE = _nt(4)
ANONYMOUS = _nt(7)
AUTHENTICATED_USERS = _nt(11)
RESTRICTED = _nt(12)
LOCAL_SYSTEM = _nt(18)
LOCAL_SERVICE = _nt(19)
NETWORK_SERVICE = _nt(20)
WRITE_RESTRICTED = _nt(33)
ADMINISTRATORS = _nt(32, 544)
USERS = _nt(32, 545)
GUESTS = _nt(32, 546)

# Mandatory labels: the relative identifier is the level.
UNTRUSTED_INTEGRITY = Sid(16, (0,))
LOW_INTEGRITY = Sid(16, (0x1000,))
MEDIUM_INTEGRITY = Sid(16, (0x2000,))
HIGH_INTEGRITY = Sid(16, (0x3000,))
SYSTEM_INTEGRITY = Sid(16, (0x4000,))
