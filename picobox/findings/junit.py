"""Reports as JUnit XML, as readers of test results take them: a test case a finding, and one a rule without any."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from picobox.findings.places import place_of, shown_path
from picobox.findings.rules import RULES
from picobox.findings.tally import gravest_first, reaches
from picobox.findings.visible import command_line, visible
from picobox.findings.wording import (
    frame_words,
    headline,
    is_stored,
    occurrences_words,
    sentence,
    side_words,
    verb_of,
    windows_answer,
)

if TYPE_CHECKING:
    from picobox.findings.finding import Finding, Report

# Where a finding belongs whose test nobody knows.
_CLASS = "picobox"


def render(report: Report, *, fail_on: str) -> str:
    """The report as a suite: what reaches `fail_on`, a severity, is a failure, the rest passes with what it says.

    Suppressed findings are skipped tests.
    """
    findings = gravest_first(report.findings)
    failures = sum(reaches(finding, fail_on) for finding in findings)
    skipped = sum(finding.suppressed != "" for finding in findings)
    clean = [id for id in RULES if id not in {finding.rule for finding in findings}]  # noqa: A001 - the field's own name
    counts = {
        "tests": str(len(findings) + len(clean)),
        "failures": str(failures),
        "errors": "0",
        "time": f"{max(report.ended - report.started, 0):.3f}",
    }
    suites = Element("testsuites", {"name": verb_of(report), **counts})
    stamp = datetime.fromtimestamp(report.started, UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    name = f"{verb_of(report)} {visible(report.profile)}"
    suite = SubElement(suites, "testsuite", {"name": name, **counts, "skipped": str(skipped), "timestamp": stamp})
    properties = SubElement(suite, "properties")
    for key, value in (("profile", visible(report.profile)), ("command", command_line(report.command))):
        SubElement(properties, "property", {"name": key, "value": value})
    for finding in findings:
        _case(suite, finding, report, fail_on)
    for id in clean:  # noqa: A001 - the field's own name
        SubElement(suite, "testcase", {"classname": _CLASS, "name": f"{id}: {RULES[id].title}", "time": "0"})
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _case(suite: Element, finding: Finding, report: Report, fail_on: str) -> None:
    """A finding as a test case: of the class that its test has, named by rule and file."""
    file, _, function = finding.test.partition("::")
    attributes = {
        "classname": visible(file.removesuffix(".py").replace("/", ".")) if function else _CLASS,
        "name": visible(
            f"{finding.rule} {shown_path(finding.path, report.directory)}" + (f" in {function}" if function else "")
        ),
        "time": "0",
    }
    place = place_of(finding, report.directory)
    if place is not None:
        attributes["file"] = visible(place.path)
        if place.line is not None:
            attributes["line"] = str(place.line)
    case = SubElement(suite, "testcase", attributes)
    message, details = sentence(finding, report.directory), _details(finding, report)
    if finding.suppressed:
        why = f"{finding.suppressed}: {finding.reason}" if finding.reason else finding.suppressed
        SubElement(case, "skipped", {"message": visible(f"suppressed by {why}")})
    elif reaches(finding, fail_on):
        SubElement(case, "failure", {"type": finding.rule, "message": message}).text = details
    else:
        SubElement(case, "system-out").text = f"{message}\n{details}"


def _details(finding: Finding, report: Report) -> str:
    lines = [f"{finding.severity} {headline(finding)}", f"Windows: {windows_answer(finding)}"]
    if finding.site is not None:
        lines.append(f"at {frame_words(finding.site, report.directory)}")
    if not is_stored(finding.side):
        lines.append(f"call {side_words(finding.side, report)}")
    lines += [f"against {side_words(side, report)}" for side in finding.others]
    if finding.count > 1:
        lines.append(f"seen {finding.count} times")
    lines += [f"also {words}" for words in occurrences_words(finding, report.directory)]
    return "\n".join([*lines, f"fix: {RULES[finding.rule].fix}", ""])
