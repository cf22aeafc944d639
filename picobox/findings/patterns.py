"""Owns the patterns of ignore tables: which paths and names they are about."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from picobox.findings.fingerprint import TEMPORARY, Roots, holds, normal_path, roots_of

if TYPE_CHECKING:
    from picobox.findings.finding import Report

_PIECE = re.compile(r"\[[!^]?\]?[^\]/]*\]|\*+|.", re.DOTALL)
_ANY = "**"
# What stands for a `*` between the pieces of a regular expression; no pattern holds it, since no path does.
_STAR = "\0"
_STARS = re.compile(_STAR)


def matches_name(pattern: str, name: str) -> bool:
    """Whether a name is one that a pattern with `*`, `?` and `[...]` is about."""
    return _component(pattern).fullmatch(name) is not None


def matches_path(pattern: str, path: str, report: Report, base: str = "") -> bool:
    """Whether a pattern is about a path of a report, or about a directory that it lies in.

    As in a .gitignore: `*` and `?` stand for no slash, `**` for any directories; without a slash it is about names
    anywhere in the project, with one it is relative to the project, or to `base`. What begins with a slash is absolute;
    `$TMPDIR/` stands for each directory for temporary files.
    """
    wanted = pattern.removeprefix("./").rstrip("/") or "/"
    if wanted.startswith("/"):
        spellings: tuple[str, ...] = (path,)
    else:
        spellings = _relative(path, roots_of(report), base)
        wanted = wanted if "/" in wanted else f"**/{wanted}"
    return any(_is_about(wanted, spelling) for spelling in spellings)


@lru_cache(256)
def _relative(path: str, roots: Roots, base: str) -> tuple[str, ...]:
    """How a path is spelled without what is the machine's; what is nowhere known is but a name."""
    found = [path[len(root) :].strip("/") for root in (roots.directory, base) if root and holds(root, path)]
    found += [f"{TEMPORARY}/{path[len(root) :].strip('/')}" for root in roots.temporary if holds(root, path)]
    return (*found, normal_path(path, roots)) if found else (posixpath.basename(path),)


def _is_about(pattern: str, path: str) -> bool:
    """Whether a path, or one of the directories it lies in, is what a pattern spells; all ways are tried at once."""
    wanted = pattern.split("/")
    states = _with_none(wanted, {0})
    for component in path.split("/"):
        after = set()
        for state in states - {len(wanted)}:
            if wanted[state] == _ANY:
                after.add(state)
            elif _component(wanted[state]).fullmatch(component) is not None:
                after.add(state + 1)
        states = _with_none(wanted, after)
        if len(wanted) in states:
            return True
    return False


def _with_none(wanted: list[str], states: set[int]) -> set[int]:
    """The states, and those after a `**` that stands for no directory at all."""
    found = set(states)
    for state, component in enumerate(wanted):
        if state in found and component == _ANY:
            found.add(state + 1)
    return found


@lru_cache(256)
def _component(pattern: str) -> re.Pattern[str]:
    """What matches one component. The first place behind a `*` that will do is taken for good: nothing is retried."""
    first, *others = _STARS.split("".join(map(_piece, _PIECE.findall(pattern))))
    middle = "".join(f"(?>.*?{text})" for text in others[:-1])
    return re.compile(first + middle + "".join(f".*{text}" for text in others[-1:]), re.DOTALL)


def _piece(piece: str) -> str:
    if piece.startswith("*"):
        return _STAR
    if piece == "?":
        return "."
    if len(piece) < 3 or not piece.startswith("["):
        return re.escape(piece)
    negated = piece[1] in "!^"
    members = piece[2 if negated else 1 : -1].replace("\\", r"\\").replace("]", r"\]").replace("[", r"\[")
    text = f"[{'^' * negated}{members}]"
    try:
        re.compile(text)
    except re.error:
        return re.escape(piece)
    return text
