"""Calls of names and closes mean in the gate what they mean as stops, and each counts once."""

from __future__ import annotations

from pathlib import Path

import pytest
from build import compile_source

from picobox._native._core import lib
from picobox.abi.row import ACTION_CALL, ACTION_NATIVE
from picobox.abi.table import BY_NAME

from .sandbox import Sandbox

PROGRAM = Path(__file__).parent / "gate_names.c"
ROUNDS = 50
# Each finds something as it is spelled in each round, and asks about something else.
FINDING = ("newfstatat", "openat", "access", "statfs", "chmod", "readlink", "unlink", "rmdir")


@pytest.fixture(autouse=True)
def _channel() -> None:
    assert lib.pb_can_notify() == 0, "this kernel has no notify channel, and so no gate"


def counts(directory: Path, gate: int) -> dict[str, tuple[int, int]]:
    """Of each call how often it was made unseen or natively, and how often Python was asked."""
    directory.mkdir()
    for name in ("twin", "TWIN"):
        (directory / name).write_text("l" if name.islower() else "u")
    sandbox = Sandbox(profile="nt", gate=gate)
    sandbox.run_ours(compile_source(PROGRAM), str(directory))
    return {
        name: (sandbox.counters[ACTION_NATIVE][BY_NAME[name].nr], sandbox.counters[ACTION_CALL][BY_NAME[name].nr])
        for name in (*FINDING, "close", "getxattr")
    }


def test_names_mean_the_same_and_each_call_counts_once(tmp_path: Path) -> None:
    stops, gated = counts(tmp_path / "stops", 0), counts(tmp_path / "gated", 1)
    assert {name: sum(each) for name, each in stops.items()} == {name: sum(each) for name, each in gated.items()}
    assert all(native == 0 for native, _ in stops.values())
    # Two sites may have one place in the core's table of those that are called often.
    assert all(gated[name][0] > ROUNDS // 2 and gated[name][1] >= ROUNDS for name in FINDING), repr(gated)
    assert gated["getxattr"] == (0, stops["getxattr"][1]), "what is missing is always asked about"
    native, asked = gated["close"]
    assert native > 10 * asked, "handles are only made of what is looked at, so no close is told"
