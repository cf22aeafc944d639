"""The directories in which running processes and threads are found by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.ob.directory import ReadOnlyDirectory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ntshim.ob.object import Object
    from ntshim.ps.executive import Executive


class ProcessDirectory(ReadOnlyDirectory):
    """Every process that runs, under its id in decimal."""

    __slots__ = ("_executive",)

    def __init__(self, executive: Executive) -> None:
        """Show the processes of an executive."""
        super().__init__()
        self._executive = executive

    def entries(self) -> Mapping[str, Object]:
        """Give the processes that run now."""
        self._executive.catch_up()
        return {str(pid): process for pid, process in self._executive.processes.items()}


class ThreadDirectory(ReadOnlyDirectory):
    """Every thread that runs, under its id in decimal."""

    __slots__ = ("_executive",)

    def __init__(self, executive: Executive) -> None:
        """Show the threads of an executive."""
        super().__init__()
        self._executive = executive

    def entries(self) -> Mapping[str, Object]:
        """Give the threads that run now."""
        self._executive.catch_up()
        processes = self._executive.processes.values()
        return {str(tid): thread for process in processes for tid, thread in process.threads.items()}
