"""NtCreateFile's decision: what an open asks for, which requests are malformed, and what a target answers."""

from __future__ import annotations

from typing import NamedTuple

from ntshim import status as st
from ntshim.io.file import (
    FILE,
    FILE_APPEND_DATA,
    FILE_DELETE_CHILD,
    FILE_WRITE_ATTRIBUTES,
    FILE_WRITE_DATA,
    FILE_WRITE_EA,
)
from ntshim.io.share import FILE_SHARE_ALL, WRITE_CLASS
from ntshim.ob.object import ACCESS_SYSTEM_SECURITY, DELETE, MAXIMUM_ALLOWED, SYNCHRONIZE, WRITE_DAC, WRITE_OWNER

FILE_SUPERSEDE = 0
FILE_OPEN = 1
FILE_CREATE = 2
FILE_OPEN_IF = 3
FILE_OVERWRITE = 4
FILE_OVERWRITE_IF = 5

FILE_SUPERSEDED = 0
FILE_OPENED = 1
FILE_CREATED = 2
FILE_OVERWRITTEN = 3

FILE_DIRECTORY_FILE = 0x1
FILE_WRITE_THROUGH = 0x2
FILE_SEQUENTIAL_ONLY = 0x4
FILE_NO_INTERMEDIATE_BUFFERING = 0x8
FILE_SYNCHRONOUS_IO_ALERT = 0x10
FILE_SYNCHRONOUS_IO_NONALERT = 0x20
FILE_NON_DIRECTORY_FILE = 0x40
FILE_COMPLETE_IF_OPLOCKED = 0x100
FILE_NO_EA_KNOWLEDGE = 0x200
FILE_DELETE_ON_CLOSE = 0x1000
FILE_OPEN_BY_FILE_ID = 0x2000
FILE_OPEN_FOR_BACKUP_INTENT = 0x4000
FILE_OPEN_REQUIRING_OPLOCK = 0x10000
FILE_RESERVE_OPFILTER = 0x100000
FILE_OPEN_REPARSE_POINT = 0x200000
FILE_VALID_OPTION_FLAGS = 0xFFFFFF

FILE_ATTRIBUTE_READONLY = 0x1
FILE_ATTRIBUTE_HIDDEN = 0x2
FILE_ATTRIBUTE_SYSTEM = 0x4
FILE_ATTRIBUTE_DIRECTORY = 0x10
FILE_ATTRIBUTE_ARCHIVE = 0x20
FILE_ATTRIBUTE_NORMAL = 0x80
FILE_ATTRIBUTE_TEMPORARY = 0x100
FILE_ATTRIBUTE_REPARSE_POINT = 0x400
FILE_ATTRIBUTE_OFFLINE = 0x1000
FILE_ATTRIBUTE_NOT_CONTENT_INDEXED = 0x2000
FILE_ATTRIBUTE_VALID_FLAGS = 0x7FB7
# What a caller may set; the other attributes follow from what the file is.
FILE_ATTRIBUTE_VALID_SET_FLAGS = (
    FILE_ATTRIBUTE_READONLY
    | FILE_ATTRIBUTE_HIDDEN
    | FILE_ATTRIBUTE_SYSTEM
    | FILE_ATTRIBUTE_ARCHIVE
    | FILE_ATTRIBUTE_TEMPORARY
    | FILE_ATTRIBUTE_OFFLINE
    | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED
)

SECTOR_SIZE = 512  # bytes; what is not buffered is read and written in whole sectors
_RESERVED_ACCESS = 0x0CE0FE00
_SYNCHRONOUS = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT
_EITHER_TYPE = FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE
_OPLOCK_AND_FILTER = FILE_COMPLETE_IF_OPLOCKED | FILE_RESERVE_OPFILTER
_WRITE_TYPE = (
    FILE_WRITE_DATA
    | FILE_APPEND_DATA
    | FILE_WRITE_EA
    | FILE_WRITE_ATTRIBUTES
    | FILE_DELETE_CHILD
    | DELETE
    | WRITE_DAC
    | WRITE_OWNER
)
# Replacing what is there takes rights that the caller need not name; they count for the access and share checks only.
_IMPLIED_ACCESS = {
    FILE_SUPERSEDE: DELETE,
    FILE_OVERWRITE: FILE_WRITE_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES,
    FILE_OVERWRITE_IF: FILE_WRITE_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES,
}
_INFORMATION = {
    FILE_SUPERSEDE: FILE_SUPERSEDED,
    FILE_OPEN: FILE_OPENED,
    FILE_OPEN_IF: FILE_OPENED,
    FILE_OVERWRITE: FILE_OVERWRITTEN,
    FILE_OVERWRITE_IF: FILE_OVERWRITTEN,
}


class CreateRequest(NamedTuple):
    """What NtCreateFile asks of a file, in NT's masks and numbers; `access` still holds the generic rights."""

    access: int
    share: int
    disposition: int
    options: int = 0
    attributes: int = 0


class Target(NamedTuple):
    """What stands under the name that is opened, as far as the decision looks at it."""

    is_directory: bool
    attributes: int
    is_root: bool = False
    delete_pending: bool = False
    # A named stream, `file:stream`; for one of a directory the request's type options speak of the stream.
    is_stream: bool = False


class Verdict(NamedTuple):
    """What a request may have: Information for its status block, access granted, access for the share check."""

    information: int
    granted: int
    checked: int


def validate(request: CreateRequest, *, read_only_volume: bool = False, may_audit: bool = False) -> None:
    """Refuse a malformed request before any name is looked up (facts/nt.md section 3.2).

    The rights are those that the caller named: a generic right neither forbids nor satisfies here what asks for a
    specific one. Raises STATUS_ACCESS_DENIED, STATUS_INVALID_PARAMETER, STATUS_MEDIA_WRITE_PROTECTED; and
    STATUS_PRIVILEGE_NOT_HELD for ACCESS_SYSTEM_SECURITY of one who has no privilege for it (`may_audit`).
    """
    access, share, disposition, options, attributes = request
    if not access or access & _RESERVED_ACCESS:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if (
        share & ~FILE_SHARE_ALL
        or not FILE_SUPERSEDE <= disposition <= FILE_OVERWRITE_IF
        or options & ~FILE_VALID_OPTION_FLAGS
        or attributes & ~FILE_ATTRIBUTE_VALID_FLAGS
    ):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if options and _contradicts_itself(access, disposition, options):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if access & ACCESS_SYSTEM_SECURITY and not may_audit:
        raise st.NtError(st.STATUS_PRIVILEGE_NOT_HELD)
    if read_only_volume and (disposition not in (FILE_OPEN, FILE_OPEN_IF) or FILE.map_generic(access) & _WRITE_TYPE):
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)


def _contradicts_itself(access: int, disposition: int, options: int) -> bool:
    """Whether options exclude each other, or lack an access or a disposition that they need."""
    return bool(
        (options & _EITHER_TYPE == _EITHER_TYPE)
        or (options & FILE_DIRECTORY_FILE and disposition not in (FILE_OPEN, FILE_CREATE, FILE_OPEN_IF))
        or (options & _SYNCHRONOUS == _SYNCHRONOUS)
        or (options & _SYNCHRONOUS and not access & SYNCHRONIZE)
        or (options & FILE_DELETE_ON_CLOSE and (not access & DELETE or options & FILE_OPEN_BY_FILE_ID))
        or (options & _OPLOCK_AND_FILTER == _OPLOCK_AND_FILTER)
        or (options & FILE_NO_INTERMEDIATE_BUFFERING and access & FILE_APPEND_DATA)
    )


def available_access(*, read_only_volume: bool = False) -> int:
    """Give the most that a file of a volume lets anybody have, READONLY aside."""
    return FILE.valid_mask & ~_WRITE_TYPE if read_only_volume else FILE.valid_mask


def decide_absent(
    request: CreateRequest, *, trailing_separator: bool = False, is_stream: bool = False, read_only_volume: bool = False
) -> Verdict:
    """Decide about a name that is free (facts/nt.md section 3.3)."""
    if request.disposition in (FILE_OPEN, FILE_OVERWRITE):
        raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
    if is_stream and request.options & FILE_DIRECTORY_FILE:
        raise st.NtError(st.STATUS_NOT_A_DIRECTORY)
    if trailing_separator and not request.options & FILE_DIRECTORY_FILE:
        raise st.NtError(st.STATUS_OBJECT_NAME_INVALID)
    if read_only_volume:
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
    if request.options & FILE_DIRECTORY_FILE and request.attributes & FILE_ATTRIBUTE_TEMPORARY:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if request.attributes & FILE_ATTRIBUTE_READONLY and request.options & FILE_DELETE_ON_CLOSE:
        raise st.NtError(st.STATUS_CANNOT_DELETE)
    granted = grant(request.access, FILE.valid_mask)
    return Verdict(FILE_CREATED, granted, granted)


def decide_existing(
    request: CreateRequest, target: Target, *, trailing_separator: bool = False, available: int = FILE.valid_mask
) -> Verdict:
    """Decide about a name that exists, but for the share check, which the caller makes with `checked`.

    `available` is what the volume has to grant.
    Order: delete-pending, type, disposition, attributes, access (facts/nt.md section 3.3).
    """
    if target.delete_pending:
        raise st.NtError(st.STATUS_DELETE_PENDING)
    disposition = request.disposition
    replaces = disposition in _IMPLIED_ACCESS
    if target.is_directory and not target.is_stream:
        if request.options & FILE_NON_DIRECTORY_FILE:
            raise st.NtError(st.STATUS_FILE_IS_A_DIRECTORY)
        if replaces or disposition == FILE_CREATE:
            raise st.NtError(st.STATUS_ACCESS_DENIED if target.is_root else st.STATUS_OBJECT_NAME_COLLISION)
    else:
        _decide_file_type(request, target, trailing_separator)
        if replaces and target.attributes & ~request.attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM):
            raise st.NtError(st.STATUS_ACCESS_DENIED)
    return _decide_access(request, target, available)


def _decide_file_type(request: CreateRequest, target: Target, trailing_separator: bool) -> None:
    """Refuse to make what exists, or to open a file as a directory."""
    wants_directory = request.options & FILE_DIRECTORY_FILE
    if wants_directory and target.is_stream:
        raise st.NtError(st.STATUS_NOT_A_DIRECTORY)
    if trailing_separator and not wants_directory:
        raise st.NtError(st.STATUS_OBJECT_NAME_INVALID)
    if request.disposition == FILE_CREATE:
        raise st.NtError(st.STATUS_OBJECT_NAME_COLLISION)
    if wants_directory:
        raise st.NtError(st.STATUS_NOT_A_DIRECTORY)


def _decide_access(request: CreateRequest, target: Target, available: int) -> Verdict:
    """Grant the access, as far as READONLY and the root directory let it (facts/nt.md sections 3.5 and 3.7)."""
    read_only = target.attributes & FILE_ATTRIBUTE_READONLY
    if read_only and not target.is_directory:
        available &= ~WRITE_CLASS
    available |= request.access & ACCESS_SYSTEM_SECURITY
    granted = grant(request.access, available)
    checked = granted | _IMPLIED_ACCESS.get(request.disposition, 0)
    if not granted or checked & ~available:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if request.options & FILE_DELETE_ON_CLOSE and not target.is_stream and (read_only or target.is_root):
        raise st.NtError(st.STATUS_CANNOT_DELETE)
    return Verdict(_INFORMATION[request.disposition], granted, checked)


def grant(access: int, available: int) -> int:
    """Give the access mask with its generic rights mapped and MAXIMUM_ALLOWED resolved to what is available."""
    access = FILE.map_generic(access)
    if access & MAXIMUM_ALLOWED:
        access = (access & ~MAXIMUM_ALLOWED) | available
    return access


def stored_attributes(given: int, *, is_directory: bool) -> int:
    """Give the attributes that a file made or replaced with `given` has: files get ARCHIVE, directories do not.

    NOT_CONTENT_INDEXED is what a new file's directory says, whatever is given ([MS-FSA] section 2.1.5.1.1).
    """
    kept = given & FILE_ATTRIBUTE_VALID_SET_FLAGS & ~FILE_ATTRIBUTE_NOT_CONTENT_INDEXED
    return kept if is_directory else kept | FILE_ATTRIBUTE_ARCHIVE
