"""Owns how text that is in its final form is written to a stream."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator


def write(stream: TextIO, text: str) -> None:
    """Writes text that is in its final form; what the stream cannot encode is escaped."""
    with until_reader_leaves(stream):
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding))


@contextmanager
def until_reader_leaves(stream: TextIO) -> Iterator[None]:
    """Whoever reads the stream may leave before it is written."""
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        # The reader has seen enough; Python's own flush at exit must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
