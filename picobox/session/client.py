"""Owns a client of a running instance: it starts the instance if need be, has a program run, passes its signals on."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from picobox.errors import PicoboxError, SpawnError
from picobox.session import messages
from picobox.session.errors import ErrorCode, SessionError
from picobox.session.messages import ENDED, FAILED, HELLO, RUN, SIGNAL, SIGNAL_GROUP, TERMINAL, Message, Request
from picobox.session.starting import start

if TYPE_CHECKING:
    from types import TracebackType

    from picobox.session.console import Console
    from picobox.session.manager import Manager

_PATIENCE_S = 60
_PAUSE_S = 0.002
# What the terminal sends to its foreground group, and what somebody sends to this process alone.
_OF_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH)
_OTHERS = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def run(manager: Manager, name: str | None, request: Request) -> int:
    """Runs a program in an instance, which starts if it does not run; gives its wait status.

    SpawnError or PicoboxError if it cannot be run.
    """
    wakes, bell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    with _connected(manager, name) as connection:
        _hear_signals(bell)
        sealed = request.sealed()
        messages.send(connection, Message(RUN, fds=(sealed, *_standard())))
        os.close(sealed)
        with _Wait(connection, wakes) as wait:
            return wait.status()


def _standard() -> tuple[int, ...]:
    """This process's standard descriptors; what is closed leads nowhere."""
    found = []
    for fd in range(3):
        try:
            os.fstat(fd)
            found.append(fd)
        except OSError:
            found.append(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
    return tuple(found)


def _connected(manager: Manager, name: str | None) -> socket.socket:
    """A connection to who runs the instance, who has said HELLO. Nothing is asked for before: it can be tried again."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        instance = manager.find(name).instance
        connection = _connection(manager.socket_of(instance))
        if connection is not None:
            return connection
        # Where somebody else starts it, or ends it, that takes a moment.
        if manager.is_running(instance) or not start(manager, instance.guid):
            time.sleep(_PAUSE_S)
    raise PicoboxError(
        f"{instance.name}: it neither ends nor answers. `picobox instance terminate {instance.name}` ends it."
    )


def _connection(path: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(_PATIENCE_S)
    with suppress(OSError), messages.short(path) as short:
        connection.connect(short)
        message = messages.receive(connection)
        if message is not None and message.kind == HELLO:
            return connection
    connection.close()
    return None


def _hear_signals(bell: int) -> None:
    """Each signal is a byte in a pipe, which the handlers, doing nothing, leave to Python."""
    signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
    for number in (*_OF_TERMINAL, *_OTHERS, signal.SIGTSTP, signal.SIGCONT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


def _failure(message: Message) -> PicoboxError:
    if message.number < 0:
        return SessionError(ErrorCode(message.number + (1 << 32)), message.text)
    return SpawnError(message.text, message.number)


class _Wait:
    """Waits for the end of the program, and passes on meanwhile what comes for it."""

    def __init__(self, connection: socket.socket, wakes: int) -> None:
        self._connection = connection
        self._wakes = wakes
        self._console: Console | None = None
        self._stack = ExitStack()

    def status(self) -> int:
        """The wait status. SpawnError, or PicoboxError if the instance ends first."""
        while True:
            for fd, events in self._ready():
                if fd == self._wakes:
                    for number in os.read(self._wakes, 64):
                        self._pass_on(number)
                elif fd == self._connection.fileno():
                    status = self._hear()
                    if status is not None:
                        return status
                elif self._console is not None:
                    self._console.serve(fd, events)

    def _ready(self) -> list[tuple[int, int]]:
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        poll.register(self._wakes, select.POLLIN)
        for fd, events in (self._console.interests() if self._console is not None else {}).items():
            poll.register(fd, events)
        ready = poll.poll(None if self._console is None else self._console.patience())
        if not ready and self._console is not None:
            self._console.resume()
        return ready

    def _hear(self) -> int | None:
        message = messages.receive(self._connection)
        if message is None:
            self._show_rest()
            raise PicoboxError("the instance has ended, and what ran in it.")
        if message.kind == TERMINAL and message.fds:
            from picobox.session.console import Console

            self._console = self._stack.enter_context(Console(message.fds[0]))
        if message.kind == FAILED:
            raise _failure(message)
        if message.kind != ENDED:
            return None
        self._show_rest()
        return message.number

    def _show_rest(self) -> None:
        while self._console is not None and self._console.show():
            pass

    def _pass_on(self, number: int) -> None:
        if self._console is not None and number == signal.SIGWINCH:
            self._console.resize()
            return
        kind = SIGNAL if number in _OTHERS else SIGNAL_GROUP
        # A process group without a parent in its session is not stopped by the terminal's own signal (setpgid(2)).
        sent = signal.SIGSTOP if number == signal.SIGTSTP else number
        with suppress(OSError):
            messages.send(self._connection, Message(kind, sent))
        if number == signal.SIGTSTP:
            self._rest()
        if self._console is not None and number in (signal.SIGTSTP, signal.SIGCONT):
            self._console.resume()

    def _rest(self) -> None:
        if self._console is not None:
            self._console.suspend()
        os.kill(os.getpid(), signal.SIGSTOP)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
