"""Signals and timers that Windows lacks (rule PB023)."""

from __future__ import annotations

import signal
import struct
from typing import TYPE_CHECKING

from ntshim.status import STATUS_NOT_SUPPORTED
from picobox.check import origins
from picobox.errors import Errno
from picobox.runtimes import GIT, GO, NODE, RUST

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.check.posix import Posix

# What a C runtime of Windows knows, what only asks, and what can be done to a process there too.
_KNOWN = frozenset(
    (
        0, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGINT, signal.SIGSEGV, signal.SIGTERM, signal.SIGKILL,
    )
)  # fmt: skip
# Faults: who handles them wants to know of a crash, which Windows tells otherwise.
_FAULTS = frozenset((signal.SIGBUS, signal.SIGTRAP, signal.SIGSYS))
# The C library cancels threads and sets their credentials by these (nptl(7)).
_OF_THE_C_LIBRARY = (32, 33)
_LAST = 64
_ITIMER_REAL = 0
_ITIMERVAL = struct.Struct("<4q")
_HANDLER = struct.Struct("<Q")
_SIG_DFL, _SIG_IGN = 0, 1


def is_lacked(number: int) -> bool:
    """Whether Windows has no such signal."""
    return 0 < number <= _LAST and number not in _KNOWN and number not in _OF_THE_C_LIBRARY


def is_sent(posix: Posix, call: Call, number: int, *, to_thread: bool = False) -> None:
    """A signal is about to be sent; `to_thread`: to a thread of a process, as runtimes interrupt their own."""
    if not is_lacked(number):
        return
    runtime = posix.runtime(call)
    if runtime.name == NODE.name and number == signal.SIGQUIT:
        return  # libuv ends the process
    program = posix.program(call)
    if to_thread and (runtime.name == GO.name or _interrupts_threads(program)):
        return
    if program.endswith(b"/timeout"):
        return  # wakes what it has just ended
    from picobox.abi.view import signal_name

    _report(posix, call, f"sends {signal_name(number)}")


def sets_timer(posix: Posix, call: Call, what: str) -> None:
    """SIGALRM is about to be asked for."""
    if not _has_own_way(posix, call) and not posix.program(call).rpartition(b"/")[2].startswith(b"perl"):
        _report(posix, call, f"asks for SIGALRM by {what}")


def sets_interval(posix: Posix, call: Call, which: int, address: int) -> None:
    """An interval timer is about to be set from a struct itimerval."""
    if which != _ITIMER_REAL or not address:
        return
    try:
        times = _ITIMERVAL.unpack(call.memory.read(address, _ITIMERVAL.size))
    except Errno:
        return
    if any(times[2:]):
        sets_timer(posix, call, "setitimer")


def sets_handler(posix: Posix, call: Call, number: int, address: int) -> None:
    """A handler is about to be set from a struct sigaction; runtimes have theirs, which are not the project's."""
    if not address or not is_lacked(number) or number in _FAULTS or _has_own_way(posix, call):
        return
    try:
        (handler,) = _HANDLER.unpack(call.memory.read(address, _HANDLER.size))
    except Errno:
        return
    if handler not in (_SIG_DFL, _SIG_IGN) and _is_of_source(posix, call):
        from picobox.abi.view import signal_name

        _report(posix, call, f"handles {signal_name(number)}")


def _is_of_source(posix: Posix, call: Call) -> bool:
    """Whether code of the project is known to ask: an interpreter without frames asks for itself."""
    stack = posix.stack(call)
    if any(map(origins.is_python, stack)):
        return origins.caller(stack) is not None
    return not origins.is_interpreter(posix.program(call))


def _has_own_way(posix: Posix, call: Call) -> bool:
    """Whether the program is one that does it otherwise on Windows: tools, shells, and what such runtimes do alone."""
    if posix.runtime(call).name in (GIT.name, GO.name, NODE.name, RUST.name):
        return True
    return origins.is_tool(posix.program(call))


def _interrupts_threads(program: bytes) -> bool:
    return program.rpartition(b"/")[2] in (b"java", b"dotnet", b"mono", b"mono-sgen")


def _report(posix: Posix, call: Call, message: str) -> None:
    posix.report(call, "PB023", STATUS_NOT_SUPPORTED, posix.subject(call), message)
