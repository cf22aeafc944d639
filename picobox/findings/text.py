"""Reports for people: a paragraph for each finding with what Windows says, both sides, the source, and what to do."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from picobox.findings.excerpt import excerpt
from picobox.findings.finding import ERROR, NOTE, WARNING
from picobox.findings.places import shown_path
from picobox.findings.rules import RULES
from picobox.findings.tally import gravest_first, reaches, tally
from picobox.findings.visible import command_line, visible
from picobox.findings.wording import (
    CHECK,
    frame_words,
    headline,
    is_stored,
    occurrences_words,
    sentence,
    side_words,
    telling_frames,
    verb_of,
    windows_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.findings.finding import Finding, Report, Side

BASELINE = "picobox-baseline.json"

_STYLES = {ERROR: "bold red", WARNING: "bold yellow", NOTE: "bold cyan"}
_LABEL = "dim"
_MARKED = "bold"
_INDENT = 11
# A narrower terminal breaks lines by itself.
_LEAST_WIDTH = 40
_TAB = 4
# What begins a command to GitHub's runner when it stands in a log: at the start of a line, or anywhere.
_COMMAND = re.compile(r"^(\s*:):|(#)#(?=\[)")


def render(report: Report, *, color: bool, width: int | None, fail_on: str) -> str:
    """The report as text. `width` in columns, None for lines as long as they come; `fail_on`: the severity that fails.

    Suppressed findings are only counted.
    """
    page = _Page(report, color=color, width=width)
    for finding in gravest_first(report.findings):
        if not finding.suppressed:
            page.finding(finding)
    page.close(fail_on)
    return page.text()


class _Page:
    def __init__(self, report: Report, *, color: bool, width: int | None) -> None:
        self.report = report
        self.directory = report.directory
        self.width = None if width is None else max(width, _LEAST_WIDTH)
        self.ink = _ink() if color else _no_ink
        self.lines: list[str] = []

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    def finding(self, finding: Finding) -> None:
        """The paragraph of a finding, and an empty line behind it."""
        label = f"{finding.severity} "
        for number, line in enumerate(wrapped(label + headline(finding), self._room(0))):
            head = label if number == 0 else ""
            self._put(self.ink(head, _STYLES[finding.severity]) + self.ink(line[len(head) :], _MARKED))
        told = sentence(finding, self.directory)
        for line in wrapped(told, self._room(2)):
            self._put(f"  {line}")
        path = visible(shown_path(finding.path, self.directory))
        if not told.startswith(path):
            self._field("file", path)
        if finding.site is not None:
            self._field("at", frame_words(finding.site, self.directory))
            self._source(finding)
        self._field("Windows", windows_answer(finding))
        if not is_stored(finding.side):
            self._side("call", finding.side)
        for side in finding.others:
            self._side("against", side)
        if finding.test:
            self._field("test", visible(finding.test))
        if finding.count > 1:
            self._field("seen", f"{finding.count} times")
        for words in occurrences_words(finding, self.directory):
            self._field("also", words)
        self._field("fix", RULES[finding.rule].fix)
        self._put("")

    def close(self, fail_on: str) -> None:
        """How many there are, and how those that fail can be accepted."""
        report = self.report
        how = "enforced" if report.enforced else "observed"
        verb = verb_of(report)
        ran = f", {how}" if verb == CHECK else ""
        self._wrapped(f"{verb}, {visible(report.profile)}{ran}: {tally(report.findings)}")
        failing = sum(reaches(finding, fail_on) for finding in report.findings)
        if not failing:
            return
        command = " ".join(
            [
                verb,
                *([] if report.profile == "windows11" else ["--profile", command_line([report.profile])]),
                *(["--enforce"] if report.enforced else []),
            ]
        )
        program = f"-- {command_line(report.command) or 'COMMAND'}"
        if verb != CHECK:
            command, program = verb, command_line(report.command[2:])
        fails = "1 of them fails" if failing == 1 else f"{failing} of them fail"
        self._wrapped(f"{fails} the check (--fail-on {fail_on}). To fail on new ones only, keep these as a baseline:")
        self._put(f"  {command} --write-baseline {BASELINE} {program}")
        self._put(f"  {command} --baseline {BASELINE} {program}")

    def _side(self, label: str, side: Side) -> None:
        self._field(label, side_words(side, self.report))
        for frame in telling_frames(side, self.directory):
            self._field("", f"  {frame_words(frame, self.directory)}")
        if side.process.arguments:
            self._field("", f"  $ {command_line(side.process.arguments)}")

    def _source(self, finding: Finding) -> None:
        found = excerpt(finding.site, self.directory)
        if found is None:
            return
        digits = len(str(found.first + len(found.lines) - 1))
        for number, line in enumerate(found.lines, found.first):
            marked = number == found.line
            head = f"{'>' if marked else ' '} {number:{digits}} | "
            code = cut(visible(line.expandtabs(_TAB)), self._room(_INDENT + len(head)))
            self._put(" " * _INDENT + self.ink((head + code).rstrip(), _MARKED if marked else _LABEL))

    def _field(self, label: str, text: str) -> None:
        """A label and a text in the column behind it."""
        indent = len(text) - len(text.lstrip(" "))
        lines = wrapped(text.lstrip(" "), self._room(_INDENT + indent))
        for number, line in enumerate(lines):
            head = f"  {label}" if number == 0 else ""
            self._put(self.ink(head.ljust(_INDENT), _LABEL) + " " * indent + line)

    def _wrapped(self, text: str) -> None:
        for line in wrapped(text, self._room(0)):
            self._put(line)

    def _room(self, taken: int) -> int | None:
        return None if self.width is None else max(self.width - taken, _LEAST_WIDTH // 2)

    def _put(self, line: str) -> None:
        self.lines.append(_inert(line.rstrip()))


def _ink() -> Callable[[str, str], str]:
    """What colours a text in a style, with the terminal's own sixteen colours."""
    from rich.color import ColorSystem
    from rich.style import Style

    def ink(text: str, style: str) -> str:
        return Style.parse(style).render(text, color_system=ColorSystem.STANDARD) if text.strip() else text

    return ink


def _no_ink(text: str, _style: str) -> str:
    return text


def _inert(line: str) -> str:
    """The line so that GitHub's runner, in whose log it may stand, finds no command in it."""
    return _COMMAND.sub(lambda found: rf"{found[1]}\x3a" if found[1] else r"#\x23", line)


def cells(text: str) -> int:
    """The columns of a terminal that a text takes (Unicode, East Asian Width; combining marks take none)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def cut(text: str, room: int | None) -> str:
    """The text, cut to a number of columns, with an ellipsis where something is missing."""
    if room is None or cells(text) <= room:
        return text
    kept = ""
    for character in text:
        if cells(kept + character) >= room:
            break
        kept += character
    return kept + "…"


def wrapped(text: str, room: int | None) -> list[str]:
    """The text in lines of as many columns, broken at blanks only: a path that is longer can still be copied whole."""
    if room is None or cells(text) <= room:
        return [text]
    lines: list[str] = []
    for word in text.split(" "):
        if lines and cells(lines[-1]) + 1 + cells(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
