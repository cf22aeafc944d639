r"""Runs a guest behind walls and tells, each time it asks to be looked at, what NT has: a program.

Each telling is a line of standard output, `NT` and a JSON object: the names of `\BaseNamedObjects` and of the
processes and threads of `\Sessions\0`, and of each handle table the types of its objects.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from ntshim.ob.attributes import ObjectAttributes
from ntshim.status import NtError
from picobox.abi.table import BY_NAME
from picobox.cli.launch import Launch

if TYPE_CHECKING:
    from types import SimpleNamespace

    from ntshim.ps.process import Thread
    from picobox.call import Call
    from picobox.confine.policy import Policy
    from picobox.platform.base import Stop

# As tests/supervisor/sandbox.py has it.
_CHECKPOINT = 0x7BAD
_DIRECTORIES = {
    "named": "\\BaseNamedObjects", "processes": "\\Sessions\\0\\Processes", "threads": "\\Sessions\\0\\Threads",
}  # fmt: skip


class Looker:
    """An observer that looks through the system process's eyes."""

    launch: Launch

    def entered(self, call: Call) -> bool:
        if call.row is not None and call.row.name == "getpriority" and call.stop.args[0] == _CHECKPOINT:
            os.write(1, f"NT {json.dumps(self._seen())}\n".encode())
        return False

    def _seen(self) -> dict[str, object]:
        processes = {thread.process for thread in self.launch.supervisor.threads().values()}
        return {
            **{name: self._listed(path) for name, path in _DIRECTORIES.items()},
            "handles": [
                sorted(entry.object.type.name for _, entry in process.handles.handles()) for process in processes
            ],
        }

    def _listed(self, path: str) -> list[str]:
        nt, system = self.launch.provider.nt, self.launch.executive.system_process
        handle = nt.NtOpenDirectoryObject(system, 1, ObjectAttributes(path))
        try:
            return sorted(name for name, _ in nt.NtQueryDirectoryObject(system, handle, 1 << 20).entries)
        except NtError:
            # STATUS_NO_MORE_ENTRIES: it is empty.
            return []
        finally:
            nt.NtClose(system, handle)

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None: ...

    def signalled(self, stop: Stop, thread: Thread | None) -> None: ...

    def died(self, stop: Stop, thread: Thread | None) -> None: ...

    def executed(self, stop: Stop, thread: Thread | None) -> None: ...


def main(options: SimpleNamespace, policy: Policy) -> int:
    """Runs the command of the command line; gives its exit status."""
    looker = Looker()
    command = [os.fsencode(word) for word in sys.argv[1:]]
    with Launch(options, command, looker, frozenset((BY_NAME["getpriority"].nr,)), policy=policy) as launch:
        looker.launch = launch
        return launch.run()
