"""Owns reports that nobody measured, for tests of what the benchmarks make of them."""

from __future__ import annotations

from bench import limits
from bench.results import Cell, Figure, Report, Result, Weight

MACHINE = {
    "cpu": "a <fast> & cheap one",
    "cores": 2,
    "kernel": "Linux 6.1",
    "python": "3.11",
    "picobox": None,
    "date": "2026-01-01T00:00:00+00:00",
    "load": 0.1,
    "peers": {"strace": "6.1"},
}
SHORT = {
    "trace": "trace+linux",
    "trace_nt": "trace+nt",
    "walls_nt": "walls+nt",
    "gate_nt": "gate+nt",
    "traced_nt": "traced+nt",
}


def result(name: str, **seconds: float | str) -> Result:
    """A row whose cells hold one sample each; a text stands for a reason why there is none."""
    cells = {
        SHORT.get(column, column.replace("_", "-")): (Cell(missing=value) if isinstance(value, str) else Cell([value]))
        for column, value in seconds.items()
    }
    return Result(name, "what it does", "call", cells)


def report(
    *results: Result, weights: tuple[Weight, ...] = (), figures: tuple[Figure, ...] = (), smoke: bool = False
) -> Report:
    names = list(dict.fromkeys(column for r in results for column in r.cells))
    return Report(MACHINE, {"rounds": 1}, names, list(results), list(weights), list(figures), smoke)


def verdicts(made: Report) -> dict[str, tuple[str, str]]:
    return {limit.what: (limit.value_text(), limit.verdict) for limit in limits.judge(made)}


def verdict(made: Report, words: str) -> tuple[str, str]:
    (found,) = [pair for what, pair in verdicts(made).items() if words in what]
    return found
