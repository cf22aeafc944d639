"""A program that is started at a terminal has one of the instance's, with job control, in its place."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confine.guests import USERS, command_line

from .test_running import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .test_running import Home

_SECONDS = 20


class Terminal:
    """A terminal with a client of an instance at it."""

    def __init__(self, home: Home, *words: str, redirection: str = "") -> None:
        self._master, self.slave = pty.openpty()
        self.size(30, 90)
        self.settings = termios.tcgetattr(self.slave)
        # The client leads a session, whose terminal this is.
        shell = ["setsid", "--ctty", "sh", "-c", f'exec "$@" {redirection}', "sh"]
        command = [*shell, *command_line(home.user, "instance", "run", *words)]
        self.client = subprocess.Popen(
            command, env=home.environment, cwd=home.directory, stdin=self.slave, stdout=self.slave, stderr=self.slave
        )
        self.said = ""

    def size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def shows(self, text: str) -> str:
        """What is shown until that is, which is forgotten then."""
        deadline = time.monotonic() + _SECONDS
        while text not in self.said:
            ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} is not shown: {self.said!r}"
            self.said += os.read(self._master, 65536).decode()
        before, _, self.said = self.said.partition(text)
        return before

    def ends(self) -> int:
        """The client's status; what is shown meanwhile is kept."""
        watched = os.pidfd_open(self.client.pid)
        try:
            while watched not in (ready := select.select([self._master, watched], [], [], _SECONDS)[0]):
                assert ready, f"it does not end: {self.said!r}"
                self.said += os.read(self._master, 65536).decode()
        finally:
            os.close(watched)
        while select.select([self._master], [], [], 0)[0]:
            self.said += os.read(self._master, 65536).decode()
        return self.client.wait()

    def close(self) -> None:
        self.client.kill()
        self.client.wait()
        os.close(self._master)
        os.close(self.slave)


@contextmanager
def at_terminal(home: Home, *words: str, redirection: str = "") -> Iterator[Terminal]:
    made = Terminal(home, *words, redirection=redirection)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(params=USERS)
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    with (
        tempfile.TemporaryDirectory(prefix="picobox-terminal-") as directory,
        home_of(Path(directory), request.param) as made,
    ):
        yield made


def test_a_shell_has_job_control(home: Home) -> None:
    with at_terminal(home) as terminal:
        terminal.shows("# ")
        terminal.type("busybox tty; busybox stty size\n")
        assert terminal.shows("30 90").rstrip().endswith("/dev/pts/0")
        terminal.type('sh -c \'trap "echo g""oes on" CONT; echo sta""rts; while :; do sleep 0.05; done\'\n')
        terminal.shows("starts")
        terminal.type("\x1a")
        terminal.shows("Stopped")
        # It has the terminal before it is told to go on.
        terminal.type("fg\n")
        terminal.shows("goes on")
        terminal.type("\x03")
        terminal.type("echo status=$?\n")
        terminal.shows("status=130")
        terminal.type("exit 5\n")
        assert terminal.ends() == 5
        assert termios.tcgetattr(terminal.slave) == terminal.settings


def test_another_size_is_told(home: Home) -> None:
    # ash looks for signals before it waits: one that comes between `read` would sleep on, natively as well.
    line = "trap 'busybox stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done"
    with at_terminal(home, "--", line) as terminal:
        terminal.shows("ready")
        terminal.size(41, 77)
        assert terminal.ends() == 3
        assert "41 77" in terminal.said


def test_all_that_a_program_says_is_shown(home: Home) -> None:
    with at_terminal(home, "--", "busybox seq 30000; busybox stty -echo; cat") as terminal:
        numbers = [int(number) for number in terminal.shows("30000\r\n").split()]
        assert numbers == list(range(1, 30000))
        # More than a terminal holds, typed while it shows.
        for part in range(20):
            terminal.type(f"{part:4096}\n"[-4000:])
            terminal.shows(f"{part}\r\n")
        terminal.type("\x04")
        assert terminal.ends() == 0


def test_a_program_cannot_put_words_into_the_clients_terminal(home: Home) -> None:
    """A terminal of the client's own would let it (TIOCSTI), or change its mode for good."""
    with at_terminal(home, "--", "busybox stty -echo -icanon; exit 4") as terminal:
        assert terminal.ends() == 4
        assert termios.tcgetattr(terminal.slave) == terminal.settings


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGHUP], ids=lambda each: each.name)
def test_a_client_that_goes_hangs_up(home: Home, ending: signal.Signals) -> None:
    line = "trap 'echo hung up >/told; exit' HUP; echo ready; while :; do sleep 0.05; done"
    with at_terminal(home, "--", line) as terminal:
        terminal.shows("ready")
        terminal.client.send_signal(ending)
        terminal.client.wait(_SECONDS)
    deadline = time.monotonic() + _SECONDS
    while not (home.rootfs / "told").exists():
        assert time.monotonic() < deadline


def test_what_is_no_terminal_is_given_as_it_is(home: Home) -> None:
    with at_terminal(home, "--", "busybox tty; readlink /proc/self/fd/1", redirection="</dev/null") as terminal:
        terminal.shows("not a tty")
        terminal.shows("/dev/pts/0")
        assert terminal.ends() == 0
    output = home.directory / "output"
    with at_terminal(home, "--", "busybox tty", redirection=f">{output}") as terminal:
        assert terminal.ends() == 0
    assert output.read_text() == "/dev/pts/0\n"
    # What is typed is shown on a terminal that was opened for reading alone.
    with at_terminal(home, "--", "read line", redirection=f">{output} 2>&1 </dev/tty") as terminal:
        terminal.type("typed\n")
        assert terminal.ends() == 0
        assert "typed" in terminal.said


def test_a_client_in_the_background_leaves_the_terminal_alone(home: Home) -> None:
    """Its shell has the terminal: what is typed is for that, and its mode stays."""
    words = command_line(home.user, "instance", "run", "--", "echo shown; read line; echo got $line")
    script = f"set -m; {' '.join(map(_quoted, words))} & read mine; echo mine $mine; fg"
    master, slave = pty.openpty()
    shell = subprocess.Popen(
        ["setsid", "--ctty", "bash", "--norc", "-c", script],
        env=home.environment, cwd=home.directory, stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    said = ""

    def until(text: str) -> None:
        nonlocal said
        deadline = time.monotonic() + _SECONDS
        while text not in said:
            assert select.select([master], [], [], max(0, deadline - time.monotonic()))[0], said
            said += os.read(master, 65536).decode()
        said = said.partition(text)[2]

    try:
        until("shown")
        os.write(master, b"first\n")
        until("mine first")
        os.write(master, b"second\n")
        until("got second")
        assert shell.wait(_SECONDS) == 0
    finally:
        shell.kill()
        shell.wait()
        os.close(master)
        os.close(slave)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
