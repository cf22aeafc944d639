"""Runs picobox with a terminal for its output."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING

from .command import COMMAND, TIMEOUT, Words, environment

if TYPE_CHECKING:
    from collections.abc import Mapping


def on_terminal(*words: Words, env: Mapping[str, str] | None = None) -> str:
    """What `picobox WORDS` writes to a terminal, on standard output and error."""
    ours, theirs = pty.openpty()
    settings = environment({"TERM": "xterm", "COLUMNS": "200", "PYTHONIOENCODING": "utf-8", **(env or {})})
    with subprocess.Popen([*COMMAND, *words], env=settings, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        data = b"".join(iter(lambda: _read(ours), b""))
        process.wait(timeout=TIMEOUT)
    os.close(ours)
    return data.decode()


def _read(fd: int) -> bytes:
    """The next bytes; none when the last program has closed the terminal, which Linux tells as EIO."""
    try:
        return os.read(fd, 1 << 16)
    except OSError:
        return b""
