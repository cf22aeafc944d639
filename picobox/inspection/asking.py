"""Owns how runs are found and asked from outside: those of this user that run now, however started."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from picobox.errors import PicoboxError
from picobox.inspection import place, wire
from picobox.platform.base import HostTid
from picobox.platform.host import started_at
from picobox.session.messages import peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from picobox.inspection.wire import Json

# A supervisor answers between two stops; one that is stopped itself does not answer at all.
_PATIENCE = 5.0
# When a process began is known to a clock tick only.
_CLOCKS = 1.0
_DEAD = (b"Z", b"X")


class Answer(NamedTuple):
    """What a run has answered; `error`: why it has not, empty if it has."""

    pid: int
    answer: Json
    error: str = ""


class Runs:
    """Connections to the runs of this user. As a context manager it closes them."""

    def __init__(self, run: int | None = None) -> None:
        """`run`: the pid of the only one that is asked for. PicoboxError if that is not there."""
        self._connections: dict[int, socket.socket] = {}
        self.failures: list[Answer] = []
        for directory in place.directories(os.environb):
            with suppress(OSError):
                self._find(directory, run)
        if run is not None and not self._connections and not self.failures:
            raise PicoboxError(f"no run of yours has the pid {run}. `picobox ps` lists them.")

    def _find(self, directory: bytes, run: int | None) -> None:
        fd = place.opened(directory)
        try:
            for name in sorted(os.listdir(f"/proc/self/fd/{fd}")):
                if name.isdecimal() and run in (None, int(name)) and int(name) not in self._connections:
                    self._connect(fd, name)
        finally:
            os.close(fd)

    def _connect(self, directory: int, name: str) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(_PATIENCE)
        try:
            connection.connect(f"/proc/self/fd/{directory}/{name}")
            if peer(connection).user != os.geteuid():
                raise PermissionError("it is not yours")
        except ConnectionRefusedError:
            # Whoever had it was killed, or has just bound it and does not listen yet.
            connection.close()
            with suppress(OSError):
                if not _may_listen(int(name), os.stat(name, dir_fd=directory).st_mtime):
                    os.unlink(name, dir_fd=directory)
        except OSError as error:
            connection.close()
            if not isinstance(error, FileNotFoundError):  # else it has just ended
                self.failures.append(Answer(int(name), {}, _why(error)))
        else:
            self._connections[int(name)] = connection

    def ask(self, request: Json) -> Iterator[Answer]:
        """What each run answers; one that ends meanwhile is not told of."""
        for pid, connection in list(self._connections.items()):
            try:
                answer = wire.ask(connection, request)
            except (ConnectionResetError, BrokenPipeError):
                self._drop(pid)
            except (OSError, ValueError) as error:
                self._drop(pid)
                yield Answer(pid, {}, _why(error))
            else:
                yield Answer(pid, answer, answer.get("error", ""))

    def _drop(self, pid: int) -> None:
        self._connections.pop(pid).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections.values():
            connection.close()


def _may_listen(pid: int, bound: float) -> bool:
    """Whether the process of a socket that was bound then is there still; another that has its number began later."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as line:
            state = line.read().rpartition(b")")[2].split()[0]
    except OSError:
        return False
    return state not in _DEAD and started_at(HostTid(pid)) <= bound + _CLOCKS


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it has not answered for {_PATIENCE:.0f} seconds; is it stopped?"
    return str(error)


def gather(request: Json, run: int | None, complain: Callable[[Answer], None]) -> list[Json]:
    """The answers of all runs, or of one; `complain` is told of each that gave none. PicoboxError: it is not there."""
    found = []
    with Runs(run) as runs:
        for answer in (*runs.failures, *runs.ask(request)):
            if answer.error:
                complain(answer)
            else:
                found.append(answer.answer)
    return found


def file_asked(name: str) -> Json:
    """What a run knows a file by: where it really is, and if it is there, its device and inode.

    What Windows' spellings mean each run knows itself. PicoboxError: such a one means no file.
    """
    from picobox.inspection.windows_names import is_windows_name, read

    if is_windows_name(name):
        try:
            read(name)
        except ValueError as error:
            raise PicoboxError(str(error)) from None
        return {"windows_name": wire.text(os.fsencode(name))}
    asked: Json = {"path": wire.text(os.fsencode(os.path.realpath(name)))}
    try:
        found = os.stat(name)
    except OSError:
        return asked  # guests may have it where we have none, or have it still
    return asked | {"file": [found.st_dev, found.st_ino]}
