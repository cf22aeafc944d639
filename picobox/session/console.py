"""Owns the terminal of a client: it passes what is typed on to the program's terminal, and shows what that says."""

from __future__ import annotations

import os
import select
import termios
import tty
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from picobox.session.terminals import take_size

if TYPE_CHECKING:
    from types import TracebackType

_MOST = 65536
_LOOKS_MS = 100
# Standard descriptors, in the order in which they are looked at for one to show on.
_SHOWING = (1, 2, 0)


class Console:
    """The other side of a program's terminal. As a context manager it leaves the client's as it was found."""

    def __init__(self, master: int) -> None:
        """Takes `master` over."""
        os.set_blocking(master, False)
        self.master = master
        self._input = 0 if os.isatty(0) else None
        self._output = _opened(next(fd for fd in _SHOWING if os.isatty(fd)))
        self._settings: list[Any] | None = None
        self._typed = b""
        self.resume()

    def interests(self) -> dict[int, int]:
        """What to wait for, by descriptor, for `select.poll`."""
        if self.master < 0:
            return {}
        wanted = {self.master: select.POLLIN | (select.POLLOUT if self._typed else 0)}
        if self._settings is not None and not self._typed:
            wanted[0] = select.POLLIN
        return wanted

    def patience(self) -> int | None:
        """After how many milliseconds to `resume` if nothing has come.

        No signal tells who runs in the background that it is there no more.
        """
        is_behind = self.master >= 0 and self._input is not None and self._settings is None
        return _LOOKS_MS if is_behind else None

    def serve(self, fd: int, events: int) -> None:
        """Does what one of the descriptors waits for."""
        if fd == self._input:
            self._read_input()
        elif events & select.POLLOUT:
            self._type()
        if fd == self.master and events & (select.POLLIN | select.POLLHUP):
            self.show()

    def show(self) -> bool:
        """Shows some of what the program has said; false if there is nothing."""
        try:
            said = os.read(self.master, _MOST)
        except BlockingIOError:
            return False
        except OSError:
            # No program has that terminal any more (EIO, pty(7)).
            said = b""
        if not said:
            self._close()
        while said:
            said = said[os.write(self._output, said) :]
        return self.master >= 0

    def resize(self) -> None:
        """The client's terminal has another size."""
        with suppress(OSError, ValueError):
            take_size(self._output, self.master)

    def suspend(self) -> None:
        """Somebody else is to have the terminal, as it was."""
        if self._settings is not None:
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self._settings)
            self._settings = None

    def resume(self) -> None:
        """What is typed is the program's, unless this process is in the background: who types means another one."""
        if self._input is None or self._settings is not None:
            return
        with suppress(OSError, termios.error):
            if os.tcgetpgrp(0) == os.getpgrp():
                settings = termios.tcgetattr(0)
                tty.setraw(0, termios.TCSADRAIN)
                self._settings = settings
        self.resize()

    def _read_input(self) -> None:
        try:
            self._typed = os.read(0, _MOST)
        except OSError:
            self._typed = b""
        if self._typed:
            self._type()
        else:
            # The terminal is gone: so is the program's.
            self._input = self._settings = None
            self._close()

    def _type(self) -> None:
        with suppress(BlockingIOError):
            self._typed = self._typed[os.write(self.master, self._typed) :]

    def _close(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.suspend()
        self._close()
        os.close(self._output)


def _opened(terminal: int) -> int:
    """A descriptor to show on: standard input may be one for reading alone, and one that others share may not wait."""
    with suppress(OSError):
        return os.open(f"/proc/self/fd/{terminal}", os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    return os.dup(terminal)
