"""Tells what runs: every process of a run's guests, as the kernel has it, with what NT knows of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from picobox.inspection.wire import text
from picobox.platform import host
from picobox.platform.base import HostTid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.inspection.wire import Json
    from picobox.supervisor import Supervisor

_MOST_COMMAND = 1 << 16
_DEAD = "ZX"


class Process(NamedTuple):
    """One process. tids: its threads, as far as they run here; `thread` is one of them whose files can be seen."""

    pid: HostTid
    tids: list[HostTid]
    state: str
    parent: int
    name: bytes
    number: int

    @property
    def thread(self) -> HostTid:
        """A thread by which the process is looked at: a leader that has ended shows nothing."""
        return self.pid if self.pid in self.tids or not self.tids else self.tids[0]


def running(supervisor: Supervisor) -> list[Process]:
    """Every process of the guests, also those that have ended and for which nobody has waited yet.

    No task becomes known to Python by that: what it would have been asked it is asked later.
    """
    tids = supervisor.tids()
    groups: dict[int, list[HostTid]] = {}
    for tid in sorted(tids):
        pid = host.thread_group(tid)[0]
        if pid:
            groups.setdefault(pid, []).append(tid)
    found = {pid: process for pid in groups if (process := _process(HostTid(pid), groups[pid])) is not None}
    for process in list(found.values()):
        for child in _children(process):
            dead = None if child in found else _process(child, [])
            if dead is not None and dead.state in _DEAD:
                found[child] = dead
    return sorted(found.values())


def _children(process: Process) -> Iterable[HostTid]:
    for tid in process.tids:
        with suppress(OSError), open(f"/proc/{process.pid}/task/{tid}/children", "rb") as children:
            yield from (HostTid(int(child)) for child in children.read().split())


def _process(pid: HostTid, tids: list[HostTid]) -> Process | None:
    """What the kernel tells of a process (proc(5)); None if it has gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as line:
            head, _, tail = line.read().rpartition(b")")
        with open(f"/proc/{pid}/status", "rb") as status:
            numbers = next(line for line in status if line.startswith(b"NSpid:")).split()
    except (OSError, StopIteration):
        return None
    fields = tail.split()
    name = head.partition(b"(")[2]
    return Process(pid, tids, fields[0].decode(), int(fields[1]), name, int(numbers[-1]))


def processes(supervisor: Supervisor) -> list[Json]:
    """The answer to `ps`."""
    return [_told(supervisor, process) for process in running(supervisor)]


def _told(supervisor: Supervisor, process: Process) -> Json:
    thread = next((known for tid in process.tids if (known := supervisor.known(tid)) is not None), None)
    return {
        "pid": process.pid,
        "guest_pid": process.number,
        "parent": process.parent,
        "name": text(process.name),
        "command": [text(word) for word in command_of(process.pid)],
        "state": process.state,
        "threads": [{"tid": tid, "guest_tid": host.number_of(tid)} for tid in process.tids],
        "started": round(host.started_at(process.pid), 2),
        "nt_pid": None if thread is None else thread.process.pid,
    }


def command_of(pid: int) -> list[bytes]:
    """The words of a process's command; none if it has ended, or has taken them away itself."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as command:
            words = command.read(_MOST_COMMAND)
    except OSError:
        return []
    return words.removesuffix(b"\0").split(b"\0") if words else []
