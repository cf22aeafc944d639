"""Clocks: what time it is for an executive, and how its time passes."""

from __future__ import annotations

import time
from typing import Protocol

# Time is counted in units of 100 ns, as NT counts it.
UNITS_PER_SECOND = 10_000_000
UNITS_PER_MILLISECOND = 10_000

# 1601-01-01 to 1970-01-01.
_UNIX_EPOCH = 11_644_473_600 * UNITS_PER_SECOND
# No sleep is longer, so that none is more than the host's own sleep can take.
_LONGEST_SLEEP = 3600 * UNITS_PER_SECOND


class Clock(Protocol):
    """The time that an executive goes by; all numbers are units of 100 ns."""

    def system_time(self) -> int:
        """Give the time since 1601-01-01 UTC, which may be set: absolute timeouts go by it (KeQuerySystemTime)."""

    def interrupt_time(self) -> int:
        """Give the time since some moment, which only runs forward: relative ones go by it (KeQueryInterruptTime)."""

    def sleep(self, duration: int) -> None:
        """Let time pass, at most this much."""


class SystemClock:
    """The clock of the machine."""

    __slots__ = ()

    def system_time(self) -> int:
        """Give the machine's time of day."""
        return _UNIX_EPOCH + time.time_ns() // 100

    def interrupt_time(self) -> int:
        """Give the time of the machine's clock that is never set."""
        return time.monotonic_ns() // 100

    def sleep(self, duration: int) -> None:
        """Sleep in earnest."""
        time.sleep(min(duration, _LONGEST_SLEEP) / UNITS_PER_SECOND)


class ManualClock:
    """A clock that stands still until its owner moves it, for tests and simulations."""

    __slots__ = ("_interrupt_time", "_system_time")

    def __init__(self, system_time: int = _UNIX_EPOCH) -> None:
        """Begin at a time of day."""
        self._system_time = system_time
        self._interrupt_time = 0

    def system_time(self) -> int:
        """Give the time of day."""
        return self._system_time

    def interrupt_time(self) -> int:
        """Give how much time has passed."""
        return self._interrupt_time

    def sleep(self, duration: int) -> None:
        """Let time pass without anybody waiting for it."""
        self._system_time += duration
        self._interrupt_time += duration

    def set_system_time(self, system_time: int) -> None:
        """Set the time of day; no time passes."""
        self._system_time = system_time
