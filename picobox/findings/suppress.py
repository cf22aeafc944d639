"""Owns what keeps findings from counting by the settings: levels of rules, entries to ignore, comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picobox.findings.comments import Comments
from picobox.findings.config_values import OFF
from picobox.findings.joining import places_of, with_places
from picobox.findings.patterns import matches_name, matches_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picobox.findings.config import Ignore
    from picobox.findings.finding import Finding, Occurrence, Report

CONFIG = "config"
COMMENT = "comment"


class Told(NamedTuple):
    """A report in which what does not count is marked, and what its user should know.

    `warnings` tell mistakes, `notes` what suppresses nothing; each is one line.
    """

    report: Report
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def with_levels(report: Report, levels: Mapping[str, str]) -> Report:
    """The report with the severities that the settings give to rules; what is off is not in it."""
    kept = [finding for finding in report.findings if levels.get(finding.rule) != OFF]
    changed = [finding._replace(severity=levels.get(finding.rule, finding.severity)) for finding in kept]
    return report._replace(findings=tuple(changed))


def suppress(report: Report, ignores: Sequence[Ignore]) -> Told:
    """Marks findings that a comment at their site or an entry of the settings ignores; what is marked stays as it is.

    Of a stack only the site counts: a comment in a helper would silence all who call it. A finding that stands for
    several places becomes one of those that count and one of those that do not.
    """
    comments = Comments()
    used: set[Ignore] = set()
    findings: list[Finding] = []
    for finding in report.findings:
        groups: dict[tuple[str, str], list[Occurrence]] = {}
        for place in places_of(finding):
            comment = comments.of(finding.rule, place.site)
            entries = [entry for entry in ignores if is_about(entry, finding, place.path, report)]
            used.update(entries)
            if comment is not None:
                mark = COMMENT, comment.reason
            else:
                mark = (CONFIG, entries[0].reason) if entries else ("", "")
            groups.setdefault(mark, []).append(place)
        findings += [finding] if finding.suppressed else _parted(finding, groups)
    idle = [f"{entry.place}: nothing was found that it ignores" for entry in ignores if entry not in used]
    return Told(report._replace(findings=tuple(findings)), tuple(comments.mistakes), (*idle, *comments.idle()))


def _parted(finding: Finding, groups: Mapping[tuple[str, str], Sequence[Occurrence]]) -> list[Finding]:
    """A finding for each way in which some of its places are marked.

    How often each place was seen is not known: once, but for those of the first place.
    """
    rest = finding.count - sum(map(len, groups.values()))
    parts: list[Finding] = []
    for (by, reason), places in groups.items():
        count = max(len(places) + rest, 1) if not parts else len(places)
        part = with_places(finding, places)
        parts.append(part._replace(count=count, suppressed=by, reason=reason))
    return parts


def is_about(entry: Ignore, finding: Finding, path: str, report: Report) -> bool:
    """Whether an entry of the settings is about a finding at one of its paths."""
    return (
        (not entry.rules or finding.rule in entry.rules)
        and (not entry.process or matches_name(entry.process, finding.side.process.name))
        and (not entry.path or matches_path(entry.path, path, report, entry.base))
    )
