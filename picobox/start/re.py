"""Stands in for `re` while our modules are loaded: a pattern is compiled when it is first used."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Objects/sre_constants.h has these numbers, and they have never changed.
IGNORECASE, MULTILINE, DOTALL, VERBOSE, ASCII = 2, 8, 16, 64, 256


class LazyPattern:
    """A compiled pattern, as soon as anything of it is asked for."""

    def __init__(self, text: Any, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        from re import compile as compiled

        found = getattr(compiled(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def compile(pattern: Any, flags: int = 0) -> LazyPattern:  # noqa: A001  (its name in re)
    """The pattern, compiled later."""
    return LazyPattern(pattern, flags)


def __getattr__(name: str) -> Any:
    """Whatever else re has."""
    if name.startswith("__"):
        raise AttributeError(name)
    import re

    return getattr(re, name)
