"""What a rename or a hard link may replace: the decision of facts/nt.md section 3.6."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.io.create import FILE_ATTRIBUTE_READONLY

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_RENAME_REPLACE_IF_EXISTS = 0x1
FILE_RENAME_POSIX_SEMANTICS = 0x2
FILE_RENAME_IGNORE_READONLY_ATTRIBUTE = 0x40

# The flags of links have the same values.
FILE_LINK_REPLACE_IF_EXISTS = FILE_RENAME_REPLACE_IF_EXISTS
FILE_LINK_POSIX_SEMANTICS = FILE_RENAME_POSIX_SEMANTICS
FILE_LINK_IGNORE_READONLY_ATTRIBUTE = FILE_RENAME_IGNORE_READONLY_ATTRIBUTE


class Replaced(NamedTuple):
    """What has the new name already."""

    is_directory: bool
    attributes: int
    delete_pending: bool
    is_open: bool
    all_share_delete: bool
    has_children: Callable[[], bool]


def decide_replace(flags: int, target: Replaced, *, source_is_directory: bool) -> None:
    """Decide whether the new name may be taken from another file; raises the status of a refusal.

    A POSIX rename between a file and a directory is refused; which status NTFS gives is not known, this is the one
    of the other refusals.
    """
    if not flags & FILE_RENAME_REPLACE_IF_EXISTS:
        raise st.NtError(st.STATUS_OBJECT_NAME_COLLISION)
    if target.delete_pending:
        raise st.NtError(st.STATUS_DELETE_PENDING)
    posix = flags & FILE_RENAME_POSIX_SEMANTICS
    if target.is_directory and not (posix and source_is_directory):
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if posix and source_is_directory and not target.is_directory:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if target.attributes & FILE_ATTRIBUTE_READONLY and not flags & FILE_RENAME_IGNORE_READONLY_ATTRIBUTE:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if posix:
        if not target.all_share_delete:
            raise st.NtError(st.STATUS_SHARING_VIOLATION)
        if target.has_children():
            raise st.NtError(st.STATUS_DIRECTORY_NOT_EMPTY)
    elif target.is_open:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
