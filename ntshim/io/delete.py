"""When a file may be marked for deletion: the decision of FileDispositionInformation (facts/nt.md section 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.io.create import FILE_ATTRIBUTE_READONLY

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_DISPOSITION_DELETE = 0x1
FILE_DISPOSITION_POSIX_SEMANTICS = 0x2
FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK = 0x4
FILE_DISPOSITION_ON_CLOSE = 0x8
FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE = 0x10
_KNOWN = 0x1F


class Condemned(NamedTuple):
    """What the decision looks at, of the open through which it is asked and of its file."""

    attributes: int
    delete_on_close: bool
    removed: bool
    is_root: bool
    is_stream: bool
    by_id: bool
    has_children: Callable[[], bool]


def decide_disposition(flags: int, target: Condemned) -> None:
    """Decide about FILE_DISPOSITION_ flags; raises the status of a refusal.

    STATUS_INVALID_PARAMETER through a handle that no name led to; STATUS_FILE_DELETED if the name is gone already;
    STATUS_NOT_SUPPORTED for an unknown flag, and for ON_CLOSE on a handle that was not opened with DELETE_ON_CLOSE;
    STATUS_CANNOT_DELETE for READONLY and for the root; STATUS_DIRECTORY_NOT_EMPTY.
    """
    if flags & ~_KNOWN:
        raise st.NtError(st.STATUS_NOT_SUPPORTED)
    if target.by_id:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if target.removed:
        raise st.NtError(st.STATUS_FILE_DELETED)
    if flags & FILE_DISPOSITION_ON_CLOSE and not target.delete_on_close:
        raise st.NtError(st.STATUS_NOT_SUPPORTED)
    if not flags & FILE_DISPOSITION_DELETE:
        return
    if target.attributes & FILE_ATTRIBUTE_READONLY and not flags & FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE:
        raise st.NtError(st.STATUS_CANNOT_DELETE)
    if target.is_stream:
        return
    if target.is_root:
        raise st.NtError(st.STATUS_CANNOT_DELETE)
    if target.has_children():
        raise st.NtError(st.STATUS_DIRECTORY_NOT_EMPTY)
