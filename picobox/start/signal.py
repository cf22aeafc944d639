"""Stands in for `signal` while our modules are loaded: numbers are plain, and members of no enumeration."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

globals().update((name, number) for name, number in vars(_signal).items() if type(number) is int)
# Those of the library would tell of members of its enumeration, which are not these numbers.
setitimer, getsignal, signal = _signal.setitimer, _signal.getsignal, _signal.signal


def __getattr__(name: str) -> Any:
    """Whatever else signal has."""
    if name.startswith("__"):
        raise AttributeError(name)
    import signal as library

    return getattr(library, name)
