"""Symbolic links on a WSL volume: which kind is made, and what each says to Linux (facts/wsl1.md section 4.8)."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs import reparse
from ntshim.io import control, create, query
from ntshim.io.file import FILE_READ_ATTRIBUTES, FILE_READ_DATA, FILE_WRITE_ATTRIBUTES
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.lx.errors import LxError, as_errno, failure
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.object import DELETE, SYNCHRONIZE

if TYPE_CHECKING:
    from ntshim.io.stat import FileStatLxInformation
    from ntshim.lx.volume import LxVolume

_LONGEST_V1_TARGET = 32767
_DRIVE = re.compile(r"\\\?\?\\([A-Za-z]):(?:\\(.*))?", re.DOTALL)
_VERSION_2 = b"\2\0\0\0"


def symlink(volume: LxVolume, target: bytes, path: str) -> None:
    """Make a link: one of NT's if NT would find what it leads to, one of Linux' own otherwise.

    NT's is made for a relative target that is there, on this volume, by a way on which no other Linux link lies.
    """
    is_directory = _kind_for_nt(volume, target, path)
    if is_directory is not None:
        substitute = "\\".join(
            component if component in (".", "..") else volume.rules.escape(component)
            for component in target.decode().split("/")
        )
        buffer = reparse.build_symlink(substitute, substitute, relative=True)
        try:
            _make(volume, path, buffer, is_directory=is_directory)
        except LxError as error:
            if error.status not in (st.STATUS_PRIVILEGE_NOT_HELD, st.STATUS_ACCESS_DENIED):
                raise
        else:
            return
    _make(volume, path, reparse.build_lx_symlink(target), is_directory=False)


def _kind_for_nt(volume: LxVolume, target: bytes, path: str) -> bool | None:
    """Whether NT finds a directory where a link would lead, None if it finds nothing."""
    try:
        text = target.decode()
    except UnicodeDecodeError:
        return None
    if not text or text.startswith("/") or text.endswith("/") or "//" in text:
        return None
    depth = sum(component not in ("", ".") for component in posixpath.dirname(path).split("/"))
    for component in text.split("/"):
        depth += -1 if component == ".." else component != "."
        if depth < 0:
            return None
    resolved = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), text)).lstrip("/")
    try:
        answer = volume.nt.NtOpenFile(
            volume.caller,
            FILE_READ_ATTRIBUTES | SYNCHRONIZE,
            ObjectAttributes(volume.nt_name(resolved), 0, OBJ_CASE_INSENSITIVE),
            FILE_SHARE_ALL,
            0,
        )
    except st.NtError:
        return None
    try:
        found = volume.nt.NtQueryInformationFile(volume.caller, answer.handle, query.FILE_STAT_LX_INFORMATION)
    finally:
        volume.nt.NtClose(volume.caller, answer.handle)
    return bool(found.file_attributes & create.FILE_ATTRIBUTE_DIRECTORY)


def _make(volume: LxVolume, path: str, buffer: bytes, *, is_directory: bool) -> None:
    kind = create.FILE_DIRECTORY_FILE if is_directory else create.FILE_NON_DIRECTORY_FILE
    with as_errno():
        handle = volume.make_plain(path, FILE_WRITE_ATTRIBUTES | FILE_READ_ATTRIBUTES | DELETE, kind)
    try:
        with as_errno(), volume.undone(handle):
            volume.nt.NtFsControlFile(volume.caller, handle, control.FSCTL_SET_REPARSE_POINT, buffer)
    finally:
        volume.nt.NtClose(volume.caller, handle)


def readlink(volume: LxVolume, path: str) -> bytes:
    """What a link contains, as Linux would have written it; EINVAL if it is none, EIO if it makes no sense."""
    with volume.opened(path, FILE_READ_ATTRIBUTES) as handle:
        found = volume.information(handle)
        return target_of(volume, path, handle, found)


def target_of(volume: LxVolume, path: str, handle: int, found: FileStatLxInformation) -> bytes:
    """As `readlink`, for what is open."""
    if found.reparse_tag == reparse.IO_REPARSE_TAG_LX_SYMLINK:
        return _lx_target(volume, path, handle)
    if found.reparse_tag not in (reparse.IO_REPARSE_TAG_SYMLINK, reparse.IO_REPARSE_TAG_MOUNT_POINT):
        raise failure("EINVAL")
    try:
        target = reparse.link_target(reparse.parse(_buffer(volume, handle)))
    except st.NtError as error:
        raise failure("EIO", error.status) from None
    if target is None:
        raise failure("EIO")
    if target.relative:
        return _linux_form(volume, target.name)
    drive = _DRIVE.fullmatch(target.name)
    if drive is None:
        raise failure("EIO")
    below = _linux_form(volume, drive[2] or "")
    return b"/".join(filter(None, (volume.mount_root + drive[1].lower().encode(), below)))


def _buffer(volume: LxVolume, handle: int) -> bytes:
    size = reparse.MAXIMUM_REPARSE_DATA_BUFFER_SIZE
    answer = volume.nt.NtFsControlFile(volume.caller, handle, control.FSCTL_GET_REPARSE_POINT, output_length=size)
    if not isinstance(answer, bytes):
        raise failure("EIO")
    return answer


def _lx_target(volume: LxVolume, path: str, handle: int) -> bytes:
    with as_errno():
        data = reparse.parse(_buffer(volume, handle)).data
    if data[:4] == _VERSION_2:
        return data[4:]
    # Version 1: the target is the file's data.
    with volume.opened(path, FILE_READ_DATA) as readable:
        try:
            target = volume.nt.NtReadFile(volume.caller, readable, _LONGEST_V1_TARGET + 1, 0)
        except st.NtError as error:
            raise failure("EIO", error.status) from None
    if len(target) > _LONGEST_V1_TARGET:
        raise failure("EIO")
    return target


def _linux_form(volume: LxVolume, name: str) -> bytes:
    """A name of NT's with slashes, its escapes undone; EIO for what is no UTF-16."""
    try:
        return "/".join(volume.rules.unescape(component) for component in name.split("\\")).encode()
    except UnicodeEncodeError:
        raise failure("EIO") from None
