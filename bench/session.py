"""One run of the benchmarks from its command line to its exit status."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import (
    columns,
    crowd,
    executive,
    inputs,
    instances,
    limits,
    machine,
    memory,
    plot,
    render,
    runner,
    scan,
    watched,
)
from bench.build import BuildError, Programs, build
from bench.results import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    RowMaker = Callable[[Programs, Path, inputs.Scale], list[runner.Row]]

# What can be asked for beside rows.
EXECUTIVE = "executive"
MEMORY = "memory"
NAMES = "names"
INSTANCES = "instances"
WATCHED = "watched"
SMOKE_COMMAND_TIMEOUT_S = 20.0


class Options(NamedTuple):
    """What the command line asked for."""

    rounds: int
    rows: tuple[str, ...] | None
    columns: tuple[str, ...]
    pin: bool
    smoke: bool
    output: Path | None
    plot: Path | None


def names(value: str) -> tuple[str, ...]:
    """The parts of a comma-separated list."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def positive(value: str) -> int:
    """A count of at least one."""
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def parse(program: str, argv: Sequence[str] | None = None) -> Options:
    """Reads the command line; a mistake ends with status 2 and one line."""
    parser = argparse.ArgumentParser(prog=program, description="Compares ways of running Linux programs.")
    parser.add_argument("--rounds", type=positive, default=None, help="runs of each cell (default 5, with --smoke 1)")
    parser.add_argument("--rows", type=names, help="only these rows, separated by commas")
    parser.add_argument("--columns", type=names, default=columns.NAMES, help=f"of {', '.join(columns.NAMES)}")
    parser.add_argument("--pin", action="store_true", help="keep each run on one CPU (rows that need two excepted)")
    parser.add_argument("--smoke", action="store_true", help="a little of everything, to see that all of it works")
    parser.add_argument("-o", "--output", type=Path, help="write the report to a file as JSON")
    parser.add_argument("--plot", type=Path, help="write the ratios to a file as SVG")
    given = parser.parse_args(argv)
    unknown = [name for name in given.columns if name not in columns.NAMES]
    if unknown or not given.columns:
        parser.error(f"unknown columns {', '.join(unknown)}; there are {', '.join(columns.NAMES)}")
    rounds = given.rounds or (1 if given.smoke else 5)
    return Options(rounds, given.rows, given.columns, given.pin, given.smoke, given.output, given.plot)


def choose(
    every: list[runner.Row], wanted: tuple[str, ...] | None, extras: Collection[str]
) -> tuple[list[runner.Row], set[str]]:
    """The rows and the extras asked for, which are all by default; raises ValueError for a name that nothing has."""
    if wanted is None:
        return every, set(extras)
    known = [*(row.name for row in every), *extras]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise ValueError(f"unknown rows {', '.join(unknown)}; there are {', '.join(known)}")
    return [row for row in every if row.name in wanted], set(extras).intersection(wanted)


def measure(options: Options, makers: Sequence[RowMaker], extras: Collection[str], scratch: Path) -> Report:
    """Builds the programs, makes the inputs and takes every sample, all inside a scratch directory."""
    work = scratch / "work"
    work.mkdir()
    programs = build(scratch)
    scale = inputs.SMOKE if options.smoke else inputs.FULL
    every = [row for make in makers for row in make(programs, work, scale)]
    rows, asked = choose(every, options.rows, extras)
    chosen = columns.find(programs, options.columns)
    probes = runner.probe(chosen, work, programs.true_dynamic)
    facts = machine.facts() | {"peers": columns.versions(chosen)}
    timeout_s = SMOKE_COMMAND_TIMEOUT_S if options.smoke else runner.TIMEOUT_S
    results = runner.measure(rows, chosen, probes, runner.Manner(options.rounds, options.pin, timeout_s))
    figures = executive.measure(scratch, scale, columns.not_installed()) if EXECUTIVE in asked else []
    weights = [
        weight
        for column in chosen
        if MEMORY in asked and column.name == columns.WEIGHED
        for weight in memory.weigh(column, probes.get(column.name), programs.marks, work, scale.marks)
    ]
    given = {"rounds": options.rounds, "pin": options.pin, "smoke": options.smoke, "scale": scale._asdict()}
    if EXECUTIVE in asked:
        more, weight = crowd.measure(scratch, scale, columns.not_installed())
        figures += more
        weights.append(weight)
    if NAMES in asked:
        figures += scan.measure(scratch, scale, columns.not_installed())
    if WATCHED in asked:
        figures += watched.measure(scratch, programs, scale, columns.not_installed())
    if INSTANCES in asked:
        figures += instances.measure(scratch, smoke=options.smoke)
    return Report(facts, given, [column.name for column in chosen], results, weights, figures, options.smoke)


def main(program: str, makers: Sequence[RowMaker], extras: Collection[str] = ()) -> int:
    """Runs the rows of the makers, and the extras (EXECUTIVE, MEMORY, ...), and shows the report.

    Returns 0; 1 if something that is installed failed or returned nonsense; 2 for a mistake on the command line or a
    machine that cannot build the programs.
    """
    options = parse(program)
    with tempfile.TemporaryDirectory(prefix="picobox-bench-") as scratch:
        try:
            report = measure(options, makers, extras, Path(scratch))
        except (BuildError, ValueError) as error:
            print(f"{program}: {error}", file=sys.stderr)
            return 2
    judged = limits.judge(report)
    render.show(report, judged)
    if options.output is not None:
        report.write(options.output, judged)
    if options.plot is not None:
        options.plot.write_text(plot.draw(report), encoding="utf-8")
    failures = report.failures()
    if failures:
        print(f"{program}: {len(failures)} failed, the first: {failures[0]}", file=sys.stderr)
    return 1 if failures else 0
