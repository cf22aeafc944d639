"""The lines of source around a place, read when a report is told."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.findings.finding import Frame

# Bytes; a longer file is no source that somebody reads.
_MOST_BYTES = 4 * 1024 * 1024
# Characters; longer lines are generated or data.
_MOST_CHARACTERS = 400


class Excerpt(NamedTuple):
    """Lines of a file, without their ends: the first has the number `first`, `line` is the one that is meant."""

    first: int
    line: int
    lines: tuple[str, ...]


def excerpt(frame: Frame | None, directory: str, *, around: int = 2) -> Excerpt | None:
    """The line of a frame with as many as `around` before and after it.

    None if the frame has no line, or if its file cannot be read, has no such line, or does not lie below `directory`,
    the project's: a report may come from elsewhere, and must not be a way to publish any file of this machine.
    """
    if frame is None or frame.line is None:
        return None
    lines = _lines_below(os.path.join(directory, frame.file), directory)
    if not 1 <= frame.line <= len(lines):
        return None
    first = max(1, frame.line - around)
    return Excerpt(first, frame.line, lines[first - 1 : frame.line + around])


@lru_cache(maxsize=64)
def _lines_below(path: str, directory: str) -> tuple[str, ...]:
    """The lines of a regular file below a directory, none if there is no such file."""
    try:
        real = os.path.realpath(path)
        if os.path.commonpath((real, os.path.realpath(directory))) != os.path.realpath(directory):
            return ()
        # A named pipe must not make us wait for a writer.
        fd = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ()
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return ()
        content = os.read(fd, _MOST_BYTES)
    except OSError:
        return ()
    finally:
        os.close(fd)
    text = content.decode(errors="replace").replace("\r\n", "\n")
    return tuple(line[:_MOST_CHARACTERS] for line in text.split("\n"))
