"""Runs the picobox command line for the tests of its verbs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REPOSITORY = Path(__file__).parents[2]
# Seconds; far above what any of these runs takes on a loaded machine.
TIMEOUT = 60
COMMAND = (sys.executable, "-m", "picobox")

Words = str | bytes | Path


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without settings of picobox, with `extra` on top."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PICOBOX", "NO_COLOR"))}
    return {**kept, "PICOBOX_POLICY": "open", "PYTHONPATH": str(REPOSITORY), "LC_ALL": "C", **(extra or {})}


def picobox(
    *words: Words, env: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[bytes]:
    """Run `picobox WORDS` with no input; `prefix`: the command that starts it."""
    return subprocess.run(
        [*prefix, *COMMAND, *words],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )


def without_core(*words: str) -> subprocess.CompletedProcess[bytes]:
    """Run `picobox WORDS` as if the C core had not been built."""
    script = "import sys; sys.modules['picobox._native._core'] = None; from picobox.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", script, *words], env=environment(), capture_output=True, timeout=TIMEOUT, check=False
    )


def start(*words: Words, session: bool = True) -> subprocess.Popen[bytes]:
    """Start `picobox WORDS`, in a session of its own unless told otherwise."""
    return subprocess.Popen(
        [*COMMAND, *words],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=session,
    )


def read_line(process: subprocess.Popen[bytes]) -> bytes:
    """The next line of its output; a test that gets none fails by its own timeout."""
    assert process.stdout is not None
    return process.stdout.readline()


def finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """Wait for the end and give status, output and errors; kill it when time is up."""
    try:
        output, errors = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, output, errors


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether a condition becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def one_line(done: subprocess.CompletedProcess[bytes]) -> str:
    """The single line on standard error of a run that wrote nothing else."""
    assert done.stdout == b""
    text = done.stderr.decode()
    assert text.startswith("picobox: ")
    assert text.endswith("\n")
    assert text.count("\n") == 1
    return text
