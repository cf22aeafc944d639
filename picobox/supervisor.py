"""The loop: take a stop, dispatch it through the executive, resume."""

from __future__ import annotations

import os
import signal
import time
from errno import EPERM
from typing import TYPE_CHECKING, NamedTuple, Protocol

from picobox.call import Call
from picobox.errors import Errno
from picobox.platform import host
from picobox.platform.base import (
    STOP_DEAD,
    STOP_DEBUGGED,
    STOP_EMPTY,
    STOP_EXEC,
    STOP_FORK,
    STOP_GROUP,
    STOP_INTERRUPT,
    STOP_NEW,
    STOP_PARTING,
    STOP_SIGNAL,
    STOP_SYSCALL,
    STOP_SYSCALL_EXIT,
    STOP_WAIT,
    Birth,
    HostTid,
    Platform,
    SpawnRequest,
    Stop,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ps.executive import Executive
    from ntshim.ps.process import Thread
    from picobox.call import Creation
    from picobox.debugging.tracees import Debuggers
    from picobox.names import Names
    from picobox.platform.executive_host import ExecutiveHost

# What ended a process, for those who ask NT: the fault behind a signal (facts/nt.md section 5). By name, since NT's
# numbers are loaded when the first one is asked for.
_STATUS_OF_SIGNAL: dict[int, str] = {
    signal.SIGSEGV: "STATUS_ACCESS_VIOLATION",
    signal.SIGILL: "STATUS_ILLEGAL_INSTRUCTION",
    signal.SIGFPE: "STATUS_INTEGER_DIVIDE_BY_ZERO",
    signal.SIGTRAP: "STATUS_BREAKPOINT",
    signal.SIGBUS: "STATUS_IN_PAGE_ERROR",
    signal.SIGINT: "STATUS_CONTROL_C_EXIT",
}

# As a wait status, and as a status of NT's.
_SUCCESS = 0

# A child is born right after its creator died, if at all: these are more than can be in flight.
_UNCLAIMED_LIMIT = 64


class Observer(Protocol):
    """Who is told of every call; the trace is one."""

    def entered(self, call: Call) -> bool:
        """A call begins; whether `left` is to be told of its end."""

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None:
        """A call is over; result None: it never returned, or nobody can tell."""

    def signalled(self, stop: Stop, thread: Thread | None) -> None: ...

    def died(self, stop: Stop, thread: Thread | None) -> None: ...

    def executed(self, stop: Stop, thread: Thread | None) -> None: ...


class Introducer(Protocol):
    """Who makes NT objects of what tasks have done unseen."""

    def introduce(self, creator: Thread, birth: Birth) -> Creation:
        """The thread of a task that another one has made. NtError if the executive refuses."""

    def renew(self, thread: Thread) -> Thread:
        """The thread of a task that runs a new image."""


class Served(NamedTuple):
    """The NT side of a run, once a provider has registered. `first_thread` gives the thread of a spawned program.

    `names`: what they mean, None for what the host says.
    `introducer` is for tasks that need not be known from the beginning; None: every task is told.
    """

    executive: Executive
    host: ExecutiveHost
    first_thread: Callable[[HostTid], Thread]
    introducer: Introducer | None = None
    names: Names | None = None


class Supervisor:
    """Serves the tasks of one platform until they are gone. Every method is for the thread that made it."""

    def __init__(self, platform: Platform, serve: Callable[[], Served], observer: Observer | None = None) -> None:
        """`serve` gives the NT side; it is asked once, when the first task has to be known."""
        self.platform = platform
        self.observer = observer
        self.main: HostTid | None = None
        self.main_status: int | None = None
        self.main_stopped: Callable[[int], None] = lambda _signal: None
        # Told once, when the main program runs its own image.
        self.main_began: Callable[[], None] | None = None
        self.interrupted: Callable[[Stop], None] = lambda _stop: None
        self.stops = 0
        # Tasks that nobody has made, and that were killed therefore.
        self.strangers: list[HostTid] = []
        self._serve = serve
        self._served: Served | None = None
        # The main program, while it is nobody to the executive.
        self._unmet: HostTid | None = None
        self._threads: dict[HostTid, Thread] = {}
        # Calls that wait for a later stop of their task. A new call of the task voids its entry.
        self._calls: dict[HostTid, Call] = {}
        # What a task that was killed inside fork left behind; its child may still be born.
        self._unclaimed: list[Creation] = []
        # Processes of ours beside the program, which nothing waits for, each with what is to be called when it ends.
        self._helpers: dict[HostTid, Callable[[], None]] = {}
        # Programs of which none is the main one, each with what is to be told its wait status.
        self._programs: dict[HostTid, Callable[[int], None]] = {}
        # Tasks whose walls are not up yet: they run what is ours.
        self._launching: set[HostTid] = set()
        # What is to be called when such a program begins.
        self._beginnings: dict[HostTid, Callable[[Thread], None]] = {}
        # Whether there are tasks that are not told.
        self._leaves_unseen = False
        # Who is told how long calls take.
        self._timers: tuple[Callable[[int, int], None], ...] = ()
        # Calls that may not begin yet: their tasks stand before them.
        self._waiting: dict[HostTid, Stop] = {}
        # Made when a guest asks to trace another one.
        self._debuggers: Debuggers | None = None
        self._on: dict[int, Callable[[Stop], None]] = {
            STOP_SYSCALL: self._on_call,
            STOP_SYSCALL_EXIT: self._on_exit,
            STOP_FORK: self._on_fork,
            STOP_NEW: self._on_new,
            STOP_EXEC: self._on_exec,
            STOP_SIGNAL: self._on_signal,
            STOP_GROUP: self._on_group_stop,
            STOP_DEAD: self._on_death,
            STOP_PARTING: self._on_parting,
            STOP_INTERRUPT: self._on_interrupt,
        }

    def served(self) -> Served:
        """The NT side, which is made if it is not there yet."""
        if self._served is None:
            self._served = self._serve()
        return self._served

    def debuggers(self) -> Debuggers:
        """Who traces whom among the guests. Errno(EPERM) where the platform lets nobody trace."""
        if self._debuggers is None:
            from picobox.debugging.tracees import Debuggers

            calls = self.platform.debugging()
            if calls is None:
                raise Errno(EPERM)
            found = self._debuggers = Debuggers(calls, self.platform.memory, self._known, self._programs_tids)
            self._on[STOP_DEBUGGED], self._on[STOP_WAIT] = found.on_stop, found.on_wait
        return self._debuggers

    def _programs_tids(self) -> set[HostTid]:
        """The tasks of programs that have begun; none of our own processes beside them."""
        tids = self.tids() - self._launching
        if not self._helpers:
            return tids
        return {tid for tid in tids if host.thread_group(tid)[0] not in self._helpers}

    def has_lesser_tracer(self, tid: HostTid) -> bool:
        """Whether a guest traces a task and had no right to trace everybody's when it began."""
        tracee = None if self._debuggers is None else self._debuggers.tracees.get(tid)
        return tracee is not None and not tracee.is_by_right

    @property
    def made(self) -> Served | None:
        """The NT side, if it is there."""
        return self._served

    def time_calls(self, told: Callable[[int, int], None]) -> None:
        """Tells one more, of each call that Python answers, its number and the nanoseconds that it took us."""
        self._timers = (*self._timers, told)
        self._on[STOP_SYSCALL] = self._on_timed_call

    def leave_untimed(self, told: Callable[[int, int], None]) -> None:
        """Tells whom `time_calls` was given no more; others are still told."""
        self._timers = tuple(each for each in self._timers if each != told)
        if not self._timers:
            self._on[STOP_SYSCALL] = self._on_call

    def _on_timed_call(self, stop: Stop) -> None:
        began = time.perf_counter_ns()
        number = stop.nr
        self._on_call(stop)
        took = time.perf_counter_ns() - began
        for told in self._timers:
            told(number, took)

    def spawn(self, request: SpawnRequest) -> HostTid:
        """Starts the main program."""
        if self._leaves_unseen and self.observer is None:
            tid = self.main = self._unmet = self.platform.spawn(request)
        else:
            tid = self.main = self._start(request)
        return tid

    def spawn_helper(self, request: SpawnRequest, ended: Callable[[], None]) -> HostTid:
        """Starts a process of ours that is a guest as well, before the main program; it ends with the run at last.

        `ended` is called if it ends, or is stopped, which ends it, while the run goes on.
        """
        tid = self._start(request)
        self._helpers[tid] = ended
        return tid

    def launch(
        self, request: SpawnRequest, ended: Callable[[int], None], begins: Callable[[Thread], None] | None = None
    ) -> HostTid:
        """Starts one of many programs; `ended` is told its wait status.

        `begins` is called with its thread when that stands before the program's first instruction.
        """
        tid = self._start(request)
        self._programs[tid] = ended
        if begins is not None:
            self._beginnings[tid] = begins
        return tid

    def serve(self, is_over: Callable[[], bool]) -> None:
        """Serves programs that are launched meanwhile, until that is over, which is asked after each stop."""
        while not is_over():
            stop = self.platform.next()
            if stop.kind == STOP_EMPTY:
                raise RuntimeError("whoever makes programs has ended")
            self.stops += 1
            self._on[stop.kind](stop)

    def _start(self, request: SpawnRequest) -> HostTid:
        tid = self.platform.spawn(request)
        self._launching.add(tid)
        self._meet_spawned(tid)
        return tid

    def _meet_spawned(self, tid: HostTid) -> Thread:
        thread = self._threads[tid] = self.served().first_thread(tid)
        self.served().host.bind(thread, tid)
        return thread

    def run(self, *, wait_all: bool = False) -> int:
        """Serves until the main program is gone, then ends what it left or waits for it. Gives its wait status."""
        while self.main_status is None or (wait_all and self.platform.task_count() > len(self._helpers)):
            stop = self.platform.next()
            if stop.kind == STOP_EMPTY:
                break
            self.stops += 1
            self._on[stop.kind](stop)
        self.end()
        if self.main_status is None:
            raise RuntimeError("the main program vanished without a status")
        return self.main_status

    def end(self) -> None:
        """Kills every task and serves until the last one is gone."""
        self._helpers.clear()
        if self._debuggers is not None:
            self._debuggers.end_all()
        self.platform.kill_all()
        while self.platform.task_count():
            stop = self.platform.next()
            if stop.kind == STOP_EMPTY:
                break
            if stop.kind in (STOP_DEAD, STOP_INTERRUPT, STOP_PARTING, STOP_DEBUGGED, STOP_WAIT):
                self._on[stop.kind](stop)
                continue
            # Born after kill_all looked, or stopped before its SIGKILL arrived.
            if stop.kind == STOP_FORK:
                self._on_fork(stop)
            else:
                _kill(stop.tid)
                self.platform.resume(stop)
        while self._unclaimed:
            self._unclaimed.pop().abandon()

    def leave_unseen(self, most_tasks: int) -> None:
        """Tasks need not be known until they make a call for us or somebody asks, as far as the platform can tell.

        Not without an introducer; an observer is told of nothing that they do until then. `most_tasks`: how many there
        may be at a time, 0 for any number.
        """
        self._leaves_unseen = True
        self.platform.leave_unseen(most_tasks)

    def threads(self) -> dict[HostTid, Thread]:
        """The threads that run now, by host tid."""
        self.meet_all()
        return dict(self._threads)

    def tids(self) -> set[HostTid]:
        """The tasks that run now; none becomes known by that."""
        found = {*self._threads, *(self.platform.unseen(0) if self._leaves_unseen else ())}
        return found if self._unmet is None else found | {self._unmet}

    def known(self, tid: HostTid) -> Thread | None:
        """The thread of a task, if that is known by now."""
        return self._threads.get(tid)

    def meet_all(self) -> None:
        """Every task is known."""
        if self._unmet is not None:
            self._known(self._unmet)
        self.meet_children(0)

    def meet_children(self, creator: int) -> None:
        """Every living task that a task has made is known; 0: that any has."""
        if self._leaves_unseen:
            for tid in self.platform.unseen(creator):
                self._known(tid)

    def _known(self, tid: HostTid) -> Thread | None:
        """The thread of a task, made now if nobody has asked for it before; None if it is not ours."""
        thread = self._threads.get(tid)
        if thread is not None or not self._leaves_unseen:
            return thread
        if tid == self._unmet:
            self._unmet = None
            return self._meet_spawned(tid)
        birth = self.platform.meet(tid)
        creator = None if birth is None else self._known(birth.creator)
        creation = None if birth is None or creator is None else self._introduced(creator, birth)
        if creation is None:
            return None  # as a call that made it would have failed, it is ended with its next one
        self._adopt(creation, tid)
        return self._threads[tid]

    def _introduced(self, creator: Thread, birth: Birth) -> Creation | None:
        """What the executive makes of an unseen task; None if it refuses."""
        from ntshim.status import NtError

        introducer = self.served().introducer
        try:
            return None if introducer is None else introducer.introduce(creator, birth)
        except NtError:
            return None

    def _on_interrupt(self, stop: Stop) -> None:
        self.interrupted(stop)

    def _on_call(self, stop: Stop) -> None:
        thread = self._known(stop.tid)
        if thread is None:
            self._refuse_stranger(stop)
            return
        self._void(stop.tid)
        call = Call(self.platform, thread, stop)
        served = self.served()
        served.host.current = thread
        served.executive.dispatch_system_call(thread, call)
        served.host.current = None
        if call.wait is not None:
            self._waiting[stop.tid] = stop
            call.wait(lambda: self._on_call_again(stop))
            # It begins anew then, and what it has is had by nobody meanwhile.
            call.finish()
            return
        if call.restart:
            call.finish()
            self.platform.resume(stop)
            return
        watched = self.observer is not None and self.observer.entered(call)
        if call.result is not None:
            call.finish()
            self.platform.answer(stop, call.result)
            if self.observer is not None:
                self.observer.left(call, stop, call.result)
            return
        if watched or call.outlives_entry:
            self._calls[stop.tid] = call
        self.platform.resume(stop, want_exit=watched or call.wants_exit)

    def _on_call_again(self, stop: Stop) -> None:
        """What a call waited for has come, if the task still stands before it."""
        if self._waiting.get(stop.tid) is stop:
            del self._waiting[stop.tid]
            self._on_call(stop)

    def _on_exit(self, stop: Stop) -> None:
        call = self._calls.pop(stop.tid, None)
        if call is not None:
            if call.then is not None:
                replaced = call.then(stop.result)
                if replaced is not None:
                    self.platform.set_result(stop, replaced)
                    stop.result = replaced
            call.abandon()
            if self.observer is not None:
                self.observer.left(call, stop, stop.result)
        self.platform.resume(stop)

    def _void(self, tid: HostTid) -> None:
        """The call that the task was in is over without an exit stop, or starts anew."""
        call = self._calls.pop(tid, None)
        if call is None:
            return
        call.abandon()
        if self.observer is not None:
            self.observer.left(call, call.stop, None)

    def _on_fork(self, stop: Stop) -> None:
        call = self._calls.get(stop.tid)
        creation = call.creation if call is not None else None
        if call is not None and creation is not None:
            call.creation = None
            self._adopt(creation, HostTid(stop.other))
        self.platform.resume(stop)

    def _adopt(self, creation: Creation, tid: HostTid) -> None:
        self._threads[tid] = creation.thread
        self.served().host.bind(creation.thread, tid)
        creation.bind(tid)

    def _on_new(self, stop: Stop) -> None:
        if stop.tid not in self._threads:
            self._claim(stop.tid)
        thread = self._threads.get(stop.tid)
        if thread is None:
            self._refuse_stranger(stop)
        else:
            self.served().host.hold(thread, stop)

    def _claim(self, tid: HostTid) -> None:
        """A task whose creator was killed inside fork takes over what had been prepared for it."""
        leads = host.thread_group(tid)[0] == tid
        for creation in self._unclaimed:
            if (len(creation.thread.process.threads) == 1) == leads:
                self._unclaimed.remove(creation)
                self._adopt(creation, tid)
                return

    def _refuse_stranger(self, stop: Stop) -> None:
        """A task that the provider has not made cannot be served."""
        self.strangers.append(stop.tid)
        _kill(stop.tid)
        self.platform.resume(stop)

    def _on_exec(self, stop: Stop) -> None:
        former = HostTid(stop.other)
        self._launching.discard(stop.tid)
        self._part(stop)
        if self._debuggers is not None and former != stop.tid:
            self._debuggers.executed(former, stop.tid)
        self.meet_children(former)
        # What the program runs first is not yet anything that it did.
        executor = None if former == self._unmet and not stop.nr else self._known(former)
        call = self._calls.pop(former, None)
        if call is not None:
            call.finish()
        self._threads.pop(former, None)
        if former != stop.tid:
            # The leader ended without a report: the executing thread has taken its tid (man 2 ptrace).
            self._bury(stop.tid, _SUCCESS)
        if executor is not None:
            self._renew(executor, call, stop)
        begins = self._beginnings.pop(stop.tid, None)
        if begins is not None:
            begins(self._threads[stop.tid])
        if self.observer is not None:
            if call is not None:
                self.observer.left(call, stop, 0)
            self.observer.executed(stop, self._threads.get(stop.tid))
        if stop.tid == self.main and self.main_began is not None:
            began, self.main_began = self.main_began, None
            began()
        self.platform.resume(stop)

    def _renew(self, executor: Thread, call: Call | None, stop: Stop) -> None:
        """A thread runs another image, by a call that was told or by one that was not; the first is none of both."""
        served = self.served()
        thread = executor
        if call is not None and call.on_exec is not None:
            thread = call.on_exec()
        elif stop.nr and self._leaves_unseen and served.introducer is not None:
            thread = served.introducer.renew(executor)
        if served.names is not None:
            served.names.credentials_may_change()
        if thread is not executor:
            served.host.unbind(executor)
            served.executive.thread_exited(executor, _SUCCESS)
        self._threads[stop.tid] = thread
        served.host.bind(thread, stop.tid)

    def _on_signal(self, stop: Stop) -> None:
        if self.observer is not None:
            self.observer.signalled(stop, self._known(stop.tid))
        is_fault = stop.code > 0 and stop.signal in _STATUS_OF_SIGNAL
        thread = self._known(stop.tid) if is_fault else None
        if thread is not None:
            record = _status_of(stop.signal)
            if not self.served().executive.dispatch_exception(thread, record, stop, 1):
                self.served().executive.terminate_process(thread.process, record)
        self.platform.resume(stop, signal=stop.signal)

    def _on_group_stop(self, stop: Stop) -> None:
        if stop.tid in self._helpers:
            _kill(stop.tid)
        self.platform.resume(stop)
        if stop.tid == self.main and (self._debuggers is None or stop.tid not in self._debuggers.tracees):
            self.main_stopped(stop.signal)

    def _on_parting(self, stop: Stop) -> None:
        self._part(stop)

    def _part(self, stop: Stop) -> None:
        """Whatever a task has made is known before the task is gone, also what its last call may have made."""
        self.meet_children(stop.tid)
        if stop.tid == self._unmet and not stop.code:
            return
        thread = self._known(stop.tid)
        if stop.code and thread is not None and self._leaves_unseen:
            creation = self._introduced(thread, Birth(stop.tid, stop.args[0], has_image=False))
            if creation is not None:  # else whoever was made is a stranger
                self._leave_unclaimed(creation)

    def _on_death(self, stop: Stop) -> None:
        # The end of one that is not known was recorded where it was answered.
        if self.observer is not None and not stop.code:
            self.observer.died(stop, self._threads.get(stop.tid))
        self._bury(stop.tid, stop.status)
        if self._debuggers is not None:
            self._debuggers.died(stop.tid, stop.status)
        if stop.tid == self.main:
            self.main_status = stop.status
        ended = self._helpers.pop(stop.tid, None)
        if ended is not None:
            ended()
        self._beginnings.pop(stop.tid, None)
        program = self._programs.pop(stop.tid, None)
        if program is not None:
            program(stop.status)

    def _bury(self, tid: HostTid, wait_status: int) -> None:
        if tid == self._unmet:
            self._unmet = None
        self._launching.discard(tid)
        self._waiting.pop(tid, None)
        call = self._calls.pop(tid, None)
        if call is not None:
            call.finish()
        if call is not None and call.creation is not None:
            self._leave_unclaimed(call.creation)
        thread = self._threads.pop(tid, None)
        if thread is not None:
            self.served().host.unbind(thread)
            self.served().executive.thread_exited(thread, _nt_status(wait_status))

    def _leave_unclaimed(self, creation: Creation) -> None:
        """A task that may have been made by one that is gone takes this over if it appears."""
        self._unclaimed.append(creation)
        if len(self._unclaimed) > _UNCLAIMED_LIMIT:
            self._unclaimed.pop(0).abandon()


def _nt_status(wait_status: int) -> int:
    """The NTSTATUS that stands for how a task died."""
    if os.WIFEXITED(wait_status):
        return os.WEXITSTATUS(wait_status)
    return _status_of(os.WTERMSIG(wait_status))


def _status_of(number: int) -> int:
    from ntshim import status

    return int(getattr(status, _STATUS_OF_SIGNAL.get(number, "STATUS_UNSUCCESSFUL")))


def _kill(tid: HostTid) -> None:
    try:
        os.kill(tid, signal.SIGKILL)
    except ProcessLookupError:
        return
