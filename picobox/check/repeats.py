"""Calls that a program makes over and over, to which a check has had nothing to say: they are not looked at any more.

Threads that wait for a lock file try to open it without a pause, and each try that is seen takes far longer than not.
What such a call opens is found by the kernel's own table when it counts (picobox.unopened).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ntshim.fs.view import fold
from picobox.abi.row import QUERIES
from picobox.platform.base import Repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.findings.finding import Side
    from picobox.platform.base import Platform

ENOUGH = 32
"""How often a call is seen before it is not any more."""

_MOST_CALLS = 4096
_MOST_ORIGINS = 256
_O_CREAT = 0o100
_O_TMPFILE = 0o20200000
_AT_REMOVEDIR = 0x200
_ANY_WRITE = 0o222
# The index of the path, of the flags of an open and of the mode with which it creates, of what else tells calls apart.
_OPENS = {"open": (0, 1, 2), "openat": (1, 2, 3)}
_MAKES = {"mkdir": (0, (1,)), "mkdirat": (1, (2,))}
# Of calls on descriptors, whatever the descriptor.
_ON_DESCRIPTORS: dict[str, tuple[int, ...]] = {"flock": (), "fchmod": (1,)}
# Calls with paths that change nothing of what the paths of others lead to, or how a file may be opened.
_HARMLESS = QUERIES | {*_OPENS, *_MAKES, "openat2", "creat", "unlink", "chdir", "execve", "execveat"}
_HARMFUL = frozenset(("unshare", "setns"))


class Repeats:
    """Counts calls that are alike, and has the platform keep those to itself that mean nothing.

    A call that changes where paths lead, what may be opened or what is mapped, and whatever is found, begins it anew.
    """

    def __init__(self, platform: Platform, look: Callable[[], None]) -> None:
        """Nothing was seen. `look` gives handles to the descriptors that guests have without."""
        self._platform = platform
        self._look = look
        self.ignores_descriptors = False
        self._seen: dict[Repeated, int] = {}
        self._origins: dict[str, Side] = {}
        # The last components of the paths of calls that are not given any more, as they are and folded.
        self._names: set[bytes] = set()
        self._folded: set[str | bytes] = set()
        self._ignores = False

    def look(self, row: Row, arguments: Sequence[object]) -> None:
        """See a call before anybody serves it."""
        if self._seen and (_is_harmful(row, arguments) or (self._ignores and self._makes_twin(row, arguments))):
            self.begin_anew()

    def _makes_twin(self, row: Row, arguments: Sequence[object]) -> bool:
        """Whether a name that is not given any more may get one beside it that Windows takes for the same."""
        for argument in row.paths():
            path = arguments[argument.position]
            name = path.rpartition(b"/")[2] if isinstance(path, bytes) else b""
            if name not in self._names and fold(name) in self._folded:
                return True
        return False

    def begin_anew(self) -> None:
        """Every call counts again."""
        self._seen.clear()
        self._names.clear()
        self._folded.clear()
        if self._ignores:
            self._ignores = self.ignores_descriptors = False
            self._platform.forget_ignored()

    def end(self, call: Call, arguments: Sequence[object]) -> None:
        """A call was judged, and there was nothing to say."""
        repeated = _repeated(call, arguments)
        if repeated is None:
            return
        times = self._seen.get(repeated, 0) + 1
        if times > ENOUGH:
            return  # the platform cannot tell it
        if len(self._seen) >= _MOST_CALLS:
            self.begin_anew()
        self._seen[repeated] = times
        if times == ENOUGH:
            self._ignores = True
            if repeated.path_index < 0:
                self._look()
                self.ignores_descriptors = True
            name = repeated.path.rpartition(b"/")[2]
            self._names.add(name)
            self._folded.add(fold(name))
            self._platform.ignore(repeated)

    def opened(self, side: Side) -> None:
        """Keep who has opened a file last that was seen."""
        self._origins.pop(side.path, None)
        if len(self._origins) >= _MOST_ORIGINS:
            del self._origins[next(iter(self._origins))]
        self._origins[side.path] = side

    def origin(self, path: bytes) -> Side | None:
        """Who opens a file over and over: the last time that this was seen."""
        return self._origins.get(os.fsdecode(path)) if self._ignores else None


def _repeated(call: Call, arguments: Sequence[object]) -> Repeated | None:
    """What tells a call from others; None for one that is always seen."""
    if call.row is None:
        return None
    name, table = call.row.name, call.task.files.number
    if not table:
        return None
    if name in _ON_DESCRIPTORS:
        if name == "fchmod" and not call.stop.args[1] & _ANY_WRITE:
            return None
        return _like(call, table, _ON_DESCRIPTORS[name], -1, b"")
    if name in _OPENS:
        path_index, flags_index, mode_index = _OPENS[name]
        flags = call.stop.args[flags_index]
        if flags & _O_TMPFILE == _O_TMPFILE:
            return None
        compared: tuple[int, ...] = (flags_index, mode_index) if flags & _O_CREAT else (flags_index,)
    elif name in _MAKES:
        path_index, compared = _MAKES[name]
    else:
        return None
    path = arguments[path_index]
    if not isinstance(path, bytes) or not path.startswith(b"/"):
        return None
    return _like(call, table, compared, path_index, path)


def _like(call: Call, table: int, compared: tuple[int, ...], path_index: int, path: bytes) -> Repeated:
    args = tuple(value if index in compared else 0 for index, value in enumerate(call.stop.args))
    return Repeated(table, call.stop.nr, compared, args, path_index, path)


def _is_harmful(row: Row, arguments: Sequence[object]) -> bool:
    """Whether a call may give what was judged another meaning."""
    if row.name == "unlinkat":
        flags = arguments[2]
        return not isinstance(flags, int) or bool(flags & _AT_REMOVEDIR)
    if row.name == "fchmod":
        mode = arguments[1]
        return not isinstance(mode, int) or not mode & _ANY_WRITE
    return row.name in _HARMFUL or (bool(row.paths()) and row.name not in _HARMLESS)
