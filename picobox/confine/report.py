"""Renders what was refused in a run: how often, by which rule, and how to allow it."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from picobox.confine.met import MACHINE
from picobox.confine.refusals import CALLS, DEVICE, LIMIT, NETWORK, needed_network
from picobox.findings.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from picobox.confine.policy import Policy
    from picobox.confine.refusals import Refusal

# Of what one rule refused, so many are named.
_NAMED = 3
# And so many variables.
_VARIABLES = 12


class Line(NamedTuple):
    """What one rule refused: how often, what, of which targets, and the option that allows it."""

    times: int
    what: str
    where: str
    rule: str
    remedy: str


HEADINGS = ("times", "what", "where", "because of", "to allow it")


def lines(counts: Mapping[Refusal, int]) -> list[Line]:
    """A line for each rule and kind, and for each limit; the most frequent first, of equal ones by name."""
    groups: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for refusal, count in counts.items():
        one = refusal.target if refusal.what == LIMIT else ""
        groups[refusal.rule, refusal.what, one][refusal.target] = count
    found = [_line(rule, what, targets) for (rule, what, _), targets in groups.items()]
    return sorted(found, key=lambda line: (-line.times, line.rule, line.what, line.where))


def machine_limits(machine: Mapping[str, int]) -> list[str]:
    """A line for each limit that the machine has for everybody and that was met; no rule of a policy is behind it."""
    return [
        f"the machine's limit of {name} was met {times} {'time' if times == 1 else 'times'}: {MACHINE[name]} raises it"
        for name, times in sorted(machine.items())
    ]


def taken_variables(policy: Policy, environment: Iterable[bytes]) -> str:
    """The names of variables that a policy takes away, in a line; empty if it takes none."""
    given = tuple(environment)
    left = {entry.partition(b"=")[0] for entry in policy.variables(given)}
    names = sorted({os.fsdecode(entry.partition(b"=")[0]) for entry in given} - {os.fsdecode(name) for name in left})
    more = f" and {len(names) - _VARIABLES} more" if len(names) > _VARIABLES else ""
    return visible(" ".join(names[:_VARIABLES])) + more


def _line(rule: str, what: str, targets: Mapping[str, int]) -> Line:
    names = sorted(targets, key=lambda target: (-targets[target], target))
    shown = ", ".join(map(visible, names[:_NAMED]))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return Line(sum(targets.values()), what, shown + more, visible(rule), _remedy(what, names))


def _remedy(what: str, names: list[str]) -> str:
    """The option that would allow all of it."""
    if what == CALLS:
        return "nothing but --unconfined"
    if what == NETWORK:
        return f"--network {max(map(needed_network, names), key=('loopback', 'host').index)}"
    if what == LIMIT:
        return f"--limit {names[0]}=MORE, or =none"
    if what == DEVICE:
        return " ".join(f"--device {_word(name)}" for name in names[:_NAMED])
    return " ".join(f"--{what} {_word(path)}" for path in _above(names))


def _above(names: list[str]) -> list[str]:
    """The paths, or a directory that holds them all, if that is not too much."""
    if len(names) == 1:
        return names
    common = os.path.commonpath(names)
    return [common] if common.count("/") > 1 else names[:_NAMED]


def _word(text: str) -> str:
    from shlex import quote

    return quote(visible(text))
