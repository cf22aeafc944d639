"""Owns what keeps findings from counting by the settings: levels of rules, entries to ignore, comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picobox.findings.comments import Comments
from picobox.findings.config_values import OFF
from picobox.findings.patterns import matches_name, matches_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picobox.findings.config import Ignore
    from picobox.findings.finding import Finding, Report

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

    Of a stack only the site counts: a comment in a helper would silence all who call it.
    """
    comments = Comments()
    used: set[Ignore] = set()
    findings = []
    for finding in report.findings:
        comment = comments.of(finding.rule, finding.site)
        entries = [entry for entry in ignores if is_about(entry, finding, report)]
        used.update(entries)
        if comment is not None:
            findings.append(_marked(finding, COMMENT, comment.reason))
        elif entries:
            findings.append(_marked(finding, CONFIG, entries[0].reason))
        else:
            findings.append(finding)
    idle = [f"{entry.place}: nothing was found that it ignores" for entry in ignores if entry not in used]
    return Told(report._replace(findings=tuple(findings)), tuple(comments.mistakes), (*idle, *comments.idle()))


def _marked(finding: Finding, by: str, reason: str) -> Finding:
    return finding if finding.suppressed else finding._replace(suppressed=by, reason=reason)


def is_about(entry: Ignore, finding: Finding, report: Report) -> bool:
    """Whether an entry of the settings is about a finding."""
    return (
        (not entry.rules or finding.rule in entry.rules)
        and (not entry.process or matches_name(entry.process, finding.side.process.name))
        and (not entry.path or matches_path(entry.path, finding.path, report, entry.base))
    )
