"""Whoever asks without end does not keep guests standing."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from inspection.runs import Place, said_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 20
# Two askers with so many questions before the supervisor: there is another one whenever it has answered.
_ASKERS, _AHEAD = 2, 32
_QUESTION = b'{"ask": "run"}'
_CALLS = """
import os, sys
print("ready", flush=True)
while sys.stdin.readline():
    for number in range(%d):
        os.path.exists(str(number))
    print("done", flush=True)
"""
_COUNT = 300


class _Asker:
    """Asks anew with each answer that he gets, until the end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.answers = 0
        self.has_answer = threading.Event()

    def _ask(self) -> None:
        for _ in range(_AHEAD):
            self._connection.send(_QUESTION)
        while not self._ends.is_set():
            _, fds, _, _ = socket.recv_fds(self._connection, 4096, 1)
            os.close(fds[0])
            self.answers += 1
            self.has_answer.set()
            self._connection.send(_QUESTION)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join(SECONDS)
        self._connection.close()


@contextmanager
def _asked_without_end(place: Place, pid: int) -> Iterator[list[_Asker]]:
    askers = [_Asker(place.connected(pid)) for _ in range(_ASKERS)]
    for asker in askers:
        asker.start()
    try:
        yield askers
    finally:
        for asker in askers:
            asker.end()


@pytest.mark.parametrize("options", [("--no-gate", "--no-fast"), ("--no-gate",), ()], ids=["stops", "notified", "gate"])
def test_guests_go_on(tmp_path: Path, options: tuple[str, ...]) -> None:
    place = Place(tmp_path)
    command = place.command("run", "--policy", "open", *options, "--", sys.executable, "-c", _CALLS % _COUNT)
    with subprocess.Popen(
        command, env=place.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert said_of(process) == "ready\n"
        with _asked_without_end(place, process.pid) as askers:
            for asker in askers:
                assert asker.has_answer.wait(SECONDS)
            before = [asker.answers for asker in askers]
            process.stdin.write("go\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], SECONDS)
            assert ready, "the program stands still while somebody asks"
            assert said_of(process) == "done\n"
            # How many they are depends on when the program gets a processor.
            for asker, told in zip(askers, before, strict=True):
                assert asker.answers > told, "who asks stands still while the program works"
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0
