"""Stands in for `signal` while our modules are loaded: numbers are plain, and members of no enumeration."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

globals().update((name, number) for name, number in vars(_signal).items() if type(number) is int)
setitimer = _signal.setitimer


def __getattr__(name: str) -> Any:
    """Whatever else signal has."""
    if name.startswith("__"):
        raise AttributeError(name)
    import signal

    return getattr(signal, name)
