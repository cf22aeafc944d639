"""Keeps what the last run of each suite has shown, and writes it into docs/corpus.md as a table."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from inputs import REPOSITORY

from .environment import ENVIRONMENTS
from .run import caches_of, run
from .verdict import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .suite import Suite

DOCUMENT = REPOSITORY / "docs" / "corpus.md"
BEGIN, END = "<!-- suites: written by `python -m tests.suites --table` -->", "<!-- end of suites -->"
COLUMNS = (
    "suite", "tests", "skipped", "differ under check", "rightly found", "false alarms", "native", "check", "ratio",
    "first check",
)  # fmt: skip
HEAD = (f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}")


def both(suite: Suite, base: Path) -> Verdict:
    """Run a suite natively and twice under check in `base`, and keep what it has shown.

    The first check finds no caches of picobox's, the second those of the first; both count for what is found.
    """
    native = run(suite, base, check=False)
    first = run(suite, base, check=True)
    earlier = judge(suite, native, first, base)
    with tempfile.TemporaryDirectory(prefix="c") as folder:
        caches = shutil.copytree(caches_of(base), Path(folder) / "picobox", symlinks=True)
        verdict = judge(suite, native, run(suite, base, check=True, caches=caches), base)
    verdict = verdict._replace(
        first_check=first.seconds,
        differing=tuple(sorted({*verdict.differing, *earlier.differing})),
        false_alarms=max(verdict.false_alarms, earlier.false_alarms, key=len),
    )
    path = _kept(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(json.dumps(verdict._asdict()))
    part.replace(path)
    return verdict


def _kept(suite: Suite) -> Path:
    return ENVIRONMENTS / "verdicts" / f"{suite.name}-{suite.version}.json"


def write_table(suites: Mapping[str, Suite]) -> None:
    """Put the table in its place. A suite that has not run yet is an error: FileNotFoundError."""
    verdicts = [Verdict(**json.loads(_kept(suite).read_text())) for suite in suites.values()]
    before, rest = DOCUMENT.read_text().split(BEGIN)
    lines = [BEGIN, "", *HEAD, *map(row, verdicts), "", END]
    DOCUMENT.write_text(before + "\n".join(lines) + rest.partition(END)[2])


def row(verdict: Verdict) -> str:
    """A suite's line."""
    legitimate = ", ".join(f"{count} x {rule}" for rule, count in verdict.legitimate.items()) or "0"
    cells = (
        f"{verdict.name} {verdict.version}",
        f"{verdict.tests:,}",
        f"{verdict.skipped:,}",
        str(len(verdict.differing)),
        legitimate,
        str(len(verdict.false_alarms)),
        f"{verdict.native:.1f} s",
        f"{verdict.check:.1f} s",
        f"{verdict.ratio:.2f}",
        f"{verdict.first_check:.1f} s",
    )
    return f"| {' | '.join(cells)} |"
