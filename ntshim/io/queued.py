"""Requests that wait for something to happen: a change in a directory, a lock's release, an oplock's break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.io.irp import Irp

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.io.completion import IoCompletion
    from ntshim.io.file import File
    from ntshim.ke.event import Event


class QueuedIrp(Irp):
    """A request that its device has queued, or has finished at once; nobody performs it.

    `status` is STATUS_PENDING as long as it waits, `result` what it gives besides `information`. It is cancelled
    when the last handle of its file closes, unless the device finishes it at cleanup, and by NtCancelIoFile.
    """

    __slots__ = ("_withdraw", "file", "result")

    def __init__(self, file: File, withdraw: Callable[[Any], None]) -> None:
        """Begin to wait; `withdraw` takes a request that is cancelled out of the device's queue."""
        super().__init__()
        self.file = file
        self.result: Any = None
        self._withdraw = withdraw
        file.queued[self] = None

    def finish(self, status: int = st.STATUS_SUCCESS, result: Any = None, information: int = 0) -> None:
        """What the request waits for has happened, or never will; the device has taken it out of its queue."""
        if self.status != st.STATUS_PENDING:
            raise RuntimeError("a request is finished once")
        del self.file.queued[self]
        self.result = result
        self.information = information
        self._finish(status)

    def cancel(self) -> None:
        """Give the request up: STATUS_CANCELLED."""
        self._withdraw(self)
        self.finish(st.STATUS_CANCELLED)


def signal_when_done(irp: QueuedIrp, event: Event | None, apc_context: Any = None) -> None:
    """Reset the event that goes with a request, and set it when the request is done; without one, its file is meant.

    With an `apc_context` the file's completion port, if it has one, is told too (WDK, NtReadFile).
    """
    file = irp.file
    file.set(signalled=False)
    file.reference()
    if event is not None:
        event.set(signalled=False)
        event.reference()

    def done(_: QueuedIrp) -> None:
        if event is not None:
            event.set(signalled=True)
            event.dereference()
        else:
            file.set(signalled=True)
        if file.completion is not None and apc_context is not None:
            _tell_port(irp, *file.completion, apc_context)
        file.dereference()

    irp.when_done(done)


def _tell_port(irp: QueuedIrp, port: IoCompletion, key: Any, apc_context: Any) -> None:
    """Give a completion port the packet of a finished request."""
    from ntshim.io.completion import FileIoCompletionInformation

    port.post(FileIoCompletionInformation(key, apc_context, irp.status, irp.information))
