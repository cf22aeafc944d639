"""The rules about names, for the paths of running programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.check.judge import Judge


def look(judge: Judge, call: Call, row: Row, arguments: Sequence[object]) -> None:
    """Judge the names that a call makes or looks for."""
    del judge, call, row, arguments
