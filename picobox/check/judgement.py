"""What a check keeps of one call: what it is about to do, what is to be done at its end, what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.check.ledger import Entry
    from picobox.check.subject import Subject

REFUSE, LET_GO, AGAIN = range(3)
"""What becomes of a call that NT refuses: the guest is told; the kernel has it all the same; it is decided again."""


class Judgement:
    """The check's part of a call.

    `routines` are called with its result at its end. `let_go`: Windows would refuse it, the kernel has it all the same,
    and NT knows nothing of it. `ignores_read_only`: the attribute READONLY has been told of and does not count.
    `is_elsewhere`: the program does not make it on Windows, where it works without.
    """

    __slots__ = ("entries", "ignores_read_only", "is_elsewhere", "let_go", "observes", "over", "routines", "subject")

    def __init__(self, *, observes: bool) -> None:
        """Nothing is known yet. `observes`: the guest gets Linux' answer whatever NT says."""
        self.observes = observes
        self.subject: Subject | None = None
        self.routines: list[Callable[[int], None]] = []
        self.entries: list[Entry] = []
        self.let_go = False
        self.ignores_read_only = False
        self.is_elsewhere = False
        self.over = False

    def end(self, result: int) -> None:
        """The call is over. What was to be done has the judgement itself, and is let go."""
        self.over = True
        while self.routines:
            self.routines.pop(0)(result)
