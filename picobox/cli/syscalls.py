"""The verb syscalls: the table of system calls and how each is served."""

from __future__ import annotations

import json
import sys
from errno import errorcode
from typing import TYPE_CHECKING

from picobox.abi.row import ACTION_CALL, ACTION_NATIVE
from picobox.abi.table import ROWS
from picobox.cli.options import Option, Usage, color_option
from picobox.cli.report import Table, print_tables
from picobox.cli.selection import UnknownCallError, names_of
from picobox.cli.writing import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.abi.row import Row

FORMATS = ("table", "json", "md")
SCHEMA = "picobox.syscalls/1"
HEADINGS = ("nr", "name", "support", "answered", "NT service", "note")

_STYLES = {"full": "green", "partial": "yellow", "none": "red"}

_DESCRIPTION = """List the system calls of Linux x86-64 and how each is served: by the kernel unchanged (native), by a
handler (call), or refused (errno); and the NT service behind it, or the provider itself, as lxcore did."""

_EXAMPLES = """examples:
  picobox syscalls                   the whole table
  picobox syscalls openat close      two calls
  picobox syscalls %memory           a class, as strace's -e
  picobox syscalls --format json     for programs
  picobox syscalls --format md       for a page"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("syscalls", _DESCRIPTION, _EXAMPLES)
    form = Option("--format", choices=FORMATS, default="table", help="how to write the list")
    names_option = Option("names", nargs="*", metavar="NAME", help="a call or a %%class; none: every call")
    options = usage.read((form, names_option, color_option()), arguments)
    try:
        names = frozenset().union(*map(names_of, options.names or ["all"]))
    except UnknownCallError as error:
        usage.error(str(error))
    rows = [row for row in ROWS if row.name in names]
    _print(rows, options.format, options.color)
    return 0


def disposition_name(row: Row) -> str:
    """native, call, or errno with the name of the error."""
    if row.do.action in (ACTION_NATIVE, ACTION_CALL):
        return "native" if row.do.action == ACTION_NATIVE else "call"
    return f"errno {errorcode[row.do.errno]}"


def cells(row: Row) -> tuple[str, ...]:
    """The row's line under HEADINGS."""
    return str(row.nr), row.name, row.support, disposition_name(row), row.nt or row.served or "", row.note


def as_json(rows: Sequence[Row]) -> str:
    """The rows as one JSON object."""
    calls = [
        {
            "nr": row.nr,
            "name": row.name,
            "args": [argument.name for argument in row.args],
            "support": row.support,
            "answered": disposition_name(row),
            "nt": row.nt,
            "served": row.served,
            "classes": sorted(row.tags),
            "note": row.note,
        }
        for row in rows
    ]
    return json.dumps({"schema": SCHEMA, "calls": calls}, indent=1) + "\n"


def as_markdown(rows: Sequence[Row]) -> str:
    """The rows as a table of GitHub's Markdown."""
    lines = [HEADINGS, ("---:", *["---"] * (len(HEADINGS) - 1)), *map(cells, rows)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _print(rows: Sequence[Row], form: str, color: str) -> None:
    if form == "table":
        table = Table(HEADINGS, [cells(row) for row in rows], _STYLES, frozenset((0,)))
        print_tables(sys.stdout, color, [table])
    else:
        write(sys.stdout, as_json(rows) if form == "json" else as_markdown(rows))
