"""Asks the broker: a process behind the guests' walls, with their credentials, that makes calls on paths for them."""

from __future__ import annotations

import os
from errno import EPIPE, ETIMEDOUT
from struct import Struct
from typing import TYPE_CHECKING

from picobox._native._core import ffi, lib
from picobox.errors import Errno, PlatformError
from picobox.platform.base import HostTid
from picobox.platform.host import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.confine.landlock import Ruleset

# A call that takes longer hangs, in the kernel or in a file system that a program serves.
SECONDS = 5
MOST_HANGS = 8
_WORD = (1 << 64) - 1
# struct pb_request, written at once: see trace.py.
_request = Struct("<2i4I8x2Q")


class Broker:
    """The broker of one run. It has the guests' credentials since all of theirs are this process's, see `check_ids`."""

    def __init__(self, seconds: int = SECONDS) -> None:
        """`seconds`: how long a call may take."""
        self._native = ffi.new("struct pb_broker *", {"tid": -1, "pidfd": -1, "socket": -1})
        self._request = ffi.new("struct pb_request *")
        self._reply = ffi.new("struct pb_reply *")
        self._bytes = ffi.buffer(self._request)
        self._seconds = seconds
        self._hangs = 0
        self._ruleset: Ruleset | None = None

    @property
    def tid(self) -> HostTid:
        """-1 if there is none."""
        return HostTid(self._native.tid)

    def start(self, ruleset: Ruleset) -> None:
        """Starts it, held by what holds the guests. PlatformError."""
        self._ruleset = ruleset
        error = lib.pb_broker_start(ruleset.fd, self._seconds, self._native)
        if error < 0:
            raise PlatformError(refusal("a broker", -error))

    def ask(
        self,
        operation: int,
        fds: Sequence[int] = (),
        path: bytes = b"",
        *,
        follow: bool = False,
        words: Sequence[int] = (),
        name: bytes = b"",
        data: bytes = b"",
        room: int = 0,
    ) -> tuple[int, bytes, int]:
        """The result of a call (PB_BROKER_*) or -errno, what it filled in, and a descriptor for `path` or -1.

        `path` begins at the first of `fds`, or at the root; without one the first of `fds` is meant itself. Errno
        (ETIMEDOUT): the call hung. PlatformError: there is no broker any more.
        """
        first, second = (*words, 0, 0)[:2]
        sizes = len(path) + bool(path), len(name) + bool(name), len(data)
        _request.pack_into(self._bytes, 0, operation, follow, *sizes, room, first & _WORD, second & _WORD)
        reply = self._reply
        error = lib.pb_broker_ask(self._native, self._request, path, name, data, fds, len(fds), reply)
        if error == -ETIMEDOUT:
            self._replace()
        if error == -EPIPE:
            raise PlatformError(
                "the broker, which makes calls on paths for the program, was killed: the run cannot go on. Run it again"
            )
        if error:
            raise Errno(-error)
        return reply.result, bytes(ffi.buffer(reply.data, reply.size)), reply.opened

    def _replace(self) -> None:
        """The call may hang for ever, and a broker makes one at a time: another takes its place."""
        self._hangs += 1
        self.end()
        if self._hangs > MOST_HANGS or self._ruleset is None:
            raise PlatformError(
                f"{self._hangs} calls on paths took longer than {self._seconds} s each: the run cannot go on. "
                "Is a file system not answering?"
            )
        self.start(self._ruleset)

    def end(self) -> None:
        """Kills it."""
        lib.pb_broker_end(self._native)


def check_ids() -> None:
    """PlatformError unless one user and group is all that this process, and so a guest without a capability, can be."""
    if len(set(os.getresuid())) + len(set(os.getresgid())) > 2:
        raise PlatformError("real, effective and saved ids differ. Run picobox with one user and group (setpriv(1))")
