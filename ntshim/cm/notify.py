"""Notification of changes of keys: who waits for what, and what ends the wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.ke.pending import PendingRequest

if TYPE_CHECKING:
    from ntshim.cm.node import KeyNode

REG_NOTIFY_CHANGE_NAME = 0x1
REG_NOTIFY_CHANGE_ATTRIBUTES = 0x2
REG_NOTIFY_CHANGE_LAST_SET = 0x4
REG_NOTIFY_CHANGE_SECURITY = 0x8
REG_NOTIFY_THREAD_AGNOSTIC = 0x10000000
REG_LEGAL_CHANGE_FILTER = 0xF | REG_NOTIFY_THREAD_AGNOSTIC


class NotifyKeyRequest(PendingRequest):
    """A request of NtNotifyChangeKey; it ends with STATUS_NOTIFY_ENUM_DIR or STATUS_NOTIFY_CLEANUP."""

    __slots__ = ()

    def finish(self, status: int) -> None:
        """End the wait."""
        self._finish(status)


class KeyWatch:
    """What one open of a key is told; its first request has fixed filter and depth (WDK, ZwNotifyChangeKey)."""

    __slots__ = ("changed", "completion_filter", "node", "requests", "watch_tree")

    def __init__(self, node: KeyNode, completion_filter: int, *, watch_tree: bool) -> None:
        """Watch a key from now on."""
        self.node = node
        self.completion_filter = completion_filter
        self.watch_tree = watch_tree
        self.changed = False
        self.requests: list[NotifyKeyRequest] = []
        if node.watches is None:
            node.watches = []
        node.watches.append(self)

    def request(self) -> NotifyKeyRequest:
        """Add a request; a change since the last one ends it at once."""
        request = NotifyKeyRequest()
        self.requests.append(request)
        if self.changed:
            self.tell()
        return request

    def tell(self) -> None:
        """Something changed: all requests end, or the next one will."""
        self.changed = not self.requests
        self._end(st.STATUS_NOTIFY_ENUM_DIR)

    def close(self) -> None:
        """The open is gone."""
        if self.node.watches is not None:
            self.node.watches.remove(self)
        self._end(st.STATUS_NOTIFY_CLEANUP)

    def _end(self, status: int) -> None:
        """Finish all requests."""
        requests, self.requests = self.requests, []
        for request in requests:
            request.finish(status)


def report(node: KeyNode, change: int) -> None:
    """Tell those who watch a key, or one above it with all below, of a REG_NOTIFY_CHANGE_ to what is in it."""
    _tell(node, change, is_below=False)
    for above in node.ancestors():
        _tell(above, change, is_below=True)


def report_deleted(node: KeyNode) -> None:
    """A key is gone: who watched it is told whatever the filter was, the rest of the change by `report`."""
    for watch in list(node.watches or ()):
        watch.tell()


def _tell(node: KeyNode, change: int, *, is_below: bool) -> None:
    """Tell the watches of one key."""
    for watch in list(node.watches or ()):
        if watch.completion_filter & change and (watch.watch_tree or not is_below):
            watch.tell()
