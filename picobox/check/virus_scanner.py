"""A virus scanner beside the program: a guest of its own that keeps what was just written open and shares nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from typing import TYPE_CHECKING

from ntshim.fs.names import to_host
from ntshim.fs.native import NativeInode
from ntshim.io.share import WRITE_CLASS
from picobox.errors import Errno
from picobox.platform import host
from picobox.platform.base import SpawnRequest
from picobox.runtimes import C

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.nodes import Open
    from ntshim.io.file import File
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.platform.base import HostTid
    from picobox.provider import PicoProvider
    from picobox.windows import WindowsRules

    Spawn = Callable[[SpawnRequest, Callable[[], None]], HostTid]

NAME = "virus-scanner"
_PROGRAM = os.path.join(os.path.dirname(__file__), "scanner_program.py")
_PATH_SIZE = 4096
# Which argument of its opens is the path.
_OPENS = {"open": 0, "openat": 1}
# What the scanner may be in the way of waits until it is.
_IN_THE_WAY_OF = frozenset(
    ("open", "openat", "openat2", "creat", "truncate", "unlink", "unlinkat", "rmdir", "rename", "renameat",
     "renameat2", "link", "linkat", "execve", "execveat")
)  # fmt: skip
# What may reach it with the program before it has a session of its own.
_IGNORED = (
    signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
    signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
)  # fmt: skip


class VirusScanner:
    """Has its process open each file that the last writer has closed, one after the other.

    Until it has opened what is to be scanned, calls that it may be in the way of wait, so that what they meet does not
    depend on who is faster. How long a file is kept open is the clock's matter.
    """

    rows = _IN_THE_WAY_OF | {"close"}

    def __init__(self, milliseconds: int) -> None:
        """Keep each file open for that time."""
        self.tid: HostTid | None = None
        self._milliseconds = milliseconds
        self._windows: WindowsRules | None = None
        self._pipe = -1
        self._to_scan: deque[bytes] = deque()
        self._waiting: list[Callable[[], None]] = []
        self._lost: Callable[[], None] = lambda: None

    def start(self, provider: PicoProvider, windows: WindowsRules, spawn: Spawn, lost: Callable[[], None]) -> None:
        """Spawn the process; `lost` is called if it ends before the run does."""
        self._lost, self._windows = lost, windows
        environment = tuple(host.initial_environment())
        words = (os.fsencode(sys.executable), b"-I", b"-S", os.fsencode(_PROGRAM), b"%d" % self._milliseconds)
        paths, self._pipe = os.pipe()
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            request = SpawnRequest(
                words, environment, words[:1], b"/", None, (paths, nothing, nothing), sum(1 << n - 1 for n in _IGNORED)
            )
            self.tid = spawn(request, self._on_end)
        finally:
            os.close(paths)
            os.close(nothing)
        windows.runtimes.appoint(self.tid, C._replace(name=NAME, share=0))
        if provider.judge is not None:
            provider.judge.processes.named[self.tid] = NAME
        provider.open_files.closed = self._closed

    def close(self) -> None:
        """Let go of the process."""
        if self._pipe >= 0:
            os.close(self._pipe)
        self._pipe, self.tid = -1, None

    def meet(self, call: Call, row: Row, windows: WindowsRules) -> None:
        """Have a call wait that is to meet the scanner."""
        del windows
        if self._to_scan and row.name in _IN_THE_WAY_OF:
            call.wait = self._waiting.append

    def begins_anew(self, call: Call) -> None:
        """Nothing was done."""

    def served(self, call: Call, row: Row) -> None:
        """A call of the scanner's own has been decided."""
        position = _OPENS.get(row.name)
        if position is None or call.restart or call.wait is not None or not self._to_scan:
            return
        try:
            path = call.memory.read_string(call.stop.args[position], _PATH_SIZE)
        except Errno:
            return
        if path == self._to_scan[0]:
            call.when_over(self._on_opened)

    def _closed(self, file: File) -> None:
        """An open file description is closed: what was written by it is to be scanned if nobody else writes."""
        opened = file.context
        if self.tid is None or opened is None or not opened.access & WRITE_CLASS or opened.stream.share.writers:
            return
        path = _path(opened)
        if path is None or path in self._to_scan or self._windows is None or not self._windows.is_on_drive(path):
            return
        self._to_scan.append(path)
        if len(self._to_scan) == 1:
            self._send()

    def _send(self) -> None:
        """Tell the process of the next file: one at a time, so that the pipe has room."""
        try:
            os.write(self._pipe, self._to_scan[0] + b"\0")
        except BrokenPipeError:
            return  # it has ended: `_on_end` is called next

    def _on_opened(self) -> None:
        self._to_scan.popleft()
        if self._to_scan:
            self._send()
        else:
            self._release()

    def _on_end(self) -> None:
        """The process is gone: what waits goes on without it."""
        self.close()
        self._to_scan.clear()
        self._lost()
        self._release()

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for routine in waiting:
            routine()


def _path(opened: Open) -> bytes | None:
    """The name by which a file was open; None if it is gone, or longer than what one call takes."""
    link = opened.link
    if link.removed or opened.node.inode.is_directory or not isinstance(link.directory, NativeInode):
        return None
    path = link.directory.path.rstrip(b"/") + b"/" + to_host(link.name)
    return path if len(path) < _PATH_SIZE else None
