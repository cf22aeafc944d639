"""Tells how much is going on: counts of calls since the start, from which who asks twice makes rates."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from picobox.abi.row import ACTION_CALL, ACTION_ERRNO, ACTION_NATIVE, ACTION_UNKNOWN
from picobox.abi.table import BY_NR
from picobox.inspection.wire import text
from picobox.platform import host

if TYPE_CHECKING:
    from picobox.inspection.wire import Json
    from picobox.platform.base import HostTid
    from picobox.supervisor import Supervisor

_ANSWERS = {ACTION_NATIVE: "kernel", ACTION_CALL: "picobox", ACTION_ERRNO: "refused", ACTION_UNKNOWN: "unknown"}
# Each takes a look at /proc, 0.03 ms: with a look a second, 1 % of a processor.
_MOST_TASKS = 300
_NANOSECONDS = 1e9


class Rates:
    """What is counted for `top`. Times are taken from the first question on, until nobody is connected any more."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        # By call number, how many calls Python has answered, and the nanoseconds that it took.
        self._times: dict[int, list[int]] = {}
        self._is_timing = False

    def answer(self) -> Json:
        """The answer to `top`."""
        if not self._is_timing:
            self._is_timing = True
            self._supervisor.time_calls(self._note)
        tasks, left_out = self._tasks()
        return {
            "time": time.monotonic(),
            "stops": self._supervisor.stops,
            "calls": self._calls(),
            "denied": [
                {"call": call, "rule": rule, "count": count}
                for (call, rule), count in self._supervisor.platform.refusals().items()
            ],
            "times": [
                {"call": _name(nr), "count": count, "seconds": spent / _NANOSECONDS, "longest": longest / _NANOSECONDS}
                for nr, (count, spent, longest) in self._times.items()
            ],
            "processes": tasks,
            "left_out": left_out,
        }

    def rest(self) -> None:
        """Nobody looks any more: times are not taken."""
        if self._is_timing:
            self._is_timing = False
            self._times.clear()
            self._supervisor.leave_untimed(self._note)

    def _note(self, nr: int, nanoseconds: int) -> None:
        times = self._times.setdefault(nr, [0, 0, 0])
        times[0] += 1
        times[1] += nanoseconds
        times[2] = max(times[2], nanoseconds)

    def _calls(self) -> list[Json]:
        found = []
        for action, answered in _ANSWERS.items():
            for nr, count in enumerate(self._supervisor.platform.counters(action)):
                if count:
                    row = BY_NR.get(nr)
                    found.append({"call": _name(nr), "nt": row and row.nt, "answered": answered, "count": count})
        return found

    def _tasks(self) -> tuple[list[Json], int]:
        """The calls of each process, by its threads; and how many threads were not looked at."""
        tids = sorted(self._supervisor.tids())
        groups: dict[int, list[HostTid]] = {}
        for tid in tids[-_MOST_TASKS:]:
            groups.setdefault(host.thread_group(tid)[0], []).append(tid)
        groups.pop(0, None)
        told = [
            {"pid": pid, "name": text(_program(pid)), "calls": self._supervisor.platform.calls_of(of)}
            for pid, of in groups.items()
        ]
        return told, max(len(tids) - _MOST_TASKS, 0)


def _name(nr: int) -> str:
    row = BY_NR.get(nr)
    return row.name if row is not None else "unknown"


def _program(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/comm", "rb") as name:
            return name.read().rstrip(b"\n")
    except OSError:
        return b""
