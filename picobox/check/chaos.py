"""Disturbances that a check can be asked for: what is rare on Linux and everyday on Windows happens here at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from ntshim.status import NtError
from picobox.abi.row import SEEN
from picobox.check.chaos_handles import HandleLimit
from picobox.check.chaos_inject import Injections

if TYPE_CHECKING:
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.check.chaos_inject import Injection
    from picobox.windows import WindowsRules


class ChaosSettings(NamedTuple):
    """What is to be disturbed; nothing by default.

    `inject`: which calls fail; `handle_limit`: how many handles a process can have, None for as many as it likes;
    `shuffle`: the seed by which listings of directories are in another order, None if they are as they are.
    """

    inject: tuple[Injection, ...] = ()
    handle_limit: int | None = None
    shuffle: int | None = None

    def features(self) -> frozenset[str]:
        """The features of the table by which the calls that it concerns are seen."""
        return frozenset([SEEN + name for each in disturbances(self) for name in each.rows])


class Disturbance(Protocol):
    """One of them. `rows` are the names of the calls that it wants to see."""

    rows: frozenset[str]

    def meet(self, call: Call, row: Row, windows: WindowsRules) -> None:
        """See a call before anybody serves it; `call.result` set, NtError or Errno end it."""

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
    return found


class Chaos:
    """The disturbances of a run."""

    def __init__(self, settings: ChaosSettings, windows: WindowsRules) -> None:
        """Disturb what is done on the drives of `windows`."""
        self.features = settings.features()
        self._disturbances = disturbances(settings)
        self._windows = windows

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
