"""Finds the line of a key in a TOML file, which the standard library's reader does not tell."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[{1,2}\s*([^]]+?)\s*\]{1,2}\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""([\w-]+)|"([^"]*)"|'([^']*)'""")
# pyproject.toml keeps our tables below this one; places are told without it.
_TOOL = ("tool", "picobox")


def line_of(source: str, place: str) -> int | None:
    """The number of the line, from 1, with the key at a place as `policy.limits.memory`; of a table it stands in.

    None if none of them is found; a key within a string of many lines may be taken for one.
    """
    wanted = tuple(place.partition(" ")[0].rstrip(":").split("."))
    found: tuple[int, int] | None = None
    table: tuple[str, ...] = ()
    for number, line in enumerate(source.splitlines(), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header is not None:
            table = _parts(header[1])
            here = table
        elif key is not None:
            here = (*table, *_parts(key[1]))
        else:
            continue
        here = here[len(_TOOL) :] if here[: len(_TOOL)] == _TOOL else here
        # The longest one that the place begins with: an inline table holds the rest of it.
        if here and here == wanted[: len(here)] and (found is None or len(here) > found[0]):
            found = len(here), number
    return None if found is None else found[1]


def _parts(text: str) -> tuple[str, ...]:
    return tuple(bare or double or single for bare, double, single in _PART.findall(text))
