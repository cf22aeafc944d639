"""Programs of table H whose faults would show now and then only: run again and again."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from .guests import Result, guest, picobox, run

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = ("h1_vfork_killed", "h2_exit_group", "h2_threads", "h3_exec_threads")
# They make hundreds of threads or processes themselves, and take seconds.
LONG = ("h2_exit_group", "h3_exec_threads")
# Seconds for one run.
TIMEOUT = 60


@functools.cache
def native_result(name: str, directory: Path) -> Result:
    return run([str(guest(name))], TIMEOUT, directory)


def repeat(name: str, times: int, directory: Path) -> None:
    expected = native_result(name, directory)
    assert (expected.status, expected.stderr) == (0, "")
    for attempt in range(times):
        assert run(picobox(guest(name)), TIMEOUT, directory) == expected, f"run {attempt}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.full if name in LONG else ()) for name in PROGRAMS]
)
def test_races(name: str, tmp_path: Path) -> None:
    repeat(name, 2, tmp_path)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PROGRAMS)
def test_races_often(name: str, tmp_path: Path) -> None:
    repeat(name, 200, tmp_path)
