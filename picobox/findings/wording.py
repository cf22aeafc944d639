"""What is said of a finding in every form: its sentence, its two sides, their frames; fit to be shown anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.findings.answer import answer
from picobox.findings.places import below, shown_path
from picobox.findings.rules import RULES
from picobox.findings.visible import visible

if TYPE_CHECKING:
    from picobox.findings.finding import Finding, Frame, Occurrence, Report, Side

_MOST_FRAMES = 3
MOST_OCCURRENCES = 8
"""Of what a finding stands for besides, in words; the others are told by their number."""
CHECK = "picobox check"
_NAMES = ("picobox", "names")


def headline(finding: Finding) -> str:
    """The id of the rule and what it finds."""
    return f"{finding.rule}: {RULES[finding.rule].title}"


def sentence(finding: Finding, directory: str) -> str:
    """The finding's message; a path that it begins with is written as the project's users do."""
    if finding.path and finding.message.startswith(finding.path):
        return visible(shown_path(finding.path, directory) + finding.message[len(finding.path) :])
    return visible(finding.message)


def windows_answer(finding: Finding) -> str:
    """What Windows says: status and error; where it says nothing, what it does instead."""
    told = answer(finding.status)
    return f"{told}. {RULES[finding.rule].why}" if told.error == 0 else str(told)


def is_stored(side: Side) -> bool:
    """Whether a side is a name that was read where it is stored, which is nobody's doing."""
    return not side.call and not side.process.pid


def verb_of(report: Report) -> str:
    """The verb that has made a report: `picobox names` runs nothing, so all that it finds is stored."""
    scanned = report.command[:2] == _NAMES and all(is_stored(finding.side) for finding in report.findings)
    return " ".join(_NAMES) if scanned else CHECK


def side_words(side: Side, report: Report) -> str:
    """Who did what, when, through which handle, with which access; times from the run's start."""
    if is_stored(side):
        return f"{visible(shown_path(side.path, report.directory))}, as it is stored"
    when = f"{side.time - report.started:.6f} s: " if side.time else ""
    words = [f"{when}{visible(side.call)} by {visible(side.process.name)}[{side.process.pid}]"]
    if side.access:
        words.append(f"access {visible(side.access)}")
    if side.share:
        words.append(f"shares {visible(side.share)}")
    if side.handle is not None:
        words.append(f"handle {side.handle:#x}")
    if side.fd is not None:
        words.append(f"fd {side.fd}")
    return ", ".join(words)


def occurrences_words(finding: Finding, directory: str) -> list[str]:
    """What a finding stands for besides, a line each."""
    lines = [occurrence_words(occurrence, directory) for occurrence in finding.also[:MOST_OCCURRENCES]]
    more = len(finding.also) - MOST_OCCURRENCES
    return [*lines, f"and {more} more"] if more > 0 else lines


def occurrence_words(occurrence: Occurrence, directory: str) -> str:
    """Which file, where in the project, in which test."""
    words = visible(shown_path(occurrence.path, directory))
    if occurrence.site is not None:
        words += f", at {frame_words(occurrence.site, directory)}"
    return f"{words}, in {visible(occurrence.test)}" if occurrence.test else words


def frame_words(frame: Frame, directory: str) -> str:
    """A frame as file:line in function, or as module+offset."""
    place = visible(shown_path(frame.file, directory))
    if frame.line is not None:
        place = f"{place}:{frame.line}"
    elif frame.offset is not None:
        place = f"{place}+{frame.offset:#x}"
    return f"{place} in {visible(frame.function)}" if frame.function else place


def telling_frames(side: Side, directory: str) -> list[Frame]:
    """The innermost frames in the project; if there are none, the innermost of all."""
    own = [frame for frame in side.stack if frame.line is not None and below(frame.file, directory)]
    return (own or list(side.stack))[:_MOST_FRAMES]
