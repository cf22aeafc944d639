"""The control codes that a volume knows, each with the routine that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.fs import reparse
from ntshim.io import control as io
from ntshim.se.token import SE_CREATE_SYMBOLIC_LINK_PRIVILEGE, holds_privilege

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.volume import Volume
    from ntshim.io.file import File
    from ntshim.ps.process import Process, Thread


def control(volume: Volume, caller: Process | Thread, file: File, access: int, code: int, data: bytes) -> Any:
    """Do what a code says with a handle's access; STATUS_INVALID_DEVICE_REQUEST for an unknown one."""
    routine = _ROUTINES.get(code)
    if routine is None:
        raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
    return routine(volume, caller, file, access, data)


def _set_reparse_point(volume: Volume, caller: Process | Thread, file: File, access: int, data: bytes) -> bytes:
    """FSCTL_SET_REPARSE_POINT."""
    may_link = volume.developer_mode or holds_privilege(caller, SE_CREATE_SYMBOLIC_LINK_PRIVILEGE)
    reparse.set_reparse_point(volume, file.context, access, data, may_link=may_link)
    return b""


def _get_reparse_point(volume: Volume, _: Process | Thread, file: File, __: int, ___: bytes) -> bytes:
    """FSCTL_GET_REPARSE_POINT."""
    return reparse.get_reparse_point(volume, file.context)


def _delete_reparse_point(volume: Volume, _: Process | Thread, file: File, access: int, data: bytes) -> bytes:
    """FSCTL_DELETE_REPARSE_POINT."""
    reparse.delete_reparse_point(volume, file.context, access, data)
    return b""


_ROUTINES: dict[int, Callable[[Volume, Process | Thread, File, int, bytes], Any]] = {
    io.FSCTL_SET_REPARSE_POINT: _set_reparse_point,
    io.FSCTL_GET_REPARSE_POINT: _get_reparse_point,
    io.FSCTL_DELETE_REPARSE_POINT: _delete_reparse_point,
}
