"""The fixture of the pytest plugin: programs that a test runs under the file rules of Windows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from picobox.findings.finding import Finding
    from picobox.pytest_session import CheckedSession

_SETTINGS = {"profile": "windows11", "enforce": False}


class CheckedRun(NamedTuple):
    """A program that has run: as subprocess.CompletedProcess, with its findings. The output is text."""

    args: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    findings: tuple[Finding, ...]


class PicoboxFixture:
    """What a test gets as `picobox`."""

    def __init__(self, settings: Mapping[str, Any], session: CheckedSession | None, test: str) -> None:
        """`settings` are the marker's; UsageError for what it does not have."""
        unknown = settings.keys() - _SETTINGS
        if unknown:
            raise pytest.UsageError(
                f"@pytest.mark.picobox has no {', '.join(sorted(unknown))}; it has {', '.join(_SETTINGS)}"
            )
        self._settings = {**_SETTINGS, **settings}
        self._session = session
        self._test = test
        self._found: list[Finding] = []

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What this test has met so far: by itself in a session under a check, else by the programs that it has run."""
        if self._session is not None:
            return tuple(self._session.findings(self._test))
        return tuple(self._found)

    def run(
        self,
        args: Sequence[str | os.PathLike[str]],
        *,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        input: str | None = None,  # noqa: A002 - as subprocess.run has it
        timeout: float | None = None,
        profile: str | None = None,
        enforce: bool | None = None,
    ) -> CheckedRun:
        """Run a program to its end, by the marker's settings unless others are given.

        In a session that is under a check itself the session's rules hold for the program as well. Raises
        subprocess.TimeoutExpired, and RuntimeError if picobox could not run it.
        """
        command = tuple(map(os.fsdecode, args))
        common: dict[str, Any] = {"cwd": cwd, "env": env, "input": input, "timeout": timeout}
        if self._session is not None:
            before = len(self.findings)
            done = subprocess.run(command, capture_output=True, text=True, check=False, **common)
            return CheckedRun(command, done.returncode, done.stdout, done.stderr, self.findings[before:])
        return self._checked(command, common, profile, enforce)

    def _checked(
        self, command: tuple[str, ...], common: dict[str, Any], profile: str | None, enforce: bool | None
    ) -> CheckedRun:
        from picobox.findings.record import loads

        options = ["--profile", profile or self._settings["profile"], "--format", "json", "--fail-on", "never"]
        if self._settings["enforce"] if enforce is None else enforce:
            options.append("--enforce")
        with tempfile.TemporaryDirectory(prefix="picobox-") as directory:
            path = os.path.join(directory, "report.json")
            check = [sys.executable, "-m", "picobox", "check", "--quiet", *options, "-o", path, "--"]
            done = subprocess.run([*check, *command], capture_output=True, text=True, check=False, **common)
            if not os.path.exists(path):
                raise RuntimeError(f"picobox could not run {command[0]}: {done.stderr.strip()}")
            with open(path, encoding="ascii") as file:
                report = loads(file.read(), path)
        self._found.extend(finding for finding in report.findings if not finding.suppressed)
        return CheckedRun(command, report.status, done.stdout, done.stderr, report.findings)
