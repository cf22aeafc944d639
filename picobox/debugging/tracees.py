"""Owns who traces whom among the guests: stops that tracers are to see, ends, and whom these wake."""

from __future__ import annotations

import signal
from contextlib import suppress
from errno import EPERM, ESRCH
from typing import TYPE_CHECKING, NamedTuple

from picobox.debugging.waits import answer_wait
from picobox.errors import Errno
from picobox.platform import host
from picobox.platform.base import HostTid
from picobox.platform.tracing import send_signal, signal_masks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ntshim.ps.process import Thread
    from picobox.platform.base import GuestMemory, Stop
    from picobox.platform.debug_calls import DebugCalls

# linux/ptrace.h
EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_VFORK_DONE, EVENT_EXIT = range(1, 7)
EVENT_STOP = 128
_MAKES_CHILD = (EVENT_FORK, EVENT_VFORK, EVENT_CLONE)
_NAMES_TASK = (*_MAKES_CHILD, EVENT_EXEC, EVENT_VFORK_DONE)
# core.h: why a task stops that is no event.
_SIGNAL, _STEP = 1, 2
_GETEVENTMSG = 0x4201
OPTION_EXITKILL = 1 << 20
# Ends of tracees that a process has not waited for: as many as it may have of threads.
MOST_ENDED = 1024


class Held(NamedTuple):
    """A stop that a tracer sees: its signal, with the bit of a call's stop, and its event.

    Whether a signal is about to be delivered, a step has led behind a call, or the group is stopped.
    """

    signal: int
    event: int
    is_signal: bool
    is_step: bool
    is_group: bool

    @property
    def code(self) -> int:
        """As si_status tells it (ptrace(2))."""
        return self.signal | self.event << 8

    @property
    def status(self) -> int:
        """As wait4 tells it."""
        return self.code << 8 | 0x7F


class Tracee:
    """A task that a guest traces. `number`: as guests know it; `group`: the tracer's thread group, on the host.

    `is_child`: the kernel tells the tracer of its end. `held`: None while it runs; `is_new`: nobody has waited for it.
    `is_by_right`: who began it had CAP_SYS_PTRACE.
    """

    __slots__ = ("group", "held", "is_by_right", "is_child", "is_new", "message", "number", "options", "process",
                 "seized", "tid", "tracer")  # fmt: skip

    def __init__(
        self, tid: HostTid, tracer: HostTid, group: int, *, seized: bool, options: int, is_by_right: bool = False
    ) -> None:
        self.tid = tid
        self.number = host.number_of(tid)
        self.tracer = tracer
        self.group = group
        self.seized = seized
        self.options = options
        self.is_by_right = is_by_right
        self.held: Held | None = None
        self.is_new = False
        self.message = 0
        self.find_parent()

    def find_parent(self) -> None:
        """Its thread group, and whether its tracer has made it."""
        self.process, parent = host.thread_group(self.tid)
        self.is_child = self.process == self.tid and parent == self.group


class Ended(NamedTuple):
    """The end of a tracee that is no child of its tracer, which has yet to wait for it."""

    number: int
    process: int
    group: int
    status: int


class Debuggers:
    """The tracers and tracees of a run."""

    def __init__(
        self,
        calls: DebugCalls,
        memory: Callable[[HostTid], GuestMemory],
        known: Callable[[HostTid], Thread | None],
        tids: Callable[[], set[HostTid]],
    ) -> None:
        """`known` makes a task known that was unseen; `tids` gives those that run."""
        self.calls = calls
        self.memory = memory
        self.tids = tids
        self.tracees: dict[HostTid, Tracee] = {}
        self.ended: list[Ended] = []
        # Threads that wait in the kernel or are parked, with their thread groups.
        self.waiting: dict[HostTid, int] = {}
        self.known = known
        self._tracers: set[int] = set()
        # The thread groups of threads that trace or wait.
        self._groups: dict[HostTid, int] = {}

    def group_of(self, tid: HostTid) -> int:
        """The thread group of a task, 0 if it has gone."""
        group = self._groups.get(tid)
        if group is None:
            group = host.thread_group(tid)[0]
            # The end of one that is known is told.
            if self.known(tid) is not None:
                self._groups[tid] = group
        return group

    def begin(
        self, tid: HostTid, tracer: HostTid, *, seized: bool, options: int = 0, is_by_right: bool = False
    ) -> bool:
        """A task is traced from now on; whether it is stopped already, and tells so. Errno(EPERM): it is traced."""
        if tid in self.tracees:
            raise Errno(EPERM)
        group = self.group_of(tracer)
        if not group or self.known(tracer) is None or self.known(tid) is None:
            raise Errno(ESRCH)
        stopped = self.calls.begin(tid, tracer, seized=seized, options=options)
        self.tracees[tid] = Tracee(tid, tracer, group, seized=seized, options=options, is_by_right=is_by_right)
        self._tell_waits(group)
        return stopped

    def _tell_waits(self, group: int) -> None:
        if group in self._tracers:
            return
        self._tracers.add(group)
        for tid in self.tids():
            if host.thread_group(tid)[0] == group:
                with suppress(Errno):
                    self.calls.tell_waits(tid, tells=True)

    def _leave_waits(self, group: int) -> None:
        """Who traces nobody any more, and has nothing of a tracee to wait for, waits as anybody."""
        if group not in self._tracers or any(self.of_group(group)) or any(end.group == group for end in self.ended):
            return
        self._tracers.discard(group)
        for tid in self.tids():
            if self._groups.get(tid, 0) == group or host.thread_group(tid)[0] == group:
                with suppress(Errno):
                    self.calls.tell_waits(tid, tells=False)
        self._wake(group)

    def end(self, tracee: Tracee, number: int = 0) -> None:
        """A task is traced no more, and goes on with a signal if it is held."""
        del self.tracees[tracee.tid]
        with suppress(Errno):
            self.calls.end(tracee.tid, number)
        self._leave_waits(tracee.group)

    def end_all(self) -> None:
        """Nobody is traced any more."""
        for tracee in list(self.tracees.values()):
            self.end(tracee)

    def of_group(self, group: int) -> Iterator[Tracee]:
        """The tasks that a process traces."""
        return (tracee for tracee in self.tracees.values() if tracee.group == group)

    def on_stop(self, stop: Stop) -> None:
        """A tracee stands where its tracer is to see it."""
        tid = stop.use()
        tracee = self._met(tid, HostTid(stop.other))
        if tracee is None:
            with suppress(Errno):
                self.calls.end(tid, 0)
            return
        tracee.held = Held(stop.signal, stop.status, stop.nr == _SIGNAL, stop.nr == _STEP, bool(stop.code))
        tracee.is_new = True
        tracee.message = self._message(tracee, stop.status)
        self._tell(tracee.group)

    def _met(self, tid: HostTid, tracer: HostTid) -> Tracee | None:
        """The tracee, also one that its creator's tracer has got without asking; None if that is gone."""
        tracee = self.tracees.get(tid)
        group = host.thread_group(tracer)[0] if tracee is None else 0
        if tracee is None and group and self.known(tid) is not None:
            tracee = self.tracees[tid] = Tracee(tid, tracer, group, seized=False, options=0)
        return tracee

    def _message(self, tracee: Tracee, event: int) -> int:
        """What PTRACE_GETEVENTMSG gives; a child is the tracer's as well from now on."""
        with suppress(Errno):
            message = int.from_bytes(self.calls.transfer(tracee.tid, _GETEVENTMSG, 0, bytes(8)), "little")
            if event not in _NAMES_TASK:
                return message
            child = HostTid(message)
            number = tracee.number if child == tracee.tid else host.number_of(child)
            if event in _MAKES_CHILD and child not in self.tracees and self.known(child) is not None:
                self.tracees[child] = Tracee(
                    child,
                    tracee.tracer,
                    tracee.group,
                    seized=tracee.seized,
                    options=tracee.options,
                    is_by_right=tracee.is_by_right,
                )
            return number
        return 0

    def _tell(self, group: int) -> None:
        """Something has come that a process may wait for."""
        masks = signal_masks(group)
        if (masks.caught | masks.blocked) & 1 << (signal.SIGCHLD - 1):
            send_signal(group, signal.SIGCHLD)
        self._wake(group)

    def _wake(self, group: int) -> None:
        """The threads of a process that wait do so anew."""
        for tid in [tid for tid, waits in self.waiting.items() if waits == group]:
            del self.waiting[tid]
            with suppress(Errno):
                self.calls.wake(tid)

    def on_wait(self, stop: Stop) -> None:
        """A tracer is about to wait for children."""
        tid = stop.use()
        self.waiting.pop(tid, None)
        with suppress(Errno):
            answer_wait(self, tid, stop)
        self._leave_waits(self.group_of(tid))

    def died(self, tid: HostTid, status: int) -> None:
        """A task is no more: its tracer is told, whom it traces goes on."""
        self.waiting.pop(tid, None)
        self._groups.pop(tid, None)
        tracee = self.tracees.pop(tid, None)
        if tracee is not None and not tracee.is_child:
            self._keep_end(Ended(tracee.number, tracee.process, tracee.group, status))
        if tracee is not None:
            self._tell(tracee.group)
            self._leave_waits(tracee.group)
        self._release(tid)

    def _keep_end(self, ended: Ended) -> None:
        """Who never waits is told of the last ones."""
        others = [each for each in self.ended if each.group == ended.group]
        if len(others) >= MOST_ENDED:
            self.ended.remove(others[0])
        self.ended.append(ended)

    def _release(self, tracer: HostTid) -> None:
        for tracee in list(self.tracees.values()):
            if tracer not in (tracee.tracer, tracee.group):
                continue
            self.end(tracee)
            if tracee.options & OPTION_EXITKILL:
                send_signal(tracee.tid, signal.SIGKILL)
        if tracer in self._tracers:
            self._tracers.discard(tracer)
            self.ended = [ended for ended in self.ended if ended.group != tracer]

    def executed(self, former: HostTid, tid: HostTid) -> None:
        """A thread has taken the number of its leader, which ended by that."""
        self.waiting.pop(former, None)
        self._groups.pop(former, None)
        leader = self.tracees.pop(tid, None)
        tracee = self.tracees.pop(former, None)
        if tracee is not None:
            tracee.tid, tracee.number = tid, host.number_of(tid)
            tracee.find_parent()
            self.tracees[tid] = tracee
        for other in self.tracees.values():
            if other.tracer == former:
                other.tracer = tid
        if leader is not None:
            self._leave_waits(leader.group)
