"""Owns how NTSTATUS values are named on a command line."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase

from ntshim import status

_LARGEST = 0xFFFF_FFFF


class UnknownStatusError(Exception):
    """A word that stands for no status; the text names the nearest one."""


def statuses_of(word: str) -> frozenset[int]:
    """The values that a word stands for: a number, or a name, with or without STATUS_, in which * is any characters.

    UnknownStatusError tells what there is.
    """
    number = _number(word)
    if number is not None:
        return frozenset((number,))
    names = {name: value for name, value in vars(status).items() if name.startswith("STATUS_")}
    pattern = word.upper() if word.upper().startswith("STATUS_") else f"STATUS_{word.upper()}"
    found = frozenset(value for name, value in names.items() if fnmatchcase(name, pattern))
    if not found:
        near = get_close_matches(pattern, names, n=1, cutoff=0)
        raise UnknownStatusError(
            f"no NTSTATUS {word}; the nearest is {near[0]}, and a number such as 0xc0000034 will do"
        )
    return found


def _number(word: str) -> int | None:
    """A number that is an NTSTATUS; a negative one is what C makes of it."""
    try:
        number = int(word, 0)
    except ValueError:
        return None
    if not -(1 << 31) <= number <= _LARGEST:
        raise UnknownStatusError(f"{word} is no NTSTATUS: they have 32 bits")
    return number & _LARGEST
