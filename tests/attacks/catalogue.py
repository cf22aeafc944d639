"""Owns what attacks there are: each program's own words about itself, and the rows that other tests show."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

PROGRAMS = Path(__file__).parent / "programs"
ELSEWHERE = Path(__file__).parent / "elsewhere.toml"
# Of the harness itself.
NO_ATTACKS = frozenset(("decoys", "driver", "forbidden", "protect"))
_HEAD = re.compile(r"/\* (?P<row>[A-Z]\d*): (?P<title>.*?) \*/\n/\* Walls: (?P<walls>.*?) \*/", re.DOTALL)
_CONTROL = re.compile(r"^/\* Control: (.*) \*/$", re.MULTILINE)
_BARE = re.compile(r"^/\* Walls without namespaces: (.*) \*/$", re.MULTILINE)
_GAP = re.compile(r"^/\* Gap without namespaces: (.*) \*/$", re.MULTILINE)
_OPTIONS = re.compile(r"^/\* Options: (.*) \*/$", re.MULTILINE)
# What stands for the supervisor's own care: no wall that could be left out, but code that must not be misled.
SUPERVISOR = "supervisor"


class Attack(NamedTuple):
    """A program that attacks. `options`: what picobox is given for it.

    `walls`: those that stop it; left out of a run, each lets it succeed in something. Walls that are joined by `+` stop
    the same, so that only without all of them it succeeds. `control`: what picobox is given besides when a wall is left
    out, where others would still stop it. `bare`: the walls that stop it where there are no namespaces, some of them;
    `gap`: what it gets there, which is known and said.
    """

    name: str
    row: str
    title: str
    walls: tuple[tuple[str, ...], ...]
    options: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    bare: tuple[tuple[str, ...], ...] = ()
    gap: str = ""

    def all_walls(self) -> set[str]:
        """The names of all walls that stop something of it."""
        return {wall for group in self.walls for wall in group}


class Elsewhere(NamedTuple):
    """A row of the table that tests outside of this directory show, and why there."""

    row: str
    title: str
    tests: tuple[str, ...]
    wall: str


@functools.cache
def attacks() -> tuple[Attack, ...]:
    """Every program of this directory, by its name. ValueError if one does not say what it is."""
    return tuple(_read(source) for source in sorted(PROGRAMS.glob("*.c")) if source.stem not in NO_ATTACKS)


def _read(source: Path) -> Attack:
    text = source.read_text()
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(f"{source.name} does not begin with its row, what it does, and its walls")
    options, control, bare, gap = (
        found[1] if found else "" for found in (each.search(text) for each in (_OPTIONS, _CONTROL, _BARE, _GAP))
    )
    title = " ".join(head["title"].split())
    return Attack(
        source.stem,
        head["row"],
        title,
        _groups(head["walls"]),
        tuple(options.split()),
        tuple(control.split()),
        _groups(bare),
        gap,
    )


def _groups(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(group.split("+")) for group in text.split())


@functools.cache
def elsewhere() -> tuple[Elsewhere, ...]:
    """The rows that have their tests elsewhere."""
    entries = tomllib.loads(ELSEWHERE.read_text())["row"]
    return tuple(Elsewhere(entry["row"], entry["title"], tuple(entry["tests"]), entry["wall"]) for entry in entries)
