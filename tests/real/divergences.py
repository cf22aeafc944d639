"""Owns divergences.toml: reads the declared differences and takes them out of an outcome."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH = Path(__file__).with_name("divergences.toml")


class Divergence(NamedTuple):
    """One declared difference: what `pattern` matches in `part` of the row's outcome is not compared.

    `profile`: only under these rules; empty: under all. `policy`: only under that one; empty: under every one.
    """

    program: str
    row: str
    part: str
    pattern: str
    reason: str
    profile: str = ""
    policy: str = ""


def load(text: str) -> list[Divergence]:
    """Read the entries of a divergences file; ValueError if one is incomplete or has an unknown part."""
    entries = tomllib.loads(text).get("divergence", [])
    return [_checked(entry) for entry in entries]


def _checked(entry: dict[str, str]) -> Divergence:
    if set(entry) | {"profile", "policy"} != set(Divergence._fields):
        raise ValueError(
            f"divergence {entry}: the keys must be {', '.join(Divergence._fields)}, the last two if need be"
        )
    divergence = Divergence(**entry)
    if divergence.part not in Outcome._fields:
        raise ValueError(f"divergence of {divergence.program} {divergence.row}: no part {divergence.part!r}")
    if not divergence.reason.strip():
        raise ValueError(f"divergence of {divergence.program} {divergence.row}: no reason given")
    return divergence


def belonging_to(
    program: str, row: str, profile: str, divergences: Sequence[Divergence], policy: str = "open"
) -> list[Divergence]:
    """The entries declared for one row of the table under a profile and a policy."""
    return [
        divergence
        for divergence in divergences
        if (divergence.program, divergence.row) == (program, row)
        and divergence.profile in ("", profile)
        and divergence.policy in ("", policy)
    ]


def without(outcome: Outcome, divergences: Sequence[Divergence]) -> Outcome:
    """The outcome with every declared difference taken out."""
    for divergence in divergences:
        pattern = re.compile(divergence.pattern.encode(), re.MULTILINE)
        part = getattr(outcome, divergence.part)
        outcome = outcome._replace(**{divergence.part: pattern.sub(b"", part)})
    return outcome


def unneeded(native: Outcome, picobox: Outcome, divergences: Sequence[Divergence]) -> list[Divergence]:
    """The entries that could be left out: their part is equal without them, or they match nothing in it."""
    return [divergence for divergence in divergences if _is_unneeded(divergence, native, picobox, divergences)]


def _is_unneeded(divergence: Divergence, native: Outcome, picobox: Outcome, divergences: Sequence[Divergence]) -> bool:
    others = [other for other in divergences if other is not divergence]
    parts = [getattr(without(outcome, others), divergence.part) for outcome in (native, picobox)]
    pattern = re.compile(divergence.pattern.encode(), re.MULTILINE)
    return parts[0] == parts[1] or not any(pattern.search(part) for part in parts)
