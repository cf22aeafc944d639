"""The reference platform: python-ptrace, two stops a call, all in Python; the oracle of tests, made to be read."""

from __future__ import annotations

import os
import signal
from collections import deque
from contextlib import contextmanager
from errno import EFAULT, EINTR, ENAMETOOLONG, ENOSYS, EPERM, ESRCH
from functools import partial
from typing import TYPE_CHECKING, Any

from ptrace.binding import ptrace_geteventmsg
from ptrace.binding.func import (
    PTRACE_O_TRACECLONE,
    PTRACE_O_TRACEEXEC,
    PTRACE_O_TRACEFORK,
    PTRACE_O_TRACEVFORK,
    ptrace,
)
from ptrace.debugger import NewProcessEvent, ProcessExecution, PtraceDebugger, PtraceProcess
from ptrace.error import PtraceError

from picobox._native._core import ffi, lib
from picobox.abi.filter import (
    DISPOSITION_ACTION,
    DISPOSITION_ERRNO_SHIFT,
    compile_dispositions,
)
from picobox.abi.row import ACTION_CALL, ACTION_NATIVE, ACTION_UNKNOWN
from picobox.abi.x86_64 import ARGUMENT_REGISTERS, SYSCALL_LIMIT, USER_REGS
from picobox.errors import Errno, PlatformError
from picobox.platform import host
from picobox.platform.base import (
    STOP_DEAD,
    STOP_EMPTY,
    STOP_EXEC,
    STOP_FORK,
    STOP_GROUP,
    STOP_NEW,
    STOP_SIGNAL,
    STOP_SYSCALL,
    STOP_SYSCALL_EXIT,
    Descriptor,
    HostTid,
    SpawnRequest,
    Stop,
)
from picobox.platform.reference_child import fork_child, read_failure
from picobox.platform.reference_page import ReferencePage, covers_page, make_page
from picobox.platform.reference_signals import FAULTS, STOPS, Doorbell, is_ignored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.abi.row import Row

# sys/ptrace.h and sys/wait.h, where python-ptrace has no name for them.
_PTRACE_SEIZE = 0x4206
_PTRACE_INTERRUPT = 0x4207
_PTRACE_LISTEN = 0x4208
_PTRACE_GETSIGMASK = 0x420A
_PTRACE_SETSIGMASK = 0x420B
_PTRACE_O_EXITKILL = 1 << 20
_PTRACE_EVENT_STOP = 128
_WALL_OURS = 0x4000_0000 | 0x2000_0000  # __WALL | __WNOTHREAD: children of other threads are not ours to reap

_SYSCALL_STOP = signal.SIGTRAP | 0x80  # PTRACE_O_TRACESYSGOOD
_SIGSET_SIZE = 8
_ALL_SIGNALS = (1 << 64) - 1

_USER_CODE_64 = 0x33  # arch/x86/include/asm/segment.h: __USER_CS
_SYSCALL_INSTRUCTION = b"\x0f\x05"
_USER_END = 1 << 47
_PAGE = 4096


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


@contextmanager
def _unless_killed() -> Iterator[None]:
    """A task can be killed between its stop and our answer (mechanisms.md section 4): its death is told next."""
    try:
        yield
    except PtraceError as error:
        if error.errno != ESRCH:
            raise


class Tracee(PtraceProcess):  # type: ignore[misc]  # python-ptrace has no types
    """A task under ptrace, its memory, and what is known of the call it is in."""

    def __init__(self, debugger: PtraceDebugger, pid: int, is_attached: bool) -> None:
        self.announced = False  # its creator's event was seen, or it has none
        self.born = False  # its first stop was seen
        self.starting = False  # before its first execve succeeded: the calls are ours
        self.in_call = False  # between the two stops of a call
        self.report_exit = False  # the second one is for the supervisor
        self.group_stopped = False
        self.guarded = False  # its address space holds an argument page
        self.creator = 0
        self.calls = 0
        self.interrupted_call = -1  # ended by an ignored signal, will run again
        self.saved: dict[str, int] = {}  # registers to put back at the call's exit
        super().__init__(debugger, pid, is_attached)

    def attach(self) -> None:
        """Seizes: with PTRACE_ATTACH a group-stop would look like a signal and could not last (mechanisms.md 4)."""
        ptrace(_PTRACE_SEIZE, self.pid, 0, self.debugger.options)
        self.is_attached = True

    def detach(self) -> None:
        """Forgets the task; it is never let go, since its calls would then run unseen."""
        if self.is_attached:
            self.is_attached = False
            self.debugger.deleteProcess(process=self)

    def filterSignal(self, signum: int) -> int:  # noqa: N802 - python-ptrace's name
        """Every signal reaches the task; python-ptrace would keep SIGTRAP."""
        return signum

    def run(self, signum: int = 0) -> None:
        """Lets the task run to its next stop."""
        if self.group_stopped:
            ptrace(_PTRACE_LISTEN, self.pid)
        elif self.starting:
            self.cont(signum)
        else:
            self.syscall(signum)

    def interrupt(self) -> None:
        ptrace(_PTRACE_INTERRUPT, self.pid)

    def swap_signal_mask(self, mask: int) -> int:
        """Blocks exactly the signals of `mask`; gives those that were blocked."""
        before, after = ffi.new("uint64_t *"), ffi.new("uint64_t *", mask)
        ptrace(_PTRACE_GETSIGMASK, self.pid, _SIGSET_SIZE, int(ffi.cast("uintptr_t", before)))
        ptrace(_PTRACE_SETSIGMASK, self.pid, _SIGSET_SIZE, int(ffi.cast("uintptr_t", after)))
        return int(before[0])

    def is_native_call(self, regs: Any) -> bool:
        """Whether the task entered by the 64-bit syscall instruction; int 0x80 has other numbers for the calls."""
        if regs.cs != _USER_CODE_64:
            return False
        try:
            return bool(self.read_bytes(regs.rip - len(_SYSCALL_INSTRUCTION), 2) == _SYSCALL_INSTRUCTION)
        except PtraceError:
            return False

    def skip_call(self, result: int) -> None:
        """The kernel runs no call of number -1 and keeps rax (mechanisms.md section 2, RET_TRACE)."""
        regs = self.getregs()
        regs.orig_rax = -1
        regs.rax = result
        self.setregs(regs)

    def enter_again(self, regs: Any, nr: int) -> None:
        """Moves a task that is leaving a call, with these registers, back before the instruction of a call."""
        regs.rip -= len(_SYSCALL_INSTRUCTION)
        regs.rax = nr
        regs.orig_rax = -1  # no restart handling of the call that is replaced
        self.setregs(regs)

    def put_back(self, saved: dict[str, int]) -> None:
        if saved:
            regs = self.getregs()
            for name, value in saved.items():
                setattr(regs, name, value)
            self.setregs(regs)

    def signal_to_deliver(self, number: int) -> int:
        """0 for an ignored signal that has ended a call: only tracees see those (man 2 ptrace, BUGS). The call runs again.

        If a signal with a handler follows at once, EINTR was right after all.
        """
        if self.interrupted_call >= 0 and not is_ignored(self.pid, number):
            self.interrupted_call = -1
            regs = self.getregs()
            regs.rip += len(_SYSCALL_INSTRUCTION)
            regs.rax = -EINTR
            self.setregs(regs)
            return number
        regs = self.getregs()
        nr = _signed(regs.orig_rax)
        if nr < 0 or _signed(regs.rax) != -EINTR or not is_ignored(self.pid, number):
            return number
        self.enter_again(regs, nr)
        self.interrupted_call = nr
        return 0

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes; Errno(EFAULT) if the task itself could not read them."""
        self._check(address, size, "r")
        try:
            data = self.read_bytes(address, size)
        except PtraceError:
            raise Errno(EFAULT) from None
        if len(data) != size:
            raise Errno(EFAULT)
        return data

    def read_string(self, address: int, limit: int) -> bytes:
        """As abi.types.Memory has it."""
        found = b""
        while len(found) < limit:
            at = address + len(found)
            part = self.read(at, min(_PAGE - at % _PAGE, limit - len(found)))
            end = part.find(b"\0")
            if end >= 0:
                return found + part[:end]
            found += part
        raise Errno(ENAMETOOLONG)

    def write(self, address: int, data: bytes) -> None:
        self._check(address, len(data), "w")
        try:
            with self._image():
                self.writeBytes(address, data)
        except PtraceError:
            raise Errno(EFAULT) from None

    def read_bytes(self, address: int, size: int) -> bytes:
        """The bytes at an address up to the first unmapped page; PtraceError if there are none."""
        with self._image():
            return bytes(self.readBytes(address, size))

    @contextmanager
    def _image(self) -> Iterator[None]:
        """Lends python-ptrace /proc/PID/mem for one access.

        It would keep the file for good, though an exec makes it stale and many threads would use up our descriptors.
        """
        try:
            self.read_mem_file = open(f"/proc/{self.pid}/mem", "rb", 0)  # noqa: SIM115 - closed below
        except OSError:
            # Not dumpable: only the tracer's own requests get through (man 2 ptrace).
            self.readBytes = self._readBytes
        try:
            yield
        finally:
            if self.read_mem_file is not None:
                self.read_mem_file.close()
                self.read_mem_file = None
            self.__dict__.pop("readBytes", None)

    def _check(self, address: int, size: int, permission: str) -> None:
        """Errno(EFAULT) where the task has no such permission, which a tracer's own accesses ignore (proc(5), mem)."""
        if address + size > _USER_END:
            raise Errno(EFAULT)
        try:
            mappings = self.readMappings()
        except PtraceError:
            return
        end = address + size
        for mapping in mappings:
            if mapping.start <= address < mapping.end and permission in mapping.permissions:
                address = mapping.end
            if address >= end:
                return
        raise Errno(EFAULT)


class Debugger(PtraceDebugger):  # type: ignore[misc]  # python-ptrace has no types
    """The tracees, by tid."""

    def __init__(self) -> None:
        super().__init__()
        self.options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC
        self.options |= _PTRACE_O_EXITKILL

    def addProcess(  # noqa: N802 - python-ptrace's name
        self,
        pid: int,
        is_attached: bool,
        parent: PtraceProcess | None = None,
        is_thread: bool = False,
    ) -> Tracee:
        """As python-ptrace's, without its wait: a first stop may have been seen already, and every stop comes to us."""
        del parent, is_thread
        tracee: Tracee | None = self.dict.get(pid)
        if tracee is None:
            tracee = self.dict[pid] = Tracee(self, pid, is_attached)
            self.list.append(tracee)
        return tracee


class ReferencePlatform:
    """Tasks under ptrace that stop at both ends of every call; see `Platform` for the methods."""

    def __init__(
        self, rows: Iterable[Row], *, subscribe: bool = False, features: frozenset[str] = frozenset()
    ) -> None:
        """`subscribe`: every call and signal comes to the supervisor, as tracing needs it."""
        rows = tuple(rows)
        self._debugger = Debugger()
        self._subscribe = subscribe
        self._dispositions = compile_dispositions(rows, subscribe, features)
        self._guards = {row.nr: row.guards for row in rows if row.guards}
        self._counters = [[0] * SYSCALL_LIMIT for _ in range(4)]
        self._statuses: deque[tuple[int, int]] = deque()
        self._ready: deque[Stop] = deque()
        self._held: dict[int, Tracee] = {}  # born before their creator's event
        self._creating: set[int] = set()
        self._doorbell = Doorbell()
        self._status_fd = -1
        self._failure: tuple[int, int] | None = None

    def spawn(self, request: SpawnRequest) -> HostTid:
        ignored = request.ignored_signals | self._doorbell.ignored_child()
        try:
            child = fork_child(request._replace(ignored_signals=ignored))
        except OSError as error:
            raise PlatformError(f"fork failed: {error.strerror}; `picobox doctor` tells what this machine allows") from None
        try:
            tracee = self._debugger.addProcess(child.tid, is_attached=False)
        except PtraceError as error:
            os.close(child.go_fd)
            os.close(child.status_fd)
            os.waitpid(child.tid, 0)
            raise PlatformError(_ptrace_refusal(error)) from None
        tracee.announced = tracee.born = tracee.starting = True
        os.write(child.go_fd, b"g")
        os.close(child.go_fd)
        self._status_fd = child.status_fd
        return HostTid(child.tid)

    def spawn_failure(self) -> tuple[int, int] | None:
        if self._status_fd >= 0:
            self._failure = read_failure(self._status_fd)
            self._status_fd = -1
        return self._failure

    def next(self) -> Stop:
        stop = None
        while stop is None:
            stop = self._doorbell.take() if self._doorbell.is_open else None
            if stop is None:
                stop = self._next_told() or self._next_stop()
        return stop

    def _next_told(self) -> Stop | None:
        """A stop that was seen before it could be told."""
        if self._ready:
            return self._ready.popleft()
        if self._held and not self._creating:
            # Its creator was killed inside the call and never reports the event: it must not wait for ever.
            return self._birth(self._held.pop(next(iter(self._held))))
        return None

    def _next_stop(self) -> Stop | None:
        """A stop from the kernel; None if it was answered here, or if there is none yet."""
        try:
            if not self._statuses:
                self._take_round()
            if not self._statuses:
                if self._doorbell.is_open:
                    return self._doorbell.wait()
                self._statuses.append(os.waitpid(-1, _WALL_OURS))
        except ChildProcessError:
            return Stop(STOP_EMPTY, 0)
        tid, status = self._statuses.popleft()
        with _unless_killed():
            return self._dispatch(tid, status)
        return None

    def _take_round(self) -> None:
        """Every status there is: the kernel offers the youngest task's first, and a few could starve the others."""
        while True:
            tid, status = os.waitpid(-1, _WALL_OURS | os.WNOHANG)
            if tid == 0:
                return
            self._statuses.append((tid, status))

    def _dispatch(self, tid: int, status: int) -> Stop | None:
        if not os.WIFSTOPPED(status):
            return self._on_death(tid, status)
        tracee = self._debugger.addProcess(tid, is_attached=True)
        if status >> 16 == _PTRACE_EVENT_STOP:
            return self._on_event_stop(tracee, os.WSTOPSIG(status))
        event = tracee.processStatus(status)
        if isinstance(event, NewProcessEvent):
            return self._on_creation(tracee, event.process)
        if isinstance(event, ProcessExecution):
            return self._on_exec(tracee)
        if event.signum != _SYSCALL_STOP:
            return self._on_signal(tracee, event.signum)
        return self._on_exit(tracee) if tracee.in_call else self._on_entry(tracee)

    def _on_entry(self, tracee: Tracee) -> Stop | None:
        self._forget_call(tracee)
        tracee.in_call = True
        tracee.interrupted_call = -1
        regs = tracee.getregs()
        if not tracee.is_native_call(regs):
            return self._refuse(tracee, ENOSYS)
        tracee.calls += 1
        nr = min(regs.orig_rax & 0xFFFF_FFFF, SYSCALL_LIMIT - 1)
        args = tuple(getattr(regs, name) for name in ARGUMENT_REGISTERS)
        disposition = self._dispositions[nr]
        action = disposition & DISPOSITION_ACTION
        self._counters[action][nr] += 1
        if tracee.guarded and covers_page(self._guards.get(nr, ()), nr, args):
            return self._refuse(tracee, EPERM)
        if action == ACTION_NATIVE:
            return tracee.run()
        if action != ACTION_CALL:
            return self._refuse(tracee, ENOSYS if action == ACTION_UNKNOWN else disposition >> DISPOSITION_ERRNO_SHIFT)
        stop = Stop(STOP_SYSCALL, tracee.pid)
        stop.nr, stop.args, stop.ip, stop.sp = nr, args, regs.rip, regs.rsp
        return stop

    def _refuse(self, tracee: Tracee, error: int) -> None:
        tracee.skip_call(-error)
        tracee.run()

    def _on_exit(self, tracee: Tracee) -> Stop | None:
        tracee.in_call = False
        report = tracee.report_exit
        tracee.put_back(tracee.saved)
        self._forget_call(tracee)
        if not report:
            return tracee.run()
        stop = Stop(STOP_SYSCALL_EXIT, tracee.pid)
        stop.result = _signed(tracee.getregs().rax)
        return stop

    def _forget_call(self, tracee: Tracee) -> None:
        tracee.report_exit = False
        tracee.saved = {}
        self._creating.discard(tracee.pid)

    def _on_creation(self, tracee: Tracee, child: Tracee) -> Stop:
        self._creating.discard(tracee.pid)
        child.announced = True
        child.creator = tracee.pid
        child.guarded = tracee.guarded
        if self._held.pop(child.pid, None):
            child.put_back(tracee.saved)
            self._ready.append(self._birth(child))
        else:
            child.saved = dict(tracee.saved)
        stop = Stop(STOP_FORK, tracee.pid)
        stop.other = child.pid
        return stop

    def _birth(self, tracee: Tracee) -> Stop:
        tracee.announced = True
        stop = Stop(STOP_NEW, tracee.pid)
        stop.other = tracee.creator
        return stop

    def _on_event_stop(self, tracee: Tracee, number: int) -> Stop | None:
        tracee.group_stopped = number in STOPS
        if not tracee.born:
            tracee.born = True
            if not tracee.announced:
                self._held[tracee.pid] = tracee
                return None
            tracee.put_back(tracee.saved)
            tracee.saved = {}
            return self._birth(tracee)
        if not tracee.group_stopped:
            return tracee.run()
        stop = Stop(STOP_GROUP, tracee.pid)
        stop.signal = number
        return stop

    def _on_exec(self, tracee: Tracee) -> Stop:
        former = ptrace_geteventmsg(tracee.pid)
        if former != tracee.pid and former in self._debugger.dict:
            # The executing thread took the leader's tid; its own record goes.
            self._creating.discard(former)
            self._debugger[former].detach()
        tracee.starting = tracee.guarded = tracee.group_stopped = False
        tracee.in_call = True
        self._forget_call(tracee)
        stop = Stop(STOP_EXEC, tracee.pid)
        stop.other = former
        return stop

    def _on_signal(self, tracee: Tracee, number: int) -> Stop | None:
        if number in FAULTS or self._subscribe:
            code = tracee.getsiginfo().si_code
            if code > 0 or self._subscribe:
                stop = Stop(STOP_SIGNAL, tracee.pid)
                stop.signal, stop.code = number, code
                return stop
        return tracee.run(tracee.signal_to_deliver(number))

    def _on_death(self, tid: int, status: int) -> Stop | None:
        tracee = self._debugger.dict.get(tid)
        if tracee is None:
            return None  # an orphan of ours whose death as a tracee was told before
        self._creating.discard(tid)
        self._held.pop(tid, None)
        tracee.processStatus(status)
        if not tracee.announced:
            return None
        stop = Stop(STOP_DEAD, tid)
        stop.status = status
        return stop

    def _tracee(self, tid: int) -> Tracee:
        tracee: Tracee | None = self._debugger.dict.get(tid)
        if tracee is None:
            raise PtraceError("no such task", errno=ESRCH, pid=tid)
        return tracee

    def resume(self, stop: Stop, *, signal: int = 0, want_exit: bool = False) -> None:
        with _unless_killed():
            tracee = self._tracee(stop.use())
            if want_exit:
                tracee.report_exit = True
            tracee.run(tracee.signal_to_deliver(signal) if signal else 0)

    def answer(self, stop: Stop, result: int) -> None:
        with _unless_killed():
            tracee = self._tracee(stop.use())
            tracee.skip_call(result)
            self._forget_call(tracee)
            tracee.run()

    def rewrite(self, stop: Stop, index: int, value: int) -> None:
        with _unless_killed():
            tracee = self._tracee(stop.tid)
            regs = tracee.getregs()
            name = ARGUMENT_REGISTERS[index]
            tracee.saved.setdefault(name, getattr(regs, name))
            setattr(regs, name, value)
            tracee.setregs(regs)

    def set_result(self, stop: Stop, result: int) -> None:
        with _unless_killed():
            self._tracee(stop.tid).put_back({"rax": result})

    def set_creating(self, stop: Stop) -> None:
        self._creating.add(stop.tid)

    def memory(self, tid: HostTid) -> Tracee:
        """The memory of a task that has not been told dead; Errno(ESRCH) otherwise."""
        try:
            return self._tracee(tid)
        except PtraceError:
            raise Errno(ESRCH) from None

    def new_page(self, stop: Stop) -> ReferencePage:
        try:
            tracee = self._tracee(stop.tid)
            regs = tracee.getregs()
            mask = tracee.swap_signal_mask(_ALL_SIGNALS)
            # Between the injected calls the task passes the edge of user mode, where signals would be delivered.
            try:
                page = make_page(tracee.pid, tracee, regs.rsp, partial(self._inject, tracee), replace=tracee.guarded)
            finally:
                self._end_injection(tracee, mask)
        except PtraceError as error:
            raise Errno(error.errno or EFAULT) from None
        tracee.guarded = True
        return page

