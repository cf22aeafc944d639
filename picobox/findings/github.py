"""Reports for GitHub Actions: annotations in the log, the worst few and a line for the rest, and the step summary."""

from __future__ import annotations

import re
from posixpath import join
from typing import TYPE_CHECKING

from picobox.findings.finding import ERROR, NOTE, WARNING
from picobox.findings.places import below, place_of, shown_path
from picobox.findings.rules import RULES
from picobox.findings.tally import gravest_first, tally
from picobox.findings.visible import command_line, visible
from picobox.findings.wording import frame_words, headline, sentence, verb_of, windows_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.findings.finding import Finding, Report

# GitHub shows ten annotations of each kind for a step; the tenth is the line for the rest.
MOST_ANNOTATIONS = 9
# Bytes: a step summary that is larger is not shown at all.
MOST_SUMMARY = 1024 * 1024

_KINDS = {ERROR: "error", WARNING: "warning", NOTE: "notice"}


def render(report: Report, *, repository: str = "") -> str:
    """The annotations, a line each; `repository`: the root of the checkout, to which paths are relative (see sarif)."""
    root = repository if repository and below(report.directory, repository) else report.directory
    findings = [finding for finding in gravest_first(report.findings) if not finding.suppressed]
    lines = [_annotation(finding, report, root) for finding in findings[:MOST_ANNOTATIONS]]
    counts = f"{verb_of(report)}, {visible(report.profile)}: {tally(report.findings)}"
    if not findings:
        return f"{counts}\n"
    rest = len(findings) - len(lines)
    more = f". The {MOST_ANNOTATIONS} gravest are annotated, {rest} are not" if rest else ""
    kind = _KINDS[findings[0].severity]
    return "".join(f"{line}\n" for line in [*lines, _command(kind, {"title": "picobox"}, counts + more)])


def _annotation(finding: Finding, report: Report, root: str) -> str:
    properties = {}
    place = place_of(finding, report.directory)
    if place is not None:
        properties["file"] = visible(below(join(report.directory, place.path), root) or place.path)
        if place.line is not None:
            properties["line"] = str(place.line)
    properties["title"] = headline(finding)
    seen = f" Seen {finding.count} times." if finding.count > 1 else ""
    test = f"\nTest: {visible(finding.test)}" if finding.test else ""
    told = sentence(finding, report.directory)
    words = f"{told}\nWindows: {windows_answer(finding)}\nFix: {RULES[finding.rule].fix}{seen}{test}"
    return _command(_KINDS[finding.severity], properties, words)


def _command(kind: str, properties: dict[str, str], message: str) -> str:
    """A workflow command, escaped as GitHub's own toolkit does it."""
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {told}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def step_summary(report: Report, room: int = MOST_SUMMARY) -> str:
    """The report in Markdown, of at most `room` bytes: what does not fit is counted in its last line."""
    findings = [finding for finding in gravest_first(report.findings) if not finding.suppressed]
    command = f"{_code(command_line(report.command))}, " if report.command else ""
    head = f"## {verb_of(report)}\n\n{command}by the rules of {visible(report.profile)}: {tally(report.findings)}\n"
    # The last line has a number of at most as many digits.
    left = room - len(head.encode()) - len(_rest(len(findings)).encode())
    if left < 0:
        return ""
    parts = [head]
    told = 0
    for count, part in _parts(findings, report):
        size = len(part.encode())
        if size > left:
            return "".join([*parts, _rest(len(findings) - told)])
        left -= size
        told += count
        parts.append(part)
    return "".join(parts)


def _rest(count: int) -> str:
    return f"\n… and {count} more findings, which do not fit here.\n"


def _parts(findings: list[Finding], report: Report) -> Iterator[tuple[int, str]]:
    """The findings by severity and rule: how many findings each part tells, and its text."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.rule), []).append(finding)
    for (severity, rule), group in groups.items():
        title, fix = _prose(RULES[rule].title), _prose(RULES[rule].fix)
        text = f"\n### {rule}: {title}\n\n{severity}, {len(group)} in all. {fix}\n\n"
        for finding in group:
            yield 1, text + _item(finding, report)
            text = ""


def _item(finding: Finding, report: Report) -> str:
    words = [_code(shown_path(finding.path, report.directory))]
    if finding.site is not None:
        words.append(f"at {_code(frame_words(finding.site, report.directory))}")
    if finding.test:
        words.append(f"in {_code(finding.test)}")
    if finding.count > 1:
        words.append(f"{finding.count} times")
    return f"- {', '.join(words)}: {_prose(windows_answer(finding))}\n"


def _code(text: str) -> str:
    """Text that Markdown takes as it is: a code span, whose fence is longer than any run of backticks in it."""
    shown = visible(text)
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    # Without them a span that begins or ends in a backtick, or is empty, would be another one.
    pad = " " if not shown.strip() or shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _prose(text: str) -> str:
    """Our own words with what Markdown would take for its own."""
    return re.sub(r"([\\*_<>\[\]|])", r"\\\1", text)
