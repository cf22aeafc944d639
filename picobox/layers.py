"""Handlers on top of each other: what a feature adds to a call, and what a fault takes from it."""

from __future__ import annotations

from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.call import Call
    from picobox.provider import PicoProvider

    Handler = Callable[..., int | None]
    Then = Callable[[int], int | None]


_WSL_MODULES = ("system", "attributes", "read_only", "xattrs")


def with_wsl(row: str, handler: Handler | None, features: frozenset[str]) -> Handler | None:
    """The handler of a row, if it has one, with what WSL's rules and its faults add."""
    added = (getattr(import_module(f"picobox.wsl.{module}"), row, None) for module in _WSL_MODULES)
    handlers = [each for each in (handler, *added) if each is not None]
    from picobox.faults.registry import with_faults

    return with_faults(row, reduce(layered, handlers) if handlers else None, features)


def layered(first: Handler, second: Handler) -> Handler:
    """One handler that asks two: the second one if the first neither answers the call nor starts it anew.

    At the exit the second one looks first, and the first one at what that has made of the result.
    """

    def handler(provider: PicoProvider, call: Call, *arguments: object) -> int | None:
        result = first(provider, call, *arguments)
        if result is not None or call.restart or call.wait is not None:
            return result
        outer, call.then = call.then, None
        result = second(provider, call, *arguments)
        if result is None:
            call.then = _both(call.then, outer)
        return result

    return handler


def _both(inner: Then | None, outer: Then | None) -> Then | None:
    if inner is None or outer is None:
        return inner or outer

    def then(result: int) -> int | None:
        changed = inner(result)
        again = outer(result if changed is None else changed)
        return changed if again is None else again

    return then
