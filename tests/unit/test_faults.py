"""Faults of WSL1: each that can be had has rows or a place where it is brought back, and every row a routine."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from picobox.abi.row import (
    ACTION_CALL,
    ACTION_ERRNO,
    CHECK,
    LOCKS,
    NAMES,
    OBSERVERS,
    READ_BACK,
    WALLS,
    WINDOWS,
    WSL,
    Row,
)
from picobox.abi.table import ROWS
from picobox.errors import PicoboxError
from picobox.faults import FAULTS, faults_of
from picobox.faults.registry import with_faults
from picobox.layers import layered, with_wsl

if TYPE_CHECKING:
    from collections.abc import Callable

CAN_BE_HAD = [fault.name for fault in FAULTS if not fault.obstacle]
# Those that are no matter of a row: paths that are not there, and a signal; statx and the counts are the drives'.
ELSEWHERE = {"pagemap", "proc-sys", "proc-missing", "net-tun", "sigbus"}
WITHIN_WSL = {"statx", "statfs-counts"}


def rows_of(feature: str) -> list[Row]:
    return [row for row in ROWS if feature in row.when]


@pytest.mark.parametrize("fault", CAN_BE_HAD)
def test_every_row_of_a_fault_is_refused_or_has_a_routine(fault: str) -> None:
    rows = rows_of(fault)
    assert bool(rows) != (fault in ELSEWHERE)
    for row in rows:
        if row.when[fault].action == ACTION_CALL and fault not in WITHIN_WSL:
            routine = with_faults(row.name, None, frozenset((fault,)))
            assert routine is not None, row
            inspect.signature(routine).bind(None, None, *row.args)


@pytest.mark.parametrize("row", rows_of(WSL), ids=str)
def test_every_row_of_wsl_has_a_handler(row: Row) -> None:
    assert row.when[WSL].action == ACTION_CALL
    handler = with_wsl(row.name, None, frozenset((WSL,)))
    assert handler is not None
    inspect.signature(handler).bind(None, None, *row.args)


def test_no_feature_but_faults_and_what_is_named_overrides() -> None:
    known = {fault.name for fault in FAULTS}
    named = {CHECK, LOCKS, NAMES, OBSERVERS, READ_BACK, WALLS, WINDOWS, WSL, "case flags"}
    assert {feature for row in ROWS for feature in row.when} - known == named


def test_missing_calls_are_missing_with_their_fault_alone() -> None:
    row = next(row for row in ROWS if row.name == "memfd_create")
    assert row.disposition(frozenset((NAMES, WSL, "aio"))).action != ACTION_ERRNO
    assert row.disposition(frozenset((NAMES, WSL, "memfd"))).action == ACTION_ERRNO


def test_all_are_those_that_can_be_had() -> None:
    assert faults_of(["all"]) == set(CAN_BE_HAD)
    assert faults_of(["locks,mlock", "statx"]) == {"locks", "mlock", "statx"}


@pytest.mark.parametrize("given", ["", "Locks", "locks, mlock", "etxtbsy", "all,commit"])
def test_what_cannot_be_had_is_told(given: str) -> None:
    with pytest.raises(PicoboxError):
        faults_of([given])


class _Frame:
    """As much of a call as layers look at."""

    def __init__(self) -> None:
        self.restart = False
        self.wait = None
        self.then: Any = None


def _setting(change: int) -> Callable[[Any, Any, list[int]], None]:
    """A handler that multiplies the result, unless by 0."""

    def handler(provider: Any, call: Any, seen: list[int]) -> None:
        seen.append(change)
        call.then = lambda result: result * change if change else None

    return handler


def test_both_layers_look_at_the_result_and_the_inner_one_first() -> None:
    call, seen = _Frame(), list[int]()
    both: Any = layered(_setting(2), _setting(3))
    assert both(None, call, seen) is None
    assert seen == [2, 3]
    assert call.then(5) == 30
    both = layered(_setting(0), _setting(3))
    both(None, call, [])
    assert call.then(5) == 15
    both = layered(_setting(3), _setting(0))
    both(None, call, [])
    assert call.then(5) == 15


def test_an_answer_of_the_first_layer_is_the_answer() -> None:
    seen: list[int] = []
    both: Any = layered(lambda *_: 7, _setting(1))
    assert both(None, _Frame(), seen) == 7
    assert seen == []
