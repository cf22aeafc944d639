"""When Python's collector looks for garbage: not while a run starts, since what is made then lives to its end."""

from __future__ import annotations

import gc

# More objects than starting makes.
_MANY = 100_000
_usual: list[tuple[int, int, int]] = []


def wait() -> None:
    """Have it wait: modules, tables and all else that a start makes are no garbage."""
    _usual.append(gc.get_threshold())
    gc.set_threshold(_MANY)


def go_on() -> None:
    """Have it go on as usual, if it waits; at what there is now it never looks again."""
    if _usual:
        gc.freeze()
        gc.set_threshold(*_usual.pop())
