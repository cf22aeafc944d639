"""Children that are forked and never execute a program: Windows has no way to make one (rule PB022)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ntshim.status import STATUS_NOT_SUPPORTED
from picobox.check import origins
from picobox.creations import CLONE_THREAD, CLONE_VM
from picobox.platform.sources import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.check.posix import Posix
    from picobox.findings.finding import Frame

    Tell = Callable[[], None]

_MOST_EARLY = 256
_MOST_LINES = 1 << 16
_CHOOSES_FORK = re.compile(r"""^[^#\n]*\bset_start_method\(\s*(?:method\s*=\s*)?["']fork""", re.MULTILINE)
_MESSAGE = "is forked to go on without executing a program"


class Forks:
    """The forked children that have not executed anything yet, by their tids, each with what tells of its fork."""

    def __init__(self, posix: Posix) -> None:
        """None is there."""
        self._posix = posix
        self._children: dict[int, Tell] = {}
        # Children whose end, or exec, was seen before the fork's: whether they ended.
        self._early: dict[int, bool] = {}

    def begins(self, call: Call, flags: int) -> None:
        """A task is about to make another one; what shares its parent's memory is a thread, or executes at once."""
        if flags & CLONE_THREAD:
            return
        tell = None if flags & CLONE_VM else self._draft(call)
        self._posix.judge.when_done(call, lambda tid: self._born(tid, tell))

    def executes(self, call: Call) -> None:
        """A task tries to execute a program: it was forked for that."""
        self._leaves(call, ended=False)

    def ends(self, call: Call) -> None:
        """A process ends by a call of its own."""
        self._leaves(call, ended=True)

    def tell_remaining(self) -> None:
        """Tell of the children that a signal has ended, or that are there at the end of the run."""
        children, self._children = self._children, {}
        for tell in children.values():
            tell()

    def _draft(self, call: Call) -> Tell | None:
        posix = self._posix
        program = posix.program(call)
        if origins.is_shell(program) or origins.is_tool(program):
            return None
        stack = posix.stack(call)
        if not origins.is_project(stack) or _spawns_on_windows(stack):
            return None
        return posix.judge.draft(call, "PB022", STATUS_NOT_SUPPORTED, posix.subject(call), _MESSAGE)

    def _born(self, tid: int, tell: Tell | None) -> None:
        if tid <= 0:
            return
        former = self._children.pop(tid, None)
        if former is not None:
            former()  # its tid is another one's now: it was killed
        ended = self._early.pop(tid, None)
        if tell is None:
            return
        if ended:
            tell()
        elif ended is None:
            self._children[tid] = tell

    def _leaves(self, call: Call, *, ended: bool) -> None:
        group = call.task.group
        if group.has_image or group.tgid is None:
            return
        tell = self._children.pop(group.tgid, None)
        if tell is None:
            if len(self._early) >= _MOST_EARLY:
                self._early.clear()
            self._early[group.tgid] = ended
        elif ended:
            tell()


def _spawns_on_windows(stack: Sequence[Frame]) -> bool:
    """Whether multiprocessing chose to fork by itself: on Windows it starts a program.

    Who starts a process of the context "fork" by name calls its start(), which calls the context's _Popen at once;
    with the default, which the project may have set by name too, there is one more step between, or a pool of the
    library's own.
    """
    library = []
    for frame in filter(origins.is_python, stack):
        if not origins.is_standard(frame):
            break
        library.append(frame)
    if not any(frame.file.endswith("/multiprocessing/popen_fork.py") for frame in library):
        return False
    if any(
        map(_sets_fork, {frame.file for frame in stack if origins.is_python(frame)} - {each.file for each in library})
    ):
        return False
    steps = [frame for frame in library if frame.file.endswith("/multiprocessing/context.py")]
    return len(steps) != 1 or not library[-1].file.endswith("/multiprocessing/process.py")


def _sets_fork(file: str) -> bool:
    """Whether a source file makes fork the default of multiprocessing."""
    return _CHOOSES_FORK.search(lines_of(file, 1, _MOST_LINES)) is not None
