"""The calls of the table with the kinds of their arguments, for a fuzzer that makes them with hostile values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.abi.table import ROWS
from picobox.abi.types import (
    DirFd,
    Fd,
    Flags,
    LongFlags,
    Mode,
    OpenFlags,
    Pid,
    Signal,
    Size,
    UserPath,
    UserPointer,
)

if TYPE_CHECKING:
    from picobox.abi.types import Argument

# fuzz.c knows what each letter stands for: path, address, descriptor, process, signal, flags, size, number.
KINDS: tuple[tuple[str, tuple[type[Argument], ...]], ...] = (
    ("p", (UserPath,)),
    ("a", (UserPointer,)),
    ("f", (Fd, DirFd)),
    ("d", (Pid,)),
    ("s", (Signal,)),
    ("o", (Flags, LongFlags, OpenFlags, Mode)),
    ("z", (Size,)),
)
NO_ARGUMENTS, NUMBER = "-", "n"


def kind_of(argument: Argument) -> str:
    """The letter of an argument."""
    return next((letter for letter, types in KINDS if isinstance(argument, types)), NUMBER)


def table() -> str:
    """A line for each call: number, letters."""
    return "".join(f"{row.nr} {''.join(map(kind_of, row.args)) or NO_ARGUMENTS}\n" for row in ROWS)
