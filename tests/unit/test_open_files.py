"""What is remembered of an open file description: each of its descriptors once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ntshim.io.file import File
from picobox.platform.base import Descriptor
from picobox.task import FdTable, OpenFiles, fd_index


class Platform:
    """One that watches what it is asked to, and says nothing of it."""

    def watch(self, number: int, fd: int) -> None:
        """A descriptor of a table is watched."""

    def set_table(self, tid: int, number: int) -> None:
        """A task has a table."""


def test_a_descriptor_that_is_replaced_again_and_again_is_one_place() -> None:
    platform: Any = Platform()
    files = OpenFiles(platform)
    file = File((1, 2))
    table = FdTable(platform, files)
    files.adopt(file, table, 1)
    for _ in range(1000):
        files.note(file, table, 1)
    files.note(file, table, 5)
    assert [(each, fd) for each, fd in files._places[file]] == [(table, 1), (table, 5)]


class Handles:
    """A table that has a handle for each of some objects."""

    def __init__(self, **objects: File) -> None:
        self.objects = {fd_index(int(fd[2:])): file for fd, file in objects.items()}

    def peek(self, index: int) -> Any:
        file = self.objects.get(index)
        return None if file is None else SimpleNamespace(object=file)

    def discard(self, index: int) -> bool:
        return self.objects.pop(index, None) is not None


class Guest:
    """A task with handles."""

    def __init__(self, handles: Handles) -> None:
        self.tid = 7
        self.thread = SimpleNamespace(process=SimpleNamespace(handle_table=handles))


@pytest.mark.parametrize(
    ("there", "remains"),
    [(None, False), (Descriptor(1, 3, 0o100644, 0), False), (Descriptor(1, 2, 0o100644, 0), True)],
    ids=["closed", "another file", "open"],
)
def test_who_has_closed_unseen_holds_nothing(there: Descriptor | None, remains: bool) -> None:
    platform: Any = Platform()
    platform.describe = lambda _tid, fd: there if fd == 4 else None
    files, file = OpenFiles(platform), File((1, 2))
    table, handles = FdTable(platform, files), Handles(fd4=file)
    task: Any = Guest(handles)
    table.tasks.add(task)
    files.adopt(file, table, 4)
    assert list(files.holders(file)) == ([(task, 4)] if remains else [])
    assert bool(handles.objects) == remains
