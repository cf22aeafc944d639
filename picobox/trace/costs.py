"""Owns the counts of `picobox trace -c`: calls, errors, and their time in the kernel and in picobox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from picobox.abi.table import BY_NR

if TYPE_CHECKING:
    from picobox.trace.event import Event

HEADINGS = ("% time", "native", "translated", "usecs/call", "calls", "errors", "system call", "NT service")
NUMBERS = frozenset(range(6))
_SECOND = 1_000_000_000


class Cost(NamedTuple):
    """What calls of one number have cost; times are elapsed ns."""

    nr: int
    calls: int
    errors: int
    native: int
    translated: int


class Costs:
    """Collects what is counted; as a renderer it shows no event, since all that there is stands in the table."""

    wants_values = False

    def __init__(self) -> None:
        self._translated: dict[int, int] = {}

    def render(self, event: Event) -> str:
        """Nothing."""
        del event
        return ""

    def took(self, nr: int, nanoseconds: int) -> None:
        """A call of this number was here for so long."""
        self._translated[nr] = self._translated.get(nr, 0) + nanoseconds

    def found(self, counts: Any) -> list[Cost]:
        """The costs of all calls that were counted (struct pb_trace_count, by number), the dearest first."""
        costs = [
            Cost(nr, count.calls, count.errors, count.elapsed, self._translated.get(nr, 0))
            for nr, count in enumerate(counts)
            if count.calls
        ]
        return sorted(costs, key=lambda cost: (-(cost.native + cost.translated), cost.nr))


def rows(costs: list[Cost]) -> list[tuple[str, ...]]:
    """The lines of the table under HEADINGS, the sums last; as `strace -c` has them."""
    whole = sum(cost.native + cost.translated for cost in costs)
    sums = Cost(
        -1,
        sum(cost.calls for cost in costs),
        sum(cost.errors for cost in costs),
        sum(cost.native for cost in costs),
        sum(cost.translated for cost in costs),
    )
    return [_row(cost, whole) for cost in (*costs, sums)]


def _row(cost: Cost, whole: int) -> tuple[str, ...]:
    time = cost.native + cost.translated
    row = BY_NR.get(cost.nr)
    name = "total" if cost.nr < 0 else row.name if row is not None else f"syscall_{cost.nr:#x}"
    return (
        f"{100 * time / whole if whole else 0:.2f}",
        f"{cost.native / _SECOND:.6f}",
        f"{cost.translated / _SECOND:.6f}",
        f"{time / cost.calls / 1000 if cost.calls else 0:.1f}",
        str(cost.calls),
        str(cost.errors or ""),
        name,
        (row.nt or "") if row is not None else "",
    )
