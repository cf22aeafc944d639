"""Judges many names at once: of a million only those that could meet a rule are looked at one by one."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.names import units
from ntshim.win32.paths import MAX_DIRECTORY
from picobox.findings.finding import Finding, Process, Side
from picobox.findings.names import (
    DIRECTORY,
    ENTRY,
    FILE,
    Judgement,
    components_of,
    differ_in_case,
    judge_length,
    judge_name,
    judge_twin,
    windows_path,
)
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

# Paths between NULs: what can meet a rule in a last component. Each begins with a set of characters, which lets the
# matcher skip all others quickly.
_SUSPECTS = (
    re.compile('[\x01-\x1f"*:<>?\\\\|\udc80-\udcff][^/\0]*(?=\0)'),
    re.compile("[. ](?=\0)"),
    re.compile(
        "[/\0](?:[cC][oO][nN](?:[iI][nN]\\$|[oO][uU][tT]\\$)?|[pP][rR][nN]|[aA][uU][xX]|[nN][uU][lL]"
        "|(?:[cC][oO][mM]|[lL][pP][tT])[1-9\xb9\xb2\xb3]) *(?:[.:][^/\0]*)?(?=\0)"
    ),
)
# Components that are none: empty, `.` and `..`.
_NO_NAMES = re.compile("[/\0]\\.{0,2}[/\0]")
_CHUNK = 1 << 16  # paths that are joined and searched at once
# A component below this many code points has at most 255 units.
_SHORT = 128
_SCAN = Process(0, "")
"""Nobody's: names that are read where they are stored belong to no process."""


class NameList(NamedTuple):
    """Names to judge: paths relative to the directory or archive `root`, `/` between components.

    `directories` and `links` tell which of `paths` are that; the directories that paths imply need not be there.
    """

    root: str
    paths: Sequence[str]
    directories: Collection[str] = ()
    links: Collection[str] = ()

    def kind(self, path: str) -> str:
        """How a path is made."""
        if path in self.directories:
            return DIRECTORY
        return ENTRY if path in self.links else FILE


class Target(NamedTuple):
    """For which Windows names are judged: its version, and the Windows path for which the root stands."""

    version: int
    prefix: str


def judge_names(names: NameList, target: Target, time: float, only: Collection[str] | None = None) -> list[Finding]:
    """All findings by PB001 and PB003 to PB008, by path; `time` is that of the scan.

    Of `only`, if given, the names are judged, and whether they differ from any other in nothing but case.
    """
    names = _completed(names)
    if only is not None:
        only = set(map(_cleaned, only))
        only |= parents_of(only)
    judged = names.paths if only is None else [path for path in names.paths if path in only]
    found = [
        _finding(names, path, judgement, time)
        for path in dict.fromkeys(_suspects(judged))
        for judgement in judge_name(path.rpartition("/")[2], target.version, names.kind(path))
    ]
    found += [
        _finding(names, path, judgement, time)
        for path in _long_paths(judged, target.prefix)
        for judgement in judge_length(windows_path(target.prefix, path), names.kind(path))
    ]
    for group in differ_in_case(names.paths):
        found += _case_findings(names, group, time, only)
    return sorted(found, key=attrgetter("path", "rule"))


def _completed(names: NameList) -> NameList:
    """The same list, each path once and without what is no name in it, with the directories that paths imply."""
    root, given, directories, links = names
    if _NO_NAMES.search(_joined(given)):
        given, directories, links = ([_cleaned(path) for path in each] for each in (given, directories, links))
    paths = dict.fromkeys(given)
    implied = {*directories, *parents_of(paths)}
    implied.discard("")
    paths.pop("", None)
    paths.update(dict.fromkeys(sorted(implied - paths.keys())))
    return NameList(root.rstrip("/"), list(paths), implied, frozenset(links))


def parents_of(paths: Iterable[str]) -> set[str]:
    """All directories on the way to relative paths, "" for that which they are relative to."""
    found = new = {path.rpartition("/")[0] for path in paths}
    while new:
        new = {path.rpartition("/")[0] for path in new} - found
        found = found | new
    return found


def _joined(paths: Iterable[str]) -> str:
    """All paths, each between NULs."""
    return "\0{}\0".format("\0".join(paths))


def _cleaned(path: str) -> str:
    return "/".join(components_of(path))


def _suspects(paths: Sequence[str]) -> Iterator[str]:
    """The paths whose last component may meet a rule, some of them several times."""
    for start in range(0, len(paths), _CHUNK):
        chunk = paths[start : start + _CHUNK]
        text = _joined(chunk)
        if text.count("\0") != len(chunk) + 1:  # some archives have such names
            yield from (path for path in chunk if "\0" in path)
            chunk = [path for path in chunk if "\0" not in path]
            text = _joined(chunk)
        for pattern in _SUSPECTS:
            for match in pattern.finditer(text):
                end = match.end()
                yield text[text.rfind("\0", 0, end) + 1 : end]
        yield from (path for path in chunk if len(path) >= _SHORT and len(path.rpartition("/")[2]) >= _SHORT)


def _long_paths(paths: Iterable[str], prefix: str) -> Iterable[str]:
    """The paths that may be too long on Windows."""
    most = MAX_DIRECTORY - units(prefix) - 2
    # At most two units a code point.
    return [path for path in paths if len(path) * 2 > most and (len(path) > most or not path.isascii())]


def _finding(names: NameList, path: str, judgement: Judgement, time: float, other: str | None = None) -> Finding:
    whole = f"{names.root}/{path}"
    return Finding(
        judgement.rule,
        RULES[judgement.rule].severity,
        judgement.status,
        whole,
        f"{path} {judgement.message}",
        Side(_SCAN, "", whole, time),
        () if other is None else (Side(_SCAN, "", f"{names.root}/{other}", time),),
    )


def _case_findings(
    names: NameList, group: tuple[str, ...], time: float, only: Collection[str] | None
) -> Iterator[Finding]:
    """One for each name but the first, or for each of `only`."""
    for place, path in enumerate(group):
        if path in only if only is not None else place:
            other = group[0 if place else 1]
            yield _finding(names, path, judge_twin(other), time, other)
