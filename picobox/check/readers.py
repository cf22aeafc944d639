"""Opens for reading in whose way nobody is: NT need not decide about them, and counts those that last when it matters.

Most files that a program reads are closed again before anybody changes anything. Who has made such an open is kept;
what it leaves open is found in the kernel's table before the next change (picobox.unopened).
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ntshim.io.share import FILE_SHARE_READ, FILE_SHARE_WRITE
from ntshim.ob.handles import index_to_handle
from picobox.findings.finding import Side
from picobox.task import fd_index

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.check.judge import Judge
    from picobox.opens import Opens
    from picobox.platform.identity import Identity, Key
    from picobox.provider import PicoProvider
    from picobox.runtimes import Runtime

_MOST = 256
_SHARES = FILE_SHARE_READ | FILE_SHARE_WRITE
# What makes or empties a file, or opens none.
_NO_READS = 0o3 | 0o100 | 0o1000 | 0o10000000


class Readers:
    """Those who have opened files for reading since anybody asked who has what open, by file."""

    def __init__(self, judge: Judge, provider: PicoProvider, opens: Opens) -> None:
        """Nobody has; what `opens` knows to be open stands in their way."""
        self._judge = judge
        self._provider = provider
        self._opens = opens
        self._sides: dict[Key, Side] = {}

    def takes(self, call: Call, found: Identity, flags: int, runtime: Runtime) -> bool:
        """Whether an open, at its entry, is one of these; then its call goes on to the kernel and is not seen to end.

        `found`: what it opens, on a drive; `flags`: those of open; `runtime`: whose opens it is like.
        """
        judgement, key = call.judgement, found.file
        if judgement is None or not judgement.observes or judgement.routines or self._provider.interposer is not None:
            return False
        if key is None or flags & _NO_READS or runtime.library_shares or runtime.share & _SHARES != _SHARES:
            return False
        if self._judge.posix.read_back.waits_for(found.name):
            return False  # a look at a descriptor that has no handle is not told
        if key in self._sides:
            self._opens.unopened.look()
        if self._opens.nodes.of_key(key) is not None or not self._provider.platform.expect(call.stop.tid):
            return False
        self._keep(call, key, found.path)
        return True

    def _keep(self, call: Call, key: Key, path: bytes) -> None:
        self._sides.pop(key, None)
        if len(self._sides) >= _MOST:
            self._opens.unopened.look()
            self._sides.clear()
        name = "" if call.row is None else call.row.name
        process = self._judge.processes.of(call.thread.process, call.stop.tid)
        side = Side(process, name, os.fsdecode(path), time.time(), stack=self._judge.stacks.of(call))
        self._sides[key] = side
        self._judge.repeats.opened(side)

    def side(self, found: Identity, fd: int) -> Side | None:
        """Who has opened a file that is found open under a descriptor; None if it was none of these.

        What was opened by another path is another open than the one that was kept, which is over: names that an open
        file has do not change before somebody looks.
        """
        key = found.file
        side = None if key is None else self._sides.get(key)
        if key is None or side is None or side.path != os.fsdecode(found.path):
            return None
        del self._sides[key]
        return side._replace(fd=fd, handle=index_to_handle(fd_index(fd)))
