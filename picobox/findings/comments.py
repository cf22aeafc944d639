"""Owns the comments that suppress findings at a line of source: `picobox: ignore PB010, PB012 - the reason`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from picobox.findings.files import source_lines
from picobox.findings.reading import nearest
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from picobox.findings.finding import Frame

# What begins a comment in the languages of those who write tests.
_COMMENT = re.compile(r"(?:#|//|--|%|;|/\*)\s*picobox:\s*ignore\b(?P<rest>.*)", re.IGNORECASE)
_RULES = re.compile(r"[\s:=\[(]*(?P<ids>PB\w*(?:[\s,]+PB\w*)*)[\])]*(?P<reason>.*)", re.DOTALL | re.IGNORECASE)
_AROUND_REASON = " \t\r:-*/>"


class Comment(NamedTuple):
    """A comment that ignores rules, and where it stands: file and line."""

    rules: tuple[str, ...]
    reason: str
    place: str


class Comments:
    """The comments at the sites of findings; each file is read once."""

    def __init__(self) -> None:
        self.mistakes: dict[str, None] = {}
        """What is wrong with comments, each told once."""
        self._lines: dict[str, list[str]] = {}
        self._met: dict[Comment, bool] = {}

    def of(self, rule: str, site: Frame | None) -> Comment | None:
        """The comment that ignores a rule at a site, on its line or alone on the line before; None if there is none."""
        if site is None or site.line is None:
            return None
        lines = self._lines.get(site.file)
        if lines is None:
            lines = self._lines[site.file] = source_lines(site.file)
        for number in (site.line, site.line - 1):
            text = lines[number - 1] if 0 < number <= len(lines) else ""
            found = _COMMENT.search(text)
            if found is None or (number != site.line and text[: found.start()].strip()):
                continue
            comment = self._read(found["rest"], f"{site.file}:{number}")
            self._met.setdefault(comment, False)
            if rule in comment.rules:
                self._met[comment] = True
                return comment
        return None

    def idle(self) -> list[str]:
        """Of those that were met: which ignored nothing."""
        return [
            f"{comment.place}: nothing was found that it ignores" for comment, used in self._met.items() if not used
        ]

    def _read(self, rest: str, place: str) -> Comment:
        found = _RULES.match(rest)
        if found is None:
            self.mistakes[f"{place}: `picobox: ignore` names no rule and ignores nothing. Write one, as PB010."] = None
            return Comment((), "", place)
        ids = tuple(re.split(r"[\s,]+", found["ids"].upper()))
        for each in ids:
            if each not in RULES:
                self.mistakes[f"{place}: there is no rule {each}, {nearest(each, RULES)}."] = None
        return Comment(ids, found["reason"].strip(_AROUND_REASON), place)
