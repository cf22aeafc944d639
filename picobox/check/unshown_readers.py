"""Opens that a check is not shown: who has made them is told of what the core has kept (_native/check)."""

from __future__ import annotations

import os
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.table import BY_NR
from picobox.findings.finding import Side

if TYPE_CHECKING:
    from ntshim.ps.process import Process as NtProcess
    from picobox.call import Call
    from picobox.check.judge import Judge
    from picobox.check.python_frames import PythonRuntime
    from picobox.findings.finding import Process
    from picobox.platform.base import Guide, HostTid
    from picobox.platform.identity import Key
    from picobox.platform.readings import Reading, Readings

# After so many tasks those that are gone are forgotten.
_MANY_MAKERS = 64
_MOST_SIDES = 256


class _Maker(NamedTuple):
    """A task whose opens are not shown that read or make a file, as long as its frames are found in this way."""

    runtime: PythonRuntime
    guide: Guide
    process: Process
    of: NtProcess


class UnshownReaders:
    """Says of which tasks the core lets opens go on that read or make a file, and who has made those that it did."""

    def __init__(self, judge: Judge, readings: Readings) -> None:
        """All opens are shown. `readings` are told from now on which files NT knows to be open."""
        self._judge = judge
        self._readings = readings
        self._numbers = count(1)
        self._makers: dict[int, _Maker] = {}
        self._let: dict[HostTid, int] = {}
        # Of opens whose stack had to be looked at, since some of its code objects are no more: with the access mode.
        self._sides: dict[Key | bytes, tuple[int, Side]] = {}
        judge.nodes.told = lambda key, is_open: readings.mark_open(key, is_so=is_open)
        for node in judge.nodes.all():
            readings.mark_open(node.inode.key, is_so=True)

    @property
    def are_full(self) -> bool:
        """Whether no more can be kept: all are to be forgotten then."""
        return self._readings.are_full or len(self._sides) >= _MOST_SIDES

    def let(self, call: Call) -> None:
        """Have the next opens of a task not shown that read or make a file; one is in nobody's way."""
        found = self._judge.stacks.guide(call)
        if found is None:
            return
        tid, process = call.stop.tid, call.thread.process
        maker = _Maker(*found, self._judge.processes.of(process, tid), process)
        if maker == self._makers.get(self._let.get(tid, 0)):
            return
        if len(self._makers) >= _MANY_MAKERS:
            self._forget_makers()
        number = self._let[tid] = next(self._numbers)
        self._makers[number] = maker
        if maker.runtime.told is None:
            maker.runtime.tell(partial(self._told, maker.runtime.space))
        self._readings.let(tid, number, maker.guide)

    def _told(self, space: int, target: bytes, is_known: bool) -> None:
        if not is_known:
            self._look()
        self._readings.know(space, target, is_known=is_known)

    def _forget_makers(self) -> None:
        self._look()
        self._let = {tid: number for tid, number in self._let.items() if not self._makers[number].of.terminating}
        self._makers = {number: self._makers[number] for number in self._let.values()}

    def _look(self) -> None:
        """Find out of each reading who has made it, while that can be told."""
        while (reading := self._readings.find(None, takes=True)) is not None:
            self._readings.mark_read(reading.file, is_so=True)
            self._sides[reading.file] = reading.access, self._side_of(reading)

    def has(self, file: Key | bytes) -> bool:
        """Whether a file was opened so since that was forgotten, or one made of a path."""
        return file in self._sides or self._readings.find(file, takes=False) is not None

    def side(self, file: Key | bytes, mode: int) -> Side | None:
        """Who has opened a file last, or has made what had a path, if that was with an access mode."""
        reading = self._readings.find(file, takes=False)
        if reading is not None:
            return self._side_of(reading) if reading.access == mode else None
        access, side = self._sides.get(file, (mode, None))
        return side if access == mode else None

    def mark(self, file: Key | bytes, *, is_so: bool) -> None:
        """Somebody else keeps who has opened a file, or what had a path, or no more."""
        self._readings.mark_read(file, is_so=is_so)

    def drop(self, file: Key | bytes) -> None:
        """Who has opened or made a file has closed it, or is known otherwise."""
        self._readings.find(file, takes=True)
        self._sides.pop(file, None)

    def forget(self) -> None:
        """All have closed what they have opened, or are known otherwise."""
        self._readings.forget()
        self._sides.clear()

    def _side_of(self, reading: Reading) -> Side:
        maker = self._makers[reading.number]
        stack = maker.runtime.rendered(reading.rows)
        name = BY_NR[reading.nr].name
        return Side(maker.process, name, os.fsdecode(reading.path), reading.time, stack=stack)
