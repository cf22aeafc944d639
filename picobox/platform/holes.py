"""Owns where the data of a file lie that has holes."""

from __future__ import annotations

import os
from errno import ENXIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def data_of(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Where each piece of data of an open file begins and ends, up to its size (lseek(2)). Raises OSError."""
    end = 0
    while end < size:
        try:
            begin = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as error:
            # Nothing but a hole is left.
            if error.errno != ENXIO:
                raise
            return
        end = os.lseek(fd, begin, os.SEEK_HOLE)
        yield begin, end
