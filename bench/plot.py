"""Draws the ratios of a report as bars on a logarithmic axis, in SVG written by hand."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from bench.render import machine_line, median_text, times

if TYPE_CHECKING:
    from bench.results import Report, Result

COLOURS = {
    "bare": "#9aa5b1",
    "bare-pinned": "#616e7c",
    "trace+linux": "#0b69a3",
    "trace+nt": "#1d7a46",
    "walls+nt": "#12512e",
    "gate+nt": "#6bbf59",
    "traced+nt": "#b5d99c",
    "reference+linux": "#62b0e8",
    "reference+nt": "#6cc59a",
    "strace": "#de911d",
    "proot": "#8d2b0b",
    "runsc": "#c0562d",
}
LEFT, WIDTH, RIGHT = 190, 560, 150
BAR, GAP, TOP = 11, 14, 72


def text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 11, colour: str = "#222") -> str:
    """One line of text."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{colour}">{escape(words)}</text>'


def bar(result: Result, column: str, y: float, decades: int) -> list[str]:
    """The bar of one cell with its ratio and median, or the word that stands for a number."""
    ratio = result.to_native(column)
    if ratio is None:
        return [text(LEFT + 4, y + BAR - 2, f"{column}: {median_text(result, column)}", size=9, colour="#888")]
    length = max(math.log10(max(ratio, 1.0)) / decades * WIDTH, 1.0)
    label = f"{times(ratio)}, {median_text(result, column)}"
    return [
        f'<rect x="{LEFT}" y="{y:.1f}" width="{length:.1f}" height="{BAR - 1}" fill="{COLOURS[column]}"/>',
        text(LEFT + length + 4, y + BAR - 2, label, size=9),
    ]


def axis(decades: int, bottom: float) -> list[str]:
    """A line and a label at each power of ten."""
    parts = []
    for power in range(decades + 1):
        x = LEFT + WIDTH * power / decades
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="#ddd"/>')
        parts.append(text(x, TOP - 10, f"{10**power}x", anchor="middle", size=10, colour="#666"))
    return parts


def legend(columns: list[str]) -> list[str]:
    """A coloured square and a name for each column."""
    parts, x = [], float(LEFT)
    for column in columns:
        parts.append(f'<rect x="{x:.1f}" y="36" width="10" height="10" fill="{COLOURS[column]}"/>')
        parts.append(text(x + 14, 45, column))
        x += 30 + 6.5 * len(column)
    return parts


def draw(report: Report) -> str:
    """The plot of a report: a group of bars for each row, times native, one decade an equal width."""
    columns = [column for column in report.columns if column in COLOURS]
    ratios = [result.to_native(column) or 1.0 for result in report.results for column in columns]
    decades = max(1, math.ceil(math.log10(max(ratios, default=1.0))))
    group = BAR * len(columns) + GAP
    bottom = TOP + group * len(report.results)
    parts = [*axis(decades, bottom), *legend(columns)]
    for index, result in enumerate(report.results):
        middle = TOP + group * index + (group - GAP) / 2
        parts.append(text(LEFT - 8, middle + 2, result.name, anchor="end"))
        parts.append(text(LEFT - 8, middle + 13, median_text(result, "native"), anchor="end", size=9, colour="#666"))
        for offset, column in enumerate(columns):
            parts += bar(result, column, TOP + group * index + BAR * offset, decades)
    width, height = LEFT + WIDTH + RIGHT, bottom + 12
    size = f'width="{width}" height="{height}"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect {size} fill="#fff"/>',
        text(12, 20, "Time of a run against native (1x), logarithmic", size=13),
        text(12, height - 3, machine_line(report), size=8, colour="#888"),
    ]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"
