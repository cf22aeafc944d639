"""Reads and writes the files of a check: sources, baselines, reports."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Callable

# More than any source that a person has written.
_LARGEST_SOURCE = 8 << 20
_DESCRIPTORS = re.compile(r"/proc/\d+/(?:task/\d+/)?fd")
_MOST_LINKS = 40


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

    Links are followed. What is no regular file (a terminal, a pipe) is written to; to what a descriptor leads to, as
    /dev/stdout does, it is added. PicoboxError if it cannot be done.
    """
    content = text.encode(errors="surrogateescape")
    real = os.path.realpath(file)
    try:
        if _is_descriptor(file):
            _write(file, content, "ab")
        elif os.path.exists(real) and not os.path.isfile(real):
            _write(real, content)
        else:
            _replace(real, content)
    except OSError as error:
        raise PicoboxError(f"{file}: {error.strerror}. Name a file that you may write.") from None


def _replace(file: str, content: bytes) -> None:
    beside = f"{file}.{os.getpid()}.tmp"
    try:
        with open(beside, "xb") as opened:
            opened.write(content)
        if os.path.exists(file):
            os.chmod(beside, stat.S_IMODE(os.stat(file).st_mode))
        os.replace(beside, file)
    except PermissionError:
        # Of what a container was given often the file alone may be written, not its directory.
        _write(file, content)
    finally:
        if os.path.lexists(beside):
            os.unlink(beside)


def _is_descriptor(file: str) -> bool:
    """Whether a path is the link of /proc that stands for an open file, whose target need not be a path."""
    for _ in range(_MOST_LINKS):
        directory = os.path.realpath(os.path.dirname(file) or ".")
        if directory.startswith("/proc/") and _DESCRIPTORS.fullmatch(directory):
            return True
        if not os.path.islink(file):
            break
        file = os.path.join(directory, os.readlink(file))
    return False


def _write(file: str, content: bytes, mode: str = "wb") -> None:
    with open(file, mode) as opened:
        opened.write(content)


def append(file: str, text_for: Callable[[int], str]) -> None:
    """Add to a file what `text_for` makes of the number of bytes in it. PicoboxError if it cannot be done."""
    try:
        with open(file, "ab") as opened:
            opened.write(text_for(os.fstat(opened.fileno()).st_size).encode(errors="surrogateescape"))
    except OSError as error:
        raise PicoboxError(f"{file}: {error.strerror}. Name a file that you may write.") from None
