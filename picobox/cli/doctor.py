"""The verb doctor: what this machine allows, what follows from it, and how to change it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from picobox.cli.checks import FAILED, GOOD, LIMITED, UNKNOWN, all_checks, can_run
from picobox.cli.options import Option, Usage, color_option
from picobox.cli.report import Table, print_tables
from picobox.cli.writing import write

if TYPE_CHECKING:
    from picobox.cli.checks import Check

SCHEMA = "picobox.doctor/1"
HEADINGS = ("check", "state", "found", "what follows", "how to change it")

_STYLES = {GOOD: "green", LIMITED: "yellow", FAILED: "bold red", UNKNOWN: "dim"}

_DESCRIPTION = """Ask this machine what picobox needs of it: ptrace (by really running a program), Yama, seccomp,
namespaces, Landlock, container limits, Python and the C core. For each: what follows, and how to change it."""

_EXAMPLES = """examples:
  picobox doctor             a table
  picobox doctor --json      for programs

exit status: 0 picobox can run programs here; 1 it cannot; 125 wrong usage"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("doctor", _DESCRIPTION, _EXAMPLES)
    as_object = Option("--json", action="store_true", help="write one JSON object")
    options = usage.read((as_object, color_option()), arguments)
    checks = all_checks()
    runs = can_run(checks)
    if options.json:
        write(sys.stdout, as_json(checks, runs))
    else:
        lines = [(each.name, each.state, each.found, each.follows, each.remedy) for each in checks]
        verdict = "picobox can run programs here." if runs else "picobox cannot run programs here: see what has failed."
        print_tables(sys.stdout, options.color, [Table(HEADINGS, lines, _STYLES), verdict])
    return 0 if runs else 1


def as_json(checks: list[Check], runs: bool) -> str:
    """The answers as one JSON object."""
    answers = [check._asdict() for check in checks]
    return json.dumps({"schema": SCHEMA, "can_run": runs, "checks": answers}, indent=1) + "\n"
