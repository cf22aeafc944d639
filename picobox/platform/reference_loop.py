"""Owns what each stop means to the reference platform: some are answered here, the supervisor gets the others."""

from __future__ import annotations

import os
import struct
from collections import deque
from errno import ENOSYS, EPERM
from functools import partial
from typing import TYPE_CHECKING

from picobox.abi.filter import (
    DISPOSITION_ACTION,
    DISPOSITION_ERRNO_SHIFT,
    DISPOSITION_REAP,
    DISPOSITION_RECEIVES,
    compile_dispositions,
)
from picobox.abi.row import ACTION_CALL, ACTION_ERRNO, ACTION_NATIVE
from picobox.abi.x86_64 import ARGUMENT_REGISTERS, AUDIT_ARCH_X86_64, SYSCALL_LIMIT
from picobox.platform.base import (
    STOP_DEAD,
    STOP_EXEC,
    STOP_FORK,
    STOP_GROUP,
    STOP_NEW,
    STOP_SIGNAL,
    STOP_SYSCALL,
    STOP_SYSCALL_EXIT,
    HostTid,
    Stop,
)
from picobox.platform.reference_page import covers_page
from picobox.platform.reference_signals import FAULTS, STOPS
from picobox.platform.reference_task import signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.abi.row import Row
    from picobox.platform.reference_task import ReferenceTask

WALL_OURS = 0x4000_0000 | 0x2000_0000  # __WALL | __WNOTHREAD: children of other threads are not ours to reap

# As many stops may be answered in the kernel's order before every task has its turn.
_UNFAIR_LIMIT = 16


_SIGN_32 = 1 << 31


class ReferenceLoop:
    """The stops of some tasks, by tid. An `on_` method gives the stop that the supervisor has to answer, if any."""

    def __init__(
        self,
        tasks: dict[int, ReferenceTask],
        rows: Sequence[Row],
        subscribe: bool,
        features: frozenset[str],
        calls: frozenset[int] | None = None,
    ) -> None:
        """`tasks` belongs to the debugger, which adds to it and takes away."""
        self.counters = [[0] * SYSCALL_LIMIT for _ in range(4)]
        self.ready: deque[Stop] = deque()  # seen before they could be told
        self.creating: set[int] = set()  # in a call that makes a task, event not seen yet
        self._tasks = tasks
        self._subscribe = subscribe
        self._compile = partial(compile_dispositions, rows, subscribe, calls=calls)
        self._dispositions = self._compile(features)
        self._guards = {row.nr: row.guards for row in rows if row.guards}
        self._receivers: dict[int, int] = {}  # by tid, the number of the call that may have given descriptors
        self._held: dict[int, ReferenceTask] = {}  # born before their creator's event
        self._deaths: deque[tuple[int, int]] = deque()
        self._turns: deque[int] = deque()
        self._unfair = 0

    def next_status(self, *, block: bool) -> tuple[int, int]:
        """As waitpid, which by itself offers the youngest task first: a few busy ones would starve all others."""
        if self._deaths:
            return self._deaths.popleft()
        self._unfair += 1
        if self._unfair > max(_UNFAIR_LIMIT, len(self._tasks)):
            self._unfair = 0
            self._turns.extend(self._tasks)
        while self._turns:
            try:
                tid, status = os.waitpid(self._turns.popleft(), WALL_OURS | os.WNOHANG)
            except ChildProcessError:
                continue
            if tid:
                return tid, status
        return os.waitpid(-1, WALL_OURS | (0 if block else os.WNOHANG))

    def _take_deaths(self) -> None:
        """Reaps every task that has died, which hands it on to its parent.

        It was a zombie for us before it is one for the parent, who may know already, by a pidfd, and is about to wait.
        """
        while True:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | WALL_OURS)
            if found is None:
                return
            self._deaths.append(os.waitpid(found.si_pid, WALL_OURS))

    def next_told(self) -> Stop | None:
        """A stop that was seen before it could be told."""
        if self.ready:
            return self.ready.popleft()
        if self._held and not self.creating:
            # Their creators were killed inside the call and never report the event: they must not wait for ever.
            return self._birth(self._held.pop(next(iter(self._held))))
        return None

    def intercept(self, features: frozenset[str]) -> None:
        """See Platform."""
        self._dispositions = self._compile(features)

    def on_entry(self, task: ReferenceTask) -> Stop | None:
        """A call begins: the disposition array says what happens to it, as in the C core."""
        self.forget_call(task)
        task.in_call = True
        task.interrupted_call = -1
        task.noticed = False
        regs = task.getregs()
        if task.call_architecture() != AUDIT_ARCH_X86_64:
            _refuse(task, ENOSYS)
            return None
        task.calls += 1
        nr = min(regs.orig_rax & 0xFFFF_FFFF, SYSCALL_LIMIT - 1)
        args = tuple([getattr(regs, name) for name in ARGUMENT_REGISTERS])
        disposition = self._dispositions[nr]
        action = disposition & DISPOSITION_ACTION
        self.counters[action][nr] += 1
        if disposition & DISPOSITION_RECEIVES:
            self._receivers[task.pid] = task.calls
        if disposition & DISPOSITION_REAP:
            self._take_deaths()
        refused = EPERM if task.page and covers_page(task.page, self._guards.get(nr, ()), nr, args) else 0
        if action == ACTION_CALL:
            stop = Stop(STOP_SYSCALL, task.pid)
            stop.nr = ((regs.orig_rax & 0xFFFF_FFFF) ^ _SIGN_32) - _SIGN_32  # the kernel takes it as an int
            stop.args, stop.ip, stop.sp, stop.code = args, regs.rip, regs.rsp, refused
            return stop
        if refused:
            _refuse(task, refused)
        elif action == ACTION_NATIVE:
            task.run()
        else:
            _refuse(task, disposition >> DISPOSITION_ERRNO_SHIFT if action == ACTION_ERRNO else ENOSYS)
        return None

    def take_receivers(self) -> list[HostTid] | None:
        """See Platform; a task that has entered no other call may be in that one still."""
        asked = self._receivers
        if any(tid not in self._tasks for tid in asked):
            self._receivers = {tid: call for tid, call in asked.items() if tid in self._tasks}
            return None
        self._receivers = {tid: call for tid, call in asked.items() if self._tasks[tid].calls == call}
        return [HostTid(tid) for tid in asked]

    def on_exit(self, task: ReferenceTask) -> Stop | None:
        """A call ends: the registers that we changed get their values back."""
        report = task.report_exit
        task.in_call = False
        task.put_back(task.saved)
        self.forget_call(task)
        if not report:
            task.run()
            return None
        stop = Stop(STOP_SYSCALL_EXIT, task.pid)
        stop.result = signed(task.getregs().rax)
        return stop

    def forget_call(self, task: ReferenceTask) -> None:
        """The call it was in is over, however it ended."""
        task.report_exit = False
        task.saved = {}
        self.creating.discard(task.pid)

    def on_creation(self, task: ReferenceTask, child: ReferenceTask) -> Stop:
        """A call has made a task, whose first stop may have been seen before."""
        self.creating.discard(task.pid)
        child.announced = True
        child.creator = task.pid
        child.page = task.page
        child.saved = dict(task.saved)
        if self._held.pop(child.pid, None):
            self.ready.append(self._birth(child))
        stop = Stop(STOP_FORK, task.pid)
        stop.other = child.pid
        return stop

    def _birth(self, task: ReferenceTask) -> Stop:
        """A new task runs on with the registers that its creator had before we changed them."""
        task.announced = True
        task.put_back(task.saved)
        task.saved = {}
        stop = Stop(STOP_NEW, task.pid)
        stop.other = task.creator
        return stop

    def on_event_stop(self, task: ReferenceTask, number: int) -> Stop | None:
        """A first stop, a group-stop, or the end of one."""
        task.group_stopped = number in STOPS
        if not task.born:
            task.born = True
            if task.announced:
                return self._birth(task)
            self._held[task.pid] = task
            return None
        if not task.group_stopped:
            task.run()
            return None
        stop = Stop(STOP_GROUP, task.pid)
        stop.signal = number
        return stop

    def on_exec(self, task: ReferenceTask, former: int) -> Stop:
        """A new image runs in the task; a thread that executed it was `former` and has taken the leader's tid."""
        executor = self._tasks.get(former)
        if executor is not None and executor is not task:
            self.creating.discard(former)
            executor.detach()
        task.starting = task.group_stopped = False
        task.page = 0
        task.in_call = True
        self.forget_call(task)
        stop = Stop(STOP_EXEC, task.pid)
        stop.other = former
        return stop

    def on_signal(self, task: ReferenceTask, number: int) -> Stop | None:
        """A signal is about to be delivered."""
        if number in FAULTS or self._subscribe:
            info = task.getsiginfo()
            code = info.si_code
            if code > 0 or self._subscribe:
                stop = Stop(STOP_SIGNAL, task.pid)
                stop.signal, stop.code = number, code
                stop.args = struct.unpack("<6Q", bytes(info)[:48])
                return stop
        task.run(task.signal_to_deliver(number))
        return None

    def on_death(self, task: ReferenceTask, status: int) -> Stop | None:
        """Nobody knows of a task that died before its creator's event."""
        self.creating.discard(task.pid)
        self._held.pop(task.pid, None)
        if not task.announced:
            return None
        stop = Stop(STOP_DEAD, task.pid)
        stop.status = status
        return stop


def _refuse(task: ReferenceTask, error: int) -> None:
    task.skip_call(-error)
    task.run()
