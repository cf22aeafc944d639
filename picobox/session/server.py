"""Owns who runs an instance: one supervisor for all its programs, to which clients come by a socket.

It ends when nobody has used the instance for a while, or when it is told to. Whatever ends it, the kernel ends its
guests (PTRACE_O_EXITKILL, and the end of their init) and takes back the lock that makes the instance a running one.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from contextlib import suppress
from errno import ENOENT
from typing import TYPE_CHECKING

from picobox.errors import PicoboxError, SpawnError
from picobox.inspection.door import Door
from picobox.platform.trace import SPAWN_STAGES, failure_in
from picobox.session import messages
from picobox.session.errors import SessionError
from picobox.session.messages import (
    ENDED,
    FAILED,
    HELLO,
    RUN,
    SIGNAL,
    SIGNAL_GROUP,
    TERMINAL,
    Message,
    Request,
    ShellType,
)
from picobox.session.programs import spawn_request, wanted_user
from picobox.session.registry import NEVER_IDLE
from picobox.session.terminals import given_terminal

if TYPE_CHECKING:
    from picobox.platform.base import HostTid, SpawnRequest, Stop
    from picobox.session.guests import Guests
    from picobox.session.registry import Instance
    from picobox.session.users import User

_BACKLOG = 512
_EXIT_NOT_FOUND, _EXIT_NOT_RUN, _EXIT_OWN = 127, 126, 125
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
BELLS = (signal.SIGIO, signal.SIGALRM, *_ENDING)


def listen(path: str) -> socket.socket:
    """The socket to which clients come, in the place of one that somebody who was killed has left. OSError."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o177)
    try:
        with messages.short(path) as name:
            listener.bind(name)
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    return listener


def _ring_at(connection: socket.socket) -> None:
    """SIGIO comes when there is something to take from a socket (fcntl(2), O_ASYNC)."""
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(connection, fcntl.F_GETFL)
    fcntl.fcntl(connection, fcntl.F_SETFL, flags | os.O_NONBLOCK | os.O_ASYNC)


class Client:
    """Somebody who is connected, and the program that he has started."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.tid: HostTid | None = None

    def tell(self, message: Message) -> None:
        """Who does not listen is not told."""
        with suppress(OSError):
            messages.send(self.connection, message)

    def signal(self, number: int, *, group: bool) -> None:
        """Sends a signal to his program, or to it and those in its process group."""
        if self.tid is not None and 0 < number < signal.NSIG:
            with suppress(ProcessLookupError):
                # It leads a session, so it stays the leader of its group.
                (os.killpg if group else os.kill)(self.tid, number)


class Server:
    """The loop of one running instance."""

    def __init__(self, instance: Instance, listener: socket.socket, path: str, guests: Guests) -> None:
        self._instance = instance
        self._listener = listener
        self._path = path
        self._guests = guests
        self._clients: set[Client] = set()
        self._is_over = False
        self._is_waiting = False
        self._door = Door()
        guests.supervisor.interrupted = self._on_bell
        # Not before the bell is there: the signal would end us. Whoever has come by now is taken in first.
        _ring_at(listener)
        self._door.open(guests.supervisor)
        if guests.nt_files is not None:
            self._door.take_in(guests.nt_files.taken(), guests.supervisor)

    def run(self) -> None:
        """Serves until the instance is to end, and ends it."""
        self._boot()
        self._take_news()
        self._guests.supervisor.serve(self._ends)
        signal.setitimer(signal.ITIMER_REAL, 0)
        # Who comes now finds nobody, and starts the instance anew once it has ended. Who has come already was not told
        # HELLO, and does the same.
        with suppress(FileNotFoundError):
            os.unlink(self._path)
        self._listener.close()
        self._door.close()
        self._guests.supervisor.end()

    def _boot(self) -> None:
        """Runs what wsl.conf wants run as an instance starts, as root; nobody waits for its end."""
        command = self._guests.settings.boot_command
        if not command:
            return
        root = self._guests.users.of(0)
        request = Request(("/bin/sh", "-c", command), ShellType.NONE, "", "/", ())
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        fds = (nothing,) * 3
        wanted = spawn_request(request, self._instance, root, {}, fds, enters_root=True)

        def ended(wait_status: int) -> None:
            os.close(nothing)
            failure = failure_in(status_fd)
            if failure is not None or wait_status:
                why = os.strerror(failure[1]) if failure is not None else f"wait status {wait_status:#x}"
                sys.stderr.write(f"picobox: boot.command of /etc/wsl.conf: {why}\n")
                sys.stderr.flush()

        _, status_fd = self._guests.start(wanted, root, ended)

    def _ends(self) -> bool:
        """Asked after every stop."""
        if self._is_over:
            return True
        idle = not self._clients and not self._guests.platform.task_count()
        if idle != self._is_waiting:
            self._is_waiting = idle
            timeout = self._instance.idle_timeout
            limit = max(timeout, 1) / 1000 if idle and timeout != NEVER_IDLE else 0
            signal.setitimer(signal.ITIMER_REAL, limit)
        return False

    def _on_bell(self, stop: Stop) -> None:
        if stop.signal in _ENDING:
            self._is_over = True
        elif stop.signal == signal.SIGALRM:
            # Somebody may be at the door whose bell has not been heard yet.
            self._take_news()
            self._is_over = self._is_over or (not self._clients and self._is_waiting)
        else:
            self._take_news()
            self._door.rung()

    def _take_news(self) -> None:
        """Takes in whoever has come, and whatever was said."""
        for client in list(self._clients):
            self._hear(client)
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if not messages.is_trusted(connection):
                connection.close()
                continue
            _ring_at(connection)
            client = Client(connection)
            self._clients.add(client)
            client.tell(Message(HELLO))
            self._hear(client)

    def _hear(self, client: Client) -> None:
        while client in self._clients:
            try:
                message = messages.receive(client.connection)
            except BlockingIOError:
                return
            if message is None:
                self._lose(client)
            elif message.kind == RUN and client.tid is None and len(message.fds) == messages.DESCRIPTORS:
                self._run(client, message.fds)
            elif message.kind in (SIGNAL, SIGNAL_GROUP) and not message.fds:
                client.signal(message.number, group=message.kind == SIGNAL_GROUP)
            else:
                messages.close(message.fds)
                self._dismiss(client)

    def _lose(self, client: Client) -> None:
        """A client has gone before his program: it is told as if his terminal had been closed."""
        client.signal(signal.SIGHUP, group=True)
        client.signal(signal.SIGCONT, group=True)
        self._dismiss(client)

    def _dismiss(self, client: Client) -> None:
        self._clients.discard(client)
        client.connection.close()

    def _run(self, client: Client, fds: tuple[int, ...]) -> None:
        sealed, *standard = fds
        given = tuple(standard)
        try:
            request = Request.read(sealed)
            user = wanted_user(request, self._guests.users, self._instance.default_uid)
            given = self._with_terminal(client, given)
            self._spawn(client, request, user, given, enters_root=False)
        except (PicoboxError, ValueError, TypeError, OSError, RecursionError) as error:
            messages.close(given)
            self._refuse(client, str(error), _number_of(error))
        finally:
            os.close(sealed)

    def _with_terminal(self, client: Client, given: tuple[int, ...]) -> tuple[int, ...]:
        """What a program gets for them: a terminal of the instance in the place of each that is one."""
        terminal = given_terminal(given, self._guests.walls.opened)
        if terminal is None:
            return given
        try:
            client.tell(Message(TERMINAL, fds=(terminal.master,)))
            for fd in given:
                if os.isatty(fd):
                    os.dup2(terminal.slave, fd, inheritable=False)
        finally:
            messages.close(terminal)
        return given

    def _refuse(self, client: Client, why: str, status: int) -> None:
        client.tell(Message(FAILED, status, why))
        self._dismiss(client)

    def _spawn(
        self, client: Client, request: Request, user: User, given: tuple[int, ...], *, enters_root: bool
    ) -> None:
        wanted = spawn_request(request, self._instance, user, self._guests.drives, given, enters_root=enters_root)

        def ended(wait_status: int) -> None:
            client.tid = None
            failure = failure_in(status_fd)
            if failure is None or client not in self._clients:
                messages.close(given)
                client.tell(Message(ENDED, wait_status))
                self._dismiss(client)
                return
            stage, error = failure
            is_lost = SPAWN_STAGES[stage] == "chdir"
            if is_lost and not enters_root and not request.needs_directory:
                self._spawn(client, request, user, given, enters_root=True)
                return
            messages.close(given)
            if is_lost and request.needs_directory:
                why = f"--cd {request.directory}: {os.strerror(error)}. Name a directory that the instance has."
                self._refuse(client, why, _EXIT_OWN)
                return
            self._refuse(client, *_failure(wanted, stage, error))

        client.tid, status_fd = self._guests.start(wanted, user, ended)


def _number_of(error: Exception) -> int:
    """The exit status of what was not run, or WSL's code, which is negative."""
    if isinstance(error, SessionError):
        return error.code - (1 << 32)
    return error.status if isinstance(error, SpawnError) else _EXIT_OWN


def _failure(wanted: SpawnRequest, stage: int, error: int) -> tuple[str, int]:
    """What the client says of a program that was not run, and the status of a shell then."""
    name = os.fsdecode(wanted.paths[0] if len(wanted.paths) == 1 else wanted.argv[0])
    if SPAWN_STAGES[stage] != "exec":
        return f"{name} was not started: {os.strerror(error)}. `picobox doctor` tells what is missing.", _EXIT_OWN
    if error == ENOENT:
        return f"{name}: the instance has no such program, or lacks what loads it.", _EXIT_NOT_FOUND
    return f"{name}: it cannot be run: {os.strerror(error)}.", _EXIT_NOT_RUN
