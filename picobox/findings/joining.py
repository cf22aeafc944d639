"""Joins findings that are one for a reader, and merges the reports of jobs that ran side by side."""

from __future__ import annotations

import posixpath
from functools import cmp_to_key
from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import PicoboxError
from picobox.findings.finding import Finding, Frame, Occurrence, Report, Side
from picobox.findings.fingerprint import TEMPORARY, Roots, holds, is_one_fact, normal_path, program_of, roots_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_ALSO = 100
"""Places and tests that a finding names besides its own."""

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
    if is_one_fact(finding, roots):
        path, place, call = TEMPORARY, _NOWHERE, ""
    else:
        place, call = _place(finding, roots), finding.side.call
        path = normal_path(finding.path, roots) if place != _NOWHERE else finding.path
    return Key(
        finding.rule,
        finding.severity,
        finding.status,
        path,
        place,
        call,
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
    groups: dict[Key, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(key_of(finding, roots), []).append(finding)
    return tuple(sorted((_joined(group, roots) for group in groups.values()), key=cmp_to_key(_compare)))


def _joined(group: Sequence[Finding], roots: Roots) -> Finding:
    """The first of findings with one key, which stands for all."""
    first = min(group, key=cmp_to_key(_compare))
    count = sum(finding.count for finding in group)
    known = {each for finding in group for each in finding.also}
    if is_one_fact(first, roots):
        known.update(map(_occurrence, group))
    return first._replace(count=count, also=_earliest(known, _occurrence(first)))


def _earliest(known: Iterable[Occurrence], first: Occurrence) -> tuple[Occurrence, ...]:
    """The first of each place and test but those of the first of all; where no place is known, of each path."""
    places: dict[object, Occurrence] = {}
    for each in (first, *sorted(known, key=lambda each: (each.time, repr(each)))):
        places.setdefault((each.site, each.test, "" if each.site else each.path), each)
    return tuple(places.values())[1 : MOST_ALSO + 1]


def _occurrence(finding: Finding) -> Occurrence:
    return Occurrence(finding.side.time, finding.path, finding.site, finding.test)


def places_of(finding: Finding) -> tuple[Occurrence, ...]:
    """All places that a finding stands for, its own first."""
    return _occurrence(finding), *finding.also


def with_places(finding: Finding, places: Sequence[Occurrence]) -> Finding:
    """The finding for some of its places alone; the first of them is its own then."""
    first, *also = places
    if first == _occurrence(finding):
        return finding._replace(also=tuple(also))
    side = finding.side._replace(path=first.path, time=first.time, stack=(), handle=None, fd=None)
    message = finding.message
    if finding.path and message.startswith(finding.path):
        message = first.path + message[len(finding.path) :]
    moved_to = finding._replace(path=first.path, message=message, side=side, others=())
    return moved_to._replace(site=first.site, test=first.test, also=tuple(also))


def _compare(one: Finding, other: Finding) -> int:
    """By time; what happened at one time is told in the same order whoever was read first."""
    if one.side.time != other.side.time:
        return -1 if one.side.time < other.side.time else 1
    texts = repr(one._replace(count=0, also=())), repr(other._replace(count=0, also=()))
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
                also=tuple(
                    each._replace(path=path(each.path), site=each.site and frame(each.site)) for each in finding.also
                ),
            )
            for finding in report.findings
        ),
    )
