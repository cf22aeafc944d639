"""Owns terminals of programs in an instance: each is of the instance's own, and stands for one of a client.

A program that had the client's own could put words into it, read it from the background, and would not find its name.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable

_PTMX = b"/dev/pts/ptmx"
# asm-generic/ioctls.h
_TIOCSPTLCK, _TIOCGPTPEER = 0x40045431, 0x5441


class Terminal(NamedTuple):
    """The two sides of a pseudo-terminal (pts(4)), as descriptors; who has one closes it."""

    master: int
    slave: int


def given_terminal(fds: tuple[int, ...], opened: Callable[[bytes], int]) -> Terminal | None:
    """One for a program that would have those descriptors, set as the first terminal among them; None: none is one.

    `opened` gives an O_PATH descriptor of a path in the instance, -1 for none. PlatformError if there can be none.
    """
    theirs = next((fd for fd in fds if os.isatty(fd)), None)
    if theirs is None:
        return None
    try:
        made = _made(opened)
        with suppress(termios.error, OSError):
            termios.tcsetattr(made.slave, termios.TCSANOW, termios.tcgetattr(theirs))
            take_size(theirs, made.slave)
    except OSError as error:
        raise PlatformError(f"the instance gives no terminal: {error.strerror}. Redirect input and output.") from error
    return made


def take_size(of: int, to: int) -> None:
    """Gives one terminal the size of another. OSError."""
    size = fcntl.ioctl(of, termios.TIOCGWINSZ, bytes(8))
    fcntl.ioctl(to, termios.TIOCSWINSZ, size)


def _made(opened: Callable[[bytes], int]) -> Terminal:
    found = opened(_PTMX)
    if found < 0:
        raise FileNotFoundError(2, "it has no /dev/pts")
    try:
        master = os.open(f"/proc/self/fd/{found}", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    finally:
        os.close(found)
    try:
        fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
        # Its name would lead elsewhere from here (ioctl_tty(2)).
        slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        os.close(master)
        raise
    return Terminal(master, slave)
