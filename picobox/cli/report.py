"""Owns how picobox shows tables: rich on a terminal, plain text elsewhere; and the summary of a run."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from picobox.abi.row import ACTION_CALL, ACTION_ERRNO, ACTION_NATIVE, ACTION_UNKNOWN
from picobox.abi.table import BY_NR
from picobox.cli.options import wants_color
from picobox.cli.writing import until_reader_leaves, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from picobox.cli.launch import Launch

_ACTIONS = {ACTION_NATIVE: "native", ACTION_CALL: "call", ACTION_ERRNO: "errno", ACTION_UNKNOWN: "unknown"}
_SUMMARY_ROWS = 15


class Table(NamedTuple):
    """Rows of cells under headings; `styles` gives a rich style for a cell's whole text, `right` the number columns."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    styles: Mapping[str, str] = {}
    right: frozenset[int] = frozenset()


def print_tables(stream: TextIO, color: str, parts: Iterable[Table | str]) -> None:
    """Prints tables and lines. `color`: "auto", "always" or "never"; tables are drawn where a person looks at them."""
    if color != "always" and not stream.isatty():
        write(stream, "".join([part + "\n" if isinstance(part, str) else plain(part) for part in parts]))
        return
    with until_reader_leaves(stream):
        _draw(stream, color, parts)


def plain(table: Table) -> str:
    """The table in columns of spaces."""
    lines = [table.headings, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.headings))]
    text = []
    for line in lines:
        cells = [
            cell.rjust(width) if column in table.right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip() + "\n")
    return "".join(text)


def _draw(stream: TextIO, color: str, parts: Iterable[Table | str]) -> None:
    from rich.console import Console

    console = Console(file=stream, force_terminal=True, no_color=not wants_color(color, stream), highlight=False)
    console.print(rendered(parts))


def rendered(parts: Iterable[Table | str]) -> Any:
    """Tables and lines as one thing that rich can draw."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    found: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            found.append(Text(part, style="bold"))
            continue
        drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False)
        for column, heading in enumerate(part.headings):
            drawn.add_column(heading, justify="right" if column in part.right else "left", overflow="fold")
        for row in part.rows:
            drawn.add_row(*[Text(cell, style=part.styles.get(cell, "")) for cell in row])
        found.append(drawn)
    return Group(*found)


def print_summary(launch: Launch, color: str) -> None:
    """Prints to standard error what a run was made of: calls, how they were answered, NT services, time."""
    print_tables(sys.stderr, color, summary(launch))


def summary(launch: Launch) -> list[Table | str]:
    """The parts of the summary. A call counts once, however many stops it took."""
    by_action = {name: launch.platform.counters(action) for action, name in _ACTIONS.items()}
    totals = {name: sum(counts) for name, counts in by_action.items()}
    answered = ", ".join(f"{count} {name}" for name, count in totals.items() if count)
    seconds = time.time() - _process_start()
    first = f"{sum(totals.values())} calls ({answered or 'none'}), {launch.supervisor.stops} stops, {seconds:.2f} s"
    parts: list[Table | str] = [first]
    calls = _busiest(by_action)
    if calls:
        parts.append(Table(("calls", "system call", "answered", "NT service"), calls, right=frozenset((0,))))
    services = sorted(launch.provider.nt.counters.items(), key=lambda item: (-item[1], item[0]))
    if services:
        rows = [(str(count), name) for name, count in services]
        parts.append(Table(("run", "NT service"), rows, right=frozenset((0,))))
    return parts


def _busiest(by_action: Mapping[str, Sequence[int]]) -> list[tuple[str, str, str, str]]:
    found = [(count, nr, name) for name, counts in by_action.items() for nr, count in enumerate(counts) if count]
    found.sort(key=lambda item: (-item[0], item[1]))
    lines = []
    for count, nr, answered in found[:_SUMMARY_ROWS]:
        row = BY_NR.get(nr)
        service = "" if row is None else row.nt or "provider"
        lines.append((str(count), row.name if row else "unknown", answered, service))
    if len(found) > _SUMMARY_ROWS:
        rest = found[_SUMMARY_ROWS:]
        lines.append((str(sum(count for count, _, _ in rest)), f"{len(rest)} others", "", ""))
    return lines


def _process_start() -> float:
    """When this process began, in seconds since the epoch (proc(5), stat field 22)."""
    ticks = int(Path("/proc/self/stat").read_bytes().rsplit(b")", 1)[1].split()[19])
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return boot + ticks / os.sysconf("SC_CLK_TCK")
