"""The reference platform: python-ptrace, two stops a call, all in Python; the oracle of tests, made to be read."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from errno import EFAULT, EPERM, ESRCH
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
from picobox.abi.row import ACTION_CALL
from picobox.abi.x86_64 import ARGUMENT_REGISTERS, USER_REGS
from picobox.errors import Errno, PlatformError
from picobox.platform import host
from picobox.platform.base import STOP_EMPTY, STOP_INTERRUPT, Descriptor, HostTid, Kills, SpawnRequest, Stop
from picobox.platform.reference_child import fork_child, read_failure
from picobox.platform.reference_loop import WALL_OURS, ReferenceLoop
from picobox.platform.reference_page import ReferencePage, make_page
from picobox.platform.reference_signals import Doorbell
from picobox.platform.reference_task import ReferenceTask, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from picobox.abi.row import Row
    from picobox.platform.base import Birth, Repeated
    from picobox.platform.readings import Readings
    from picobox.platform.unopposed import UnopposedChanges

# sys/ptrace.h and sys/wait.h, where python-ptrace has no name for them.
_PTRACE_SEIZE = 0x4206
_PTRACE_INTERRUPT = 0x4207
_PTRACE_LISTEN = 0x4208
_PTRACE_GETSIGMASK = 0x420A
_PTRACE_SETSIGMASK = 0x420B
_PTRACE_GET_SYSCALL_INFO = 0x420E
_PTRACE_O_EXITKILL = 1 << 20
_PTRACE_EVENT_STOP = 128
_SIGSET_SIZE = 8
_ALL_SIGNALS = (1 << 64) - 1
_SYSCALL_STOP = signal.SIGTRAP | 0x80  # PTRACE_O_TRACESYSGOOD


@contextmanager
def _unless_killed() -> Iterator[None]:
    """A task can be killed between its stop and our answer (mechanisms.md section 4): its death is told next."""
    try:
        yield
    except PtraceError as error:
        if error.errno != ESRCH:
            raise


class Tracee(ReferenceTask, PtraceProcess):  # type: ignore[misc]  # python-ptrace has no types
    """A task under ptrace."""

    read_mem_file: Any

    def __init__(self, debugger: PtraceDebugger, pid: int, is_attached: bool) -> None:
        ReferenceTask.__init__(self)
        PtraceProcess.__init__(self, debugger, pid, is_attached)

    def attach(self) -> None:
        """Seizes: after PTRACE_ATTACH a group-stop looks like a signal and cannot last (mechanisms.md section 4)."""
        ptrace(_PTRACE_SEIZE, self.pid, 0, self.debugger.options)
        self.is_attached = True

    def detach(self) -> None:
        """Forgets the task. It is never let go, since its calls would then run unseen."""
        if self.is_attached:
            self.is_attached = False
            self.debugger.deleteProcess(process=self)

    def filterSignal(self, signum: int) -> int:  # noqa: N802 - python-ptrace's name
        """Every signal reaches the task; python-ptrace would keep SIGTRAP."""
        return signum

    def run(self, signum: int = 0) -> None:
        """Lets the task run to its next stop."""
        with _unless_killed():
            if self.group_stopped:
                ptrace(_PTRACE_LISTEN, self.pid)
            elif self.starting:
                self.cont(signum)
            else:
                self.syscall(signum)

    def put_back(self, registers: Mapping[str, int]) -> None:
        """Sets some registers."""
        with _unless_killed():
            super().put_back(registers)

    def interrupt(self) -> None:
        """Asks for a stop, which tells whether the task's group is stopped."""
        ptrace(_PTRACE_INTERRUPT, self.pid)

    def swap_signal_mask(self, mask: int) -> int:
        """Blocks exactly the signals of `mask`; gives those that were blocked."""
        before, after = ffi.new("uint64_t *"), ffi.new("uint64_t *", mask)
        ptrace(_PTRACE_GETSIGMASK, self.pid, _SIGSET_SIZE, int(ffi.cast("uintptr_t", before)))
        ptrace(_PTRACE_SETSIGMASK, self.pid, _SIGSET_SIZE, int(ffi.cast("uintptr_t", after)))
        return int(before[0])

    def call_architecture(self) -> int:
        """AUDIT_ARCH_* of the call it stands in, the second word of struct ptrace_syscall_info (man 2 ptrace)."""
        info = ffi.new("uint32_t[2]")
        ptrace(_PTRACE_GET_SYSCALL_INFO, self.pid, ffi.sizeof(info), int(ffi.cast("uintptr_t", info)))
        return int(info[1])

    def load(self, address: int, size: int) -> bytes:
        with self._image():
            return bytes(self.readBytes(address, size))

    def store(self, address: int, data: bytes) -> None:
        with self._image():
            self.writeBytes(address, data)

    @contextmanager
    def _image(self) -> Iterator[None]:
        """Lends python-ptrace /proc/PID/mem for one access; Errno(EFAULT) where that fails, EPERM if all is closed.

        It would keep the file for good, though an exec makes it stale and many threads would use up our descriptors.
        """
        image = None
        try:
            image = self.read_mem_file = open(f"/proc/{self.pid}/mem", "rb", 0)  # noqa: SIM115 - closed below
        except OSError:
            # Not dumpable: only the tracer's own requests get through (man 2 ptrace).
            self.readBytes = self._readBytes
        try:
            yield
        except PtraceError:
            raise Errno(EFAULT if image is not None else EPERM) from None
        finally:
            if image is not None:
                image.close()
            self.read_mem_file = None
            self.__dict__.pop("readBytes", None)


class Debugger(PtraceDebugger):  # type: ignore[misc]  # python-ptrace has no types
    """The tracees, by tid."""

    def __init__(self) -> None:
        super().__init__()
        self.options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC
        self.options |= _PTRACE_O_EXITKILL

    def addProcess(  # noqa: N802 - python-ptrace's name
        self, pid: int, is_attached: bool, parent: PtraceProcess | None = None, is_thread: bool = False
    ) -> Tracee:
        """The task of that tid, new or known, without python-ptrace's wait for its first stop: `next` sees that."""
        del parent, is_thread
        tracee: Tracee | None = self.dict.get(pid)
        if tracee is None:
            tracee = self.dict[pid] = Tracee(self, pid, is_attached)
            self.list.append(tracee)
        return tracee

    def find(self, pid: int) -> Tracee:
        """The task of that tid; PtraceError if its death has been seen."""
        tracee: Tracee | None = self.dict.get(pid)
        if tracee is None:
            raise PtraceError("no such task", errno=ESRCH, pid=pid)
        return tracee


class ReferencePlatform:
    """Tasks under ptrace that stop at both ends of every call; see `Platform` for the methods."""

    def __init__(
        self,
        rows: Iterable[Row],
        *,
        subscribe: bool = False,
        features: frozenset[str] = frozenset(),
        calls: frozenset[int] | None = None,
    ) -> None:
        """`subscribe`: every call and signal comes to the supervisor, as tracing needs it; of calls, only `calls`."""
        rows = tuple(rows)
        self._debugger = Debugger()
        self._loop = ReferenceLoop(self._debugger.dict, tuple(rows), subscribe, features, calls)
        self._doorbell = Doorbell()
        self._was_asked = False
        self._status_fd = -1
        self._failure: tuple[int, int] | None = None

    def spawn(self, request: SpawnRequest) -> HostTid:
        ignored = request.ignored_signals | self._doorbell.ignored_child()
        try:
            child = fork_child(request._replace(ignored_signals=ignored))
        except OSError as error:
            raise PlatformError(host.refusal("fork", error.errno or 0)) from None
        try:
            tracee = self._debugger.addProcess(child.tid, is_attached=False)
        except PtraceError as error:
            os.close(child.go_fd)
            os.close(child.status_fd)
            os.waitpid(child.tid, 0)
            raise PlatformError(host.refusal("ptrace", error.errno or 0)) from None
        tracee.announced = tracee.born = tracee.starting = True
        os.write(child.go_fd, b"g")
        os.close(child.go_fd)
        if self._status_fd >= 0:
            os.close(self._status_fd)
        self._status_fd = child.status_fd
        self._doorbell.program = child.tid
        return HostTid(child.tid)

    def spawn_failure(self) -> tuple[int, int] | None:
        if self._status_fd >= 0:
            self._failure = read_failure(self._status_fd)
            self._status_fd = -1
        return self._failure

    def next(self) -> Stop:
        while True:
            # Whoever asks without end must not keep the tasks waiting: after SIGIO it is a task's turn.
            rung = None if self._was_asked else self._doorbell.take()
            self._was_asked = False
            stop = rung or self._loop.next_told() or self._next_seen()
            if stop is not None:
                self._was_asked = stop.kind == STOP_INTERRUPT and stop.signal == signal.SIGIO
                return stop

    def _next_seen(self) -> Stop | None:
        """A stop from the kernel; None if it was answered here, or if there is none yet."""
        try:
            tid, status = self._loop.next_status(block=not self._doorbell.is_open)
        except ChildProcessError:
            return Stop(STOP_EMPTY, 0)
        if tid == 0:
            return self._doorbell.wait()
        with _unless_killed():
            return self._dispatch(tid, status)
        return None

    def _dispatch(self, tid: int, status: int) -> Stop | None:
        if not os.WIFSTOPPED(status):
            return self._bury(tid, status)
        tracee = self._debugger.addProcess(tid, is_attached=True)
        if status >> 16 == _PTRACE_EVENT_STOP:
            return self._loop.on_event_stop(tracee, os.WSTOPSIG(status))
        event = tracee.processStatus(status)
        if isinstance(event, NewProcessEvent):
            return self._loop.on_creation(tracee, event.process)
        if isinstance(event, ProcessExecution):
            return self._loop.on_exec(tracee, ptrace_geteventmsg(tid))
        if event.signum != _SYSCALL_STOP:
            self._doorbell.delivered(tid, event.signum)
            return self._loop.on_signal(tracee, event.signum)
        return self._loop.on_exit(tracee) if tracee.in_call else self._loop.on_entry(tracee)

    def _bury(self, tid: int, status: int) -> Stop | None:
        tracee = self._debugger.dict.get(tid)
        if tracee is None:
            return None  # an orphan of ours whose death as a tracee was told before
        tracee.processStatus(status)
        return self._loop.on_death(tracee, status)

    def resume(self, stop: Stop, *, signal: int = 0, want_exit: bool = False) -> None:
        with _unless_killed():
            tracee = self._debugger.find(stop.use())
            tracee.report_exit = tracee.report_exit or want_exit
            tracee.run(tracee.signal_to_deliver(signal) if signal else 0)

    def answer(self, stop: Stop, result: int) -> None:
        with _unless_killed():
            tracee = self._debugger.find(stop.use())
            tracee.skip_call(result)
            self._loop.forget_call(tracee)
            tracee.run()

    def rewrite(self, stop: Stop, index: int, value: int) -> None:
        with _unless_killed():
            tracee = self._debugger.find(stop.tid)
            name = ARGUMENT_REGISTERS[index]
            tracee.saved.setdefault(name, getattr(tracee.getregs(), name))
            tracee.put_back({name: value})

    def set_result(self, stop: Stop, result: int) -> None:
        with _unless_killed():
            self._debugger.find(stop.tid).put_back({"rax": result})

    def set_creating(self, stop: Stop) -> None:
        self._loop.creating.add(stop.tid)

    def leave_unseen(self, most_tasks: int) -> None: ...

    def meet(self, tid: HostTid) -> Birth | None:
        del tid
        return None

    def unseen(self, creator: int) -> list[HostTid]:
        del creator
        return []

    def memory(self, tid: HostTid) -> Tracee:
        """Errno(ESRCH) if the task's death has been told."""
        with _errno():
            return self._debugger.find(tid)

    def new_page(self, stop: Stop) -> ReferencePage:
        with _errno():
            tracee = self._debugger.find(stop.tid)
            regs = tracee.getregs()
            # Between the injected calls the task passes the edge of user mode, where signals would be delivered.
            mask = tracee.swap_signal_mask(_ALL_SIGNALS)
            try:
                page = make_page(stop.tid, tracee, regs.rsp, partial(self._inject, tracee), tracee.page)
                tracee.enter_again(regs, stop.nr)
            except Errno:
                if not tracee.in_call:  # an injected call has taken the place of the guest's own
                    regs.orig_rax = -1
                    tracee.setregs(regs)
                raise
            finally:
                tracee.swap_signal_mask(mask)
                self._stop_after_all(tracee)
            # Whoever shares the memory, as the parent of vfork does, has the page too.
            for other in self._debugger:
                if other is tracee or lib.pb_shares_memory(stop.tid, other.pid):
                    other.page = page.address
            self._loop.counters[ACTION_CALL][stop.nr] -= 1
            return page

    def _inject(self, tracee: Tracee, nr: int, *arguments: int) -> int:
        """Makes a task that stands at a call's entry or exit run this call instead or afterwards; gives its result."""
        regs = tracee.getregs()
        for name, value in zip(ARGUMENT_REGISTERS, arguments, strict=False):
            setattr(regs, name, value)
        if tracee.in_call:
            regs.orig_rax = nr
            tracee.setregs(regs)
        else:
            tracee.enter_again(regs, nr)
            self._step(tracee)
        self._step(tracee)
        tracee.in_call = False
        result = signed(tracee.getregs().rax)
        if result < 0:
            raise Errno(-result)
        return result

    def _step(self, tracee: Tracee) -> None:
        """Runs the task to its next syscall stop; anything else is death or a sabotaged text page."""
        while True:
            tracee.syscall()
            _, status = os.waitpid(tracee.pid, WALL_OURS)
            if not os.WIFSTOPPED(status):
                stop = self._bury(tracee.pid, status)
                self._loop.ready.extend([stop] if stop else [])
                raise Errno(ESRCH)
            if status >> 8 == _SYSCALL_STOP:
                return
            # Stops that nobody can block are walked through and asked for again when the calls are done.
            if status >> 8 == signal.SIGSTOP:
                tracee.stop_postponed = True
            elif status >> 16 == _PTRACE_EVENT_STOP:
                tracee.group_stopped = True
            else:
                tracee.kill(signal.SIGKILL)
                raise Errno(EFAULT)

    def _stop_after_all(self, tracee: Tracee) -> None:
        if tracee.group_stopped:
            tracee.group_stopped = False
            tracee.interrupt()
        if tracee.stop_postponed:
            tracee.stop_postponed = False
            tracee.kill(signal.SIGSTOP)

    def registers(self, tid: HostTid) -> list[int]:
        with _errno():
            regs = self._debugger.find(tid).getregs()
        return [getattr(regs, name) for name in USER_REGS]

    def set_registers(self, tid: HostTid, registers: list[int]) -> None:
        with _errno():
            self._debugger.find(tid).put_back(dict(zip(USER_REGS, registers, strict=True)))

    def descriptors(self, tid: HostTid) -> list[int]:
        return host.descriptors(tid)

    def open_files(self, tid: HostTid, known: Sequence[int]) -> list[int]:
        return [fd for fd in host.descriptors(tid) if fd not in known and host.is_open_file(tid, fd)]

    def has_open(self, tid: HostTid, file: tuple[int, int]) -> bool:
        return bool(lib.pb_has_open(tid, *file))

    def original(self, _device: int, inode: int) -> int:
        return inode

    def describe(self, tid: HostTid, fd: int) -> Descriptor | None:
        return host.describe(tid, fd)

    def same_description(self, tid: HostTid, fd: int, other_tid: HostTid, other_fd: int) -> bool:
        return bool(lib.pb_same_description(tid, fd, other_tid, other_fd) == 1)

    def kill_all(self) -> None:
        for tracee in self._debugger:
            try:
                tracee.kill(signal.SIGKILL)
            except ProcessLookupError:
                continue

    def kills(self) -> Kills:
        return Kills(0, HostTid(0), 0)

    def task_count(self) -> int:
        return len(self._debugger)

    def is_task(self, tid: int) -> bool:
        return tid in self._debugger.dict

    def calls_of(self, tids: Sequence[HostTid]) -> int:
        return sum(self.calls_entered(tid) for tid in tids)

    def refusals(self) -> dict[tuple[str, str], int]:
        return {}  # rules about arguments belong to walls, and it has none

    def calls_entered(self, tid: HostTid) -> int:
        tracee = self._debugger.dict.get(tid)
        return tracee.calls if tracee else 0

    def intercept(self, features: frozenset[str]) -> None:
        self._loop.intercept(features)

    def on_changed(self, routine: Callable[[int, int, int], None]) -> None: ...

    def set_table(self, tid: HostTid, table: int) -> None: ...

    def watch(self, table: int, fd: int) -> None: ...

    def unwatch(self, table: int, fd: int = -1) -> None: ...

    def closing(self, tid: HostTid) -> int:
        del tid
        return -1

    def ignore(self, call: Repeated) -> None:
        del call  # what is not seen would be stopped all the same

    def forget_ignored(self) -> None:
        pass

    def leave_looks(self, files: Mapping[bytes, int | None]) -> None: ...

    def leave_opens(self, directories: Iterable[bytes]) -> None: ...

    def leave_anonymous(self) -> None: ...

    def leave_handlers(self) -> None: ...

    def leave_copies(self) -> None: ...

    def leaves_handles(self, nr: int) -> bool:
        del nr
        return False

    def leaves_opens(self) -> bool:
        return False

    def spare_instance(self) -> None:
        """It has none: its names are looked up anew."""

    def expect(self, tid: HostTid) -> bool:
        del tid
        return False

    def readings(self) -> Readings | None:
        return None

    def unopposed(self) -> UnopposedChanges | None:
        return None

    def receivers(self) -> list[HostTid] | None:
        return self._loop.take_receivers()

    def counters(self, action: int) -> list[int]:
        return list(self._loop.counters[action])

    def hidden_affinity(self, tid: HostTid) -> bytes | None:
        """None: tasks keep the masks that the guest gives them."""
        del tid
        return None

    def own_affinity(self, tid: HostTid) -> None:
        """Nothing to keep away from."""

    def open_doorbell(self, signals: Iterable[int]) -> int:
        return self._doorbell.open(signals)

    def debugging(self) -> None:
        return None

    def close_doorbell(self) -> None:
        self._doorbell.close()

    def close(self) -> None:
        if self._status_fd >= 0:
            os.close(self._status_fd)
            self._status_fd = -1


@contextmanager
def _errno() -> Iterator[None]:
    """A request that ptrace refuses, as the error of a call."""
    try:
        yield
    except PtraceError as error:
        raise Errno(error.errno or EFAULT) from None
