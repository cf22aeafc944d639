"""Owns docs/attacks.md: which attacks there are, what stops each, and how each ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .catalogue import SUPERVISOR, attacks, elsewhere
from .runs import BARE, REPOSITORY
from .walls import WALLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .catalogue import Attack
    from .runs import Outcome

PAGE = REPOSITORY / "docs" / "attacks.md"
COLUMNS = ("root", "user", BARE)

_HEAD = """# Attacks

What a hostile program tries, and what stops it. Each row with a name is a program of `tests/attacks/programs`; it runs
under picobox and must get nothing, come to its end and leave the sandbox working. It runs once more with the wall that
stops it left out, among decoys in a sandbox that is thrown away, and must succeed: so the attack is real, and the wall
is what stops it. `python -m tests.attacks` runs all of them and writes this page.

A wall that stands in several rows is described once, below. "the supervisor" means that no wall could be left out: the
supervisor has to survive what it is shown, and to decide rightly.

| row | attack | what it tries | walls | {columns} |
|---|---|---|---|{rule}|
"""

_GAPS = """
## Known gaps

- A socket with a path that is made after the program has started, in a place that may only be read, can be connected
  to: Landlock has a rule for that from version 9 on. What is there at the start is out of reach.
- Where Landlock is older than version 6 (before Linux 6.12), a guest in its caller's session can signal its process
  group, whose other members are outside: its supervisor too, whose end ends all guests. A session of its own has none.
- Time, processors, load, memory and the kernel's version are the host's (A38).
- Where Windows' rules lock bytes, offsets that sendfile, splice and copy_file_range take from memory are read twice.
"""


def page(results: Mapping[str, Mapping[str, Outcome]]) -> str:
    """The whole page; `results` has for each column the outcomes by the attacks' names, and may lack some."""
    lines = [_HEAD.format(columns=" | ".join(COLUMNS), rule="|".join("---" for _ in COLUMNS))]
    lines += [_row(attack, results) for attack in attacks()]
    lines.append("\n## Shown elsewhere\n\n| row | what it tries | tests | what stops it |\n|---|---|---|---|\n")
    lines += [
        f"| {row.row} | {row.title} | {', '.join(f'`{test}`' for test in row.tests)} | {row.wall} |\n"
        for row in elsewhere()
    ]
    lines.append(_GAPS)
    lines += [f"- Without namespaces (`{attack.name}`): {attack.gap}.\n" for attack in attacks() if attack.gap]
    lines.append("\n## Walls\n\n")
    lines += [f"- `{name}`: {wall.text}\n" for name, wall in WALLS.items()]
    return "".join(lines)


def _row(attack: Attack, results: Mapping[str, Mapping[str, Outcome]]) -> str:
    walls = _walls(attack.walls)
    if attack.bare:
        walls += f"; without namespaces {_walls(attack.bare)}"
    cells = [_cell(results.get(column, {}).get(attack.name), attack.gap) for column in COLUMNS]
    return f"| {attack.row} | `{attack.name}` | {attack.title} | {walls} | {' | '.join(cells)} |\n"


def _walls(groups: Iterable[Iterable[str]]) -> str:
    return ", ".join(" or ".join(_wall(name) for name in group) for group in groups)


def _wall(name: str) -> str:
    return "the supervisor" if name == SUPERVISOR else f"`{name}`"


def _cell(outcome: Outcome | None, gap: str) -> str:
    if outcome is not None and outcome.got and gap:
        return f"known gap: {gap}"
    if outcome is None:
        return "not run"
    if outcome.is_stopped:
        return "stopped"
    return f"gets {outcome.got[0]}" if outcome.got else f"broken: {outcome.ended}"
