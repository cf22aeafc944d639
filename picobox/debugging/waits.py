"""Owns what wait4 and waitid of a tracer give: its tracees' stops and ends, besides its children's."""

from __future__ import annotations

import os
import signal
import struct
from errno import EFAULT
from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import Errno
from picobox.platform import host
from picobox.platform.tracing import children_of, is_held, process_group, process_of_pidfd

if TYPE_CHECKING:
    from picobox.debugging.tracees import Debuggers, Ended, Tracee
    from picobox.platform.base import HostTid, Stop

_WAIT4 = 61
_WNOHANG, _WEXITED, _WNOWAIT = 1, 4, 0x0100_0000
_P_ALL, _P_PID, _P_PGID, _P_PIDFD = range(4)
_CLD_EXITED, _CLD_KILLED, _CLD_DUMPED, _CLD_TRAPPED = range(1, 5)
_RUSAGE_SIZE, _SIGINFO_SIZE = 144, 128
_CORE_DUMPED = 0x80


class Wait(NamedTuple):
    """What is waited for. `pid`: of one task, 0: any; `process_group`: 0: any; both as guests know them.

    `status`, `rusage`: addresses, 0 for none. `is_id`: by waitid.
    """

    pid: int
    process_group: int
    options: int
    status: int
    rusage: int
    is_id: bool

    def wants(self, number: int, process: int) -> bool:
        """Whether it is for a task of that number and host process."""
        if self.pid:
            return self.pid == number
        if not self.process_group:
            return True
        return process_group(process) == self.process_group


def answer_wait(debuggers: Debuggers, tid: HostTid, stop: Stop) -> None:
    """Decides on a wait that a task is about to begin."""
    group = debuggers.group_of(tid)
    wait = _wait_of(tid, stop)
    tracees = (
        [] if wait is None else [each for each in debuggers.of_group(group) if wait.wants(each.number, each.process)]
    )
    if wait is not None and _answer_at_once(debuggers, tid, group, wait, tracees):
        return
    others = any(not tracee.is_child for tracee in tracees)
    if wait is not None and wait.options & _WNOHANG:
        debuggers.calls.wait_in_kernel(tid, zero_if_none=others)
        return
    debuggers.waiting[tid] = group
    if others and wait is not None and not _has_child(debuggers, group, wait):
        debuggers.calls.park(tid)
    else:
        debuggers.calls.wait_in_kernel(tid)


def _wait_of(tid: HostTid, stop: Stop) -> Wait | None:
    """None: only the kernel's children can be meant."""
    args = stop.args
    options = args[2] & 0xFFFF_FFFF if stop.nr == _WAIT4 else args[3] & 0xFFFF_FFFF
    if stop.nr == _WAIT4:
        pid = _signed(args[0])
        if pid < -1 or not pid:
            return Wait(0, -pid or process_group(tid), options, args[1], args[3], is_id=False)
        return Wait(max(pid, 0), 0, options, args[1], args[3], is_id=False)
    kind, number = _signed(args[0]), _signed(args[1])
    if kind == _P_PIDFD:
        number = process_of_pidfd(tid, number)
    if kind not in (_P_ALL, _P_PID, _P_PGID, _P_PIDFD) or (number <= 0 and kind in (_P_PID, _P_PIDFD)):
        return None
    pid = number if kind in (_P_PID, _P_PIDFD) else 0
    group = (number or process_group(tid)) if kind == _P_PGID else 0
    return Wait(pid, group, options, args[2], args[4], is_id=True)


def _signed(value: int) -> int:
    return (value & 0xFFFF_FFFF ^ 0x8000_0000) - 0x8000_0000


def _answer_at_once(debuggers: Debuggers, tid: HostTid, group: int, wait: Wait, tracees: list[Tracee]) -> bool:
    """Gives the first thing that has come of a tracee; False if there is none."""
    for ended in debuggers.ended:
        if ended.group == group and wait.wants(ended.number, ended.process) and _sees_ends(wait):
            if not wait.options & _WNOWAIT:
                debuggers.ended.remove(ended)
            _give(debuggers, tid, wait, ended.number, ended.status, _end_of(ended))
            return True
    for tracee in tracees:
        if tracee.held is not None and tracee.is_new and is_held(tracee.tid):
            tracee.is_new = bool(wait.options & _WNOWAIT)
            _give(debuggers, tid, wait, tracee.number, tracee.held.status, (_CLD_TRAPPED, tracee.held.code))
            return True
    return False


def _sees_ends(wait: Wait) -> bool:
    return not wait.is_id or bool(wait.options & _WEXITED)


def _end_of(ended: Ended) -> tuple[int, int]:
    """si_code and si_status (sigaction(2))."""
    if os.WIFEXITED(ended.status):
        return _CLD_EXITED, os.WEXITSTATUS(ended.status)
    return (_CLD_DUMPED if ended.status & _CORE_DUMPED else _CLD_KILLED), os.WTERMSIG(ended.status)


def _give(debuggers: Debuggers, tid: HostTid, wait: Wait, number: int, status: int, told: tuple[int, int]) -> None:
    memory = debuggers.memory(tid)
    result = 0 if wait.is_id else number
    try:
        if wait.status and wait.is_id:
            code, value = told
            info = struct.pack("<iii4xiIi", signal.SIGCHLD, 0, code, number, 0, value)
            memory.write(wait.status, info.ljust(_SIGINFO_SIZE, b"\0"))
        elif wait.status:
            memory.write(wait.status, struct.pack("<i", status))
        if wait.rusage:
            memory.write(wait.rusage, bytes(_RUSAGE_SIZE))
    except Errno:
        result = -EFAULT
    debuggers.calls.answer_wait(tid, result)


def _has_child(debuggers: Debuggers, group: int, wait: Wait) -> bool:
    """Whether the kernel has a child to wait for, or may have."""
    if wait.pid:
        return any(each.is_child for each in debuggers.of_group(group) if each.number == wait.pid) or (
            wait.pid in [host.number_of(child) for child in children_of(group)]
        )
    return bool(children_of(group))
