"""Single calls, natively and translated: `python bench/calls.py` runs alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.columns import FOLDING
from bench.runner import Row

if TYPE_CHECKING:
    from bench.build import Programs
    from bench.inputs import Scale

PLAIN = {
    "getppid": "an intercepted call that the kernel then runs unchanged (NATIVE)",
    "close_range(1-0)": "a call without a path that a handler decides (CALL), here with an empty range",
    "pread": "4 KiB from the page cache",
    "lseek": "to the start of a file",
    "fstat": "of an open file",
    "stat-hit": "of a file that is there, absolute name",
    "stat-miss": "of a file that is not there, absolute name",
    "stat-miss-new": "of a file that is not there, another name each time",
    "open+close": "of a file that is there, absolute name",
    "ping-pong": "one byte there and back through two pipes, two processes",
    "fork+wait": "a child that exits at once",
}


def rows(programs: Programs, directory: Path, scale: Scale) -> list[Row]:
    """One row for each call; every run calibrates its own number of iterations to the scale's budget."""

    def row(name: str, what: str, call: str, program: Path, only: tuple[str, ...] = ()) -> Row:
        command = (str(programs.calls), call, str(scale.budget_ms), str(program))
        return Row(name, what, "call", command, directory, clock="program", only=only)

    plain = [row(name, what, name, programs.true_static) for name, what in PLAIN.items()]
    return [
        *plain,
        row("stat-folded", "as stat-hit, the name in another case", "stat-folded", programs.true_static, FOLDING),
        row("open-folded", "as open+close, the name in another case", "open-folded", programs.true_static, FOLDING),
        row("fork+exec+wait", "a static program that exits at once", "fork+exec+wait", programs.true_static),
        row("fork+exec+wait-dynamic", "the same program linked to libc", "fork+exec+wait", programs.true_dynamic),
    ]


if __name__ == "__main__":
    from bench.session import main

    sys.exit(main("bench/calls.py", [rows]))
