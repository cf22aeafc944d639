"""One finding on the page: its summary, and what opens below it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from picobox.findings.excerpt import excerpt
from picobox.findings.fingerprint import fingerprint
from picobox.findings.markup import Markup, element, joined, lines
from picobox.findings.moment import day_and_time, duration
from picobox.findings.places import shown_path
from picobox.findings.rules import RULES
from picobox.findings.timeline import timeline
from picobox.findings.visible import command_line
from picobox.findings.wording import frame_words, is_stored, occurrences_words, sentence, windows_answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.findings.finding import Finding, Frame, Report, Side
    from picobox.findings.fingerprint import Roots

MOST_SIDES = 40
"""Sides of a conflict that are told in full; the others are told by their number."""

_DIGITS = 10
_RIGHTS = {"R": "read", "W": "write", "D": "delete"}


def identifiers(findings: Iterable[Finding], roots: Roots) -> list[str]:
    """A name for each finding that stays the same from run to run, so that links to it do.

    Findings that are alike in all that lasts are told apart by their number.
    """
    seen: Counter[str] = Counter()
    named = []
    for finding in findings:
        name = f"{finding.rule}-{fingerprint(finding, roots).digest()[:_DIGITS]}"
        seen[name] += 1
        named.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return named


def entry(finding: Finding, identifier: str, report: Report) -> Markup:
    """A finding as an item of the list.

    Not an `li`: Chromium numbers those anew for each that is hidden, which takes minutes for thousands.
    """
    body = element("div", *_body(finding, identifier, report), id=identifier, class_="body")
    return element(
        "div",
        element("details", _summary(finding, report), body),
        role="listitem",
        class_=f"finding {finding.severity}" + (" suppressed" if finding.suppressed else ""),
        data_rule=finding.rule,
        data_severity=finding.severity,
        data_process=finding.side.process.name,
        data_test=finding.test,
        data_suppressed=finding.suppressed,
        data_path=shown_path(finding.path, report.directory),
        data_count=finding.count,
        data_time=finding.side.time,
    )


def _summary(finding: Finding, report: Report) -> Markup:
    """The line that stands for a finding."""
    return element(
        "summary",
        element("span", finding.severity, class_="severity"),
        element("span", finding.rule, class_="rule"),
        element("span", shown_path(finding.path, report.directory), class_="path"),
        element("span", RULES[finding.rule].title, class_="title"),
        *([element("span", f"{finding.count:,} times", class_="count")] if finding.count > 1 else []),
        *([element("span", f"suppressed: {finding.suppressed}", class_="why")] if finding.suppressed else []),
    )


def _body(finding: Finding, identifier: str, report: Report) -> list[Markup]:
    """All there is to know about a finding."""
    picture, source = timeline(finding), _source(finding.site, report.directory)
    rule = RULES[finding.rule]
    parts = [element("p", sentence(finding, report.directory), class_="message"), _facts(finding, report)]
    if picture:
        parts += [element("h4", "Timeline"), picture]
    parts += [element("h4", "Who did what"), _side("the call", finding.side, finding, report)]
    parts += [_side("against it", side, finding, report) for side in finding.others[:MOST_SIDES]]
    if len(finding.others) > MOST_SIDES:
        parts.append(element("p", f"and {len(finding.others) - MOST_SIDES} more"))
    if source:
        parts += [element("h4", "Source"), source]
    about = element("a", f"About {rule.id}", href=f"#rule-{rule.id}")
    parts.append(element("p", element("strong", "What to do: "), rule.fix, " ", about))
    parts.append(element("a", "Link to this finding", href=f"#{identifier}", class_="permalink"))
    return parts


def _facts(finding: Finding, report: Report) -> Markup:
    """What Windows answers, where, and what was running."""
    path = shown_path(finding.path, report.directory)
    rows: list[tuple[str, object]] = [("Windows answers", windows_answer(finding)), ("Path", element("code", path))]
    if path != finding.path:
        rows.append(("On Windows", element("code", _windows_path(path, report.prefix))))
    if finding.site:
        rows.append(("Site", element("code", frame_words(finding.site, report.directory))))
    if finding.test:
        rows.append(("Test", element("code", finding.test)))
    if finding.count > 1:
        rows.append(("Seen", f"{finding.count:,} times; this is the first"))
    rows += [("Also", element("code", words)) for words in occurrences_words(finding, report.directory)]
    if finding.suppressed:
        rows.append(("Suppressed", f"by {finding.suppressed}" + (f": {finding.reason}" if finding.reason else "")))
    return table(rows)


def _windows_path(path: str, prefix: str) -> str:
    """A path relative to the project as it is below the Windows path that the project stands for."""
    return prefix.rstrip("\\") + "\\" + path.replace("/", "\\")


def _side(role: str, side: Side, finding: Finding, report: Report) -> Markup:
    """One side: its process, call, handle and stack; a name that is only stored has nothing but its path."""
    if is_stored(side):
        path = element("code", shown_path(side.path, report.directory))
        return element("section", element("h5", "stored as"), path, class_="side")
    words = [
        side.call,
        *([shown_path(side.path, report.directory)] if side.path != finding.path else []),
        *([f"access: {_rights(side.access)}"] if side.access else []),
        *([f"shares: {_rights(side.share)}"] if side.handle is not None or side.share else []),
        *([f"handle {side.handle:#x}"] if side.handle is not None else []),
        *([f"descriptor {side.fd}"] if side.fd is not None else []),
        *([_time(side, finding)] if side.time else []),
    ]
    frames = "\n".join(frame_words(frame, report.directory) for frame in side.stack)
    return element(
        "section",
        element("h5", f"{side.process.name} ({side.process.pid}) ", element("em", role)),
        element("code", command_line(side.process.arguments)),
        element("p", "; ".join(words)),
        *([element("pre", lines(frames), class_="stack")] if frames else []),
        class_="side",
    )


def _rights(letters: str) -> str:
    """Letters of RWD in words."""
    return ", ".join(_RIGHTS.get(letter, letter) for letter in letters) or "nothing"


def _time(side: Side, finding: Finding) -> str:
    """When it was, and how long before the call that was judged."""
    before = finding.side.time - side.time
    return day_and_time(side.time) + (f", {duration(before)} before" if before > 0 else "")


def table(rows: list[tuple[str, object]]) -> Markup:
    """Names and values."""
    return element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in rows))


def _source(site: Frame | None, directory: str) -> Markup | None:
    """The lines around the site, the site's marked; None if they cannot be read."""
    found = excerpt(site, directory)
    if found is None:
        return None
    shown = []
    for number, line in enumerate(found.lines, found.first):
        row = [element("span", f"{number:>5} ", class_="number"), lines(f"{line}\n")]
        shown.append(element("mark", *row) if number == found.line else joined(row))
    return element("pre", element("code", joined(shown)), class_="source")
