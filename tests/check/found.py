"""Runs programs under picobox check and gives what it found, by the JSON report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from picobox.findings.record import loads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.findings.finding import Finding

REPOSITORY = Path(__file__).parents[2]
TIMEOUT = 120


class Found(NamedTuple):
    """A finding, with the file's path below the directory of the run, or as it is."""

    rule: str
    severity: str
    status: int
    path: str
    call: str
    times: int
    process: str
    others: list[list[str]]
    line: int | None


class Outcome(NamedTuple):
    """How a run ended, what the program wrote, what was found."""

    status: int
    output: str
    errors: str
    found: list[Found]

    def rules(self) -> list[tuple[str, str]]:
        """Rules and paths, in order."""
        return [(each.rule, each.path) for each in self.found]


def check(directory: Path, *words: str | Path, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run `picobox check WORDS` in a directory, with one below it for temporary files."""
    temporary = directory.parent / f"{directory.name}.tmp"
    temporary.mkdir(exist_ok=True)
    report = directory.parent / f"{directory.name}.json"
    report.unlink(missing_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PICOBOX")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "picobox",
            "check",
            "-q",
            "--format",
            "json",
            "-o",
            report,
            "--fail-on",
            "never",
            *words,
        ],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(temporary), "LC_ALL": "C", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert report.exists(), done
    prefix = f"{directory.resolve()}/"
    return Outcome(
        done.returncode,
        done.stdout,
        done.stderr,
        [_found(each, prefix) for each in loads(report.read_text(), str(report)).findings],
    )


def _found(finding: Finding, prefix: str) -> Found:
    return Found(
        finding.rule,
        finding.severity,
        finding.status,
        finding.path.removeprefix(prefix),
        finding.side.call,
        finding.count,
        finding.side.process.name,
        [[other.process.name, other.share] for other in finding.others],
        None if finding.site is None else finding.site.line,
    )
