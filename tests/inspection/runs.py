"""Programs that run under picobox until a test has looked at them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from confine.guests import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 60
# The guest says that it is ready, and ends when its standard input does.
_WAITING = "\nprint('ready', flush=True)\nprint(*globals().get('said', ()), flush=True)\nimport sys; sys.stdin.read()\n"


def said_of(process: subprocess.Popen[str]) -> str:
    """The next line that a guest says; the first one is what it calls `said`."""
    assert process.stdout is not None
    return str(process.stdout.readline())


class Place:
    """A user's runtime directory, which no other test's runs are in."""

    def __init__(self, directory: Path, user: str = "self") -> None:
        self.directory = directory
        self.user = user
        self.sockets = directory / "picobox"
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(directory)}

    def command(self, *words: str) -> list[str]:
        return command_line(self.user, *words)

    @contextmanager
    def running(self, program: str, *options: str, verb: str = "run") -> Iterator[subprocess.Popen[str]]:
        """A Python program that is stopped in its last line, under a picobox whose process this is."""
        command = self.command(verb, *options, "--", sys.executable, "-c", program + _WAITING)
        with subprocess.Popen(
            command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.directory
        ) as process:
            try:
                assert said_of(process) == "ready\n"
                yield process
            finally:
                process.communicate(timeout=SECONDS)

    def connected(self, pid: int) -> socket.socket:
        """A connection to the run of that pid."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(SECONDS)
        directory = os.open(self.sockets, os.O_PATH)
        try:
            connection.connect(f"/proc/self/fd/{directory}/{pid}")
        finally:
            os.close(directory)
        return connection

    def asks(self, *words: str, status: int | None = 0, cwd: str | None = None) -> tuple[str, str]:
        """What a verb prints, to standard output and to standard error; status None: however it ends."""
        done = subprocess.run(
            self.command(*words), env=self.environment, cwd=cwd or self.directory, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert status in (None, done.returncode), done
        return done.stdout, done.stderr

    def told(self, *words: str, status: int = 0) -> list[dict[str, Any]]:
        """What a verb tells as JSON, by run."""
        runs: list[dict[str, Any]] = json.loads(self.asks(*words, "--json", status=status)[0])["runs"]
        return runs
