"""The process of a virus scanner, and the pipe by which it is told what to scan."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from picobox.platform import host
from picobox.platform.base import SpawnRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.platform.base import HostTid

    Spawn = Callable[[SpawnRequest, Callable[[], None]], HostTid]

_PROGRAM = os.path.join(os.path.dirname(__file__), "scanner_program.py")
# What may reach it with the program before it has a session of its own.
_IGNORED = (
    signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
    signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
)  # fmt: skip


class ScannerProcess:
    """A Python of ours without site-packages: it is there after 10 ms."""

    def __init__(self, milliseconds: int, spawn: Spawn, ended: Callable[[], None]) -> None:
        """Have `spawn` start it as a guest that keeps each file open for that time."""
        words = (os.fsencode(sys.executable), b"-I", b"-S", os.fsencode(_PROGRAM), b"%d" % milliseconds)
        paths, self._pipe = os.pipe()
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            request = SpawnRequest(
                words,
                tuple(host.initial_environment()),
                words[:1],
                cwd=b"/",
                fds=(paths, nothing, nothing),
                ignored_signals=sum(1 << number - 1 for number in _IGNORED),
            )
            self.tid = spawn(request, ended)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(paths)
            os.close(nothing)

    def send(self, path: bytes) -> None:
        """Tell it of a file. Of one at a time, so that the pipe has room."""
        try:
            os.write(self._pipe, path + b"\0")
        except BrokenPipeError:
            return  # it has died: that is the next thing we hear of it

    def close(self) -> None:
        """Let go of it."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
