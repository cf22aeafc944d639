"""picobox locks: who holds which lock, and who waits for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from inspection.runs import SECONDS, Place

if TYPE_CHECKING:
    from pathlib import Path

_LOCKS = """
import atexit, fcntl, os, signal
record, whole = open("record", "w"), open("whole", "w")
fcntl.lockf(record, fcntl.LOCK_EX, 10, 5)
fcntl.flock(whole, fcntl.LOCK_SH)
"""
_WAITS = """
child = os.fork()
if not child:
    fcntl.lockf(record, fcntl.LOCK_EX, 1, 7)
atexit.register(os.kill, child, signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _locks(place: Place) -> list[dict[str, Any]]:
    (run,) = place.told("locks")
    locks: list[dict[str, Any]] = run["locks"]
    return locks


@pytest.mark.parametrize("policy", ["open", "default"])
def test_the_kernels(place: Place, policy: str) -> None:
    with place.running(_LOCKS, "--policy", policy):
        found = {lock["kind"]: lock for lock in _locks(place)}
        posix, flock = found["posix"], found["flock"]
        assert (posix["exclusive"], posix["first"], posix["last"]) == (True, 5, 14)
        assert posix["path"] == str(place.directory / "record")
        assert (flock["exclusive"], flock["first"], flock["last"]) == (False, 0, None)
        assert flock["path"] == str(place.directory / "whole")
        text, _ = place.asks("locks")
        assert str(place.directory / "record") in text


def test_who_shares_an_open_file_has_its_lock_too(place: Place) -> None:
    with place.running(
        _LOCKS + "child = os.fork()\nif not child:\n    signal.pause()\natexit.register(os.kill, child, 9)"
    ):
        flocks = [lock for lock in _locks(place) if lock["kind"] == "flock"]
        assert len({lock["pid"] for lock in flocks}) == 2
        assert len({lock["pid"] for lock in _locks(place) if lock["kind"] == "posix"}) == 1


def test_who_waits(place: Place) -> None:
    with place.running(_LOCKS + _WAITS):
        deadline = time.monotonic() + SECONDS
        while not (waiting := [lock for lock in _locks(place) if lock["waits"]]):
            assert time.monotonic() < deadline
        (lock,) = waiting
        assert (lock["kind"], lock["first"], lock["last"]) == ("posix", 7, 7)
        text, _ = place.asks("locks")
        assert "-> posix" in text


def test_nts(place: Place) -> None:
    with place.running(_LOCKS, "--profile", "windows10"):
        found = [lock for lock in _locks(place) if lock["kind"] == "nt"]
        (record,) = [lock for lock in found if lock["path"] == str(place.directory / "record")]
        assert (record["exclusive"], record["first"], record["last"], record["waits"]) == (True, 5, 14, False)
        assert record["pid"] in {process["pid"] for process in place.told("ps")[0]["processes"]}


def test_none(place: Place) -> None:
    with place.running(""):
        _, complaint = place.asks("locks", status=1)
        assert "nothing is found" in complaint
