"""Prints what was refused in a run, as --report asks for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from picobox.cli.report import Table, print_tables
from picobox.confine.report import HEADINGS, lines, machine_limits, taken_variables
from picobox.platform.host import initial_environment

if TYPE_CHECKING:
    from picobox.confine.refusals import Refusals


def print_report(refusals: Refusals, color: str) -> None:
    """Prints to standard error what was refused, how often, by which rule, and how to allow it."""
    parts: list[Table | str] = []
    found = lines(refusals.counts)
    if found:
        parts.append("refused:")
        rows = [(str(line.times), *line[1:]) for line in found]
        parts.append(Table(HEADINGS, rows, right=frozenset((0,))))
    else:
        parts.append("nothing was refused")
    if refusals.others:
        parts.append(f"and {refusals.others} times something else: what was refused was too much to keep")
    parts += machine_limits(refusals.machine)
    taken = taken_variables(refusals.policy, initial_environment())
    if taken:
        parts.append(f"variables that it did not get; --keep-env NAME allows one: {taken}")
    print_tables(sys.stderr, color, parts)
