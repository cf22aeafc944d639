"""Disturbances that a check can be asked for: what is rare on Linux and everyday on Windows happens here at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from ntshim.status import NtError
from picobox.abi.row import SEEN
from picobox.check.chaos_handles import HandleLimit
from picobox.check.chaos_inject import Injections

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.check.chaos_inject import Injection
    from picobox.check.virus_scanner import VirusScanner
    from picobox.platform.base import HostTid
    from picobox.platform.scanner_process import Spawn
    from picobox.provider import PicoProvider
    from picobox.windows import WindowsRules


class ChaosSettings(NamedTuple):
    """What is to be disturbed; nothing by default.

    `inject`: which calls fail; `handle_limit`: how many handles a process can have, None for as many as it likes;
    `shuffle`: the seed by which listings of directories are in another order, None if they are as they are;
    `scan`: for how many milliseconds a virus scanner keeps what was written open, None if there is none.
    """

    inject: tuple[Injection, ...] = ()
    handle_limit: int | None = None
    shuffle: int | None = None
    scan: int | None = None

    def features(self) -> frozenset[str]:
        """The features of the table by which the calls that it concerns are seen."""
        return frozenset([SEEN + name for each in disturbances(self) for name in each.rows])


class Disturbance(Protocol):
    """One of them. `rows` are the names of the calls that it wants to see."""

    rows: frozenset[str]

    def meet(self, call: Call, row: Row, windows: WindowsRules) -> None:
        """See a call before anybody serves it; `call.result` set, NtError or Errno end it, `call.wait` delays it."""

    def begins_anew(self, call: Call) -> None:
        """What was seen will come once more, as another call."""


def disturbances(settings: ChaosSettings) -> list[Disturbance]:
    """Make what is asked for."""
    found: list[Disturbance] = []
    if settings.inject:
        found.append(Injections(settings.inject))
    if settings.handle_limit is not None:
        found.append(HandleLimit(settings.handle_limit))
    if settings.shuffle is not None:
        from picobox.check.chaos_directories import ShuffledDirectories

        found.append(ShuffledDirectories(settings.shuffle))
    if settings.scan is not None:
        from picobox.check.virus_scanner import VirusScanner

        found.append(VirusScanner(settings.scan))
    return found


class Chaos:
    """The disturbances of a run."""

    def __init__(self, settings: ChaosSettings, windows: WindowsRules) -> None:
        """Disturb what is done on the drives of `windows`."""
        self.features = settings.features()
        self._disturbances = disturbances(settings)
        self._windows = windows
        last = self._disturbances[-1]
        self._scanner = cast("VirusScanner", last) if settings.scan is not None else None

    def start(self, provider: PicoProvider, spawn: Spawn, lost: Callable[[], None]) -> None:
        """Start what runs beside the program by `spawn`; `lost` is called if it ends before the run does."""
        if self._scanner is not None:
            self._scanner.start(provider, self._windows, spawn, lost)

    def close(self) -> None:
        """Let go of what runs beside the program."""
        if self._scanner is not None:
            self._scanner.close()

    def runs(self, tid: HostTid) -> bool:
        """Whether a task is no program's but a disturbance's own: it is neither disturbed nor judged."""
        return self._scanner is not None and self._scanner.is_process_of(tid)

    def served(self, call: Call, row: Row) -> None:
        """A call of such a task has been decided."""
        if self._scanner is not None:
            self._scanner.served(call, row)

    def meet(self, call: Call, row: Row) -> None:
        """See a call before anybody serves it; `call.result` set, NtError or Errno end it."""
        try:
            for disturbance in self._disturbances:
                if call.result is None and row.name in disturbance.rows:
                    disturbance.meet(call, row, self._windows)
        except NtError:
            call.shown_by = self._windows.runtimes.of(call.stop.tid)
            raise

    def begins_anew(self, call: Call, row: Row) -> None:
        """The call will come once more."""
        for disturbance in self._disturbances:
            if row.name in disturbance.rows:
                disturbance.begins_anew(call)
