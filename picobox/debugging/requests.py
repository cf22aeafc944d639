"""Owns the requests of ptrace(2) that a guest makes about another guest."""

from __future__ import annotations

import signal
import struct
from errno import EINVAL, EIO, EPERM, ESRCH
from typing import TYPE_CHECKING

from picobox.debugging.tracees import OPTION_EXITKILL, Held, Tracee
from picobox.errors import Errno
from picobox.platform import host
from picobox.platform.base import HostTid
from picobox.platform.tracing import send_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.debugging.rules import Rules
    from picobox.debugging.tracees import Debuggers
    from picobox.platform.base import GuestMemory

# sys/ptrace.h
TRACEME, PEEKTEXT, PEEKDATA, PEEKUSER, POKETEXT, POKEDATA, POKEUSER, CONT, KILL, SINGLESTEP = range(10)
GETREGS, SETREGS, GETFPREGS, SETFPREGS, ATTACH, DETACH = range(12, 18)
SYSCALL = 24
SETOPTIONS, GETEVENTMSG, GETSIGINFO, SETSIGINFO, GETREGSET, SETREGSET, SEIZE, INTERRUPT, LISTEN = range(0x4200, 0x4209)
GETSIGMASK, SETSIGMASK, GET_SYSCALL_INFO = 0x420A, 0x420B, 0x420E

_KNOWN_OPTIONS = 0xFF | OPTION_EXITKILL
_SUSPEND_SECCOMP = 1 << 21
_RESUMES = {CONT: 0, SYSCALL: 1, SINGLESTEP: 2, LISTEN: 3}
_WORD, _REGISTERS, _FLOATING, _SIGINFO, _SIGSET = 8, 27 * 8, 512, 128, 8
_MOST_OF_SET = 1 << 16
_MOST_SIGNAL = 64
_GETS = {GETREGS: _REGISTERS, GETFPREGS: _FLOATING}
_SETS = {SETREGS: _REGISTERS, SETFPREGS: _FLOATING, SETSIGINFO: _SIGINFO}
_CALL_INFO_NONE = 24  # of struct ptrace_syscall_info, before what belongs to calls
_TRAP_TRACE = 2  # asm-generic/siginfo.h


class Requests:
    """Serves the requests of one caller, whose number on the host is `tid`."""

    def __init__(self, debuggers: Debuggers, tid: HostTid, rules: Rules) -> None:
        self._debuggers = debuggers
        self._calls = debuggers.calls
        self._tid = tid
        self._rules = rules

    @property
    def _memory(self) -> GuestMemory:
        return self._debuggers.memory(self._tid)

    def serve(self, request: int, pid: int, address: int, data: int) -> int:
        """The call's result; Errno as ptrace(2) has it, EIO for what is not served."""
        if request == TRACEME:
            return self._trace_me()
        if request in (ATTACH, SEIZE):
            return self._attach(pid, seized=request == SEIZE, address=address, options=data)
        tracee = self._tracee(pid)
        if request == INTERRUPT:
            return self._interrupt(tracee)
        if request == KILL:
            return self._kill(tracee)
        if tracee.held is None:
            raise Errno(ESRCH)
        if request in _RESUMES or request == DETACH:
            return self._resume(tracee, request, data)
        routine = _ROUTINES.get(request)
        if routine is None:
            raise Errno(EIO)
        return routine(self, tracee, tracee.held, request, address, data)

    def _trace_me(self) -> int:
        parent = host.thread_group(self._tid)[1]
        if parent not in self._debuggers.tids() or not self._rules.may_be_traced_by(self._tid, HostTid(parent)):
            raise Errno(EPERM)
        # The rights that count are the caller's (linux: kernel/ptrace.c, ptrace_traceme).
        by_right = self._rules.traces_anybody(self._tid)
        self._debuggers.begin(self._tid, HostTid(parent), seized=False, is_by_right=by_right)
        return 0

    def _attach(self, pid: int, *, seized: bool, address: int, options: int) -> int:
        if seized and address:
            raise Errno(EIO)
        if seized:
            _check_options(options)
        tid = self._find(pid)
        if host.thread_group(tid)[0] == host.thread_group(self._tid)[0] or not self._rules.may_attach(self._tid, tid):
            raise Errno(EPERM)
        by_right = self._rules.traces_anybody(self._tid)
        stopped = self._debuggers.begin(
            tid, self._tid, seized=seized, options=options if seized else 0, is_by_right=by_right
        )
        if not seized and not stopped:
            self._calls.send(tid, signal.SIGSTOP)
        return 0

    def _find(self, pid: int) -> HostTid:
        """The guest's task of that number. Errno(ESRCH)."""
        for tid in self._debuggers.tids():
            if host.number_of(tid) == pid:
                return tid
        raise Errno(ESRCH)

    def _tracee(self, pid: int) -> Tracee:
        group = self._debuggers.group_of(self._tid)
        for tracee in self._debuggers.of_group(group):
            if tracee.number == pid:
                return tracee
        raise Errno(ESRCH)

    def _interrupt(self, tracee: Tracee) -> int:
        if not tracee.seized:
            raise Errno(EIO)
        self._calls.interrupt(tracee.tid)
        return 0

    def _kill(self, tracee: Tracee) -> int:
        if tracee.held is not None:
            send_signal(tracee.tid, signal.SIGKILL)
        return 0

    def _resume(self, tracee: Tracee, request: int, number: int) -> int:
        if number > _MOST_SIGNAL:
            raise Errno(EIO)
        if request == DETACH:
            self._debuggers.end(tracee, number)
            return 0
        held, tracee.held = tracee.held, None
        try:
            self._calls.resume(tracee.tid, _RESUMES[request], number)
        except Errno:
            tracee.held = held
            raise
        return 0

    def peek(self, tracee: Tracee, _held: Held, request: int, address: int, data: int) -> int:
        """The word goes where the C library has it put."""
        self._memory.write(data, self._calls.transfer(tracee.tid, request, address, bytes(_WORD)))
        return 0

    def poke(self, tracee: Tracee, _held: Held, request: int, address: int, data: int) -> int:
        self._calls.give(tracee.tid, request, address, data)
        return 0

    def get(self, tracee: Tracee, _held: Held, request: int, _address: int, data: int) -> int:
        self._memory.write(data, self._calls.transfer(tracee.tid, request, 0, bytes(_GETS[request])))
        return 0

    def set(self, tracee: Tracee, _held: Held, request: int, _address: int, data: int) -> int:
        self._calls.transfer(tracee.tid, request, 0, self._memory.read(data, _SETS[request]))
        return 0

    def get_set(self, tracee: Tracee, _held: Held, request: int, kind: int, data: int) -> int:
        base, size = struct.unpack("<QQ", self._memory.read(data, 16))
        found = self._calls.transfer_set(tracee.tid, request, kind, bytes(min(size, _MOST_OF_SET)))
        self._memory.write(base, found)
        self._memory.write(data + 8, struct.pack("<Q", len(found)))
        return 0

    def set_set(self, tracee: Tracee, _held: Held, request: int, kind: int, data: int) -> int:
        base, size = struct.unpack("<QQ", self._memory.read(data, 16))
        given = self._memory.read(base, min(size, _MOST_OF_SET))
        taken = self._calls.transfer_set(tracee.tid, request, kind, given)
        self._memory.write(data + 8, struct.pack("<Q", len(taken)))
        return 0

    def set_options(self, tracee: Tracee, _held: Held, _request: int, _address: int, data: int) -> int:
        _check_options(data)
        self._calls.set_options(tracee.tid, data)
        tracee.options = data
        return 0

    def message(self, tracee: Tracee, _held: Held, _request: int, _address: int, data: int) -> int:
        self._memory.write(data, struct.pack("<Q", tracee.message))
        return 0

    def signal_info(self, tracee: Tracee, held: Held, request: int, _address: int, data: int) -> int:
        """Of stops that are ours the kernel knows other things than a tracer is to see."""
        if held.is_group and not tracee.seized:
            raise Errno(EINVAL)
        if held.is_signal or held.event or held.signal & 0x80:
            found = self._calls.transfer(tracee.tid, request, 0, bytes(_SIGINFO))
        else:
            code = _TRAP_TRACE if held.is_step else held.signal if held.signal == signal.SIGTRAP else 0
            found = struct.pack("<iii", held.signal, 0, code).ljust(_SIGINFO, b"\0")
        self._memory.write(data, found)
        return 0

    def mask(self, tracee: Tracee, _held: Held, request: int, size: int, data: int) -> int:
        if size != _SIGSET:
            raise Errno(EINVAL)
        if request == SETSIGMASK:
            self._calls.transfer(tracee.tid, request, size, self._memory.read(data, _SIGSET))
        else:
            self._memory.write(data, self._calls.transfer(tracee.tid, request, size, bytes(_SIGSET)))
        return 0

    def call_info(self, tracee: Tracee, held: Held, request: int, size: int, data: int) -> int:
        """Its result is how long the whole is, however much there was room for."""
        room = min(size, _SIGINFO)
        if held.is_step or (held.signal == signal.SIGTRAP and not held.is_signal and not held.event):
            # The kernel takes a call's stop for one if PTRACE_O_TRACESYSGOOD is set alone.
            known = self._calls.transfer(tracee.tid, request, _CALL_INFO_NONE, bytes(_CALL_INFO_NONE))
            self._memory.write(data, (b"\0" + known[1:])[:room])
            return _CALL_INFO_NONE
        found, length = self._calls.transfer_sized(tracee.tid, request, room, bytes(room))
        self._memory.write(data, found[: min(length, room)])
        return length


def _check_options(options: int) -> None:
    if options & _SUSPEND_SECCOMP:
        raise Errno(EPERM)
    if options & ~_KNOWN_OPTIONS:
        raise Errno(EINVAL)


_ROUTINES: dict[int, Callable[[Requests, Tracee, Held, int, int, int], int]] = {
    **dict.fromkeys((PEEKTEXT, PEEKDATA, PEEKUSER), Requests.peek),
    **dict.fromkeys((POKETEXT, POKEDATA, POKEUSER), Requests.poke),
    **dict.fromkeys(_GETS, Requests.get),
    **dict.fromkeys(_SETS, Requests.set),
    **dict.fromkeys((GETSIGMASK, SETSIGMASK), Requests.mask),
    GETREGSET: Requests.get_set,
    SETREGSET: Requests.set_set,
    SETOPTIONS: Requests.set_options,
    GETEVENTMSG: Requests.message,
    GETSIGINFO: Requests.signal_info,
    GET_SYSCALL_INFO: Requests.call_info,
}
