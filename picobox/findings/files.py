"""Reads and writes the files of a check: sources, baselines, reports."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Callable

# More than any source that a person has written.
_LARGEST_SOURCE = 8 << 20


def source_lines(file: str) -> list[str]:
    """The lines of a source file, without their ends; none if it cannot be read, or is no file that a person wrote."""
    try:
        with open(file, "rb") as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST_SOURCE:
                return []
            return opened.read().decode(errors="replace").split("\n")
    except (OSError, ValueError):
        return []


def read(file: str, largest: int = 1 << 30) -> str:
    """The text of a file of JSON. PicoboxError if it cannot be read, is too large, or no UTF-8."""
    try:
        with open(file, "rb") as opened:
            content = opened.read(largest + 1)
    except OSError as error:
        raise PicoboxError(f"{file}: {error.strerror}. Name a file that you may read.") from None
    if len(content) > largest:
        raise PicoboxError(f"{file}: more than {largest} bytes. Name a file that picobox has written.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise PicoboxError(f"{file}: byte {error.start} is not UTF-8. Name a file that picobox has written.") from None


def replace(file: str, text: str) -> None:
    """Write a file as a whole: whoever reads it meanwhile finds the old text or the new one.

    Links are followed. What is no regular file (a terminal, a pipe) is written to. PicoboxError if it cannot be done.
    """
    content = text.encode(errors="surrogateescape")
    real = os.path.realpath(file)
    beside = f"{real}.{os.getpid()}.tmp"
    try:
        if os.path.exists(real) and not os.path.isfile(real):
            with open(real, "wb") as opened:
                opened.write(content)
            return
        with open(beside, "xb") as opened:
            opened.write(content)
        if os.path.exists(real):
            os.chmod(beside, stat.S_IMODE(os.stat(real).st_mode))
        os.replace(beside, real)
    except OSError as error:
        if os.path.lexists(beside):
            os.unlink(beside)
        raise PicoboxError(f"-o {file}: {error.strerror}. Name a file that you may write.") from None


def append(file: str, text_for: Callable[[int], str]) -> None:
    """Add to a file what `text_for` makes of the number of bytes in it. PicoboxError if it cannot be done."""
    try:
        with open(file, "ab") as opened:
            opened.write(text_for(os.fstat(opened.fileno()).st_size).encode(errors="surrogateescape"))
    except OSError as error:
        raise PicoboxError(f"{file}: {error.strerror}. Name a file that you may write.") from None
