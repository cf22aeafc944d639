"""Security descriptors: the absolute form as a record, the self-relative one as bytes (MS-DTYP section 2.4.6)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ntshim import status as st
from ntshim.ob.attributes import BadPointer
from ntshim.se.acl import Acl
from ntshim.se.sid import Sid

SECURITY_DESCRIPTOR_REVISION = 1

SE_OWNER_DEFAULTED = 0x1
SE_GROUP_DEFAULTED = 0x2
SE_DACL_PRESENT = 0x4
SE_DACL_DEFAULTED = 0x8
SE_SACL_PRESENT = 0x10
SE_SACL_DEFAULTED = 0x20
SE_DACL_AUTO_INHERIT_REQ = 0x100
SE_SACL_AUTO_INHERIT_REQ = 0x200
SE_DACL_AUTO_INHERITED = 0x400
SE_SACL_AUTO_INHERITED = 0x800
SE_DACL_PROTECTED = 0x1000
SE_SACL_PROTECTED = 0x2000
SE_SELF_RELATIVE = 0x8000

_HEADER = struct.Struct("<BBHIIII")
# What a caller's descriptor may be at most; more cannot be told apart from nonsense by its offsets.
_MAXIMUM_LENGTH = 0x40000


class SecurityDescriptor(NamedTuple):
    """A descriptor in absolute form.

    An ACL that is there counts as present. `dacl` None with SE_DACL_PRESENT in `control` is a NULL DACL, without it
    there is none; either grants everything, an empty Acl grants nothing.
    """

    owner: Sid | None = None
    group: Sid | None = None
    dacl: Acl | None = None
    sacl: Acl | None = None
    control: int = 0

    @property
    def dacl_present(self) -> bool:
        """Whether there is a DACL, be it NULL."""
        return self.dacl is not None or bool(self.control & SE_DACL_PRESENT)

    @property
    def sacl_present(self) -> bool:
        """Whether there is a SACL, be it NULL."""
        return self.sacl is not None or bool(self.control & SE_SACL_PRESENT)

    def to_bytes(self) -> bytes:
        """Give the self-relative form: header, SACL, DACL, owner, group.

        STATUS_INVALID_SID, STATUS_INVALID_ACL, STATUS_INVALID_SECURITY_DESCR.
        """
        if not 0 <= self.control < 1 << 16:
            raise st.NtError(st.STATUS_INVALID_SECURITY_DESCR)
        parts = [part and part.to_bytes() for part in (self.sacl, self.dacl, self.owner, self.group)]
        offsets = []
        at = _HEADER.size
        for part in parts:
            offsets.append(at if part else 0)
            at += len(part or b"")
        sacl, dacl, owner, group = offsets
        control = self.control | SE_SELF_RELATIVE
        control |= (SE_DACL_PRESENT if dacl else 0) | (SE_SACL_PRESENT if sacl else 0)
        header = _HEADER.pack(SECURITY_DESCRIPTOR_REVISION, 0, control, owner, group, sacl, dacl)
        return header + b"".join([part for part in parts if part])

    @classmethod
    def from_bytes(cls, data: bytes) -> SecurityDescriptor:
        """Read the self-relative form.

        STATUS_UNKNOWN_REVISION, STATUS_INVALID_SECURITY_DESCR for offsets that lead outside and for the absolute
        form, STATUS_INVALID_SID, STATUS_INVALID_ACL.
        """
        if not _HEADER.size <= len(data) <= _MAXIMUM_LENGTH:
            raise st.NtError(st.STATUS_INVALID_SECURITY_DESCR)
        revision, _, control, owner, group, sacl, dacl = _HEADER.unpack_from(data)
        if revision != SECURITY_DESCRIPTOR_REVISION:
            raise st.NtError(st.STATUS_UNKNOWN_REVISION)
        if not control & SE_SELF_RELATIVE:
            raise st.NtError(st.STATUS_INVALID_SECURITY_DESCR)
        if any(offset and not _HEADER.size <= offset < len(data) for offset in (owner, group, sacl, dacl)):
            raise st.NtError(st.STATUS_INVALID_SECURITY_DESCR)
        return cls(
            Sid.from_bytes(data[owner:]) if owner else None,
            Sid.from_bytes(data[group:]) if group else None,
            Acl.from_bytes(data[dacl:]) if dacl and control & SE_DACL_PRESENT else None,
            Acl.from_bytes(data[sacl:]) if sacl and control & SE_SACL_PRESENT else None,
            control & ~SE_SELF_RELATIVE,
        )


def capture_descriptor(given: object) -> SecurityDescriptor | None:
    """Check what a caller gives as a descriptor: a record, self-relative bytes, None or a bad pointer.

    As SeCaptureSecurityDescriptor: what probing gives, else the statuses of `SecurityDescriptor.from_bytes`.
    """
    if given is None:
        return None
    if isinstance(given, BadPointer):
        raise st.NtError(given.status)
    if isinstance(given, SecurityDescriptor):
        try:
            return SecurityDescriptor.from_bytes(given.to_bytes())
        except (TypeError, AttributeError, ValueError, struct.error):
            # Parts of it are no SIDs, ACLs or numbers.
            raise st.NtError(st.STATUS_INVALID_SECURITY_DESCR) from None
    if isinstance(given, (bytes, bytearray)):
        return SecurityDescriptor.from_bytes(bytes(given))
    raise st.NtError(st.STATUS_INVALID_SECURITY_DESCR)
