"""The socket of a run: whose it is, who may ask there, and what clients and kills leave behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from confine.guests import AS_NOBODY

from inspection.runs import SECONDS, Place, said_of
from picobox.inspection import wire

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _ran(command: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_only_its_user_may_come_near(place: Place) -> None:
    with place.running("") as process:
        found = place.sockets.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, os.geteuid())
        found = (place.sockets / str(process.pid)).stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o600, os.geteuid())
    assert list(place.sockets.iterdir()) == []


@pytest.mark.parametrize("policy", ["open", "default"])
def test_its_name_goes_with_the_run(place: Place, policy: str) -> None:
    place.asks("run", "--policy", policy, "--", "/bin/true")
    assert list(place.sockets.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_another_user_is_refused(place: Place) -> None:
    """Even one who gets at the socket, as by a descriptor of its directory, is not answered."""
    for directory in (place.directory, *place.directory.parents):
        if directory.stat().st_uid == os.geteuid() and directory != directory.parent and directory.name != "tmp":
            directory.chmod(0o755)
    ask = f"""
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout({SECONDS})
s.connect("picobox/%d")
try:
    s.send(b'{{"ask": "ps"}}')
    print(s.recv(100))
except OSError as error:
    print(type(error).__name__)
"""
    with place.running("") as process:
        command = [*AS_NOBODY, sys.executable, "-c", ask % process.pid]
        refused = _ran(command, place.directory)
        assert "PermissionError" in refused.stderr
        place.sockets.chmod(0o755)
        (place.sockets / str(process.pid)).chmod(0o777)
        told = _ran(command, place.directory)
        assert told.stdout in ("b''\n", "BrokenPipeError\n", "ConnectionResetError\n"), told
        place.sockets.chmod(0o700)
        place.asks("ps")


@pytest.mark.parametrize("policy", ["open", "default"])
def test_a_guest_is_refused(place: Place, policy: str) -> None:
    """Where its walls let it come there at all."""
    ask = f"""
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout({SECONDS})
said = []
for name in os.listdir({str(place.sockets)!r}):
    try:
        s.connect({str(place.sockets)!r} + "/" + name)
        s.send(b'{{"ask": "ps"}}')
        said.append(repr(s.recv(100)).replace(" ", ""))
    except OSError as error:
        said.append(type(error).__name__)
"""
    with place.running(ask, "--policy", policy, "--write", str(place.directory)) as process:
        (answer,) = said_of(process).split()
        assert answer in ("b''", "BrokenPipeError", "ConnectionResetError", "PermissionError", "ConnectionRefusedError")
        assert place.told("ps")[0]["run"]["pid"] == process.pid


def test_many_clients_and_those_who_are_killed(place: Place) -> None:
    with place.running("") as process:
        connections = [place.connected(process.pid) for _ in range(40)]
        for connection in connections:
            connection.send(b'{"ask": "ps"}')
        for connection in connections[::2]:
            connection.close()
        for connection in connections[1::2]:
            assert wire.ask(connection, {"ask": "run"})["run"]["pid"] == process.pid
            connection.close()
        place.asks("ps")


def test_who_does_not_listen_is_dropped(place: Place) -> None:
    """He asks, and never takes an answer: the run goes on, and answers others."""
    with place.running("") as process, place.connected(process.pid) as connection:
        connection.setblocking(False)
        asked = 0
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                connection.send(b'{"ask": "ps"}')
                asked += 1
            except BlockingIOError:
                time.sleep(0.001)
            except (BrokenPipeError, ConnectionResetError):
                break
        else:
            pytest.fail("he was not dropped")
        assert asked > 1
        place.asks("ps")
        descriptors = os.listdir(f"/proc/{process.pid}/fd")
        assert len(descriptors) < 64


@pytest.mark.parametrize(
    "said",
    [
        b"x",
        b"[]",
        b'{"ask": 1}',
        b'{"ask": "no"}',
        b"{}",
        b"[" * 60000,
        b'{"ask": []}',
        b'{"ask": "handles", "pid": "x"}',
        b'{"ask": "handles", "file": 3}',
        b'{"ask": "handles", "path": {}}',
    ],
)
def test_what_is_no_question(place: Place, said: bytes) -> None:
    with place.running("") as process, place.connected(process.pid) as connection:
        connection.send(said)
        message, fds, _, _ = socket.recv_fds(connection, 1000, 1)
        assert message
        with open(fds[0], "rb") as answer:
            assert b'"error"' in answer.read()
        assert wire.ask(connection, {"ask": "run"})["run"]["pid"] == process.pid


def test_a_killed_run_leaves_a_socket_that_goes(place: Place) -> None:
    with place.running("") as process:
        process.kill()
        process.wait(SECONDS)
        assert [each.name for each in place.sockets.iterdir()] == [str(process.pid)]
        place.asks("ps", status=1)
        assert list(place.sockets.iterdir()) == []


def test_a_run_that_is_stopped_is_told_of(place: Place) -> None:
    with place.running("") as process:
        os.kill(process.pid, signal.SIGSTOP)
        try:
            _, complaint = place.asks("ps", status=1)
        finally:
            os.kill(process.pid, signal.SIGCONT)
        assert f"run {process.pid}: it has not answered" in complaint
        place.asks("ps")


def test_a_place_that_others_may_enter_is_not_used(place: Place) -> None:
    place.sockets.mkdir()
    place.sockets.chmod(0o755)
    with place.running(""):
        assert list(place.sockets.iterdir()) == []
        place.asks("ps", status=1)


def test_what_answers_comes_from_nowhere_a_guest_writes(place: Place) -> None:
    """A module of the library's name in the working directory, when picobox is `python -m`, is not loaded."""
    program = """
for name in ("json", "socket", "base64", "selectors", "struct", "array"):
    with open(name + ".py", "w") as file:
        file.write("open('owned', 'w')")
print("ready", flush=True)
import sys; sys.stdin.read()
"""
    command = [sys.executable, "-m", "picobox", "--policy", "default", "--", sys.executable, "-c", program]
    with subprocess.Popen(
        command, env=place.environment, cwd=place.directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert said_of(process) == "ready\n"
        place.asks("ps", cwd="/")
        process.communicate(timeout=SECONDS)
    assert not (place.directory / "owned").exists()
