"""Owns what the reference platform must know of signals: who ignores them, and how they reach the supervisor itself."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from picobox.platform.base import STOP_INTERRUPT, Stop

if TYPE_CHECKING:
    from collections.abc import Iterable

_IGNORED_BY_DEFAULT = (signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT)

# Hardware reports a fault through the kernel, whose signals have a positive si_code (man 2 sigaction).
FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP)
STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


def is_ignored(tid: int, number: int) -> bool:
    """Whether the task would not have noticed the signal at all without a tracer (proc(5), status)."""
    masks = {b"SigIgn": 0, b"SigCgt": 0}
    try:
        with open(f"/proc/{tid}/status", "rb") as status:
            for line in status:
                name, _, value = line.partition(b":")
                if name in masks:
                    masks[name] = int(value, 16)
    except OSError:
        return False
    bit = 1 << (number - 1)
    return bool(masks[b"SigIgn"] & bit) or (number in _IGNORED_BY_DEFAULT and not masks[b"SigCgt"] & bit)


class Doorbell:
    """Signals to this process, taken one by one instead of acting on it.

    They stay blocked in the kernel until somebody asks, so none is lost between a look and a wait. A stop of a tracee
    is told by SIGCHLD, which is why one wait can serve both. Other threads must have these signals blocked as well.
    """

    __slots__ = ("_child_action", "_mask", "_signals", "_with_child")

    def __init__(self) -> None:
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
        """A signal that has arrived, if any has."""
        info = signal.sigtimedwait(self._signals, 0) if self._signals else None
        return None if info is None else _interrupt(info)

    def wait(self) -> Stop | None:
        """Waits for a signal, or for SIGCHLD, which gives None."""
        info = signal.sigwaitinfo(self._with_child)
        return None if info.si_signo == signal.SIGCHLD else _interrupt(info)


def _interrupt(info: signal.struct_siginfo) -> Stop:
    stop = Stop(STOP_INTERRUPT, 0)
    stop.signal, stop.code = info.si_signo, info.si_code
    # Only a signal that somebody sent names its sender (man 2 sigaction).
    stop.other = info.si_pid if info.si_code <= 0 else 0
    return stop
