"""The verb top: what runs are busy with, second by second."""

from __future__ import annotations

import itertools
import json
import sys
from typing import TYPE_CHECKING, Any

from picobox.cli.inspect_common import NOTHING, inspect_options, shown
from picobox.cli.options import Option, Usage, wants_color
from picobox.cli.report import Table, print_tables, rendered
from picobox.cli.writing import write
from picobox.inspection.asking import Runs
from picobox.inspection.sampling import Sample, samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import SimpleNamespace

_DESCRIPTION = """Show what runs are busy with: calls per second by the NT service behind them (or by their own name),
those that were denied, those that took picobox longest to answer itself, and processes by their calls.
On a terminal it goes on until the last run has ended, or Ctrl-C; elsewhere it prints one look."""

_EXAMPLES = """examples:
  picobox top
  picobox top --count 3 --json    three looks, a JSON object on a line each

exit status: 0; 1 if nothing runs; 125 picobox itself"""
_MOST_ROWS = 10
_SECOND = 1.0
_MILLISECONDS = 1000


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("top", _DESCRIPTION, _EXAMPLES)
    own = (
        Option("--interval", type=float, metavar="SECONDS", default=_SECOND, help="between two looks; 1"),
        Option("--count", type=int, metavar="N", help="how many looks"),
    )
    options = usage.read((*own, *inspect_options()), arguments)
    if not 0 < options.interval < float("inf"):
        usage.error(f"--interval {options.interval}: write a number of seconds above 0")
    if options.count is not None and options.count < 1:
        usage.error(f"--count {options.count}: at least one look")
    is_live = sys.stdout.isatty() and not options.json
    with Runs(options.run) as runs:
        count = options.count or (None if is_live else 1)
        try:
            seen = _show(options, itertools.islice(samples(runs, options.interval), count), is_live=is_live)
        except KeyboardInterrupt:
            return 0
    if not seen:
        sys.stderr.write("picobox: nothing of yours runs under it.\n")
    return 0 if seen else NOTHING


def _show(options: SimpleNamespace, looks: Iterator[Sample], *, is_live: bool) -> bool:
    seen = False
    if is_live:
        from rich.live import Live

        with Live(console=_console(options), auto_refresh=False, screen=options.count is None) as live:
            for sample in looks:
                seen = True
                live.update(rendered(_parts(sample)), refresh=True)
        return seen
    for sample in looks:
        seen = True
        if options.json:
            write(sys.stdout, json.dumps(_json(sample)) + "\n")
        else:
            print_tables(sys.stdout, options.color, _parts(sample))
    return seen


def _console(options: SimpleNamespace) -> Any:
    from rich.console import Console

    return Console(no_color=not wants_color(options.color, sys.stdout), highlight=False)


def _parts(sample: Sample) -> list[Table | str]:
    runs = "1 run" if sample.runs == 1 else f"{sample.runs} runs"
    parts: list[Table | str] = [f"{runs}, {sample.calls:.0f} calls/s, {sample.stops:.0f} stops/s"]
    right = frozenset((0,))
    services = [(f"{rate:.0f}", name) for name, rate in _highest(sample.by_service)]
    parts.append(Table(("calls/s", "NT service"), services, right=right))
    if sample.denied:
        denied = [(f"{rate:.0f}", call, rule) for (call, rule), rate in _highest(sample.denied)]
        parts.append(Table(("denied/s", "system call", "why"), denied, right=right))
    if sample.slowest:
        slowest = sorted(sample.slowest.items(), key=lambda item: -item[1][0])[:_MOST_ROWS]
        rows = [(_milliseconds(mean), _milliseconds(longest), call) for call, (mean, longest) in slowest]
        parts.append(Table(("mean ms", "longest ms", "answered by picobox"), rows, right=frozenset((0, 1))))
    busiest = sorted(sample.processes.items(), key=lambda item: (-item[1][1], item[0]))[:_MOST_ROWS]
    processes = [(f"{rate:.0f}", str(run), str(pid), shown(name)) for (run, pid), (name, rate) in busiest]
    parts.append(Table(("calls/s", "RUN", "PID", "PROGRAM"), processes, right=frozenset((0, 1, 2))))
    if sample.left_out:
        parts.append(f"{sample.left_out} more threads were not looked at")
    return parts


def _milliseconds(seconds: float) -> str:
    return f"{seconds * _MILLISECONDS:.3f}"


def _highest(rates: Mapping[Any, float]) -> list[tuple[Any, float]]:
    return sorted(rates.items(), key=lambda item: (-item[1], str(item[0])))[:_MOST_ROWS]


def _json(sample: Sample) -> dict[str, Any]:
    return {
        "runs": sample.runs,
        "calls": sample.calls,
        "stops": sample.stops,
        "by_service": sample.by_service,
        "denied": [{"call": call, "why": rule, "calls": rate} for (call, rule), rate in sample.denied.items()],
        "slowest": [
            {"call": call, "mean": mean, "longest": longest} for call, (mean, longest) in sample.slowest.items()
        ],
        "processes": [
            {"run": run, "pid": pid, "name": name, "calls": rate}
            for (run, pid), (name, rate) in sample.processes.items()
        ],
        "left_out": sample.left_out,
    }
