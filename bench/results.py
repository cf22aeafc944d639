"""The record of a run: samples, medians and ratios, and the JSON that carries them."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.columns import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bench.limits import Limit

SCHEMA = 1
SECONDS, BYTES = "s", "B"
BARE = ("bare", "bare-pinned")


@dataclass
class Cell:
    """What one column did in one row: samples in seconds, or the reason why there is no number."""

    samples: list[float] = field(default_factory=list)
    missing: str | None = None
    failed: str | None = None

    @property
    def median(self) -> float | None:
        """The median of the samples in seconds; None when the cell holds no trustworthy number."""
        if self.failed is not None or self.missing is not None or not self.samples:
            return None
        return statistics.median(self.samples)

    def why(self) -> str:
        """The word that stands in place of a number."""
        return "FAILED" if self.failed is not None else "NOT MEASURED"

    def record(self) -> dict[str, Any]:
        """The cell as JSON values: either the median and its samples, or `failed`, or `not_measured`."""
        if self.failed is not None:
            return {"failed": self.failed}
        if self.median is None:
            return {"not_measured": self.missing or "no run"}
        return {"median": self.median, "samples": self.samples}


@dataclass
class Result:
    """One row of a report with a cell for each column."""

    name: str
    what: str
    kind: str
    cells: dict[str, Cell]

    def median(self, column: str) -> float | None:
        """The median of a column in seconds; None when it was not measured."""
        cell = self.cells.get(column)
        return None if cell is None else cell.median

    def bare(self) -> float | None:
        """The faster of the two bare loops in seconds: the mechanism's limit wherever the scheduler puts it."""
        medians = [median for median in map(self.median, BARE) if median is not None]
        return min(medians, default=None)

    def to_native(self, column: str) -> float | None:
        """How many times as long as natively the column took."""
        return ratio(self.median(column), self.median("native"))

    def to_bare(self, column: str) -> float | None:
        """How many times as long as under the faster bare loop the column took."""
        return ratio(self.median(column), self.bare())


@dataclass
class Weight:
    """Memory of one supervisor, in bytes: resident size at each mark (a number of operations), and its highest."""

    column: str
    operation: str
    marks: tuple[int, int]
    resident: list[tuple[int, int]] = field(default_factory=list)
    peak: int | None = None
    missing: str | None = None
    failed: str | None = None

    @property
    def growth(self) -> int | None:
        """Bytes added between the first and the last mark; None when there are not two marks."""
        if self.failed is not None or self.missing is not None or len(self.resident) < 2:
            return None
        return self.resident[-1][1] - self.resident[0][1]

    def record(self) -> dict[str, Any]:
        """The weight as JSON values."""
        head: dict[str, Any] = {"column": self.column, "operation": self.operation}
        if self.failed is not None:
            return head | {"failed": self.failed}
        if self.missing is not None:
            return head | {"not_measured": self.missing}
        marks = [{"count": count, "resident": resident} for count, resident in self.resident]
        return head | {"marks": marks, "growth": self.growth, "peak": self.peak}


@dataclass
class Figure:
    """One number that needs no column: the time of what the executive does, or what something else takes."""

    name: str
    what: str
    cell: Cell
    unit: str = SECONDS

    def record(self) -> dict[str, Any]:
        """The figure as JSON values, in seconds or in its unit."""
        unit = {} if self.unit == SECONDS else {"unit": self.unit}
        return {"name": self.name, "what": self.what} | unit | self.cell.record()


@dataclass
class Report:
    """Everything that one run of the benchmarks found out; `smoke` says that it was too short to judge by."""

    machine: dict[str, Any]
    options: dict[str, Any]
    columns: list[str]
    results: list[Result]
    weights: list[Weight] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    smoke: bool = False

    def result(self, name: str) -> Result | None:
        """The row of that name, if it was asked for."""
        return next((result for result in self.results if result.name == name), None)

    def weight(self, column: str, operation: str) -> Weight | None:
        """The weight of a column's supervisor over an operation, if it was taken."""
        return next((w for w in self.weights if (w.column, w.operation) == (column, operation)), None)

    def figure(self, name: str) -> Figure | None:
        """The figure of that name, if it was taken."""
        return next((figure for figure in self.figures if figure.name == name), None)

    def failures(self) -> list[str]:
        """One line for everything of ours that went wrong: what another project cannot run is told in its cell."""
        cells = [
            f"{result.name} under {column}: {cell.failed}"
            for result in self.results
            for column, cell in result.cells.items()
            if cell.failed is not None and column not in PEERS
        ]
        weights = [
            f"memory of {weight.column} ({weight.operation}): {weight.failed}"
            for weight in self.weights
            if weight.failed is not None
        ]
        figures = [f"{figure.name}: {figure.cell.failed}" for figure in self.figures if figure.cell.failed is not None]
        return cells + weights + figures

    def record(self, limits: Iterable[Limit]) -> dict[str, Any]:
        """The report as JSON values; times in seconds, memory in bytes."""
        rows = [
            {
                "name": result.name,
                "what": result.what,
                "kind": result.kind,
                "cells": {
                    column: cell.record() | {"to_native": result.to_native(column), "to_bare": result.to_bare(column)}
                    for column, cell in result.cells.items()
                },
            }
            for result in self.results
        ]
        return {
            "schema": SCHEMA,
            "machine": self.machine,
            "options": self.options,
            "columns": self.columns,
            "rows": rows,
            "executive": [figure.record() for figure in self.figures],
            "memory": [weight.record() for weight in self.weights],
            "limits": [limit.record() for limit in limits],
        }

    def write(self, path: Path, limits: Iterable[Limit]) -> None:
        """Writes the JSON form to a file."""
        path.write_text(json.dumps(self.record(limits), indent=1) + "\n", encoding="utf-8")


def ratio(value: float | None, base: float | None) -> float | None:
    """The quotient of two medians; None when either is missing or the base is nothing."""
    if value is None or not base:
        return None
    return value / base
