"""H11: when the supervisor is killed by SIGKILL, at whatever moment, no guest is alive a second later."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from alive import guests_alive, still_alive

from .guests import PLATFORMS, environment, guest, picobox

if TYPE_CHECKING:
    from pathlib import Path

# Seconds. Half of the moments lie in the time in which supervisor and guest start.
START = 0.4
LATEST = 1.2
GRACE = 1.0

# Shell loop with pipes, beside two programs that fork, execute and make threads.
COMMAND = ("/bin/sh", "-c", '"$0" & "$0" & while :; do echo x | cat > /dev/null; (exit 3); done')


def kill_at(moment: float, platform: str, program: Path) -> tuple[int, set[int]]:
    """Kill a busy supervisor after so many seconds: how many guests it had, and those that outlive the grace."""
    marker = f"GUEST_OF={uuid.uuid4()}"
    shell, option, script = COMMAND
    command = picobox(shell, option, script, program, platform=platform)
    command[command.index("--") : command.index("--")] = ["-E", marker]
    with subprocess.Popen(
        command,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        time.sleep(moment)
        before = guests_alive(marker.encode(), process.pid) - {process.pid}
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL, "it has ended by itself"
    left = still_alive(marker.encode(), process.pid, GRACE)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(before), left


def kill_often(times: int, platform: str) -> None:
    """Kill at random moments; a failure tells the seed that gave them."""
    seed = random.SystemRandom().randrange(1 << 32)
    moments = random.Random(seed)
    program = guest("busy")
    busy = 0
    for attempt in range(times):
        moment = moments.uniform(0, START) if attempt % 2 else moments.uniform(START, LATEST)
        count, left = kill_at(moment, platform, program)
        assert not left, f"seed {seed}, attempt {attempt}, after {moment:.6f} s: {left} of {count} are alive"
        busy += count > 0
    # Else nothing was shown.
    assert busy >= times // 3, f"seed {seed}: only {busy} of {times} times there was a guest to kill"


def test_no_guest_outlives_its_supervisor() -> None:
    kill_often(10, "trace")


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_guest_outlives_its_supervisor_often(platform: str) -> None:
    kill_often(200, platform)
