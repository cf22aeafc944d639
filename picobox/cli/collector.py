"""When Python's collector looks for garbage: not while a run starts, since what is made then lives to its end.

Later seldom: next to nothing that serving a call makes is in a cycle, and what is not goes when nobody has it.
"""

from __future__ import annotations

import gc

# More objects than starting makes.
_MANY = 100_000
# Young objects at which it looks at those, as it does by itself at 700: some megabytes, if all of them are garbage.
_YOUNG = 20_000
_usual: list[tuple[int, int, int]] = []


def wait() -> None:
    """Have it wait: modules, tables and all else that a start makes are no garbage."""
    _usual.append(gc.get_threshold())
    gc.set_threshold(_MANY)


def go_on() -> None:
    """Have it go on, if it waits; at what there is now it never looks again."""
    if _usual:
        gc.freeze()
        gc.set_threshold(_YOUNG, *_usual.pop()[1:])
