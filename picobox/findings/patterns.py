"""Owns the patterns of ignore tables: which paths and names they are about."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from picobox.findings.fingerprint import TEMPORARY, holds, normal_path, roots_of

if TYPE_CHECKING:
    from picobox.findings.finding import Report

_PIECE = re.compile(r"\[[!^]?\]?[^\]/]*\]|\*+|.", re.DOTALL)
_WILD = {"*": "[^/]*", "?": "[^/]"}


def matches_name(pattern: str, name: str) -> bool:
    """Whether a name is one that a pattern with `*`, `?` and `[...]` is about."""
    return _compiled(pattern).fullmatch(name) is not None


def matches_path(pattern: str, path: str, report: Report, base: str = "") -> bool:
    """Whether a pattern is about a path of a report, or about a directory that it lies in.

    As in a .gitignore: `*` and `?` stand for no slash, `**` for any directories; without a slash it is about names
    anywhere in the project, with one it is relative to the project, or to `base`. What begins with a slash is absolute;
    `$TMPDIR/` stands for each directory for temporary files.
    """
    wanted = pattern.removeprefix("./").rstrip("/") or "/"
    if wanted.startswith("/"):
        spellings = [path]
    else:
        spellings = _relative(path, report, base)
        wanted = wanted if "/" in wanted else f"**/{wanted}"
    compiled = _compiled(wanted)
    return any(compiled.fullmatch(spelling) is not None for spelling in spellings)


def _relative(path: str, report: Report, base: str) -> list[str]:
    """How a path is spelled without what is the machine's; what is nowhere known is but a name."""
    roots = [root for root in (report.directory, base) if root and holds(root, path)]
    found = [posixpath.relpath(path, root) for root in roots]
    temporary = [root for root in report.temporary if holds(root, path)]
    found += [f"{TEMPORARY}/{posixpath.relpath(path, root)}" for root in temporary]
    return [*found, normal_path(path, roots_of(report))] if found else [posixpath.basename(path)]


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """What matches such a path and all below it."""
    *leading, last = pattern.split("/")
    text = "".join("(?:[^/]*/)*" if each == "**" else f"{_component(each)}/" for each in leading)
    text += ".*" if last == "**" else _component(last)
    return re.compile(f"{text}(?:/.*)?", re.DOTALL)


def _component(pattern: str) -> str:
    return "".join(map(_piece, _PIECE.findall(pattern)))


def _piece(piece: str) -> str:
    if len(piece) < 3 or not piece.startswith("["):
        return _WILD.get(piece[0] if piece.startswith("*") else piece, re.escape(piece))
    negated = piece[1] in "!^"
    members = piece[2 if negated else 1 : -1].replace("\\", r"\\").replace("]", r"\]").replace("[", r"\[")
    text = f"(?!/)[{'^' * negated}{members}]"
    try:
        re.compile(text)
    except re.error:
        return re.escape(piece)
    return text
