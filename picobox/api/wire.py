"""Owns how a client of the Python API and the supervisor of its program talk: JSON objects, a line each, on a socket.

The client sends one request, then signals and answers of hooks. The supervisor tells that the program has begun, asks
hooks, and ends with what became of the program, or with why it was not run. Texts are as os.fsdecode makes them.
"""

from __future__ import annotations

import json
import os

# The module socket takes longer to load than a supervisor's whole conversation.
from _socket import MSG_DONTWAIT
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _socket import socket

# What a message is about: its member `kind`.
BEGAN, ASKED, ENDED, UNSTARTED, FAILED = "began", "asked", "ended", "unstarted", "failed"
SIGNAL, ANSWER, ABANDON = "signal", "answer", "abandon"

_BLOCK = 1 << 16
_encode = json.JSONEncoder(separators=(",", ":")).encode

Message = dict[str, Any]


class Channel:
    """One end of the socket. The descriptor is never inheritable: no program gets it."""

    def __init__(self, end: socket) -> None:
        os.set_inheritable(end.fileno(), False)
        self.end = end
        self._rest = b""

    def send(self, message: Message) -> None:
        """Says it, however long that takes; who is not there any more is told nothing."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.end.sendall(_encode(message).encode() + b"\n")

    def receive(self) -> Message | None:
        """The next message; None: the other end is gone. Waits for it."""
        while b"\n" not in self._rest:
            if not self._take(0):
                return None
        return self._next()

    def news(self) -> list[Message] | None:
        """What has been said by now, without waiting; None: the other end is gone."""
        try:
            while self._take(MSG_DONTWAIT):
                pass
        except BlockingIOError:
            found = []
            while b"\n" in self._rest:
                found.append(self._next())
            return found
        return None

    def close(self) -> None:
        """Says that nothing more will be said or heard."""
        self.end.close()

    def _take(self, flags: int) -> bool:
        """Whether there was anything to take."""
        try:
            block = self.end.recv(_BLOCK, flags)
        except ConnectionResetError:
            return False
        self._rest += block
        return bool(block)

    def _next(self) -> Message:
        line, _, self._rest = self._rest.partition(b"\n")
        message: Message = json.loads(line)
        return message
