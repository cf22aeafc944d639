"""Makes rates of the counts that runs tell: what happened between two looks, a look after the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.inspection.asking import Runs
    from picobox.inspection.wire import Json

_Key = TypeVar("_Key")


class Sample(NamedTuple):
    """What happened per second. by_service: calls by NT service; denied: by call and rule; processes: by run and pid.

    slowest: for each call that picobox answered itself, mean and longest time in seconds, since somebody looks.
    """

    runs: int
    calls: float
    stops: float
    by_service: dict[str, float]
    denied: dict[tuple[str, str], float]
    slowest: dict[str, tuple[float, float]]
    processes: dict[tuple[int, int], tuple[str, float]]
    left_out: int


def samples(runs: Runs, interval: float) -> Iterator[Sample]:
    """A sample after each interval, in seconds, as long as a run is left to ask."""
    before = _look(runs)
    while before:
        time.sleep(interval)
        now = _look(runs)
        both = {pid: (before[pid], now[pid]) for pid in now if pid in before}
        if both:
            yield _between(both)
        before = now


def _look(runs: Runs) -> dict[int, Json]:
    return {answer.pid: answer.answer for answer in runs.ask({"ask": "top"}) if not answer.error}


def _between(looks: dict[int, tuple[Json, Json]]) -> Sample:
    sample = Sample(len(looks), 0.0, 0.0, {}, {}, {}, {}, sum(now["left_out"] for _, now in looks.values()))
    calls = stops = 0.0
    for pid, (before, now) in looks.items():
        seconds = max(now["time"] - before["time"], 1e-6)
        stops += (now["stops"] - before["stops"]) / seconds
        former = {(each["call"], each["answered"]): each["count"] for each in before["calls"]}
        for each in now["calls"]:
            rate = (each["count"] - former.get((each["call"], each["answered"]), 0)) / seconds
            calls += rate
            _add(sample.by_service, each["nt"] or each["call"], rate)
            if each["answered"] == "refused":
                _add(sample.denied, (each["call"], "is not supported"), rate)
        denied = {(each["call"], each["rule"]): each["count"] for each in before["denied"]}
        for each in now["denied"]:
            key = each["call"], each["rule"]
            _add(sample.denied, key, (each["count"] - denied.get(key, 0)) / seconds)
        for each in now["times"]:
            sample.slowest[each["call"]] = max(
                sample.slowest.get(each["call"], (0.0, 0.0)), (each["seconds"] / each["count"], each["longest"])
            )
        made = {each["pid"]: each["calls"] for each in before["processes"]}
        for each in now["processes"]:
            if each["pid"] in made:
                # A thread that has ended takes its calls along.
                rate = max(each["calls"] - made[each["pid"]], 0) / seconds
                sample.processes[pid, each["pid"]] = (each["name"], rate)
    return sample._replace(calls=calls, stops=stops)


def _add(counts: dict[_Key, float], key: _Key, rate: float) -> None:
    if rate > 0:
        counts[key] = counts.get(key, 0.0) + rate
