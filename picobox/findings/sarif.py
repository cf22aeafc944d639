"""Reports as SARIF 2.1.0, within GitHub's limits: what its code scanning would refuse or drop is not given to it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from posixpath import join
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from picobox import __version__
from picobox.findings.fingerprint import fingerprint, roots_of
from picobox.findings.places import Place, below, place_of
from picobox.findings.rules import RULES
from picobox.findings.tally import gravest_first
from picobox.findings.visible import command_line, visible
from picobox.findings.wording import (
    MOST_OCCURRENCES,
    frame_words,
    is_stored,
    occurrence_words,
    sentence,
    side_words,
    windows_answer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.findings.finding import Finding, Frame, Report, Side

SCHEMA_ID = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# What GitHub takes of one file (docs.github.com, SARIF support for code scanning).
MOST_RESULTS = 25_000
MOST_RUNS = 20

_ROOT = "SRCROOT"
_IN_SOURCE = "comment"
_RULE_INDEX = {id: index for index, id in enumerate(RULES)}  # noqa: A001 - the field's own name

Json = dict[str, Any]


def render(report: Report, *, repository: str = "", locations_only: bool = False) -> str:
    """The report as one file, the gravest findings first, in as many runs as GitHub's limits make necessary.

    `repository` is the root of the checkout, above or at the project's directory, to which paths are relative; "" for
    that directory itself. `locations_only`: what has no location is told as a notification of the run, since code
    scanning refuses a whole file in which a result has none.
    """
    root = repository if repository and below(report.directory, repository) else report.directory
    results: list[Json] = []
    rest: list[Json] = []
    for finding in gravest_first(report.findings):
        result = _result(finding, report, root)
        (rest if locations_only and "locations" not in result else results).append(result)
    kept = results[: MOST_RESULTS * MOST_RUNS]
    notifications = [_notification(result) for result in rest[:MOST_RESULTS]]
    if left_out := len(results) - len(kept) + len(rest) - len(notifications):
        notifications.append(
            {"level": "warning", "message": {"text": f"{left_out} more findings are not in this file."}}
        )
    parts = [kept[start : start + MOST_RESULTS] for start in range(0, len(kept), MOST_RESULTS)] or [[]]
    runs = [_run(report, root, part, number, notifications) for number, part in enumerate(parts)]
    text = json.dumps({"$schema": SCHEMA_ID, "version": "2.1.0", "runs": runs}, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f") + "\n"


def _run(report: Report, root: str, results: list[Json], number: int, notifications: list[Json]) -> Json:
    """One run of the file; GitHub wants a category of its own for each."""
    part = f"part-{number + 1}/" if number else ""
    return {
        "tool": {
            "driver": {
                "name": "picobox",
                "semanticVersion": __version__,
                "rules": [_rule(id) for id in RULES],  # noqa: A001 - the field's own name
            }
        },
        "automationDetails": {"id": f"picobox/{visible(report.profile)}/{part}"},
        "originalUriBaseIds": {_ROOT: {"uri": _directory_uri(root)}},
        "invocations": [_invocation(report, [] if number else notifications)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"profile": visible(report.profile), "enforced": report.enforced, "exitStatus": report.status},
    }


def _invocation(report: Report, notifications: list[Json]) -> Json:
    invocation: Json = {
        "executionSuccessful": True,
        "startTimeUtc": _utc(report.started),
        "endTimeUtc": _utc(report.ended),
        "workingDirectory": {"uri": _directory_uri(report.directory)},
    }
    if report.command:
        invocation["commandLine"] = command_line(report.command)
    if notifications:
        invocation["toolExecutionNotifications"] = notifications
    return invocation


def _notification(result: Json) -> Json:
    """A result as a notification of the run."""
    return {
        "level": result["level"],
        "message": result["message"],
        "associatedRule": {"id": result["ruleId"], "index": result["ruleIndex"]},
    }


def _rule(id: str) -> Json:  # noqa: A002 - the field's own name
    rule = RULES[id]
    words = "".join(word.capitalize() for word in rule.name.split("-"))
    return {
        "id": rule.id,
        "name": words,
        "shortDescription": {"text": rule.title[:1].upper() + rule.title[1:]},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why}\n\nExample:\n{rule.example}\n\nInstead: {rule.fix}",
            "markdown": f"{_prose(rule.why)}\n\n```\n{rule.example}\n```\n\n**Instead:** {_prose(rule.fix)}",
        },
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": ["portability", "windows", "file-system"]},
    }


def _prose(text: str) -> str:
    """A rule's text with what Markdown would take for its own; the code in it stays."""
    return "".join(f"\\{character}" if character in "*_<>|\\" else character for character in text)


def _result(finding: Finding, report: Report, root: str) -> Json:
    told = f"{sentence(finding, report.directory).rstrip('.')}. Windows: {windows_answer(finding)}"
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": _RULE_INDEX[finding.rule],
        "level": finding.severity,
        "message": {"text": told},
        "partialFingerprints": {"picoboxFinding/v1": fingerprint(finding, roots_of(report)).digest()},
        "occurrenceCount": finding.count,
        "properties": _properties(finding),
    }
    place = place_of(finding, report.directory)
    if place is not None:
        result["locations"] = [{"physicalLocation": _physical(place, report, root)}]
    if related := list(_related(finding, report, root)):
        result["relatedLocations"] = related
    if stacks := _stacks((finding.side, *finding.others), report, root):
        result["stacks"] = stacks
    if finding.suppressed:
        kind = "inSource" if finding.suppressed == _IN_SOURCE else "external"
        why = f"{finding.suppressed}: {finding.reason}" if finding.reason else finding.suppressed
        result["suppressions"] = [{"kind": kind, "justification": visible(why)}]
    return result


def _properties(finding: Finding) -> Json:
    properties: Json = {"status": finding.status, "path": visible(finding.path)}
    if finding.test:
        properties["test"] = visible(finding.test)
    return properties


def _related(finding: Finding, report: Report, root: str) -> Iterable[Json]:
    """The other sides; each at the place in the project that did it, if there is one, else at none but in words."""
    for number, side in enumerate(finding.others, 1):
        location: Json = {"id": number, "message": {"text": side_words(side, report)}}
        if is_stored(side) and (inside := below(side.path, report.directory)):
            location["physicalLocation"] = _physical(Place(inside, None), report, root)
        frame = next((each for each in side.stack if each.line and below(each.file, report.directory)), None)
        if frame is not None:
            place = Place(below(frame.file, report.directory) or "", frame.line)
            location["physicalLocation"] = _physical(place, report, root)
        yield location
    for number, occurrence in enumerate(finding.also[:MOST_OCCURRENCES], len(finding.others) + 1):
        location = {"id": number, "message": {"text": occurrence_words(occurrence, report.directory)}}
        alike = finding._replace(path=occurrence.path, site=occurrence.site, test=occurrence.test)
        if (where := place_of(alike, report.directory)) is not None:
            location["physicalLocation"] = _physical(where, report, root)
        yield location


def _stacks(sides: Iterable[Side], report: Report, root: str) -> list[Json]:
    """The stacks of all sides that have one; each but once, since the schema wants it so."""
    found: list[Json] = []
    for side in sides:
        stack = _stack(side, report, root)
        if side.stack and stack not in found:
            found.append(stack)
    return found


def _stack(side: Side, report: Report, root: str) -> Json:
    frames = [{"location": _frame(frame, report, root)} for frame in side.stack]
    return {"message": {"text": side_words(side, report)}, "frames": frames}


def _frame(frame: Frame, report: Report, root: str) -> Json:
    location: Json = {"message": {"text": frame_words(frame, report.directory)}}
    inside = below(frame.file, report.directory) if frame.line else None
    if inside is not None:
        location["physicalLocation"] = _physical(Place(inside, frame.line), report, root)
    return location


def _physical(place: Place, report: Report, root: str) -> Json:
    """A place in the project as a URI that is relative to the root."""
    path = below(join(report.directory, place.path), root) or place.path
    physical: Json = {"artifactLocation": {"uri": quote(_bytes(path)), "uriBaseId": _ROOT}}
    if place.line:
        physical["region"] = {"startLine": place.line}
    return physical


def _directory_uri(path: str) -> str:
    return "file://" + quote(_bytes("/" + path.strip("/") + "/").replace(b"//", b"/"))


def _bytes(path: str) -> bytes:
    """The bytes of a path; for what no path can hold, those of its escape."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:
        return visible(path).encode()


def _utc(seconds: float) -> str:
    """A time as SARIF 2.1.0 section 3.9 writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
