"""What the supervisor itself gives up once its guests run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from picobox.abi.table import BY_NAME
from picobox.confine.hardening import REFUSED

REPOSITORY = Path(__file__).parent.parent.parent
_CALLS = """
import errno, os
from picobox.confine.hardening import harden
os.listdir("/")
harden()
def fails(routine, *arguments):
    try:
        routine(*arguments)
    except PermissionError:
        return True
    return False
assert fails(os.execv, "/bin/true", ["true"]) and fails(os.chroot, "/") and fails(os.setuid, os.getuid())
assert os.listdir("/") and os.stat("/proc/self/status")
child = os.fork()
if not child:
    os._exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
print(open("/proc/self/status").read())
"""


def test_calls_are_refused_for_good() -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", _CALLS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    status = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_refused_calls_are_rows() -> None:
    assert set(REFUSED) <= set(BY_NAME)


def test_the_supervisor_is_hardened_while_a_guest_runs(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "picobox",
        "--policy",
        "default",
        "--",
        "/bin/sh",
        "-c",
        "cat /proc/self/oom_score_adj; read x",
    ]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        score = int(process.stdout.readline())
        own = int(Path("/proc/self/oom_score_adj").read_text())
        assert score == min(own + 200, 1000)
        # The program was started before the rest was given up.
        deadline = time.monotonic() + 20
        while "Seccomp:\t2" not in Path(f"/proc/{process.pid}/status").read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        tasks = [path.read_text() for path in Path(f"/proc/{process.pid}/task").glob("*/status")]
        assert tasks
        assert all("Seccomp:\t2" in status and "NoNewPrivs:\t1" in status for status in tasks)
        process.communicate("x\n", timeout=20)
        assert process.returncode == 0
