"""A judge of one process for tests that start none: it keeps what is reported, and takes their word for the rest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from guest_memory import GuestMemory

from picobox.check.posix import Posix
from picobox.check.posix_calls import watchers
from picobox.findings.finding import Frame, Process
from picobox.platform.host import PseudoDevices
from picobox.platform.identity import Identities
from picobox.runtimes import C, Runtime
from picobox.task import ThreadGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

SCRIPT = Frame("/home/someone/project/run.py", "run", 3)
LIBRARY = "/usr/lib/python3.11"
PACKAGES = "/home/someone/venv/lib/python3.11/site-packages"


class Found(NamedTuple):
    """A finding as far as the tests look at it."""

    rule: str
    status: int
    path: bytes
    message: str


class _Stop(NamedTuple):
    tid: int


class FakeTask:
    """A task of a process that has its own image, or is a mere fork."""

    def __init__(self, tid: int, *, has_image: bool = True) -> None:
        self.group = ThreadGroup()
        self.group.tgid = tid  # type: ignore[assignment]
        self.group.has_image = has_image
        self.vtid = tid


class FakeCall:
    """A call of a task; the guest's files are this process's."""

    def __init__(self, task: FakeTask, mappings: dict[int, bytes] | None = None) -> None:
        self.task = task
        self.stop = _Stop(os.getpid())
        self.thread = None
        self.memory = GuestMemory(mappings)
        self.shown_by: Runtime | None = None
        self.routines: list[Callable[[int], None]] = []


class _Posix(Posix):
    def program(self, call: Any) -> bytes:
        del call
        fake: Any = self.judge
        return fake.executable  # type: ignore[no-any-return]

    def runtime(self, call: Any) -> Runtime:
        del call
        fake: Any = self.judge
        return fake.written_on  # type: ignore[no-any-return]

    def process(self, call: Any) -> Process:
        del call
        fake: Any = self.judge
        return Process(1, "name", fake.arguments)


class FakeJudge:
    """Stands for picobox.check.judge.Judge; `drive` is the only drive."""

    def __init__(self, drive: Path) -> None:
        self.drive = os.fsencode(drive)
        self.executable = b"/home/someone/program"
        self.written_on = C
        self.arguments: tuple[str, ...] = ("program",)
        self.frames: tuple[Frame, ...] = ()
        self.observes = True
        self.found: list[Found] = []
        self.windows = self.stacks = self
        self.looks_wanted = False
        self.identities = Identities(PseudoDevices())
        fake: Any = self
        self.posix = _Posix(fake)
        self._watchers = watchers()

    def of(self, call: Any) -> tuple[Frame, ...]:
        """The stack of a call."""
        del call
        return self.frames

    def is_on_drive(self, path: bytes) -> bool:
        return path.startswith(self.drive + b"/")

    def on_drive(self, call: Any, dirfd: int, path: bytes) -> bytes | None:
        del call, dirfd
        return path if self.is_on_drive(path) else None

    def draft(self, call: Any, rule: str, status: int, path: bytes, message: str) -> Callable[[], None]:
        del call
        return lambda: self.found.append(Found(rule, status, path, message))

    def report(
        self, call: FakeCall, rule: str, status: int, path: bytes, message: str, *, refused: bool = False
    ) -> None:
        tell = self.draft(call, rule, status, path, message)
        if refused:
            tell()
        else:
            call.routines.append(lambda result: tell() if result >= 0 else None)

    def wants_looks(self, *, wanted: bool, files: Mapping[bytes, int | None] | None = None) -> None:
        del files
        self.looks_wanted = wanted

    def when_done(self, call: FakeCall, routine: Callable[[int], None]) -> None:
        call.routines.append(routine)

    def call(
        self,
        row: str,
        *arguments: object,
        result: int = 0,
        task: FakeTask | None = None,
        mappings: dict[int, bytes] | None = None,
    ) -> list[str]:
        """See a call that ends with a result; gives the rules that have been found since the last one."""
        self.found.clear()
        call = self.begin(row, *arguments, task=task, mappings=mappings)
        self.end(call, result)
        return self.rules()

    def begin(
        self, row: str, *arguments: object, task: FakeTask | None = None, mappings: dict[int, bytes] | None = None
    ) -> FakeCall:
        """See a call at its entry."""
        call = FakeCall(task or FakeTask(os.getpid()), mappings)
        self._watchers[row](self, call, *arguments)
        return call

    def end(self, call: FakeCall, result: int) -> None:
        """The call has ended with a result."""
        for routine in call.routines:
            routine(result)

    def rules(self) -> list[str]:
        return [found.rule for found in self.found]


def frames(*files: str) -> Sequence[Frame]:
    """A stack of Python frames, the innermost first."""
    return tuple(Frame(file, "function", 1) for file in files)
