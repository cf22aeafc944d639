"""The bounds that the project set itself, and whether one run of the benchmarks meets them."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from bench import crowd, executive, scan
from bench.columns import WEIGHED
from bench.inputs import FULL
from bench.memory import OPERATIONS
from bench.results import ratio
from bench.watched import BUILDS

if TYPE_CHECKING:
    from bench.results import Report

NT = "trace+nt"
WALLS = "walls+nt"
GATE = "gate+nt"
TRACED = "traced+nt"
# Natively a workload takes at least so many seconds to count in the mean.
LONG_S = 0.1
NO_RUN = "no number in this run"


class Limit(NamedTuple):
    """A bound and the value found; `value` is None when this run did not measure it."""

    what: str
    bound: float
    unit: str
    value: float | None
    strict: bool = False

    @property
    def verdict(self) -> str:
        """`met`, `NOT MET`, or `NOT MEASURED`."""
        if self.value is None:
            return "NOT MEASURED"
        met = self.value < self.bound if self.strict else self.value <= self.bound
        return "met" if met else "NOT MET"

    def bound_text(self) -> str:
        """The bound with its comparison and unit."""
        return f"{'<' if self.strict else '<='} {self.bound:g} {self.unit}"

    def value_text(self) -> str:
        """The value with its unit, or why there is none."""
        return NO_RUN if self.value is None else f"{self.value:.2f} {self.unit}"

    def record(self) -> dict[str, Any]:
        """The limit as JSON values."""
        return {
            "what": self.what,
            "bound": self.bound_text(),
            "value": self.value,
            "unit": self.unit,
            "verdict": self.verdict,
        }


def seconds(report: Report, row: str, column: str) -> float | None:
    """A median of the report in seconds, if it was measured."""
    result = report.result(row)
    return None if result is None else result.median(column)


def difference(value: float | None, base: float | None, scale: float) -> float | None:
    """How much more the value is than its base, in units of 1/scale."""
    return None if value is None or base is None else (value - base) * scale


def time_limits(report: Report) -> list[Limit]:
    """The bounds on time, all from medians of this run."""
    getppid, make = report.result("getppid"), report.result("make-j2")
    native_call = seconds(report, "getppid", WEIGHED)
    python_call = difference(seconds(report, "close_range(1-0)", WEIGHED), native_call, 1e6)
    start = difference(seconds(report, "true", WEIGHED), seconds(report, "true", "native"), 1e3)
    together = ratio(seconds(report, "cpu-together", WEIGHED), seconds(report, "cpu-alone", WEIGHED))
    return [
        Limit(
            "one intercepted NATIVE call (getppid) against the faster bare loop",
            1.2,
            "x",
            None if getppid is None else getppid.to_bare(WEIGHED),
        ),
        Limit("a pathless CALL in Python (close_range) over one NATIVE call", 10, "us", python_call),
        Limit("start-up of /bin/true over native", 60, "ms", start),
        Limit("two CPU-bound guests together against one alone", 1.1, "x", together),
        Limit("make -j2 against native", 2.5, "x", None if make is None else make.to_native(WEIGHED)),
    ]


def memory_limits(report: Report) -> list[Limit]:
    """The bounds on the supervisor's memory; 1 MB is 10^6 bytes."""
    weights = [weight for weight in report.weights if weight.column == WEIGHED]
    peaks = [weight.peak for weight in weights if weight.peak is not None and weight.failed is None]
    limits = [Limit("the supervisor's memory at its highest", 40, "MB", max(peaks) / 1e6 if peaks else None)]
    for operation in OPERATIONS:
        weight = report.weight(WEIGHED, operation)
        first, last = FULL.marks if weight is None else weight.marks
        grown = None if weight is None or weight.growth is None else weight.growth / 1e6
        what = f"the supervisor's growth from {first:,} to {last:,} {operation}"
        limits.append(Limit(what, 2, "MB", grown, strict=True))
    return limits


def executive_limits(report: Report) -> list[Limit]:
    """The bounds on what the executive and the folded index cost by themselves."""

    def microseconds(name: str) -> float | None:
        figure = report.figure(name)
        return None if figure is None or figure.cell.median is None else figure.cell.median * 1e6

    names = f"a folded lookup among {FULL.names:,} names, its check for changes included"
    return [
        Limit(names, 3, "us", microseconds(executive.FOLDED_WARM)),
        Limit(
            "an open of an object three levels deep in the namespace", 5, "us", microseconds(executive.NAMESPACE_OPEN)
        ),
        Limit("a handle lookup, through a service", 5, "us", microseconds(executive.HANDLE_LOOKUP)),
        Limit("a share check", 5, "us", microseconds(executive.SHARE_CHECK)),
    ]


def crowd_limits(report: Report) -> list[Limit]:
    """The bounds on a million handles and a million names: the memory of all, and what an operation costs more."""
    weight = report.weight(executive.COLUMN, crowd.OBJECTS)
    few, many = FULL.crowds if weight is None else weight.marks
    medians = {figure.name: figure.cell.median for figure in report.figures}
    growths = {
        operation: ratio(
            medians.get(crowd.figure_name(operation, many)), medians.get(crowd.figure_name(operation, few))
        )
        for operation in crowd.OPERATIONS
    }
    peak = None if weight is None or weight.failed is not None or weight.peak is None else weight.peak / 1e6
    return [
        Limit(f"memory of {many:,} handles and {many:,} named objects", 1000, "MB", peak),
        *(
            Limit(f"{operation} among {many:,} of them against {few:,}", 2, "x", grown)
            for operation, grown in growths.items()
        ),
    ]


def nt_limits(report: Report) -> list[Limit]:
    """The bounds on calls with names under the profile nt, against PRoot in the same run."""
    rows = {"stat-hit": "stat of a file that is there", "open+close": "open and close of a file that is there"}
    return [
        Limit(
            f"{what}, under nt against PRoot", 2.5, "x", ratio(seconds(report, row, NT), seconds(report, row, "proot"))
        )
        for row, what in rows.items()
    ]


def walls_limits(report: Report) -> list[Limit]:
    """The bounds on what walls cost, against a run without them under the same profile."""

    def times(row: str) -> float | None:
        return ratio(seconds(report, row, WALLS), seconds(report, row, NT))

    start = difference(seconds(report, "true", WALLS), seconds(report, "true", NT), 1e3)
    return [
        Limit("what walls add to the start of /bin/true", 15, "ms", start),
        Limit("walls against none: getppid", 1.03, "x", times("getppid")),
        Limit("walls against none: stat", 1.2, "x", times("stat-hit")),
        Limit("walls against none: an open and its close", 1.2, "x", times("open+close")),
    ]


# Of single calls, through the gate against native: what it is called, its row, and the bound.
_GATED = (
    ("getppid", "getppid", 1.3),
    ("pread of 4 KiB", "pread", 1.3),
    ("lseek", "lseek", 1.3),
    ("fstat", "fstat", 1.3),
    ("a ping-pong through pipes", "ping-pong", 1.3),
    ("stat", "stat-hit", 1.5),
    ("an open and its close", "open+close", 1.5),
    ("a missing name, stat, seen before", "stat-miss", 2),
    ("a missing name, stat, new", "stat-miss-new", 15),
    ("fork and wait", "fork+wait", 2),
    ("fork, exec of a static program, wait", "fork+exec+wait", 2),
    ("fork, exec of a dynamic program, wait", "fork+exec+wait-dynamic", 2),
)


def gate_limits(report: Report) -> list[Limit]:
    """The bounds on what a confined program costs with the gate, against native."""

    def times(row: str, column: str = GATE) -> float | None:
        return ratio(seconds(report, row, column), seconds(report, row, "native"))

    # Natively there is no such name in another case: what is there is the yardstick.
    folded = {
        "stat-folded": ("stat in another case", "stat-hit"),
        "open-folded": ("an open in another case, and its close", "open+close"),
    }
    start = difference(seconds(report, "true", GATE), seconds(report, "true", "native"), 1e3)
    return [
        *(Limit(f"gate against native: {what}", bound, "x", times(row)) for what, row, bound in _GATED),
        *(
            Limit(
                f"gate against native: {what}",
                12,
                "x",
                ratio(seconds(report, row, GATE), seconds(report, exact, "native")),
            )
            for row, (what, exact) in folded.items()
        ),
        Limit("gate and walls: the start of /bin/true over native", 45, "ms", start),
        Limit(
            "gate: two guests on two CPUs against one",
            1.05,
            "x",
            ratio(seconds(report, "cpu-together", GATE), seconds(report, "cpu-alone", GATE)),
        ),
        *_workload_limits(report, GATE, "gate", 1.35, 2.2),
        *_workload_limits(report, TRACED, "picobox trace -o FILE", 2, None),
    ]


def _workload_limits(report: Report, column: str, what: str, mean: float, worst: float | None) -> list[Limit]:
    """Of workloads that take long enough natively, the geometric mean of the ratios, and the largest."""
    ratios = {
        result.name: times
        for result in report.results
        if result.kind == "workload" and (seconds(report, result.name, "native") or 0) >= LONG_S
        if (times := result.to_native(column)) is not None
    }
    highest = max(ratios, key=lambda name: ratios[name], default=None)
    limits = [
        Limit(
            f"{what}: geometric mean of {len(ratios)} workloads over {LONG_S * 1000:g} ms",
            mean,
            "x",
            statistics.geometric_mean(ratios.values()) if ratios else None,
        )
    ]
    if worst is not None:
        name = "" if highest is None else f" ({highest})"
        limits.append(
            Limit(f"{what}: the worst of them{name}", worst, "x", None if highest is None else ratios[highest])
        )
    return limits


def names_limits(report: Report) -> list[Limit]:
    """The bounds on `picobox names`."""
    sources = {scan.LISTED: "on standard input", scan.INDEXED: "in a git index"}
    figures = {name: report.figure(name) for name in sources}
    return [
        Limit(
            f"picobox names on {FULL.scanned:,} names {where}",
            5,
            "s",
            None if (figure := figures[name]) is None else figure.cell.median,
            strict=True,
        )
        for name, where in sources.items()
    ]


def watched_limits(report: Report) -> list[Limit]:
    """The bound on `picobox top` beside a build."""
    alone, watched = (report.figure(name) for name in BUILDS)
    found = None if alone is None or watched is None else ratio(watched.cell.median, alone.cell.median)
    return [Limit(f"picobox top beside a build of {FULL.built:,} processes", 1.05, "x", found)]


def judge(report: Report) -> list[Limit]:
    """Every bound with the value of this run; none of them is a test, machines differ."""
    return (
        time_limits(report)
        + memory_limits(report)
        + executive_limits(report)
        + crowd_limits(report)
        + nt_limits(report)
        + walls_limits(report)
        + gate_limits(report)
        + names_limits(report)
        + watched_limits(report)
    )
