"""What the virus scanner runs: it opens each file whose path comes in, and keeps it open for a moment."""

from __future__ import annotations

import os
import select
import sys
import time
from collections import deque

_AT_ONCE = 1 << 16
_MOST_HELD = 256
_MOST_DESCRIPTORS = 1 << 20


def main(seconds: float) -> None:
    """Scan the paths that come in by descriptor 0, each with a zero byte at its end, until that ends."""
    os.setsid()  # what is sent to the group of the program is not for us
    os.closerange(3, _MOST_DESCRIPTORS)
    begun = b""
    held: deque[tuple[float, int]] = deque()
    while True:
        patience = max(held[0][0] - time.monotonic(), 0) if held else None
        if select.select([0], [], [], patience)[0]:
            data = os.read(0, _AT_ONCE)
            if not data:
                return
            *paths, begun = (begun + data).split(b"\0")
            held.extend((time.monotonic() + seconds, fd) for fd in map(_scan, paths) if fd >= 0)
        while held and (held[0][0] <= time.monotonic() or len(held) > _MOST_HELD):
            os.close(held.popleft()[1])


def _scan(path: bytes) -> int:
    """Open a file and read of it; -1 if that cannot be."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return -1
    try:
        os.read(fd, _AT_ONCE)
    except OSError:  # bytes of it may be locked
        return fd
    return fd


if __name__ == "__main__":
    main(int(sys.argv[1]) / 1000)
