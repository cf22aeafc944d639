"""Who traces whom, without a kernel: what is kept of tracees that have ended, and who is asked about its waits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from picobox.debugging import tracees as module
from picobox.debugging.tracees import MOST_ENDED, Debuggers
from picobox.platform import host
from picobox.platform.base import HostTid

TRACER, OTHER, FIRST = HostTid(10), HostTid(11), 100


class Calls:
    """What the core was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[HostTid, bool]] = []
        self.woken: list[HostTid] = []

    def begin(self, tid: HostTid, tracer: HostTid, *, seized: bool, options: int) -> bool:
        del tid, tracer, seized, options
        return False

    def end(self, tid: HostTid, signal: int) -> None: ...

    def wake(self, tid: HostTid) -> None:
        self.woken.append(tid)

    def tell_waits(self, tid: HostTid, *, tells: bool) -> None:
        self.asked.append((tid, tells))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    monkeypatch.setattr(host, "thread_group", lambda tid: (TRACER, 1) if tid in (TRACER, OTHER) else (tid, 1))
    monkeypatch.setattr(host, "number_of", int)
    monkeypatch.setattr(module, "send_signal", lambda *_: None)
    monkeypatch.setattr(module, "signal_masks", lambda _: SimpleNamespace(caught=0, blocked=0))
    return Calls()


def _debuggers(calls: Calls) -> Debuggers:
    return Debuggers(cast("Any", calls), cast("Any", None), cast("Any", lambda tid: tid), lambda: {TRACER, OTHER})


def test_ends_that_nobody_waits_for_are_not_kept_without_end(calls: Calls) -> None:
    debuggers = _debuggers(calls)
    for number in range(FIRST, FIRST + MOST_ENDED + 5):
        debuggers.begin(HostTid(number), TRACER, seized=True)
        debuggers.died(HostTid(number), 0)
    assert [ended.number for ended in debuggers.ended] == list(range(FIRST + 5, FIRST + MOST_ENDED + 5))


def test_who_traces_nobody_any_more_waits_as_anybody(calls: Calls) -> None:
    """Each thread of its process; one that is parked there has to ask the kernel now."""
    debuggers = _debuggers(calls)
    debuggers.begin(HostTid(FIRST), TRACER, seized=True)
    debuggers.begin(HostTid(FIRST + 1), OTHER, seized=True)
    assert set(calls.asked) == {(TRACER, True), (OTHER, True)}
    calls.asked.clear()
    debuggers.waiting[OTHER] = TRACER
    debuggers.end(debuggers.tracees[HostTid(FIRST)])
    assert calls.asked == []
    assert calls.woken == []
    debuggers.end(debuggers.tracees[HostTid(FIRST + 1)])
    assert set(calls.asked) == {(TRACER, False), (OTHER, False)}
    assert calls.woken == [OTHER]


def test_an_end_has_to_be_waited_for_first(calls: Calls) -> None:
    debuggers = _debuggers(calls)
    debuggers.begin(HostTid(FIRST), TRACER, seized=True)
    calls.asked.clear()
    debuggers.died(HostTid(FIRST), 0)
    assert calls.asked == []
    assert len(debuggers.ended) == 1
