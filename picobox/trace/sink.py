"""Owns where a trace goes: standard error or a file, every byte or a clear error."""

from __future__ import annotations

import os

from picobox.errors import PicoboxError

_BUFFER = 1 << 16
_STDERR = 2


class Sink:
    """Takes the text of a trace. A file is written in blocks, standard error line by line, as strace does.

    A reader that has gone ends the trace and not the program; any other failure is a PicoboxError.
    """

    def __init__(self, path: str | None) -> None:
        """`path`: the file to make or to empty, standard error if None."""
        self._name = path or "standard error"
        self._pending: list[str] = []
        self._size = 0
        self._limit = _BUFFER if path else 0
        self._fd = _open(path) if path else _STDERR
        self._gone = False

    def write(self, text: str) -> None:
        """Adds whole lines."""
        self._pending.append(text)
        self._size += len(text)
        if self._size > self._limit:
            self.flush()

    def write_through(self, text: str) -> None:
        """Adds whole lines and has them written, with all before."""
        self._pending.append(text)
        self.flush()

    @property
    def fd(self) -> int | None:
        """The descriptor of the file, for who writes what `write_through` would get; None: there is none."""
        return self._fd if self._limit else None

    def flush(self) -> None:
        """Writes what is pending."""
        data = "".join(self._pending).encode()
        self._pending.clear()
        self._size = 0
        while data and not self._gone:
            try:
                data = data[os.write(self._fd, data) :]
            except BrokenPipeError:
                self._gone = True
            except OSError as error:
                self._gone = True
                raise PicoboxError(f"cannot write the trace to {self._name}: {error.strerror}") from None

    def close(self) -> None:
        """Writes what is pending and closes the file."""
        try:
            self.flush()
        finally:
            if self._fd != _STDERR:
                os.close(self._fd)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise PicoboxError(f"-o {path}: {error.strerror}. Name a file that you may write.") from None
