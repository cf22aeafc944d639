"""Calls for which Windows has nothing: a function for each row, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.abi.table import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable


def watchers() -> dict[str, Callable[..., None]]:
    """The functions of this module for rows, by the rows' names."""
    return {name: found for name, found in globals().items() if name in BY_NAME and callable(found)}
