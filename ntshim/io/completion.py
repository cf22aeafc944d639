"""I/O completion ports: a queue of packets that a limited number of threads work through."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.ke.header import DispatcherObject
from ntshim.ke.wait import Wait, check_caller
from ntshim.ke.wait_state import wait_state
from ntshim.ob.object import ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ob.object import Object
    from ntshim.ps.executive import Executive
    from ntshim.ps.process import Process, Thread

IO_COMPLETION_QUERY_STATE = 0x1
IO_COMPLETION_MODIFY_STATE = 0x2


class FileIoCompletionInformation(NamedTuple):
    """A packet, FILE_IO_COMPLETION_INFORMATION: whose it is, and how what it tells of went."""

    key_context: Any
    apc_context: Any
    io_status: int
    information: int


class IoCompletionType(ObjectType):
    """The type IoCompletion."""

    __slots__ = ()

    def close(self, target: Object) -> None:
        """End all waits at a port that nobody can give packets to any more: STATUS_ABANDONED_WAIT_0."""
        if isinstance(target, IoCompletion):
            for removal in list(target.removals):
                removal.end(st.STATUS_ABANDONED_WAIT_0)


IO_COMPLETION = make_type("IoCompletion", IoCompletionType)


class IoCompletion(DispatcherObject):
    """A completion port; it is signalled while it holds packets.

    `active` counts the threads that took their last packet here and do not wait now; above `maximum` none gets
    another. `removals` are those who wait for packets, of whom the last to come is served first.
    """

    __slots__ = ("active", "maximum", "packets", "removals")

    def __init__(self, maximum: int) -> None:
        """Make a port without packets that lets so many threads work."""
        super().__init__(IO_COMPLETION)
        self.maximum = maximum
        self.active = 0
        self.packets: deque[FileIoCompletionInformation] = deque()
        self.removals: dict[Removal, None] = {}

    def post(self, packet: FileIoCompletionInformation) -> None:
        """Add a packet; a thread that may work gets it."""
        self.packets.append(packet)
        self.reference()
        self._serve()
        self.wake()
        self.dereference()

    def deactivate(self) -> None:
        """One of the active threads waits, goes elsewhere, or has ended: another one may work."""
        self.active -= 1
        self._serve()

    def take(self, count: int) -> list[FileIoCompletionInformation]:
        """Remove the oldest packets, at most so many."""
        return [self.packets.popleft() for _ in range(min(count, len(self.packets)))]

    def is_signalled(self, thread: Thread | None) -> bool:  # noqa: ARG002 - anyone may wait
        """Whether the port holds packets."""
        return bool(self.packets)

    def _serve(self) -> None:
        """Give packets to those who wait, as long as threads may work."""
        while self.packets and self.removals and self.active < self.maximum:
            removal = next(reversed(self.removals))
            removal.end(st.STATUS_SUCCESS, self.take(removal.count))


class Removal(Wait):
    """A wait for packets, of which it takes at most `count`; `result` is the list of those that it got."""

    __slots__ = ("_port", "count")

    def __init__(
        self, executive: Executive, caller: Process | Thread, port: IoCompletion, count: int, *, alertable: bool
    ) -> None:
        """Prepare to wait."""
        super().__init__(executive, caller, alertable=alertable)
        self._port = port
        self.count = count

    def begin(self, timeout: int | None) -> int:
        """Take packets, or stand in line; the thread belongs to the port from now on (KeRemoveQueue)."""
        check_caller(self.caller)
        port = self._port
        mine = 0
        if self.caller.thread is not None:
            state = wait_state(self.caller)
            state.join(port)
            mine = not state.pending
        if not port.packets or port.active - mine >= port.maximum:
            return super().begin(timeout)
        self.result = port.take(self.count)
        self._finish(st.STATUS_SUCCESS)
        return self.status

    def _enqueue(self) -> None:
        """Stand in line at the port, which lives as long."""
        self._port.reference()
        self._port.removals[self] = None

    def _withdraw(self) -> None:
        """Leave the line."""
        del self._port.removals[self]
        self._port.dereference()
