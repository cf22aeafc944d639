"""A virus scanner beside the program: a guest of its own that keeps what was just written open and shares nothing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ntshim.fs.names import to_host
from ntshim.fs.native import NativeInode
from ntshim.io.share import WRITE_CLASS
from picobox.errors import Errno
from picobox.platform.scanner_process import ScannerProcess
from picobox.runtimes import C

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.nodes import Open
    from ntshim.io.file import File
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.platform.base import HostTid
    from picobox.platform.scanner_process import Spawn
    from picobox.provider import PicoProvider
    from picobox.windows import WindowsRules

NAME = "virus-scanner"
_PATH_SIZE = 4096
# Which argument of its opens is the path.
_OPENS = {"open": 0, "openat": 1}
# What the scanner may be in the way of waits until it is.
_IN_THE_WAY_OF = frozenset(
    ("open", "openat", "openat2", "creat", "truncate", "unlink", "unlinkat", "rmdir", "rename", "renameat",
     "renameat2", "link", "linkat", "execve", "execveat")
)  # fmt: skip


class VirusScanner:
    """Has its process open each file that the last writer has closed, one after the other.

    Until it has opened what is to be scanned, calls that it may be in the way of wait, so that what they meet does not
    depend on who is faster. How long a file is kept open is the clock's matter.
    """

    rows = _IN_THE_WAY_OF | {"close"}

    def __init__(self, milliseconds: int) -> None:
        """Keep each file open for that time."""
        self._milliseconds = milliseconds
        self._windows: WindowsRules | None = None
        self._process: ScannerProcess | None = None
        self._named: dict[HostTid, str] = {}
        self._to_scan: deque[bytes] = deque()
        self._waiting: list[Callable[[], None]] = []
        self._lost: Callable[[], None] = lambda: None

    def start(self, provider: PicoProvider, windows: WindowsRules, spawn: Spawn, lost: Callable[[], None]) -> None:
        """Spawn the process; `lost` is called if it ends before the run does."""
        self._lost, self._windows = lost, windows
        process = self._process = ScannerProcess(self._milliseconds, spawn, self._on_end)
        windows.runtimes.appoint(process.tid, C._replace(name=NAME, share=0))
        if provider.judge is not None:
            self._named = provider.judge.processes.named
        self._named[process.tid] = NAME
        provider.open_files.closed = self._closed

    def is_process_of(self, tid: HostTid) -> bool:
        """Whether a task is the scanner's own."""
        return self._process is not None and self._process.tid == tid

    def close(self) -> None:
        """Let go of the process."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

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
        if self._process is None or opened is None:
            return
        if not opened.access & WRITE_CLASS or opened.stream.share.writers:
            return
        path = _path(opened)
        if path is None or path in self._to_scan or self._windows is None or not self._windows.is_on_drive(path):
            return
        self._to_scan.append(path)
        if len(self._to_scan) == 1:
            self._send()

    def _send(self) -> None:
        if self._process is not None:
            self._process.send(self._to_scan[0])

    def _on_opened(self) -> None:
        self._to_scan.popleft()
        if self._to_scan:
            self._send()
        else:
            self._release()

    def _on_end(self) -> None:
        """The process is gone: what waits goes on without it."""
        if self._process is not None and self._windows is not None:
            self._windows.runtimes.dismiss(self._process.tid)
            del self._named[self._process.tid]
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
