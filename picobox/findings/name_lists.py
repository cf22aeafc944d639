"""Judges many names at once: of a million only those that could meet a rule are looked at one by one."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.names import units
from ntshim.upcase import upcase
from ntshim.win32.paths import MAX_DIRECTORY
from picobox.errors import PicoboxError
from picobox.findings.finding import Finding, Process, Side
from picobox.findings.names import (
    DIRECTORY,
    ENTRY,
    FILE,
    Judgement,
    components_of,
    differ_in_case,
    judge_length,
    judge_link,
    judge_name,
    judge_twin,
    windows_path,
)
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

# Paths between NULs: what can meet a rule in a last component. Each begins with a set of characters, which lets the
# matcher skip all others quickly; none takes more than one look at a character, whatever names somebody has made up.
_ILLEGAL = re.compile('[\x01-\x1f"*:<>?\\\\|\udc80-\udcff]')
_ENDINGS = (
    re.compile("[. ](?=\0)"),
    re.compile(
        "[/\0](?:[cC][oO][nN](?:[iI][nN]\\$|[oO][uU][tT]\\$)?|[pP][rR][nN]|[aA][uU][xX]|[nN][uU][lL]"
        "|(?:[cC][oO][mM]|[lL][pP][tT])[1-9\xb9\xb2\xb3]) *(?:[.:][^/\0]*)?(?=\0)"
    ),
)
# Components that are none: empty, `.` and `..`.
_NO_NAMES = re.compile("[/\0]\\.{0,2}[/\0]")
MOST_CHARACTERS = 1 << 28  # of directories that names imply
_CHUNK = 1 << 16  # paths that are joined and searched at once
# A component below this many code points has at most 255 units.
_SHORT = 128
_SCAN = Process(0, "")
"""Nobody's: names that are read where they are stored belong to no process."""


class NameList(NamedTuple):
    """Names to judge: paths relative to the directory or archive `root`, `/` between components.

    `directories` are those of `paths` that are; the directories that paths imply need not be there. `links`: where each
    of them that is a link leads, from its own directory; "" where nobody knows.
    """

    root: str
    paths: Sequence[str]
    directories: Collection[str] = ()
    links: Mapping[str, str] = {}

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
    """All findings by PB001 to PB008, by path; `time` is that of the scan. PB002 is about where links lead.

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
    found += [_finding(names, path, judgement, time) for path, judgement in _links(names, judged)]
    for group in differ_in_case(names.paths):
        found += _case_findings(names, group, time, only)
    return sorted(found, key=attrgetter("path", "rule"))


def _completed(names: NameList) -> NameList:
    """The same list, each path once and without what is no name in it, with the directories that paths imply."""
    root, given, directories, links = names
    if _NO_NAMES.search(_joined(given)):
        given, directories = ([_cleaned(path) for path in each] for each in (given, directories))
        links = {_cleaned(path): target for path, target in links.items()}
    paths = dict.fromkeys(given)
    implied = {*directories, *parents_of(paths)}
    implied.discard("")
    paths.pop("", None)
    paths.update(dict.fromkeys(sorted(implied - paths.keys())))
    return NameList(root.rstrip("/"), list(paths), implied, links)


def parents_of(paths: Iterable[str]) -> set[str]:
    """All directories on the way to relative paths, "" for that which they are relative to.

    PicoboxError if they are nested so deeply that nobody could have meant it: a path of a million characters may have
    half a million of them, with a quarter of a million characters each.
    """
    new = {path.rpartition("/")[0] for path in paths}
    found = set(new)
    left = MOST_CHARACTERS
    while new:
        left -= sum(map(len, new))
        if left < 0:
            raise PicoboxError(f"the directories in the names have over {MOST_CHARACTERS:,} characters. Scan less.")
        new = {path.rpartition("/")[0] for path in new} - found
        found |= new
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
        yield from _with_illegal(text)
        for pattern in _ENDINGS:
            for match in pattern.finditer(text):
                end = match.end()
                yield text[text.rfind("\0", 0, end) + 1 : end]
        yield from (path for path in chunk if len(path) >= _SHORT and len(path.rpartition("/")[2]) >= _SHORT)


def _with_illegal(text: str) -> Iterator[str]:
    """The paths of a joined text that have a character in their last component which no name can have."""
    match = _ILLEGAL.search(text)
    while match is not None:
        found = match.start()
        end = text.find("\0", found)
        last = text.rfind("/", found, end)
        if last < 0:
            yield text[text.rfind("\0", 0, found) + 1 : end]
        match = _ILLEGAL.search(text, end if last < 0 else last)


def _long_paths(paths: Iterable[str], prefix: str) -> Iterable[str]:
    """The paths that may be too long on Windows."""
    most = MAX_DIRECTORY - units(prefix) - 2
    # At most two units a code point.
    return [path for path in paths if len(path) * 2 > most and (len(path) > most or not path.isascii())]


def _links(names: NameList, judged: Iterable[str]) -> Iterator[tuple[str, Judgement]]:
    """The links that lead to a name in another case than it has, and how that is judged."""
    wanted = {path: target for path in judged if (target := _target(path, names.links.get(path, "")))}
    if not wanted:
        return
    there = set(names.paths)
    missing = {path: target for path, target in wanted.items() if target not in there}
    if not missing:
        return
    folded = {upcase(target) for target in missing.values()}
    stored = {folded_path: path for path in names.paths if (folded_path := upcase(path)) in folded}
    for path, target in missing.items():
        if upcase(target) in stored:
            yield path, judge_link(target, stored[upcase(target)])


def _target(path: str, target: str) -> str:
    """Where a link at a path leads, as a path of the same list; "" if that is outside."""
    if not target or target.startswith("/"):
        return ""
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


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
    """One for each name but the first of those that are judged; for that one too if it is the only one."""
    judged = [path for path in group if only is None or path in only]
    for path in judged[1:] or judged:
        other = next(other for other in group if other != path)
        yield _finding(names, path, judge_twin(other), time, other)
