"""Opens in whose way nobody is: NT need not decide about them, and counts those that last when it matters.

Most files that a program reads or writes are closed again before anybody changes a name. Who has made such an open is
kept; what it leaves open is found in the kernel's table before the next change (picobox.unopened).
"""

from __future__ import annotations

import os
import time
from operator import itemgetter
from typing import TYPE_CHECKING

from ntshim.io.share import FILE_SHARE_READ, FILE_SHARE_WRITE
from ntshim.ob.handles import index_to_handle
from picobox.check.subject import OPEN, Subject
from picobox.check.unshown_readers import UnshownReaders
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
_ACCESS_MODE = 0o3
_O_CREAT, _O_EXCL, _O_TRUNC = 0o100, 0o200, 0o1000
_SHARES = FILE_SHARE_READ | FILE_SHARE_WRITE
_O_DIRECTORY, _O_PATH = 0o200000, 0o10000000
_WRITES = _ACCESS_MODE | _O_CREAT | _O_TRUNC


class Readers:
    """Those who have opened files since anybody asked who has what open, by access mode and file.

    A file that an open has made is known by its path, since it has no number at the entry.
    """

    def __init__(self, judge: Judge, provider: PicoProvider, opens: Opens) -> None:
        """Nobody has; what `opens` knows to be open stands in their way."""
        self._judge = judge
        self._provider = provider
        self._opens = opens
        self._sides: dict[tuple[int, Key | bytes], Side] = {}
        # The files of these, whatever they were opened for.
        self._files: set[Key | bytes] = set()
        readings = provider.platform.readings()
        self._unshown = None if readings is None else UnshownReaders(judge, readings)

    def takes(self, call: Call, found: Identity, flags: int, runtime: Runtime) -> bool:
        """Whether an open, at its entry, is one of these; then its call goes on to the kernel and is not seen to end.

        `found`: what it opens, on a drive; `flags`: those of open; `runtime`: whose opens it is like.
        """
        judgement, key = call.judgement, found.file
        if judgement is None or not judgement.observes or judgement.routines or self._provider.interposer is not None:
            return False
        if flags & _O_PATH or runtime.library_shares or runtime.share & _SHARES != _SHARES:
            return False
        if self._judge.posix.read_back.waits_for(found.path):
            return False  # a look at a descriptor that has no handle is not told
        if any(file in self._files or self._is_unshown(file) for file in (key, found.path)):
            self._opens.unopened.look()
            self._forget(found)
        if key is not None and self._opens.nodes.of_key(key) is not None:
            return False
        if flags & _WRITES and not self._may_write(call, found, flags):
            return False
        if not self._provider.platform.expect(call.stop.tid):
            return False
        if key is None:
            judgement.subject = Subject(OPEN, found)  # the name may be one that Windows has not let go yet
        self._keep(call, flags & _ACCESS_MODE, found.path if key is None else key, found.path)
        if self._unshown is not None:
            self._unshown.let(call)
        return True

    def _is_unshown(self, file: Key | bytes | None) -> bool:
        return self._unshown is not None and file is not None and self._unshown.has(file)

    def _may_write(self, call: Call, found: Identity, flags: int) -> bool:
        """Whether NT could refuse nothing to an open that writes or makes a file which nobody has open.

        Locks on descriptors without a handle must be shown then, and nobody may open files that others must not write.
        """
        if flags & _ACCESS_MODE == _ACCESS_MODE or flags & _O_DIRECTORY or self._judge.repeats.ignores_descriptors:
            return False
        if any(volume.reservations for volume in self._opens.volumes):
            return False  # somebody is about to make a name
        unopposed = self._judge.unopposed
        if found.file is None:
            return bool(flags & _O_CREAT) and unopposed.may_be_made(found)
        if flags & _O_CREAT and flags & _O_EXCL:
            return False
        return self._judge.windows.runtimes.all_share(_SHARES) and unopposed.file(call, found)

    def _keep(self, call: Call, mode: int, file: Key | bytes, path: bytes) -> None:
        self._sides.pop((mode, file), None)
        if len(self._sides) >= _MOST or (self._unshown is not None and self._unshown.are_full):
            self._opens.unopened.look()
            self._sides.clear()
            self._files.clear()
            if self._unshown is not None:
                self._unshown.forget()
        name = "" if call.row is None else call.row.name
        process = self._judge.processes.of(call.thread.process, call.stop.tid)
        side = Side(process, name, os.fsdecode(path), time.time(), stack=self._judge.stacks.of(call))
        self._sides[mode, file] = side
        self._mark(file, is_so=True)
        self._judge.repeats.opened(side)

    def _forget(self, found: Identity) -> None:
        """Whoever has opened a file before, and was not found to have it open, has closed it."""
        for file in (found.file, found.path):
            if self._unshown is not None and file is not None:
                self._unshown.drop(file)
            if file is not None and file in self._files:
                self._mark(file, is_so=False)
                for mode in range(_ACCESS_MODE):
                    self._sides.pop((mode, file), None)

    def _mark(self, file: Key | bytes, *, is_so: bool) -> None:
        """Who has opened a file is kept here, or no more."""
        (self._files.add if is_so else self._files.remove)(file)
        if self._unshown is not None:
            self._unshown.mark(file, is_so=is_so)

    def side(self, found: Identity, flags: int, fd: int) -> Side | None:
        """Who has opened a file that is found open under a descriptor with some flags; None if it was none of these.

        What was opened by another path is another open than the one that was kept, which is over: names that an open
        file has do not change before somebody looks.
        """
        mode, path = flags & _ACCESS_MODE, os.fsdecode(found.path)
        files = [file for file in (found.path, found.file) if file is not None]
        kept = [(self._sides.get((mode, file)), file) for file in files]
        if self._unshown is not None:
            kept += [(self._unshown.side(file, mode), file) for file in files]
        known = [(side.time, side, file) for side, file in kept if side is not None and side.path == path]
        if not known:
            return None
        _, last, file = max(known, key=itemgetter(0))
        if self._sides.get((mode, file)) is last:
            del self._sides[mode, file]
        elif self._unshown is not None:
            self._unshown.drop(file)
        return last._replace(fd=fd, handle=index_to_handle(fd_index(fd)))
