"""Owns the answers to those who ask about a run: who may ask, what each question is, and what became of its asker."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from ntshim.status import NtError
from picobox.errors import Errno
from picobox.inspection import wire
from picobox.inspection.handles import handles
from picobox.inspection.locks import locks
from picobox.inspection.objects import objects
from picobox.inspection.processes import processes
from picobox.inspection.questions import Question, question
from picobox.inspection.rates import Rates
from picobox.session.messages import is_trusted, peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.inspection.wire import Json
    from picobox.supervisor import Supervisor

_MOST_CLIENTS = 64
_MOST_COMMAND = 1 << 16
_O_ASYNC = 0o20000


class Serving:
    """Answers in the supervisor's loop, between two stops; it never waits for anybody."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._clients: list[socket.socket] = []
        # Those that are the run's own, and no user's who looks.
        self._own: list[socket.socket] = []
        self._rates = Rates(supervisor)
        self._answers: dict[str, Callable[[Question], Json]] = {
            "run": lambda _asked: {},
            "ps": lambda _asked: {"processes": processes(supervisor)},
            "handles": lambda asked: {"handles": handles(supervisor, asked)},
            "objects": lambda asked: {"objects": objects(supervisor, asked)},
            "locks": lambda _asked: {"locks": locks(supervisor)},
            "top": lambda _asked: self._rates.answer(),
        }
        # By kill(2) SIGIO would not do: what a process sends, the program may be about to get as well.
        self._again, self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(self._again, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._again, fcntl.F_SETFL, os.O_NONBLOCK | _O_ASYNC)

    def welcome(self, fd: int, *, is_own: bool = False) -> None:
        """Takes over the connection of somebody who has come, unless he is another user, or a guest.

        `is_own`: it is the run's own, and as good as nobody's who looks.
        """
        connection = socket.socket(fileno=fd)
        is_guest = self._supervisor.platform.is_task(peer(connection).pid)
        if is_guest or not is_trusted(connection) or len(self._clients) >= _MOST_CLIENTS:
            connection.close()
            return
        self._clients.append(connection)
        if is_own:
            self._own.append(connection)

    def hear(self) -> None:
        """Answers one question of each who has asked, and rings if there may be more: stops of tasks come between."""
        with suppress(BlockingIOError):
            os.read(self._again, 1)
        heard = [self._hear(connection) for connection in list(self._clients)]
        if any(heard):
            with suppress(BlockingIOError):
                os.write(self._bell, b"\0")

    def _hear(self, connection: socket.socket) -> bool:
        """Answers one question; False if there is none, and where the client has gone."""
        try:
            said = connection.recv(wire.MOST_ASKED)
        except BlockingIOError:
            return False
        except OSError:
            said = b""
        if said:
            try:
                wire.tell(connection, self._answer(said))
            except OSError:
                said = b""  # he does not listen
        if not said:
            self._leave(connection)
        return bool(said)

    def _leave(self, connection: socket.socket) -> None:
        for kept in (self._clients, self._own):
            if connection in kept:
                kept.remove(connection)
        connection.close()
        if len(self._clients) == len(self._own):
            self._rates.rest()

    def _answer(self, said: bytes) -> Json:
        try:
            asked = question(said, self._answers)
            return {"run": self._run(), **self._answers[asked.ask](asked)}
        except (ValueError, OSError, Errno, NtError) as error:
            # A question that cannot be answered must not end the run that it is about.
            return {"error": str(error)}

    def _run(self) -> Json:
        with open("/proc/self/cmdline", "rb") as words:
            command = words.read(_MOST_COMMAND).rstrip(b"\0").split(b"\0")
        return {"pid": os.getpid(), "command": [wire.text(word) for word in command]}

    def close(self) -> None:
        """Nobody is answered any more."""
        self._rates.rest()
        while self._clients:
            with suppress(OSError):
                self._clients.pop().close()
        os.close(self._again)
        os.close(self._bell)
