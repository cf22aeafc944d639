"""When processes entered their working directories and mapped files, or run what they run: the times of such a side."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from picobox.platform.host import started_at

if TYPE_CHECKING:
    from ntshim.ps.process import Process
    from picobox.call import Call
    from picobox.platform.base import HostTid
    from picobox.platform.identity import Key

_MOST_MAPPED = 1024


class Moments:
    """Seconds since the epoch, of what the kernel tells later without a time."""

    def __init__(self) -> None:
        """Nothing was seen."""
        self._entered: dict[Process, float] = {}
        self._mapped: dict[tuple[Process, Key], float] = {}

    def enters(self, call: Call) -> None:
        """A process is about to work elsewhere."""
        now, process = time.time(), call.thread.process

        def done(result: int) -> None:
            if result == 0:
                self._entered = {other: when for other, when in self._entered.items() if not other.terminating}
                self._entered[process] = now

        if call.judgement is not None:
            call.judgement.routines.append(done)

    def maps(self, process: Process, key: Key) -> None:
        """A process is about to map a file."""
        if len(self._mapped) >= _MOST_MAPPED:
            del self._mapped[next(iter(self._mapped))]
        self._mapped.setdefault((process, key), time.time())

    def entered(self, process: Process, tid: HostTid) -> float:
        """When a process entered its working directory; it began with one."""
        return self._entered.get(process) or started_at(tid)

    def mapped(self, process: Process, tid: HostTid, key: Key) -> float:
        """When a process mapped a file first, or was started if it runs it."""
        return self._mapped.get((process, key)) or started_at(tid)
