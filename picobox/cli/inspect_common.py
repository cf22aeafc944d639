"""What the verbs that look at runs have in common: their options, whom they ask, and how rows become text or JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from picobox.cli.options import Option, color_option
from picobox.cli.report import Table, print_tables
from picobox.cli.writing import write
from picobox.findings.visible import command_line, visible
from picobox.inspection.asking import Answer, gather
from picobox.inspection.wire import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import SimpleNamespace

    from picobox.inspection.wire import Json

NOTHING = 1
_LONGEST_COMMAND = 120


def inspect_options() -> tuple[Option, ...]:
    """The options of each of these verbs."""
    return (
        Option("--run", type=int, metavar="PID", help="look at the run whose picobox has this pid alone"),
        Option("--json", action="store_true", help="as JSON, which docs/inspection.md describes"),
        color_option(),
    )


def answers_of(options: SimpleNamespace, request: Json) -> tuple[list[Json], bool]:
    """What the runs answer, and whether that is all of them; who gave no answer is told of on standard error."""
    failed = []

    def complain(answer: Answer) -> None:
        failed.append(answer)
        sys.stderr.write(f"picobox: run {answer.pid}: {visible(answer.error)}\n")

    return gather(request, options.run, complain), not failed


def show(
    options: SimpleNamespace,
    request: Json,
    headings: Sequence[str],
    rows_of: Callable[[Json], Iterable[Sequence[str]]],
    right: frozenset[int] = frozenset(),
) -> int:
    """Asks, and prints a table of the rows, each behind its run's pid, or JSON; gives the exit status."""
    answers, is_complete = answers_of(options, request)
    rows = [(str(answer["run"]["pid"]), *row) for answer in answers for row in rows_of(answer)]
    if options.json:
        write(sys.stdout, json.dumps({"runs": answers}, indent=2) + "\n")
    elif rows:
        print_tables(sys.stdout, options.color, [Table(("RUN", *headings), rows, right=frozenset({0}) | right)])
    elif is_complete:
        sys.stderr.write("picobox: nothing is found.\n" if answers else "picobox: nothing of yours runs under it.\n")
    return 0 if rows and is_complete else NOTHING


def shown(value: Any) -> str:
    """A text of an answer, fit to be printed."""
    return visible(plain(value))


def command_shown(words: Sequence[Any], name: Any) -> str:
    """A command on one line, or its name in brackets where it has no words (ps(1))."""
    line = command_line(map(plain, words)) if words else f"[{shown(name)}]"
    return line if len(line) <= _LONGEST_COMMAND else line[: _LONGEST_COMMAND - 1] + "…"
