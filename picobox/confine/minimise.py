"""Finds a smallest part of a list with which something still works: delta debugging, always in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Part = TypeVar("Part")


def minimal(parts: Sequence[Part], works: Callable[[tuple[Part, ...]], bool]) -> tuple[Part, ...]:
    """What is left of parts when none can be taken away by itself; with all of them it has to work.

    Halves are tried first, then quarters, so that what is not needed at all costs few trials (Zeller and Hildebrandt,
    "Simplifying and Isolating Failure-Inducing Input", 2002: the complements of ddmin).
    """
    left = tuple(parts)
    size = max(len(left) // 2, 1)
    while left:
        before = left
        start = 0
        while start < len(left):
            rest = left[:start] + left[start + size :]
            if works(rest):
                left = rest
            else:
                start += size
        if size > 1:
            size //= 2
        elif left == before:
            break
    return left
