"""Owns the rows that need a terminal: runs a command in a tmux pane, types keys and reads the screen back."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

WIDTH, HEIGHT = 80, 24
POLL = 0.05
# The shell waits for input: its prompt is the last thing on the screen, whose trailing blanks tmux leaves out.
PROMPT = r"(?:\A|\n)\$\n*\Z"
_STATUS = re.compile(r"exit status (\d+)$", re.MULTILINE)


class Step(NamedTuple):
    """Type `keys` (names as tmux send-keys takes them), or resize; then wait until the screen matches `until`."""

    keys: tuple[str, ...]
    until: str
    size: tuple[int, int] | None = None


def keys(*names: str, until: str) -> Step:
    """A step that types."""
    return Step(names, until)


def resize(width: int, height: int, until: str) -> Step:
    """A step that changes the size of the terminal, in characters."""
    return Step((), until, (width, height))


class Pane:
    """One pane of a tmux server of its own, which ends with it."""

    def __init__(self, command: Sequence[str], base: Path, work: Path, env: Mapping[str, str], deadline: float) -> None:
        self._tmux = ("tmux", "-L", f"real-{time.monotonic_ns()}", "-f", "/dev/null")
        self._env = {**env, "TMUX_TMPDIR": str(base), "TERM": "screen", "PS1": "$ "}
        self._deadline = deadline
        # Keys that reach the command's process group reach this shell too: it must live to tell the status.
        shell = f"umask 022; trap : INT QUIT; {shlex.join(command)}; echo exit status $?; exec sleep 1000"
        size = ("-x", str(WIDTH), "-y", str(HEIGHT))
        self._call("new-session", "-d", "-s", "row", *size, "-c", str(work), "/bin/sh", "-c", shell)

    def _call(self, *arguments: str) -> str:
        done = subprocess.run((*self._tmux, *arguments), env=self._env, capture_output=True, timeout=30, check=True)
        return done.stdout.decode("utf-8", "backslashreplace")

    def perform(self, step: Step) -> str:
        """Do one step and return the screen once it matches and stands still; TimeoutError at the deadline."""
        if step.size:
            self._call("resize-window", "-t", "row", "-x", str(step.size[0]), "-y", str(step.size[1]))
        if step.keys:
            self._call("send-keys", "-t", "row", *step.keys)
        return self.settle(step.until)

    def settle(self, until: str) -> str:
        """Wait until the screen matches the regular expression `until` in two readings that are equal."""
        before = ""
        while time.monotonic() < self._deadline:
            screen = self._call("capture-pane", "-p", "-t", "row")
            if screen == before and re.search(until, screen, re.MULTILINE):
                return screen
            before = screen
            time.sleep(POLL)
        raise TimeoutError(f"the screen never matched {until!r}:\n{before}")

    def close(self) -> None:
        """End the server, which hangs up everything in the pane."""
        self._call("kill-server")


def drive(
    command: Sequence[str], steps: Sequence[Step], base: Path, work: Path, env: Mapping[str, str], timeout: float
) -> tuple[bytes, bytes, bytes]:
    """Run `command` in a pane; return its exit status, the screens after each step, and what went wrong."""
    pane = Pane(command, base, work, env, time.monotonic() + timeout)
    screens: list[str] = []
    status, failure = "none", ""
    try:
        screens.extend(map(pane.perform, steps))
        ended = _STATUS.search(pane.settle(_STATUS.pattern))
        status = ended[1] if ended else status
    except TimeoutError as error:
        failure = str(error)
    finally:
        pane.close()
    return status.encode(), "\f\n".join(screens).encode(), failure.encode()
