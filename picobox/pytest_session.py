"""A pytest session inside a check: tells which test runs, and fails or warns a test for what it has caused."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from picobox.errors import PicoboxError
from picobox.findings.config import Config, load
from picobox.findings.finding import SEVERITIES
from picobox.findings.record import loads
from picobox.findings.suppress import suppress, with_levels
from picobox.platform.test_channel import TestRunner

if TYPE_CHECKING:
    from collections.abc import Generator

    from picobox.findings.finding import Finding


class CheckedSession:
    """Registered in every process of a session that runs tests."""

    def __init__(self, config: pytest.Config, directory: str) -> None:
        """`directory` holds the files of the check (picobox.platform.test_channel)."""
        self._runner = TestRunner(directory)
        self._found: dict[str, list[Finding]] = {}
        self._told: dict[str, int] = {}
        self._judges = bool(config.getoption("picobox", None))
        fail_on = config.getoption("picobox_fail_on", "warning")
        self._grave = () if fail_on == "never" else SEVERITIES[SEVERITIES.index(fail_on) :]
        self._settings: Config | None = None
        self._root = str(config.invocation_params.dir)

    def findings(self, test: str) -> list[Finding]:
        """What a test has caused so far, but for what is ignored."""
        for line in self._runner.take():
            try:
                report = loads(line)
            except PicoboxError:
                continue  # written by a program that has no business with the file
            if self._settings is None:
                self._settings = load(self._root)
            told = suppress(with_levels(report, self._settings.rules), self._settings.ignores)
            for finding in told.report.findings:
                if not finding.suppressed:
                    self._found.setdefault(finding.test, []).append(finding)
        return self._found.get(test, [])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """A test begins and ends."""
        self._runner.begin(item.nodeid)
        try:
            return (yield)
        finally:
            self._runner.end()
            self._found.pop(item.nodeid, None)
            self._told.pop(item.nodeid, None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Each phase of a test gets what it has caused."""
        del call
        report = yield
        found = self.findings(item.nodeid)
        new = found[self._told.get(item.nodeid, 0) :]
        self._told[item.nodeid] = len(found)
        if not new or not self._judges:
            return report
        text = "\n".join(map(told, new))
        report.sections.append(("picobox", text))
        if report.outcome == "passed" and any(finding.severity in self._grave for finding in new):
            report.outcome = "failed"
            report.longrepr = f"what this test does breaks on Windows:\n{text}"
        for finding in new:
            if finding.severity not in self._grave:
                _warn(item, finding)
        return report


def _warn(item: pytest.Item, finding: Finding) -> None:
    from picobox.pytest_plugin import PicoboxWarning

    path, line, _ = item.location
    warnings.warn_explicit(PicoboxWarning(told(finding)), None, str(path), (line or 0) + 1)


def told(finding: Finding) -> str:
    """A finding in a few lines: what, where, and what Windows says."""
    from picobox.findings.answer import answer
    from picobox.findings.visible import visible

    windows = answer(finding.status)
    lines = [f"{finding.rule} {finding.severity}: {visible(finding.message)}"]
    if windows.error:
        lines.append(f"  Windows answers {windows.name} (WinError {windows.error}: {windows.text})")
    if finding.site is not None:
        lines.append(f"  at {visible(finding.site.file)}:{finding.site.line} in {visible(finding.site.function)}")
    for side in finding.others:
        opener = next((frame for frame in side.stack if frame.line is not None), None)
        where = "" if opener is None else f" at {visible(opener.file)}:{opener.line}"
        lines.append(f"  {side.call} by {visible(side.process.name)} ({side.process.pid}){where}")
    return "\n".join(lines)
