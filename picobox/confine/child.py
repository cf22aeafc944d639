"""Runs something of ours in a process of its own, which comes back with a few bytes: walls are never left again."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from typing import IO, TYPE_CHECKING, NoReturn

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Callable

_GIVEN, _FAILED = b"+", b"-"
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def in_child(work: Callable[[], bytes], stdout: int, stderr: int) -> bytes:
    """What `work` gives in a child with nothing to read and these outputs. PicoboxError as it raised it there."""
    with tempfile.TemporaryFile() as answer:
        pid = os.fork()
        if pid == 0:
            _be_child(work, stdout, stderr, answer)
        _wait(pid)
        answer.seek(0)
        found = answer.read()
    if found.startswith(_GIVEN):
        return found[1:]
    raise PicoboxError(
        found[1:].decode(errors="surrogateescape") or "the process that was to run the command was killed"
    )


def _be_child(work: Callable[[], bytes], stdout: int, stderr: int, answer: IO[bytes]) -> None:
    try:
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        for fd, standard in ((nothing, 0), (stdout, 1), (stderr, 2)):
            os.dup2(fd, standard)
        try:
            found = _GIVEN + work()
        except PicoboxError as error:
            found = _FAILED + str(error).encode(errors="surrogateescape")
        except BaseException as error:
            found = _FAILED + f"{type(error).__name__} in the process that ran the command: {error}".encode()
            raise
        finally:
            answer.write(found)
            answer.flush()
    finally:
        # Whatever happened, this process must not go on as its parent.
        os._exit(0)


def _wait(pid: int) -> None:
    """Waits for the child. What ends this process ends the child first."""
    usual = {number: signal.signal(number, _leave) for number in _ENDING}
    try:
        os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        raise
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def _leave(number: int, frame: object) -> NoReturn:
    del frame
    sys.exit(128 + number)
