"""Finds the processes of a run that are still there."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path


def marked(setting: str) -> list[int]:
    """Every process, in whatever session, that has this NAME=VALUE in its environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if setting.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def guests_alive(marker: bytes, session: int) -> set[int]:
    """The processes that carry the marker in their environment or belong to the session; zombies do not count.

    The session finds what has not executed anything yet, the marker what has left the session.
    """
    found = set()
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            state, _ppid, _pgrp, sid = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[:4]
            if state not in "ZX" and (int(sid) == session or marker in Path(f"/proc/{name}/environ").read_bytes()):
                found.add(int(name))
    return found


def still_alive(marker: bytes, session: int, seconds: float) -> set[int]:
    """Those that are there still after so many seconds; asked until there are none."""
    deadline = time.monotonic() + seconds
    while (left := guests_alive(marker, session)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


def child_named(pid: int, name: str) -> int | None:
    """The child of a process with that name, whatever thread has made it; None if there is none."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                with contextlib.suppress(OSError):
                    if Path(f"/proc/{child}/comm").read_text() == f"{name}\n":
                        return int(child)
    return None
