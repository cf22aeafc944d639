"""Owns one run of a suite: pytest natively or under `picobox check`, how each test ended, and how long it took."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from picobox.findings.record import loads

from .environment import environment, unpack, variables
from .suite import files_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picobox.findings.finding import Finding

    from .suite import Suite

# Seconds, for one run of a suite.
TIMEOUT = 1200


class Outcome(NamedTuple):
    """How a run of a suite has ended: each test's end by its id, several where ids repeat; seconds; what was found."""

    status: int
    ends: dict[str, tuple[str, ...]]
    seconds: float
    output: str
    findings: tuple[Finding, ...] = ()


def run(suite: Suite, base: Path, *, check: bool, caches: Path | None = None) -> Outcome:
    """Run a suite in `base`, natively or under check; what an earlier run left there goes.

    `caches`: what such a run has kept below the user's directory of caches, which this one finds there.
    """
    source, wheels = files_of(suite)
    python = environment(suite.name, wheels)
    project = unpack(source, base)
    if caches is not None:
        shutil.copytree(caches, caches_of(base), symlinks=True)
    results, report = base / "results.xml", base / "report.json"
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", f"--junitxml={results}"]
    command += [f"--deselect={test}" for each in suite.deselected for test in each.tests]
    command += suite.arguments
    if check:
        command = [*check_command(report), *command]
    for old in (results, report):
        old.unlink(missing_ok=True)
    status, seconds, output = _timed(command, project, dict(variables(python, base)))
    if not results.exists():
        raise RuntimeError(f"{suite.name} has ended with {status} and without results:\n{output[-3000:]}")
    findings = loads(report.read_text()).findings if check else ()
    return Outcome(status, ends_of(results), seconds, output, findings)


def caches_of(base: Path) -> Path:
    """Where picobox keeps caches in a run in `base`."""
    return base / "home" / ".cache" / "picobox"


def check_command(report: Path) -> list[str]:
    """What stands before a command that is checked; `-P` keeps the project off picobox's own module path."""
    picobox = [sys.executable, "-P", "-m", "picobox", "check", "-q", "--fail-on", "error"]
    return [*picobox, "--format", "json", "-o", str(report), "--"]


def _timed(command: Sequence[str], directory: Path, env: dict[str, str]) -> tuple[int, float, str]:
    """The exit status, the seconds and the output, which goes through a file: nobody who is left over holds us up."""
    output = directory.parent / "output"
    with output.open("wb") as stream:
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(TIMEOUT)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return status, time.monotonic() - started, output.read_text(errors="replace")


def ends_of(results: Path) -> dict[str, tuple[str, ...]]:
    """How each test has ended, of pytest's JUnit file: passed, failed, error or skipped."""
    ends: dict[str, list[str]] = defaultdict(list)
    for case in ET.parse(results).iter("testcase"):
        marks = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        ends[f"{case.get('classname')}::{case.get('name')}"].append(marks[0] if marks else "passed")
    return {test: tuple(sorted(each)) for test, each in ends.items()}
