"""What is remembered of an open file description: each of its descriptors once."""

from __future__ import annotations

from typing import Any

from ntshim.io.file import File
from picobox.task import FdTable, OpenFiles


class Platform:
    """One that watches what it is asked to, and says nothing of it."""

    def watch(self, number: int, fd: int) -> None:
        """A descriptor of a table is watched."""


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
