"""The verb policy: shows what a policy gives here, checks a file that holds one, trusts a project's."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from picobox.cli.options import Option, Usage, color_option
from picobox.cli.policies import RUN_POLICY
from picobox.cli.report import Table, print_tables
from picobox.cli.writing import write
from picobox.confine.choice import choose, trust, wanted_policy
from picobox.confine.place import Place
from picobox.confine.show import as_json, as_toml, file_rules, is_there, not_there, other_rows
from picobox.findings.visible import visible

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.confine.policy import Policy

FORMATS = ("text", "toml", "json")
ACTIONS = ("show", "check", "trust")
_STYLES = {"hide": "red", "read": "green", "write": "yellow", "layer": "cyan"}

_DESCRIPTION = """Tell what a program may reach under a policy, in this directory and for this user.

show [NAME|FILE]   every rule, with who says so; of what is in force here if none is named
check FILE         whether a file holds a policy without mistakes
trust [FILE]       let a project's policy give more than the default does, as it is written now"""

_EXAMPLES = """examples:
  picobox policy show                       what `picobox -- CMD` would run under here
  picobox policy show strict
  picobox policy show --format toml default > policy.toml
                                            a file to edit, for --policy policy.toml
  picobox policy check policy.toml

exit status: 0; 125 if there is a mistake or no such policy"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("policy", _DESCRIPTION, _EXAMPLES)
    action = arguments[0] if arguments and not arguments[0].startswith("-") else None
    # Read by itself: argparse would take the file's place for empty where an option stands between.
    options = usage.read(_options(), arguments if action is None else arguments[1:])
    if action not in ACTIONS:
        usage.error(f"{action or 'policy'}: say what to do, {', '.join(ACTIONS)}")
    if action == "check" and options.policy is None:
        usage.error("check: name the file")
    if action == "check":
        return _check(options.policy)
    return _trust(options.policy) if action == "trust" else _show(options)


def _options() -> tuple[Option, ...]:
    return (
        Option("policy", nargs="?", metavar="NAME|FILE", help="strict, default, open, or a file"),
        Option("--format", choices=FORMATS, default="text", help="how show writes it"),
        Option("-a", "--all", action="store_true", help="also rules for files that are not there"),
        color_option(),
    )


def _show(options: SimpleNamespace) -> int:
    policy, notes = choose(options.policy, RUN_POLICY, Place.here())
    sys.stderr.writelines(f"picobox: note: {visible(note)}\n" for note in notes)
    if options.format == "text":
        print_tables(sys.stdout, options.color, _tables(policy, everything=options.all))
    else:
        write(sys.stdout, as_toml(policy) if options.format == "toml" else as_json(policy))
    return 0


def _tables(policy: Policy, *, everything: bool) -> list[Table | str]:
    rules = file_rules(policy)
    shown = [rule for rule in rules if everything or is_there(rule)]
    files = [(rule.right, visible(os.fsdecode(rule.written or rule.path)), visible(rule.source)) for rule in shown]
    parts: list[Table | str] = [f"policy {visible(policy.name)}"]
    parts.append(Table(("right", "path", "because of"), files, styles=_STYLES))
    if len(shown) < len(rules):
        parts.append(f"{len(rules) - len(shown)} rules for files that are not there: --all shows them")
    others = [(key, visible(source), value) for key, value, source in other_rows(policy)]
    return [*parts, Table(("key", "because of", "value"), others)]


def _check(file: str) -> int:
    policy = wanted_policy(file if "/" in file else f"./{file}", Place.here())
    for rule in not_there(policy, file):
        sys.stderr.write(f"picobox: note: {visible(rule.source)}: {visible(os.fsdecode(rule.path))} is not there.\n")
    sys.stdout.write(f"{visible(file)}: no mistake\n")
    return 0


def _trust(file: str | None) -> int:
    place = Place.here()
    sys.stdout.write(f"{visible(trust(file, place))}: trusted as it is now\n")
    return 0
