"""Owns divergences.toml: reads the declared differences and takes them out of an outcome."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .outcome import Outcome

PATH = Path(__file__).with_name("divergences.toml")


class Divergence(NamedTuple):
    """One declared difference: what `pattern` matches in `part` of the row's outcome is not compared."""

    program: str
    row: str
    part: str
    pattern: str
    reason: str


def load(text: str) -> list[Divergence]:
    """Read the entries of a divergences file; ValueError if one is incomplete, has an unknown part or gives no reason."""
    entries = tomllib.loads(text).get("divergence", [])
    return [_checked(entry) for entry in entries]


def _checked(entry: dict[str, str]) -> Divergence:
    if set(entry) != set(Divergence._fields):
        raise ValueError(f"divergence {entry}: the keys must be {', '.join(Divergence._fields)}")
    divergence = Divergence(**entry)
    if divergence.part not in Outcome._fields:
        raise ValueError(f"divergence of {divergence.program} {divergence.row}: no part {divergence.part!r}")
    if not divergence.reason.strip():
        raise ValueError(f"divergence of {divergence.program} {divergence.row}: no reason given")
    return divergence


def belonging_to(program: str, row: str, divergences: Sequence[Divergence]) -> list[Divergence]:
    """The entries declared for one row of the table."""
    return [divergence for divergence in divergences if (divergence.program, divergence.row) == (program, row)]


def without(outcome: Outcome, divergences: Sequence[Divergence]) -> Outcome:
    """The outcome with every declared difference taken out."""
    for divergence in divergences:
        pattern = re.compile(divergence.pattern.encode(), re.MULTILINE)
        part = getattr(outcome, divergence.part)
        outcome = outcome._replace(**{divergence.part: pattern.sub(b"", part)})
    return outcome


def unneeded(native: Outcome, picobox: Outcome, divergences: Sequence[Divergence]) -> list[Divergence]:
    """The entries without which the two outcomes are as equal as with them: the part they name has no such difference."""
    return [
        divergence
        for divergence in divergences
        if _part_equal(native, picobox, [other for other in divergences if other is not divergence], divergence.part)
        or not re.search(divergence.pattern.encode(), getattr(native, divergence.part) + b"\n"
                         + getattr(picobox, divergence.part), re.MULTILINE)
    ]


def _part_equal(native: Outcome, picobox: Outcome, divergences: Sequence[Divergence], part: str) -> bool:
    equal: bool = getattr(without(native, divergences), part) == getattr(without(picobox, divergences), part)
    return equal
