"""Calls that are made to fail: which ones, with what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim.status import NtError

if TYPE_CHECKING:
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.task import Task
    from picobox.windows import WindowsRules

_MOST_TASKS = 1024


class When(NamedTuple):
    """Which of a task's calls are meant, counted from 1: from `first` to `last`, each `step`th (strace(1), when=)."""

    first: int = 1
    last: int | None = None
    step: int = 1

    def includes(self, number: int) -> bool:
        """Whether the call of that number is meant."""
        if number < self.first or (self.last is not None and number > self.last):
            return False
        return (number - self.first) % self.step == 0


class Injection(NamedTuple):
    """Calls by name that fail with an error number, or with a status of NT as the program's runtime shows it."""

    names: frozenset[str]
    errno: int | None = None
    status: int | None = None
    when: When = When()


class Injections:
    """Counts the calls of each task, as strace does, and refuses those that are to fail."""

    def __init__(self, injections: tuple[Injection, ...]) -> None:
        """Have `injections` happen."""
        self.rows = frozenset[str]().union(*(injection.names for injection in injections))
        self._injections = injections
        self._counts: dict[Task, list[int]] = {}

    def meet(self, call: Call, row: Row, windows: WindowsRules) -> None:
        """Raises NtError for a status; an error number becomes the result."""
        del windows
        counts = self._counts_of(call.task)
        refused: int | None = None
        for place, injection in enumerate(self._injections):
            if row.name not in injection.names:
                continue
            counts[place] += 1
            if call.result is None and refused is None and injection.when.includes(counts[place]):
                refused = injection.status
                if injection.errno is not None:
                    call.result = -injection.errno
        if refused is not None:
            raise NtError(refused)

    def begins_anew(self, call: Call) -> None:
        """The call is not over: it counts when it comes again."""
        counts = self._counts_of(call.task)
        for place, injection in enumerate(self._injections):
            if call.row is not None and call.row.name in injection.names:
                counts[place] -= 1

    def _counts_of(self, task: Task) -> list[int]:
        counts = self._counts.get(task)
        if counts is None:
            if len(self._counts) >= _MOST_TASKS:
                self._counts = {other: kept for other, kept in self._counts.items() if other in other.files.tasks}
            counts = self._counts[task] = [0] * len(self._injections)
        return counts
