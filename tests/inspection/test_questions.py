"""Whatever is said to a run, it answers or says what is wrong; its guests go on."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from inspection.runs import SECONDS, Place
from picobox.inspection import wire
from picobox.inspection.asking import Runs

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 20
_KINDS = ("run", "ps", "handles", "objects", "locks", "top")
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1 << 63, 1 << 64, 1 << 4000, 0.5, float("inf"), float("-inf"), float("nan"), 1e308, "",
    "\0", "x", "\\", "/" * 5000, "\ud800", "\udcff", {}, {"b64": 1}, {"b64": "*"}, {"b64": "/w=="}, {"b64": "é"},
    {"b64": None}, [], [1], [1, 2], [1, 2, 3], [float("inf"), 0], [0, float("nan")], ["1", "2"], [1.5, 2], [None, None],
    [-1, 0], [True, True], [[], []], [{}, 1], {"0": 1, "1": 2},
)  # fmt: skip
_RAW = (
    b"\xff", b"\0", b'{"ask"', b"{" * 60000, b"[" * 65536, b'{"ask":' * 9000,
    b'{"ask":"handles","file":' + b"[" * 60000, b'{"ask":"handles","pid":' + b"9" * 60000 + b"}",
    b'{"ask":"handles","pid":1e999}',
    b'{"ask":"ps"}' + b" " * 60000 + b"x",
    b'{"ask":"ps","ask":[]}', '{"ask":"ps"}'.encode("utf-16"), b"NaN", b'"ps"', b"null",
)  # fmt: skip
_FALSE = (b"", b"1", b"[", b"{}", b'{"size": "x"}', b'{"size": -1}', b'{"size": 99}', b"[" * 60000)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _answer(connection: socket.socket, said: bytes) -> dict[str, Any]:
    connection.send(said)
    head, fds, _, _ = socket.recv_fds(connection, 1000, 1)
    assert head
    with open(fds[0], "rb") as file:
        answer: dict[str, Any] = json.load(file)
    assert "error" in answer or "run" in answer
    return answer


@pytest.mark.parametrize("words", [(), ("--platform", "reference")], ids=" ".join)
def test_every_shape_is_answered_and_the_run_lives(place: Place, words: tuple[str, ...]) -> None:
    shapes = [{"ask": ask} for ask in _ODD] + [[ask] for ask in _KINDS]
    shapes += [{"ask": ask, name: odd} for ask in _KINDS for name in ("pid", "file", "path") for odd in _ODD]
    with place.running("", *words) as process, place.connected(process.pid) as connection:
        for said in itertools.chain(_RAW, (json.dumps(shape).encode() for shape in shapes)):
            _answer(connection, said)
        for odd in (b"[]", b"[1e999, 0]"):
            assert "file" in _answer(connection, b'{"ask": "handles", "file": %b}' % odd)["error"]
        assert wire.ask(connection, {"ask": "ps"})["processes"]
    assert process.returncode == 0


@pytest.mark.parametrize("words", [(), ("--platform", "reference")], ids=" ".join)
def test_who_asks_without_end_does_not_keep_guests_waiting(place: Place, words: tuple[str, ...]) -> None:
    """Somebody's queue is full all the time while a guest makes calls that picobox answers, and ends."""
    program = "\nimport os, sys\nprint('ready', flush=True)\nsys.stdin.readline()\n"
    program += "for _ in range(200): os.uname(); os.kill(os.getpid(), 0); os.close(os.open('x', os.O_CREAT))\n"
    program += "print('done', flush=True)"
    over = threading.Event()

    def asks(connection: socket.socket) -> None:
        with suppress(OSError):
            while not over.is_set():
                connection.send(b'{"ask": "ps"}')

    def listens(connection: socket.socket) -> None:
        with suppress(OSError):
            while not over.is_set():
                for fd in socket.recv_fds(connection, 1000, 1)[1]:
                    os.close(fd)

    with place.running(program, "--profile", "nt", *words) as process:
        connection = place.connected(process.pid)
        threads = [threading.Thread(target=does, args=(connection,)) for does in (asks, listens)]
        for thread in threads:
            thread.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            watch = threading.Timer(_PATIENCE, process.kill)
            watch.start()
            assert process.stdout.readline() == "done\n"
            watch.cancel()
        finally:
            over.set()
            connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(SECONDS)
            connection.close()


def test_questions_that_wait_together_are_all_answered(place: Place) -> None:
    """All are there before the run looks: it has to come back for the second one, which rings no more."""
    with place.running("") as process, place.connected(process.pid) as connection:
        process.send_signal(signal.SIGSTOP)
        for _ in range(5):
            connection.send(b'{"ask": "run"}')
        process.send_signal(signal.SIGCONT)
        for _ in range(5):
            head, (fd,), _, _ = socket.recv_fds(connection, 1000, 1)
            assert head
            os.close(fd)


@pytest.mark.parametrize("said", _FALSE)
def test_a_false_answer_is_told_of(said: bytes) -> None:
    mine, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with mine, others, open("/dev/null", "rb") as nothing:
        socket.send_fds(others, [said or b"x"], [nothing.fileno()])
        with pytest.raises(ValueError, match="its answer"):
            wire.ask(mine, {"ask": "ps"})


def test_who_does_not_listen_yet_keeps_his_socket(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between bind and listen a connection is refused, as it is once its owner is gone."""
    place.sockets.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place.directory))
    monkeypatch.chdir(place.sockets)
    with place.running("") as guest, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as bound:
        guest.kill()
        guest.wait(SECONDS)
        name = place.sockets / str(os.getpid())
        bound.bind(name.name)
        with Runs() as runs:
            assert not runs.failures
        assert list(place.sockets.iterdir()) == [name]
