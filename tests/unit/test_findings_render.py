"""Every form of a report: it parses, has all findings, and nothing in it that a terminal or a log would obey."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import sample_report

from ntshim.win32.errors import RtlNtStatusToDosError
from picobox.findings.answer import answer
from picobox.findings.record import loads
from picobox.findings.render import render
from picobox.findings.rules import RULES, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.findings.finding import Report

DIRECTORY = "/home/user/app"
FORMATS = ("text", "json", "sarif", "junit", "github")
REPORTS: list[Callable[[str], Report]] = [sample_report.report, sample_report.small, sample_report.hostile]


@pytest.fixture(autouse=True)
def _outside_of_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)


def count(format: str, text: str) -> int:  # noqa: A002 - the option's own name
    """How many findings a text has, as a reader of its form finds out."""
    if format == "json":
        return len(loads(text).findings)
    if format == "sarif":
        return sum(len(run["results"]) for run in json.loads(text)["runs"])
    if format == "junit":
        cases = ET.fromstring(text.encode()).findall("*/testcase")
        return sum(not (case.get("name") or "").startswith(tuple(f"{rule}: " for rule in RULES)) for case in cases)
    if format == "text":
        return len(re.findall(r"^(?:error|warning|note) PB\d{3}: ", text, re.MULTILINE))
    return len(re.findall(r"^::(?:error|warning|notice) .*title=PB\d{3}", text, re.MULTILINE))


def expected(format: str, report: Report) -> int:  # noqa: A002 - as above
    shown = sum(not finding.suppressed for finding in report.findings)
    return {"text": shown, "github": min(shown, 9)}.get(format, len(report.findings))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("make", REPORTS)
def test_every_form_has_all_findings_and_controls_nothing(make: Callable[[str], Report], format: str) -> None:  # noqa: A002
    report = make(DIRECTORY)
    text = render(report, format)
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffe\uffff\u202e\u2066\u2028\ud800-\udfff]", text) is None
    assert text.endswith("\n")
    assert count(format, text) == expected(format, report)


@pytest.mark.parametrize("format", FORMATS)
def test_hundreds_of_findings(format: str) -> None:  # noqa: A002
    report = sample_report.large(DIRECTORY, 500)
    assert count(format, render(report, format)) == expected(format, report)


@pytest.mark.full
@pytest.mark.parametrize("format", FORMATS)
def test_thirty_thousand_findings(format: str) -> None:  # noqa: A002
    report = sample_report.large(DIRECTORY, 30_000)
    assert count(format, render(report, format)) == expected(format, report)


def test_unknown_format_is_an_error() -> None:
    with pytest.raises(ValueError, match="no format docx"):
        render(sample_report.report(DIRECTORY), "docx")


def test_under_github_actions_paths_are_those_of_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", "/home/user")
    report = sample_report.report(DIRECTORY, sample_report.conflict(DIRECTORY))
    assert "file=app/src/rotate.py,line=6," in render(report, "github")
    assert '"uri":"app/src/rotate.py"' in render(report, "sarif")


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_what_windows_says_is_known_for_each_rule(rule: Rule) -> None:
    for status in rule.statuses:
        told = answer(status)
        assert told.name.startswith("STATUS_")
        assert told.error == RtlNtStatusToDosError(status)
        assert told.text.endswith(".")
