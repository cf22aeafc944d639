"""A supervisor that is stopped stops its guests: none makes a call until it goes on, and what computes alone computes.

What goes on meanwhile is what needs no call: computation, memory that is there, the clocks of the vDSO. The filter has
no call that runs without being seen.
"""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from build import compile_source

from .builds import content
from .guests import REPOSITORY, command_line

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = REPOSITORY / "tests" / "confine" / "stopped.c"
KINDS = 9
# Seconds: until every kind of call has been made, and those that the stop lasts.
START, STOP = 20, 0.5
# What the kernel was about to finish when the stop came.
SETTLE = 0.2


def turns_of(counters: Path) -> tuple[int, ...]:
    """How often each kind of call came back; the first has none."""
    return struct.unpack_from(f"{KINDS}Q", counters.read_bytes())


def turning(counters: Path, before: tuple[int, ...]) -> bool:
    """Whether all go on within the time, every kind."""
    until = time.monotonic() + START
    while time.monotonic() < until:
        if all(now > then for now, then in zip(turns_of(counters), before, strict=True)):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("profile", ["nt", "linux"])
def test_no_call_is_made_while_the_supervisor_is_stopped(user: str, place: Path, profile: str) -> None:
    counters, program = place / "counters", place / "stopped"
    counters.write_bytes(bytes(4096))
    shutil.copy(compile_source(SOURCE), program)
    os.chown(counters, place.stat().st_uid, -1)
    words = ("-q", "--profile", profile, "--policy", "default", "--", str(program), str(counters))
    with subprocess.Popen(
        command_line(user, *words),
        cwd=place,
        env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            assert turning(counters, (0,) * KINDS)
            process.send_signal(signal.SIGSTOP)
            time.sleep(SETTLE)
            before, files = turns_of(counters), content(place)
            time.sleep(STOP)
            after = turns_of(counters)
            assert after[1:] == before[1:]
            assert after[0] > before[0]
            assert {**content(place), "counters": b""} == {**files, "counters": b""}
            process.send_signal(signal.SIGCONT)
            assert turning(counters, after)
        finally:
            process.kill()
