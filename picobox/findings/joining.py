"""Joins findings that are one for a reader, and merges the reports of jobs that ran side by side."""

from __future__ import annotations

import posixpath
from functools import cmp_to_key
from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import PicoboxError
from picobox.findings.finding import Finding, Frame, Report, Side
from picobox.findings.fingerprint import Roots, holds, normal_path, program_of, roots_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NOWHERE = ("", "", 0)


class Key(NamedTuple):
    """What findings have in common that are told as one.

    `place`: file, line and function of the site; where none is known, file, function and offset of the innermost frame.
    """

    rule: str
    severity: str
    status: int
    path: str
    place: tuple[str, str, int]
    call: str
    process: str
    suppressed: str
    reason: str


def key_of(finding: Finding, roots: Roots) -> Key:
    """The key of a finding of a report with these roots.

    Where nobody knows the place in the source, each path is told: the program may be at fault for one of them alone.
    """
    place = _place(finding, roots)
    return Key(
        finding.rule,
        finding.severity,
        finding.status,
        normal_path(finding.path, roots) if place != _NOWHERE else finding.path,
        place,
        finding.side.call,
        program_of(finding.side.process.name),
        finding.suppressed,
        finding.reason,
    )


def _place(finding: Finding, roots: Roots) -> tuple[str, str, int]:
    frame = finding.site or next(iter(finding.side.stack), None)
    if frame is None:
        return _NOWHERE
    return normal_path(frame.file, roots), frame.function, frame.line or frame.offset or 0


def join(findings: Iterable[Finding], roots: Roots) -> tuple[Finding, ...]:
    """One finding for each key, with the details of the first that was seen and the sum of the counts, by time."""
    first: dict[Key, Finding] = {}
    counts: dict[Key, int] = {}
    for finding in findings:
        key = key_of(finding, roots)
        counts[key] = counts.get(key, 0) + finding.count
        known = first.get(key)
        if known is None or _compare(finding, known) < 0:
            first[key] = finding
    joined = (finding._replace(count=counts[key]) for key, finding in first.items())
    return tuple(sorted(joined, key=cmp_to_key(_compare)))


def _compare(one: Finding, other: Finding) -> int:
    """By time; what happened at one time is told in the same order whoever was read first."""
    if one.side.time != other.side.time:
        return -1 if one.side.time < other.side.time else 1
    texts = repr(one._replace(count=0)), repr(other._replace(count=0))
    return (texts[0] > texts[1]) - (texts[0] < texts[1])


def merge(reports: Sequence[Report]) -> Report:
    """One report of several, as if one run had made it; in which order and which groups they are merged does not count.

    Equal reports are one that was given twice. A merged report does not know its parts: merged with one of them again,
    it counts that twice. Reports of different directories become one of the directory that holds them all. Raises
    PicoboxError for none, and for reports of different profiles.
    """
    reports = tuple(dict.fromkeys(reports))
    if not reports:
        raise PicoboxError("no report to merge. Name files that `picobox check --format json -o FILE` has written.")
    profiles = sorted({report.profile for report in reports})
    if len(profiles) > 1:
        raise PicoboxError(f"reports of profiles {' and '.join(profiles)} cannot be merged. Merge those of each alone.")
    if len(reports) == 1:
        return reports[0]._replace(findings=join(reports[0].findings, roots_of(reports[0])))
    places = {(report.directory, report.prefix) for report in reports}
    commands = {report.command for report in reports}
    merged = Report(
        profile=profiles[0],
        enforced=all(report.enforced for report in reports),
        command=commands.pop() if len(commands) == 1 else (),
        directory=posixpath.commonpath([report.directory for report in reports]),
        prefix=reports[0].prefix if len(places) == 1 else "",
        started=min(report.started for report in reports),
        ended=max(report.ended for report in reports),
        status=max(report.status for report in reports),
        temporary=tuple(sorted({directory for report in reports for directory in report.temporary})),
    )
    findings = (finding for report in reports for finding in report.findings)
    return merged._replace(findings=join(findings, roots_of(merged)))


def moved(report: Report, directory: str) -> Report:
    """The report with all that lies in its directory in another one: of a checkout elsewhere one of here is made."""
    old = report.directory

    def path(given: str) -> str:
        return directory.rstrip("/") + given[len(old.rstrip("/")) :] if holds(old, given) else given

    def frame(given: Frame) -> Frame:
        return given._replace(file=path(given.file))

    def side(given: Side) -> Side:
        return given._replace(path=path(given.path), stack=tuple(map(frame, given.stack)))

    return report._replace(
        directory=directory,
        temporary=tuple(map(path, report.temporary)),
        findings=tuple(
            finding._replace(
                path=path(finding.path),
                side=side(finding.side),
                others=tuple(map(side, finding.others)),
                site=finding.site and frame(finding.site),
            )
            for finding in report.findings
        ),
    )
