"""Owns a client of a running instance: it starts the instance if need be, has a program run, passes its signals on."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from picobox.errors import PicoboxError, SpawnError
from picobox.session import messages
from picobox.session.messages import ENDED, FAILED, HELLO, RUN, SIGNAL, SIGNAL_GROUP, Message, Request
from picobox.session.starting import start

if TYPE_CHECKING:
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
        return _awaited(connection, wakes)


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


def _awaited(connection: socket.socket, wakes: int) -> int:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    poll.register(wakes, select.POLLIN)
    while True:
        for fd, _events in poll.poll():
            if fd == wakes:
                for number in os.read(wakes, 64):
                    _pass_on(connection, number)
                continue
            message = messages.receive(connection)
            if message is None:
                raise PicoboxError("the instance has ended, and what ran in it.")
            if message.kind == ENDED:
                return message.number
            if message.kind == FAILED:
                raise SpawnError(message.text, message.number)


def _pass_on(connection: socket.socket, number: int) -> None:
    kind = SIGNAL if number in _OTHERS else SIGNAL_GROUP
    # A process group without a parent in its session is not stopped by the terminal's own signal (setpgid(2)).
    sent = signal.SIGSTOP if number == signal.SIGTSTP else number
    with suppress(OSError):
        messages.send(connection, Message(kind, sent))
    if number == signal.SIGTSTP:
        os.kill(os.getpid(), signal.SIGSTOP)
