"""Python functions that set, make or look at files in ways that tell a check nothing: the core is told who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox._native._core import lib
from picobox.check import origins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.call import Call
    from picobox.findings.finding import Frame
    from picobox.platform.unopposed import UnopposedChanges

SETS_MODE, SETS_TIMES = lib.PB_CALLER_MODE, lib.PB_CALLER_TIMES
MAKES, LOOKS = lib.PB_CALLER_MAKES, lib.PB_CALLER_LOOKS


class UnshownCallers:
    """Has calls left out by who makes them: the caller (`origins.caller`) and the library's frames below it decide."""

    def __init__(self, native: UnopposedChanges) -> None:
        """All are shown."""
        self._native = native

    def leave(self, call: Call, stack: Sequence[Frame], does: int, *, for_now: bool) -> None:
        """A call that does something tells nothing, whatever it does it with; `for_now`: until that is forgotten."""
        caller = origins.caller(stack)
        if caller is not None:
            frames = next(place for place, frame in enumerate(stack, 1) if frame is caller)
            self._native.leave_caller(call.stop.tid, does, (frames, len(stack)), for_now=for_now)

    def forget(self) -> None:
        """Those that were left out for the time being are shown again."""
        self._native.forget_callers()
