"""What an interpreter runs, by its command line: a script, or code among its arguments."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Options that take what follows them as code, as a module's name, or as something else that is no script.
_CODE = frozenset(("-c", "-e", "-E", "-p", "-pe", "-r", "--eval", "--print"))
_VALUES = frozenset(("-X", "-W", "-r", "--require", "--import", "--loader", "-I", "-o"))


def script_of(arguments: Sequence[str]) -> str:
    """The script that an interpreter was given, as it was written; empty if it runs code or a module by name."""
    words = iter(arguments[1:])
    for word in words:
        if word in _CODE or word == "-m":
            return ""
        if word in _VALUES:
            next(words, "")
        elif not word.startswith("-"):
            return word
    return ""


def code_of(arguments: Sequence[str]) -> str:
    """The code that an interpreter was given in its command line; empty if it was given none."""
    for option, value in pairwise(arguments[1:]):
        if option in _CODE:
            return value
        if not option.startswith("-"):
            break
    return ""
