"""Which routine brings which fault back, by fault and row."""

from __future__ import annotations

from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from picobox.layers import layered

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.layers import Handler

    _Routine = TypeVar("_Routine", bound=Handler)

_MODULES = ("memory", "processes", "files", "sockets", "drives")
_before: dict[tuple[str, str], Handler] = {}
_after: dict[tuple[str, str], Handler] = {}


def brings_back(fault: str, *rows: str, after: bool = False) -> Callable[[_Routine], _Routine]:
    """Enter a handler: with the fault it is asked before the rows' own ones, or `after` them."""

    def enter(routine: _Routine) -> _Routine:
        for row in rows:
            (_after if after else _before)[fault, row] = routine
        return routine

    return enter


def with_faults(row: str, handler: Handler | None, faults: frozenset[str]) -> Handler | None:
    """The handler of a row, if it has one, with those that bring its faults back."""
    for module in _MODULES:
        import_module(f"picobox.faults.{module}")
    before = [routine for (fault, name), routine in _before.items() if name == row and fault in faults]
    after = [routine for (fault, name), routine in _after.items() if name == row and fault in faults]
    handlers = [*before, *([] if handler is None else [handler]), *after]
    return reduce(layered, handlers) if handlers else None
