"""Draws what pages of docs/ take from the source: the calls of the table, the verbs, the faults, the figures."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import NamedTuple

from interface.parsers import verbs

from bench.plot import BAR, GAP, WIDTH, text
from picobox.abi.table import ROWS
from picobox.cli.syscalls import as_markdown
from picobox.faults import FAULTS

README = Path(__file__).parent.parent / "README.md"
_COLOUR = "#1d7a46"
# The axis ends here; a longer bar would be one that its label tells.
_MOST = 3.0
# Room for the names of what was measured, and for the numbers of the axis.
_LEFT, _TOP = 250, 30


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def calls() -> str:
    """Every system call, as picobox/abi/table.py has it."""
    return as_markdown(ROWS)


def commands() -> str:
    """The help of every verb."""
    parts = []
    for verb in verbs():
        title = "picobox" if verb.words == ("run",) else f"picobox {' '.join(verb.words)}"
        help_text = verb.parser().format_help().rstrip()
        parts.append(f"## {title}\n\n```text\n{help_text}\n```\n")
    return "\n".join(parts)


def faults() -> str:
    """What --faithful brings back."""
    return _table(("fault", "what WSL1 does"), [(f"`{fault.name}`", fault.what) for fault in FAULTS])


def numbers() -> str:
    """README's figures, which stand there alone."""
    return _section("Numbers")


def security() -> str:
    """README's words on security, which stand there alone."""
    return _section("Security")


def _section(title: str) -> str:
    body = README.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    if not body:
        raise ValueError(f"README.md has no section {title}")
    return re.sub(r"\]\(docs/", "](", body).strip()


class Figure(NamedTuple):
    """How long something takes natively (empty: it cannot be done) and under picobox, and how many times that is."""

    name: str
    native: str
    here: str
    ratio: float

    def label(self) -> str:
        """What stands behind its bar."""
        times = f"{self.native} to {self.here}" if self.native and self.here else self.here
        return ", ".join(filter(None, (f"{self.ratio:g} x", times)))


def figures() -> list[Figure]:
    """The lines of README's first table of figures that tell a ratio."""
    table = numbers().partition("\n|---|")[2].partition("\n\n")[0]
    found = []
    for line in table.splitlines()[1:]:
        name, native, here, times, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        if times.endswith(" x"):
            found.append(Figure(name, native, here, float(times.split()[0])))
    return found


def plot() -> str:
    """The ratios of README's first table as bars: 1 is as long as natively."""
    rows = figures()
    height = _TOP + len(rows) * (BAR + GAP)
    scale = WIDTH / _MOST
    parts = []
    for tick in (0.0, 1.0, 2.0, 3.0):
        x = _LEFT + tick * scale
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{height}" stroke="#ddd"/>')
        parts.append(text(x, _TOP - 10, f"{tick:g} x", anchor="middle", size=10, colour="#666"))
    for number, figure in enumerate(rows):
        y = _TOP + number * (BAR + GAP)
        length = min(figure.ratio, _MOST) * scale
        parts.append(text(_LEFT - 6, y + BAR - 2, figure.name.replace("`", ""), anchor="end", size=10))
        parts.append(f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{_COLOUR}"/>')
        parts.append(text(_LEFT + length + 4, y + BAR - 2, figure.label(), size=9))
    width = _LEFT + WIDTH + 150
    label = escape("Time under picobox, against native")
    return (
        f'```{{raw}} html\n<svg viewBox="0 0 {width} {height + 10}" role="img" aria-label="{label}" '
        f'font-family="sans-serif" style="background: #fff">{"".join(parts)}</svg>\n```'
    )
