"""Knows the tasks of an instance by the numbers that guests see."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from picobox.platform.host import number_of

if TYPE_CHECKING:
    from picobox.platform.base import HostTid
    from picobox.task import Task


class Tasks:
    """Those whose credentials are known. Who has gone is forgotten."""

    def __init__(self) -> None:
        self._known: WeakSet[Task] = WeakSet()

    def add(self, task: Task) -> None:
        """A task has credentials now."""
        self._known.add(task)

    def _living(self) -> list[Task]:
        return [task for task in self._known if task.tid is not None and task in task.files.tasks]

    def of_number(self, number: int) -> Task | None:
        """The living task of a number; None if there is none."""
        return next((task for task in self._living() if task.vtid == number), None)

    def of_process_group(self, asker: Task, number: int) -> list[Task]:
        """The other tasks that kill(2) means by a number that is not positive; all of them for -1."""
        others = [task for task in self._living() if task.group is not asker.group]
        if number == -1:
            return others
        wanted = _group_of(asker.tid) if number == 0 else None
        found = []
        for task in others:
            group = _group_of(task.tid)
            if group == wanted if number == 0 else group > 0 and _number(group) == -number:
                found.append(task)
        return found


def _group_of(tid: HostTid | None) -> int:
    """The process group of a task, by the host's number; 0 if it has gone."""
    with suppress(OSError):
        return os.getpgid(tid or 0) if tid else 0
    return 0


def _number(group: int) -> int:
    from picobox.platform.base import HostTid

    return number_of(HostTid(group))
