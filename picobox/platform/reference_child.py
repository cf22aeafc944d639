"""Owns the start of a program for the reference platform: fork, wait to be seized, execve."""

from __future__ import annotations

import os
import signal
import struct
from errno import EACCES, EINVAL, ENOENT, ENOEXEC, ENOTDIR
from fcntl import F_DUPFD_CLOEXEC, fcntl
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.platform.base import SpawnRequest

# The stages of a start that can fail, numbered as in core.h.
STAGE_FORK = 1
STAGE_CHDIR = 3
STAGE_EXEC = 5

_failure = struct.Struct("ii")
_STATUS_SUPERVISOR_GONE = 125
_STATUS_FAILED = 127
# Where no descriptor of the program will be, which become 0, 1, 2...
_OUT_OF_THE_WAY = 16


class Child(NamedTuple):
    """A process that waits for a byte on `go_fd` before it becomes the program; it tells a failure on `status_fd`."""

    tid: int
    go_fd: int
    status_fd: int


def fork_child(request: SpawnRequest) -> Child:
    """Forks the process that will become the program. OSError if there is no room for one."""
    go_read, go_write = os.pipe()
    status_read, status_write = os.pipe()
    tid = os.fork()
    if tid == 0:
        os.close(go_write)
        _become(request, go_read, status_write)
    os.close(go_read)
    os.close(status_write)
    return Child(tid, go_write, status_read)


def read_failure(status_fd: int) -> tuple[int, int] | None:
    """(stage, errno) if the program did not start. Closes the descriptor."""
    told = os.read(status_fd, _failure.size)
    os.close(status_fd)
    if len(told) < _failure.size:
        return None
    stage, error = _failure.unpack(told)
    return stage, error


def _become(request: SpawnRequest, go_fd: int, status_fd: int) -> NoReturn:
    stage = STAGE_FORK
    try:
        status_fd = fcntl(status_fd, F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
        if not os.read(go_fd, 1):
            os._exit(_STATUS_SUPERVISOR_GONE)
        _set_signals(request.ignored_signals)
        stage = STAGE_CHDIR
        if request.cwd is not None:
            os.chdir(request.cwd)
        stage = STAGE_FORK
        _take_descriptors(request.fds)
        for fd in request.kept:
            os.set_inheritable(fd, True)
        stage = STAGE_EXEC
        _try_paths(request)
    except OSError as error:
        os.write(status_fd, _failure.pack(stage, error.errno or EINVAL))
    except ValueError:
        # os.execve takes no variable without a name.
        os.write(status_fd, _failure.pack(stage, EINVAL))
    finally:
        # Nothing of ours may run on in a copy of the supervisor, whatever went wrong.
        os._exit(_STATUS_FAILED)


def _set_signals(ignored: int) -> None:
    for number in signal.valid_signals():
        if ignored >> (number - 1) & 1:
            signal.signal(number, signal.SIG_IGN)
        elif callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    # Python ignores these for itself.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _take_descriptors(fds: tuple[int, ...]) -> None:
    if len(fds) > _OUT_OF_THE_WAY:
        raise OSError(EINVAL, os.strerror(EINVAL))
    high = [fcntl(fd, F_DUPFD_CLOEXEC, len(fds)) for fd in fds]
    for number, fd in enumerate(high):
        os.dup2(fd, number)


def _try_paths(request: SpawnRequest) -> NoReturn:
    """As execvp(3): the first candidate that can be run; EACCES of an earlier one outranks a later ENOENT."""
    environment = dict(entry.split(b"=", 1) for entry in request.environment)
    kept = ENOENT
    for path in request.paths:
        error = _try(path, request.argv, environment)
        if error == ENOEXEC and request.shell is not None:
            error = _try(request.shell, (request.argv[0], path, *request.argv[1:]), environment)
        if error == EACCES:
            kept = EACCES
        elif error not in (ENOENT, ENOTDIR):
            raise OSError(error, os.strerror(error))
    raise OSError(kept, os.strerror(kept))


def _try(path: bytes, argv: tuple[bytes, ...], environment: Mapping[bytes, bytes]) -> int:
    """execve, which returns only with an error number."""
    try:
        os.execve(path, argv, environment)  # noqa: S606 - a program without a shell is the point
    except OSError as error:
        return error.errno or EINVAL
