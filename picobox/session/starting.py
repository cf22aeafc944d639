"""Owns how an instance comes to run: its first client makes the process that runs it, and does not wait for its end."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from picobox.session.manager import Manager
    from picobox.session.registry import Instance

_RUNS, _JOINS, _FAILED = b"+", b"=", b"-"
_MOST_SAID = 4096


def start(manager: Manager, name: str) -> bool:
    """Has an instance run; false: somebody else has started it. PicoboxError if it cannot run."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _leave(manager, name, writing)
    os.close(writing)
    os.waitpid(pid, 0)
    with open(reading, "rb") as file:
        said = file.read(_MOST_SAID)
    if said[:1] in (_RUNS, _JOINS):
        # What its settings want and do not get.
        sys.stderr.writelines(f"picobox: note: {line}\n" for line in said[1:].decode().splitlines())
        return said[:1] == _RUNS
    why = said[1:].decode(errors="surrogateescape")
    raise PicoboxError(why or "the process that was to run the instance was killed.")


def _leave(manager: Manager, name: str, report: int) -> NoReturn:
    """Nothing of the client's is left to who runs the instance: no parent, terminal, descriptor, signal."""
    try:
        os.setsid()
        if os.fork() == 0:
            _be_alone(report)
            _serve(manager, name, report)
    finally:
        os._exit(0)


def _be_alone(report: int) -> None:
    os.chdir("/")
    os.umask(0o022)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    os.closerange(3, report)
    os.closerange(report + 1, 1 << 20)
    for number in set(range(1, signal.NSIG)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _serve(manager: Manager, name: str, report: int) -> None:
    try:
        claimed = manager.claim(name)
        if claimed is None:
            os.write(report, _JOINS)
            return
        # Its lock is held until this process is gone.
        instance, _lock = claimed
        _run(manager, instance, report)
    except PicoboxError as error:
        os.write(report, _FAILED + str(error).encode(errors="surrogateescape"))
    except BaseException as error:
        with suppress(OSError):
            os.write(report, _FAILED + f"{type(error).__name__} in the process of the instance: {error}".encode())
        # Nobody above says it: this process ends at once.
        sys.excepthook(type(error), error, error.__traceback__)
        sys.stderr.flush()
        raise


def _run(manager: Manager, instance: Instance, report: int) -> None:
    from picobox.session.guests import Guests
    from picobox.session.server import BELLS, Server, listen

    _log_to(os.path.join(instance.temp, "log"))
    path = manager.socket_of(instance)
    listener = listen(path)
    try:
        with Guests(instance, BELLS) as guests:
            server = Server(instance, listener, path, guests)
            os.write(report, _RUNS + _cut("\n".join(guests.settings.warnings)))
            os.close(report)
            server.run()
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)


def _cut(text: str) -> bytes:
    return text.encode()[: _MOST_SAID - 1].decode(errors="ignore").encode()


def _log_to(path: str) -> None:
    """What Python says of an error of ours is found there; if nothing can be written, it is lost."""
    with suppress(OSError):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.dup2(fd, 2)
        os.close(fd)
