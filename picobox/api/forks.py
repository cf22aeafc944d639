"""Owns what a fork of the client must not have: ends of conversations, which would go on with nobody who answers.

A child that held the client's end would keep a program alive whose client is gone, and a call that waits for a hook
would wait for ever; one that held the supervisor's end would keep the client from hearing that the supervisor is gone.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

_ends: WeakSet[socket.socket] = WeakSet()
# Held from before os.fork until after it; by one thread more than once, as a signal handler may fork.
_lock = threading.RLock()


@contextmanager
def none() -> Iterator[None]:
    """Other threads do not fork meanwhile."""
    with _lock:
        yield


def keep_out(end: socket.socket) -> None:
    """Every child of os.fork closes its own of this socket at once. A child that runs another program has none."""
    _ends.add(end)


def _close_in_child() -> None:
    for end in list(_ends):
        end.close()
    _ends.clear()
    _lock.release()


os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_close_in_child)
