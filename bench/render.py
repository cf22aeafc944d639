"""Shows a report: rich tables on a terminal, plain ones in a pipe."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, NamedTuple

from bench.results import BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.limits import Limit
    from bench.results import Cell, Figure, Report, Result

UNITS = ((1e-6, 1e9, "ns"), (1e-3, 1e6, "us"), (1.0, 1e3, "ms"))


class Table(NamedTuple):
    """A titled grid of texts; all columns after the first are set to the right unless `left`."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: bool = False


def duration(seconds: float) -> str:
    """A time in the unit that keeps it short."""
    for below, scale, unit in UNITS:
        if seconds < below:
            return f"{seconds * scale:.3g} {unit}" if seconds * scale < 100 else f"{seconds * scale:.0f} {unit}"
    return f"{seconds:.3g} s"


def times(value: float | None) -> str:
    """A ratio; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.2f}x" if value < 10 else f"{value:.0f}x"


def median_text(result: Result, column: str) -> str:
    """The median of a row under a column, or the word that stands for it."""
    return cell_text(result.cells[column])


def cell_text(cell: Cell) -> str:
    """The median of a cell, or the word that stands for it."""
    return cell.why() if cell.median is None else duration(cell.median)


def time_tables(report: Report) -> list[Table]:
    """Medians, then the same as ratios to native and to the faster bare loop."""
    header = ["row", *report.columns]
    medians = [[r.name, *(median_text(r, c) for c in report.columns)] for r in report.results]
    native = [[r.name, *(times(r.to_native(c)) for c in report.columns)] for r in report.results]
    bare = [[r.name, *(times(r.to_bare(c)) for c in report.columns)] for r in report.results]
    return [
        Table("Medians", header, medians),
        Table("Ratio to native", header, native),
        Table("Ratio to the faster bare loop", header, bare),
    ]


def figure_text(figure: Figure) -> str:
    """A figure's median in its unit."""
    if figure.unit == BYTES and figure.cell.median is not None:
        return f"{figure.cell.median / 1e6:.1f} MB"
    return cell_text(figure.cell)


def executive_table(report: Report) -> Table:
    """What the executive's own operations take."""
    rows = [[figure.name, figure_text(figure), figure.what] for figure in report.figures]
    return Table("Executive", ["operation", "median", "what"], rows, left=True)


def memory_table(report: Report) -> Table:
    """What the supervisor weighed at each mark."""
    rows = []
    for weight in report.weights:
        if weight.growth is None or weight.peak is None:
            rows.append([weight.column, weight.operation, "FAILED" if weight.failed else "NOT MEASURED", "-", "-"])
            continue
        marks = ", ".join(f"{resident / 1e6:.2f} MB after {count:,}" for count, resident in weight.resident)
        rows.append(
            [weight.column, weight.operation, marks, f"{weight.growth / 1e6:+.2f} MB", f"{weight.peak / 1e6:.2f} MB"]
        )
    return Table("Supervisor memory", ["column", "operations", "resident", "growth", "highest"], rows, left=True)


def limits_table(limits: Sequence[Limit], *, smoke: bool) -> Table:
    """Each bound, the value of this run, and whether it is met."""
    title = "Limits (a smoke run is too short to judge by)" if smoke else "Limits"
    rows = [[limit.what, limit.bound_text(), limit.value_text(), limit.verdict] for limit in limits]
    return Table(title, ["limit", "bound", "measured", "verdict"], rows, left=True)


def reasons(report: Report) -> list[str]:
    """Why there is no number, once for each reason."""
    lines: dict[str, list[str]] = {}
    for result in report.results:
        for column, cell in result.cells.items():
            if cell.failed is not None or cell.missing is not None:
                lines.setdefault(f"{column}: {cell.why()}: {cell.failed or cell.missing}", []).append(result.name)
    for weight in report.weights:
        if weight.failed is not None or weight.missing is not None:
            word = "FAILED" if weight.failed is not None else "NOT MEASURED"
            text = f"{weight.column}: {word}: {weight.failed or weight.missing}"
            lines.setdefault(text, []).append(f"memory-{weight.operation}")
    for figure in report.figures:
        if figure.cell.failed is not None or figure.cell.missing is not None:
            text = f"executive: {figure.cell.why()}: {figure.cell.failed or figure.cell.missing}"
            lines.setdefault(text, []).append(figure.name)
    rows = {result.name for result in report.results}
    return [
        f"{text} ({'every row' if rows and rows <= set(names) else ', '.join(names)})" for text, names in lines.items()
    ]


def machine_line(report: Report) -> str:
    """The machine of the numbers in one line."""
    m = report.machine
    peers = "".join(f"{name} {version}, " for name, version in m["peers"].items())
    return (
        f"{m['cpu']}, {m['cores']} cores, {m['kernel']}, Python {m['python']}, "
        f"picobox {m['picobox'] or 'not installed'}, {peers}load {m['load']}, {m['date']}"
    )


def tables(report: Report, limits: Sequence[Limit]) -> list[Table]:
    """Every table of a report that has something to say."""
    chosen = time_tables(report) if report.results else []
    if report.figures:
        chosen.append(executive_table(report))
    if report.weights:
        chosen.append(memory_table(report))
    return [*chosen, limits_table(limits, smoke=report.smoke)]


def plain(table: Table) -> str:
    """A table as text: aligned with spaces, one row a line."""
    grid = [list(table.header), *map(list, table.rows)]
    widths = [max(len(row[i]) for row in grid) for i in range(len(table.header))]
    lines = [table.title]
    for row in grid:
        cells = [
            text.ljust(width) if index == 0 or table.left else text.rjust(width)
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def show_rich(table: Table) -> None:
    """Draws a table on the terminal."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    styles = {"met": "green", "NOT MET": "bold red", "FAILED": "bold red", "NOT MEASURED": "dim"}
    grid = RichTable(title=table.title, title_justify="left")
    for index, name in enumerate(table.header):
        grid.add_column(name, justify="left" if index == 0 or table.left else "right", overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(text, style=styles.get(text, "")) for text in row))
    Console().print(grid)


def show(report: Report, limits: Sequence[Limit]) -> None:
    """Prints the whole report on stdout."""
    drawn = sys.stdout.isatty() and importlib.util.find_spec("rich") is not None
    print(machine_line(report) + "\n")
    for table in tables(report, limits):
        if drawn:
            show_rich(table)
        else:
            print(plain(table))
    for line in reasons(report):
        print(line)
