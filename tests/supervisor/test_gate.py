"""Calls that come often are made in the gate: they are counted all the same, and who wants to see them sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
from build import compile_source

from picobox._native._core import lib
from picobox.abi.row import ACTION_NATIVE
from picobox.abi.table import BY_NAME, ROWS
from picobox.platform.trace import TracePlatform

from .sandbox import Sandbox

PROGRAM = Path(__file__).parent / "gate_sites.c"
CALLS = 500
PATIENCE = 32
GETPPID, NEWFSTATAT = BY_NAME["getppid"].nr, BY_NAME["newfstatat"].nr


@pytest.fixture(autouse=True)
def _channel() -> None:
    assert lib.pb_can_notify() == 0, "this kernel has no notify channel, and so no gate"


def run(platform: TracePlatform, end: str) -> Sandbox:
    sandbox = Sandbox(platform=platform)
    sandbox.run_ours(compile_source(PROGRAM), str(CALLS), end)
    return sandbox


def test_sites_jump_and_each_call_counts_once() -> None:
    counts = run(TracePlatform(ROWS, gate=PATIENCE), "jumps").counters[ACTION_NATIVE]
    assert counts[GETPPID] == 2 * CALLS + 1  # one to know the parent
    assert counts[NEWFSTATAT] >= 2 * CALLS or counts[BY_NAME["fstat"].nr] >= 2 * CALLS


def test_who_keeps_registers_counts_the_same() -> None:
    counts = run(TracePlatform(ROWS, gate=PATIENCE, enter=True), "jumps").counters[ACTION_NATIVE]
    assert counts[GETPPID] == 2 * CALLS + 1
    assert counts[NEWFSTATAT] >= 2 * CALLS or counts[BY_NAME["fstat"].nr] >= 2 * CALLS


def test_without_a_gate_code_stays_as_it_is() -> None:
    counts = run(TracePlatform(ROWS), "stays").counters[ACTION_NATIVE]
    assert counts[GETPPID] == 2 * CALLS + 1


def test_calls_that_are_watched_are_not_made_there() -> None:
    counts = run(TracePlatform(ROWS, subscribe=True, calls=frozenset({GETPPID}), gate=1), "stays").counters
    assert counts[ACTION_NATIVE][GETPPID] == 0


def test_without_the_channel_there_is_no_gate() -> None:
    run(TracePlatform(ROWS, notify=False, gate=1), "stays")
