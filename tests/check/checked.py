"""Runs a Python program under `picobox check` and gives what was found."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from picobox.findings.record import loads

if TYPE_CHECKING:
    from pathlib import Path

    from picobox.findings.finding import Finding

TIMEOUT = 60


class Checked(NamedTuple):
    """A run: picobox's exit status, the program's output, what was found, in the order in which it was."""

    status: int
    stdout: str
    stderr: str
    findings: tuple[Finding, ...]

    @property
    def rules(self) -> list[str]:
        """The rules of the findings."""
        return [finding.rule for finding in self.findings]


def check(directory: Path, program: str, *options: str) -> Checked:
    """Check a program in a directory of its own; its TMPDIR is beside it."""
    work, temporary, report = directory / "work", directory / "temporary", directory / "report.json"
    work.mkdir(parents=True, exist_ok=True)
    temporary.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "picobox", "check", "--format", "json", "-o", str(report), *options, "--"]
    done = subprocess.run(
        [*command, sys.executable, "-c", program],
        cwd=work,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    found = loads(report.read_text(), str(report)).findings if report.exists() else ()
    return Checked(done.returncode, done.stdout, done.stderr, found)
