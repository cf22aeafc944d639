"""Runs a command again and again, each time in a child of ours, and tells how it ended and what it used."""

from __future__ import annotations

import json
import os
import tempfile
import time
from hashlib import file_digest
from typing import IO, TYPE_CHECKING

from picobox.confine.accesses import USED, Accesses, Use
from picobox.confine.child import in_child
from picobox.confine.interpreters import interpreters
from picobox.confine.learn import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from picobox.confine.policy import Policy

    # Runs the command to its end; gives its exit status. None as time limit: there is none.
    Launcher = Callable[[Policy, Accesses | None, float | None], int]


class Runs:
    """The runner of picobox.confine.learn: `launch` runs the command in the process that calls it."""

    def __init__(self, launch: Launcher, program: bytes | None, *, shown: int = 2) -> None:
        """`program`: the file that is run, absolute, None if there is none: no call of a guest names it.

        `shown`: the descriptor to which the run that is watched writes, its standard output as well.
        """
        self._launch = launch
        self._program = program
        self._shown = shown

    def watch(self, policy: Policy) -> tuple[Outcome, Accesses]:
        """Runs it, shown to the user, and notes what it uses."""
        accesses = Accesses()

        def work() -> bytes:
            status = self._launch(policy, accesses, None)
            return _encoded(status, accesses)

        started = time.monotonic()
        with tempfile.TemporaryFile() as output:
            answer = in_child(work, output.fileno(), self._shown)
            seconds = time.monotonic() - started
            _show(output, self._shown)
            status, noted = _decoded(answer)
            if self._program is not None:
                noted.uses.update(Use(path, USED) for path in (self._program, *interpreters(b"", self._program)))
            return Outcome(status, _digest(output), seconds), noted

    def run(self, policy: Policy, limit: float) -> Outcome | None:
        """Runs it unseen; None if it takes longer than `limit` seconds."""
        started = time.monotonic()
        nothing = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            with tempfile.TemporaryFile() as output:
                answer = in_child(lambda: b"%d" % self._launch(policy, None, limit), output.fileno(), nothing)
                seconds = time.monotonic() - started
                return None if seconds >= limit else Outcome(int(answer), _digest(output), seconds)
        finally:
            os.close(nothing)


def program_of(paths: Iterable[bytes], directory: bytes) -> bytes | None:
    """The first of these that can be run, absolute; relative ones lie below a directory."""
    for path in paths:
        found = os.path.join(directory, path)
        if os.path.isfile(found) and os.access(found, os.X_OK):
            return b"/" + os.path.normpath(found).lstrip(b"/")
    return None


def _show(output: IO[bytes], fd: int) -> None:
    output.seek(0)
    while block := output.read(1 << 16):
        os.write(fd, block)


def _digest(output: IO[bytes]) -> str:
    output.seek(0)
    return file_digest(output, "sha256").hexdigest()  # type: ignore[arg-type]


def _encoded(status: int, accesses: Accesses) -> bytes:
    uses = [(os.fsdecode(path), how) for path, how in accesses.uses]
    together = [tuple(map(os.fsdecode, pair)) for pair in accesses.together]
    return json.dumps([status, accesses.speaks, uses, together]).encode()


def _decoded(answer: bytes) -> tuple[int, Accesses]:
    accesses = Accesses()
    status, accesses.speaks, uses, together = json.loads(answer)
    accesses.uses = {Use(os.fsencode(path), how) for path, how in uses}
    accesses.together = {(os.fsencode(one), os.fsencode(other)) for one, other in together}
    return status, accesses
