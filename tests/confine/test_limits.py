"""Limits of a run: how it ends by one, what tells so, and that they need no walls."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from .test_learn import AS_THE_FIRST, picobox

if TYPE_CHECKING:
    from pathlib import Path


def test_limits_of_the_whole_run_are_told(user: str, place: Path) -> None:
    sleeping = ("--", "/bin/sleep", "20")
    limit = ("--policy", "default", "--limit", "wall-time=0.2")
    done = picobox(user, place, *limit, "--report", *sleeping)
    line = ["1", "limit", "wall-time", "--limit", "--limit", "wall-time=MORE,", "or", "=none"]
    assert (done.returncode, line in [each.split() for each in done.stderr.splitlines()]) == (124, True)
    # The user's own --timeout is nobody's rule.
    done = picobox(user, place, "--policy", "default", "--timeout", "0.2", "--report", *sleeping)
    assert (done.returncode, "nothing was refused" in done.stderr) == (124, True)
    text = picobox(user, place, "trace", *limit, "-e", "exit", *sleeping).stderr
    assert " +++ limit wall-time met, times: 1 +++\n    refused by --limit: limit wall-time\n" in text


@AS_THE_FIRST
def test_a_limit_of_cpu_time_is_told(user: str, place: Path) -> None:
    endless = ("/bin/sh", "-c", "while :; do :; done")
    done = picobox(user, place, "--policy", "open", "--limit", "cpu-time=1", "--report", "--", *endless)
    assert (done.returncode, "1  limit  cpu-time" in done.stderr) == (128 + signal.SIGXCPU, True)


def test_limits_hold_without_walls_and_are_told(user: str, place: Path) -> None:
    for most, met in (("150M", True), ("400M", False)):
        words = ("--policy", "open", "--limit", f"memory={most}", "--report", "--")
        done = picobox(user, place, *words, "/usr/bin/python3", "-c", "x = b'x' * 200_000_000")
        # Killed, where a control group counts what is there; else it is refused as much.
        assert done.returncode in ((1, 137) if met else (0,))
        assert (["limit", "memory", "--limit"] in [line.split()[1:4] for line in done.stderr.splitlines()]) == met
    refused = picobox(user, place, "--policy", "open", "--limit", "memory=1G", "--platform", "reference", "--", "true")
    assert (refused.returncode, "keeps no limits" in refused.stderr) == (125, True)
