"""Which rule of a check a refusal of NT's comes under, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from picobox.check import subject as sb

if TYPE_CHECKING:
    from ntshim.fs.mapped import SectionObjectPointers
    from picobox.check.subject import Subject

_WRITE_PERMISSIONS = 0o222


class Refusal(NamedTuple):
    """A refusal: its rule, with a severity where that is not the rule's, and whose path tells of it."""

    rule: str
    path: bytes
    message: str
    severity: str | None = None


def judge_refusal(
    subject: Subject, status: int, *, sections: SectionObjectPointers | None, is_held_below: bool
) -> Refusal | None:
    """Give what a refusal means; None if no rule speaks of it, since Linux refuses it as well.

    `sections`: those of the file that stands in the way. `is_held_below`: something below the directory is open.
    """
    if subject.action in (sb.OPEN, sb.TRUNCATE):
        return _open(subject, status, is_mapped=sections is not None)
    if subject.action in (sb.DELETE, sb.REMOVE_DIRECTORY):
        return _delete(subject, status, is_mapped=sections is not None)
    if subject.action in (sb.RENAME, sb.LINK):
        if not subject.naming:
            return _rename_source(subject, status)
        runs = sections is not None and sections.image_sections > 0
        return _new_name(subject, status, runs=runs, is_held_below=is_held_below)
    if subject.action == sb.TRANSFER and status == st.STATUS_FILE_LOCK_CONFLICT:
        return Refusal("PB018", subject.file.path, "is read or written where another handle has locked it")
    if subject.action == sb.EXCHANGE:
        return Refusal("PB021", subject.file.path, "exchanges its name with another, for which Windows has no call")
    if status == st.STATUS_DELETE_PENDING:
        return _used_again(subject)
    return None


def _open(subject: Subject, status: int, *, is_mapped: bool) -> Refusal | None:
    path = subject.file.path
    cuts = "is truncated" if subject.action == sb.TRUNCATE else "is opened to be changed"
    if status == st.STATUS_USER_MAPPED_FILE or (status == st.STATUS_SHARING_VIOLATION and is_mapped):
        return Refusal("PB016", path, f"{cuts} while it is mapped or runs as a program")
    if status == st.STATUS_SHARING_VIOLATION:
        return Refusal("PB009", path, "is opened while another handle does not share what is asked for")
    if status == st.STATUS_ACCESS_DENIED and is_read_only(subject):
        return Refusal("PB017", path, "is opened for writing though it is read-only", "warning")
    return _used_again(subject) if status == st.STATUS_DELETE_PENDING else None


def _delete(subject: Subject, status: int, *, is_mapped: bool) -> Refusal | None:
    path = subject.file.path
    if subject.action == sb.REMOVE_DIRECTORY:
        if status in (st.STATUS_SHARING_VIOLATION, st.STATUS_DIRECTORY_NOT_EMPTY):
            return Refusal("PB014", path, "is removed while it is open or a working directory")
        return None
    if status == st.STATUS_SHARING_VIOLATION and is_mapped:
        # Runtimes keep a handle with a mapping, which its user has not opened and does not see.
        return Refusal("PB016", path, "is deleted while it is mapped and open")
    if status == st.STATUS_SHARING_VIOLATION:
        return Refusal("PB010", path, "is deleted while it is open")
    if status == st.STATUS_CANNOT_DELETE:
        if is_read_only(subject):
            return Refusal("PB017", path, "is deleted though it is read-only")
        return Refusal("PB016", path, "is deleted while it is mapped or runs as a program")
    return _used_again(subject) if status == st.STATUS_DELETE_PENDING else None


def _rename_source(subject: Subject, status: int) -> Refusal | None:
    if status == st.STATUS_SHARING_VIOLATION and subject.action == sb.RENAME:
        if subject.file.is_directory:
            return Refusal("PB013", subject.file.path, "is renamed while it is open or a working directory")
        return Refusal("PB011", subject.file.path, "is renamed while it is open")
    return None


def _new_name(subject: Subject, status: int, *, runs: bool, is_held_below: bool) -> Refusal | None:
    target = subject.target
    if target is None:
        return None
    if status == st.STATUS_ACCESS_DENIED and subject.file.is_directory and is_held_below:
        return Refusal("PB013", subject.file.path, "is renamed while something below it is open")
    if status == st.STATUS_DELETE_PENDING:
        return _used_again(subject._replace(file=target))
    if subject.action == sb.RENAME and subject.file.is_directory != target.is_directory:
        return None
    if status not in (st.STATUS_ACCESS_DENIED, st.STATUS_SHARING_VIOLATION) or target.file is None:
        return None
    if target.is_directory:
        return Refusal("PB026", target.path, "is an empty directory that another one replaces")
    if target.mode and not target.mode & _WRITE_PERMISSIONS:
        return Refusal("PB017", target.path, "is replaced though it is read-only")
    if runs:
        return Refusal("PB016", target.path, "is replaced while it runs as a program")
    return Refusal("PB012", target.path, "is replaced by a rename while it is open")


def _used_again(subject: Subject) -> Refusal:
    return Refusal("PB015", subject.file.path, "is used again while the file deleted under this name is still open")


def is_read_only(subject: Subject) -> bool:
    """Whether the file has the attribute READONLY: nobody may write to it by its mode."""
    file = subject.file
    return file.file is not None and not file.is_directory and not file.mode & _WRITE_PERMISSIONS
