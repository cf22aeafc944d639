"""What the rules about POSIX know of the tasks of a run, and how they tell what they find."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ntshim.status import NtError
from picobox.check import origins
from picobox.check.forks import Forks
from picobox.check.read_back import ReadBack
from picobox.platform import images
from picobox.platform.sources import file_of, lines_of

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.check.judge import Judge
    from picobox.findings.finding import Frame, Process
    from picobox.runtimes import Runtime

_MOST_LINES = 1 << 16
# How Python programs lock on Windows.
_LOCKS_THERE = re.compile(r"\bmsvcrt\b|LockFile|win32file|pywintypes|ctypes")


class Posix:
    """The rules PB019 to PB023 and PB025, for one run."""

    def __init__(self, judge: Judge) -> None:
        """Tell `judge` what is found."""
        self.judge = judge
        self.forks = Forks(self)
        self.read_back = ReadBack(self)
        self._last: tuple[Call, tuple[Frame, ...]] | None = None
        # Processes whose program has asked whether links can be made.
        self._informed: set[tuple[int | None, bytes]] = set()

    def stack(self, call: Call) -> tuple[Frame, ...]:
        """Who makes a call, the innermost frame first."""
        if self._last is None or self._last[0] is not call:
            self._last = call, self.judge.stacks.of(call)
        return self._last[1]

    def program(self, call: Call) -> bytes:
        """The path of the program that makes a call."""
        return images.path_of(call.stop.tid)

    def subject(self, call: Call) -> bytes:
        """The path that stands for who makes a call where no file is concerned: a source, or the program."""
        frame = origins.caller(self.stack(call))
        if frame is not None and frame.file.startswith("/"):
            return os.fsencode(frame.file)
        from picobox.check.interpreted import script_of

        program = self.program(call)
        script = script_of(self.process(call).arguments) if origins.is_interpreter(program) else ""
        return file_of(call.stop.tid, os.fsencode(script)) or program

    def runtime(self, call: Call) -> Runtime:
        """The runtime that it is written on."""
        return self.judge.windows.runtimes.of(call.stop.tid)

    def process(self, call: Call) -> Process:
        """The process that makes a call."""
        return self.judge.processes.of(call.thread.process, call.stop.tid)

    def place(self, call: Call, dirfd: int, path: bytes) -> bytes | None:
        """Where a name lies, or an open file if there is none, if that is on a drive."""
        if path:
            return self.judge.on_drive(call, dirfd, path)
        found = self.judge.identities.size_and_path_of(call.stop.tid, dirfd)
        return found[1] if found is not None and self.judge.windows.is_on_drive(found[1]) else None

    def report(self, call: Call, rule: str, status: int, path: bytes, message: str, *portable: str) -> None:
        """Record a finding about a call of the project's own that is not made by a `portable` module of the library."""
        if self._concerns(call, portable):
            self.judge.report(call, rule, status, path, message)

    def refuse(self, call: Call, rule: str, status: int, path: bytes, message: str, *portable: str) -> None:
        """Record a finding, and tell the guest what Windows would have if the check enforces. Raises NtError."""
        enforces = not self.judge.observes
        if self._concerns(call, portable):
            self.judge.report(call, rule, status, path, message, refused=enforces)
        if enforces:
            call.shown_by = self.runtime(call)
            raise NtError(status)

    def locks(self, call: Call) -> None:
        """A file is about to be locked; on Windows it is not by a source that does so elsewhere alone."""
        if call.judgement is None or not self.judge.observes:
            return
        from picobox.check.platforms import is_not_for_windows

        stack = self.stack(call)
        frame = origins.caller(stack)
        if frame is not None and is_not_for_windows(stack):
            call.judgement.is_elsewhere = _LOCKS_THERE.search(lines_of(frame.file, 1, _MOST_LINES)) is None

    def is_prepared(self, call: Call) -> bool:
        """Whether the program goes on where the call is refused, or has asked before; a check that enforces shows it.

        A program that makes a link only to learn whether it can makes the others where it could.
        """
        if not self.judge.observes:
            return False
        from picobox.check.handlers import asks, expects_failure

        stack, process = self.stack(call), (call.task.group.tgid, self.program(call))
        if asks(stack):
            self._informed.add(process)
        return process in self._informed or expects_failure(stack)

    def _concerns(self, call: Call, portable: tuple[str, ...]) -> bool:
        stack = self.stack(call)
        return origins.is_project(stack) and not origins.passes_through(stack, *portable)
