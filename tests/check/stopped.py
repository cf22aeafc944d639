"""Runs guests, and gives the stacks from which they open files whose names begin with `mark`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from supervisor.sandbox import Sandbox, Watcher

from picobox.check.stacks import Stacks
from picobox.errors import Errno

if TYPE_CHECKING:
    from pathlib import Path

    from picobox.call import Call
    from picobox.findings.finding import Frame
    from picobox.platform.base import Platform

OPENS = frozenset(("open", "openat", "openat2", "creat"))


class Seen(NamedTuple):
    """One open: the name, and the stack as it was read and as it is shown."""

    name: str
    stack: tuple[Frame, ...]
    located: tuple[Frame, ...]


class Collector(Watcher):
    """Reads the stack of each marked open."""

    def __init__(self, limit: int | None = None) -> None:
        self.seen: list[Seen] = []
        self.stacks = Stacks()
        self._limit = limit

    def entered(self, call: Call) -> bool:
        if call.row is not None and call.row.name in OPENS:
            name = os.path.basename(_path_of(call))
            if name.startswith("mark"):
                stack = self.stacks.of(call) if self._limit is None else self.stacks.of(call, self._limit)
                self.seen.append(Seen(name, stack, self.stacks.located(stack)))
        return False

    def stack(self, name: str = "mark") -> tuple[Frame, ...]:
        """The stack of the only open of a name, as it is shown."""
        (found,) = [seen for seen in self.seen if seen.name == name]
        return found.located


def _path_of(call: Call) -> str:
    path = call.stop.args[0 if call.row is not None and call.row.name in ("open", "creat") else 1]
    try:
        return os.fsdecode(call.memory.read_string(path, 4096))
    except Errno:
        return ""


def stacks_of(*command: str | Path, platform: Platform | None = None, limit: int | None = None) -> Collector:
    """Run a command that must end well."""
    collector = Collector(limit)
    Sandbox(subscribe=True, platform=platform).run_ours(*command, observer=collector)
    return collector
