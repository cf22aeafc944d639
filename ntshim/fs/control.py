"""The control codes that a volume knows, each with the routine that serves it.

Reparse points: `fs.reparse` has the statuses. Oplocks: facts/nt.md section 3.10; a request gives a QueuedIrp that waits
until the oplock is broken, and so does an answer that keeps one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.fs import oplocks, reparse
from ntshim.io import control as io
from ntshim.io import oplock
from ntshim.io.oplock import Level, OplockKind
from ntshim.se.token import SE_CREATE_SYMBOLIC_LINK_PRIVILEGE, holds_privilege

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume
    from ntshim.io.file import File
    from ntshim.io.queued import QueuedIrp
    from ntshim.ps.process import Process, Thread


class Request(NamedTuple):
    """What came with a code: for which open, with which access of its handle, and how much output has place."""

    volume: Volume
    caller: Process | Thread
    file: File
    access: int
    data: bytes
    output_length: int

    @property
    def opened(self) -> Open:
        """The open that is meant."""
        opened: Open = self.file.context
        return opened


def control(
    volume: Volume, caller: Process | Thread, file: File, access: int, code: int, data: bytes, output_length: int
) -> Any:
    """Do what a code says with a handle's access; STATUS_INVALID_DEVICE_REQUEST for an unknown one."""
    routine = _ROUTINES.get(code)
    if routine is None:
        raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
    return routine(Request(volume, caller, file, access, data, output_length))


def _set_reparse_point(asked: Request) -> bytes:
    """FSCTL_SET_REPARSE_POINT."""
    may_link = asked.volume.developer_mode or holds_privilege(asked.caller, SE_CREATE_SYMBOLIC_LINK_PRIVILEGE)
    reparse.set_reparse_point(asked.volume, asked.opened, asked.access, asked.data, may_link=may_link)
    return b""


def _get_reparse_point(asked: Request) -> bytes:
    """FSCTL_GET_REPARSE_POINT."""
    return reparse.get_reparse_point(asked.volume, asked.opened)


def _delete_reparse_point(asked: Request) -> bytes:
    """FSCTL_DELETE_REPARSE_POINT."""
    reparse.delete_reparse_point(asked.volume, asked.opened, asked.access, asked.data)
    return b""


def _request_level(level: Level) -> Callable[[Request], QueuedIrp]:
    """FSCTL_REQUEST_OPLOCK_LEVEL_1, _LEVEL_2, _BATCH_OPLOCK and _FILTER_OPLOCK."""
    return lambda asked: oplocks.request(asked.volume, asked.file, level)


def _request_oplock(asked: Request) -> QueuedIrp | bytes:
    """FSCTL_REQUEST_OPLOCK: ask for one, or answer its break."""
    caching, flags = oplock.read_request(asked.data)
    if asked.output_length < oplock.OUTPUT_BYTES:
        raise st.NtError(st.STATUS_BUFFER_TOO_SMALL)
    if flags & oplock.REQUEST_OPLOCK_INPUT_FLAG_REQUEST:
        return oplocks.request(asked.volume, asked.file, Level(OplockKind.GRANULAR, caching))
    held = oplocks.oplocks_of(asked.opened.stream)
    if flags & oplock.REQUEST_OPLOCK_INPUT_FLAG_COMPLETE_ACK_ON_CLOSE and not caching:
        held.close_pending(asked.opened, granular=True)
        return b""
    return held.acknowledge_granular(asked.opened, asked.file, caching) or b""


def _acknowledge(*, keeps_level_2: bool) -> Callable[[Request], QueuedIrp | bytes]:
    """FSCTL_OPLOCK_BREAK_ACKNOWLEDGE and FSCTL_OPLOCK_BREAK_ACK_NO_2."""

    def answer(asked: Request) -> QueuedIrp | bytes:
        held = oplocks.oplocks_of(asked.opened.stream)
        return held.acknowledge(asked.opened, asked.file, keeps_level_2=keeps_level_2) or b""

    return answer


def _close_pending(asked: Request) -> bytes:
    """FSCTL_OPBATCH_ACK_CLOSE_PENDING."""
    oplocks.oplocks_of(asked.opened.stream).close_pending(asked.opened, granular=False)
    return b""


def _notify_break(asked: Request) -> QueuedIrp | bytes:
    """FSCTL_OPLOCK_BREAK_NOTIFY: wait until no oplock of the stream is being broken."""
    return oplocks.oplocks_of(asked.opened.stream).notify(asked.file) or b""


_ROUTINES: dict[int, Callable[[Request], Any]] = {
    io.FSCTL_REQUEST_OPLOCK_LEVEL_1: _request_level(oplock.LEVEL_1),
    io.FSCTL_REQUEST_OPLOCK_LEVEL_2: _request_level(oplock.LEVEL_2),
    io.FSCTL_REQUEST_BATCH_OPLOCK: _request_level(oplock.BATCH),
    io.FSCTL_REQUEST_FILTER_OPLOCK: _request_level(oplock.FILTER),
    io.FSCTL_REQUEST_OPLOCK: _request_oplock,
    io.FSCTL_OPLOCK_BREAK_ACKNOWLEDGE: _acknowledge(keeps_level_2=True),
    io.FSCTL_OPLOCK_BREAK_ACK_NO_2: _acknowledge(keeps_level_2=False),
    io.FSCTL_OPBATCH_ACK_CLOSE_PENDING: _close_pending,
    io.FSCTL_OPLOCK_BREAK_NOTIFY: _notify_break,
    io.FSCTL_SET_REPARSE_POINT: _set_reparse_point,
    io.FSCTL_GET_REPARSE_POINT: _get_reparse_point,
    io.FSCTL_DELETE_REPARSE_POINT: _delete_reparse_point,
}
