"""Owns what the reference platform must know of signals: who ignores them, and how they reach the supervisor itself."""

from __future__ import annotations

import os
import signal
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from picobox.platform import host
from picobox.platform.base import STOP_INTERRUPT, HostTid, Stop

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIGNAL_SETS = (b"ShdPnd", b"SigIgn", b"SigCgt")  # of a task's status (proc(5))
_IGNORED_BY_DEFAULT = (signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT)

# Hardware reports a fault through the kernel, whose signals have a positive si_code (man 2 sigaction).
FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP)
STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


def is_ignored(tid: int, number: int) -> bool:
    """Whether the task would not have noticed the signal at all without a tracer (proc(5), status)."""
    masks = _signal_masks(tid)
    if not masks:
        return False
    bit = 1 << (number - 1)
    return bool(masks[b"SigIgn"] & bit) or (number in _IGNORED_BY_DEFAULT and not masks[b"SigCgt"] & bit)


def is_due(tgid: int, number: int) -> bool:
    """Whether a thread group is yet to handle a signal: it is pending, or a thread stands before its delivery.

    The kernel takes a signal off the pending set and stops the thread in one step, so the order of the looks matters.
    Of the stop, proc_pid_stat(5) tells the exit_code until the tracer has waited for it.
    """
    if _signal_masks(tgid).get(b"ShdPnd", 0) & 1 << (number - 1):
        return True
    with suppress(OSError):
        return any(_exit_code(tgid, thread) == number for thread in os.listdir(f"/proc/{tgid}/task"))
    return False


def _exit_code(tgid: int, thread: str) -> int:
    with suppress(OSError), open(f"/proc/{tgid}/task/{thread}/stat", "rb") as stat:
        return int(stat.read().rsplit(b" ", 1)[1])
    return 0


def _signal_masks(tid: int) -> dict[bytes, int]:
    """The sets of signals in a task's status; empty if it has gone."""
    with suppress(OSError), open(f"/proc/{tid}/status", "rb") as status:
        fields = [line.partition(b":")[::2] for line in status]
        return {name: int(value, 16) for name, value in fields if name in _SIGNAL_SETS}
    return {}


class Doorbell:
    """Signals to this process, taken one by one instead of acting on it.

    They stay blocked in the kernel until somebody asks, so none is lost between a look and a wait. A stop of a tracee
    is told by SIGCHLD, which is why one wait can serve both. Other threads must have these signals blocked as well.
    """

    __slots__ = ("_child_action", "_kept", "_mask", "_signals", "_with_child", "program")

    def __init__(self) -> None:
        self.program = 0  # the thread group that is told of what reaches us
        self._kept: deque[Stop] = deque()
        self._signals: frozenset[int] = frozenset()
        self._with_child: frozenset[int] = frozenset()
        self._mask: set[Any] = set()
        self._child_action: Any = None

    @property
    def is_open(self) -> bool:
        return bool(self._signals)

    def open(self, signals: Iterable[int]) -> int:
        """Gives which of the signals were ignored before, bit signal-1."""
        self._signals = frozenset(signals)
        self._with_child = self._signals | {signal.SIGCHLD}
        # The kernel tells no stop to a parent that ignores SIGCHLD.
        self._child_action = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._with_child)
        return sum(1 << number - 1 for number in self._signals if signal.getsignal(number) == signal.SIG_IGN)

    def ignored_child(self) -> int:
        """The bit of SIGCHLD if it was ignored before: a program inherits that."""
        return 1 << signal.SIGCHLD - 1 if self._child_action == signal.SIG_IGN else 0

    def close(self) -> None:
        """What has not been taken is dropped, as it would have been by a handler."""
        if not self._signals:
            return
        while signal.sigtimedwait(self._with_child, 0):
            pass
        signal.signal(signal.SIGCHLD, signal.SIG_DFL if self._child_action is None else self._child_action)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        self._signals = frozenset()

    def take(self) -> Stop | None:
        """A signal that has arrived, if any has that the program is not yet to handle itself."""
        if self._kept:
            return self._kept.popleft()
        info = signal.sigtimedwait(self._signals, 0) if self._signals else None
        return None if info is None or self._is_one_with_the_programs(info) else _interrupt(info)

    def wait(self) -> Stop | None:
        """Waits for such a signal, or for any other or SIGCHLD, which give None."""
        info = signal.sigwaitinfo(self._with_child)
        return None if info.si_signo == signal.SIGCHLD or self._is_one_with_the_programs(info) else _interrupt(info)

    def delivered(self, tid: int, number: int) -> None:
        """A task is about to be given a signal; if it is the program's, the same one to us is forgotten.

        setpgid waits for the lock under which kill(2) signals a group: what it sends to us has come when it returns.
        """
        if number not in self._signals or host.thread_group(HostTid(tid))[0] != self.program:
            return
        with suppress(PermissionError):
            os.setpgid(0, os.getpgrp())
        info = signal.sigtimedwait((number,), 0)
        if info is not None and info.si_code > 0:
            self._kept.append(_interrupt(info))

    def _is_one_with_the_programs(self, info: signal.struct_siginfo) -> bool:
        """Whether somebody has signalled our whole group, the program with it: the kernel begins with the youngest.

        Two signals of a kind that come before the first is handled are one (man 7 signal).
        """
        return info.si_code <= 0 and is_due(self.program, info.si_signo)


def _interrupt(info: signal.struct_siginfo) -> Stop:
    stop = Stop(STOP_INTERRUPT, 0)
    stop.signal, stop.code = info.si_signo, info.si_code
    # Only a signal that somebody sent names its sender (man 2 sigaction).
    stop.other = info.si_pid if info.si_code <= 0 else 0
    return stop
