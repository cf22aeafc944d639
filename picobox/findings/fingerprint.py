"""What makes two findings the same from run to run: rule, path without its random parts, place, program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.findings.finding import Finding, Report

TEMPORARY = "$TMPDIR"
# What a program lacks wherever it lacks it: among temporary files, which are mostly those of tests, it is told once.
_ONE_FACT = frozenset(("PB019",))
ELSEWHERE = "..."
# An object of git takes its name, and that of the directory it lies in, from what it holds: times, too.
_GIT_OBJECT = re.compile(r"(?<=/)[0-9a-f]{2}/[0-9a-f]{38}(?![^/])")
# What pytest calls its directories: /pytest-of-USER/pytest-RUN/TEST0, under xdist with popen-gwWORKER between.
_PYTEST = re.compile(r"(?<![^/])(pytest-of-|pytest-(?=\d))[^/]+")
_PYTEST_TEST = re.compile(r"((?<![^/])pytest-\*/)(?:popen-gw\d+(?:/|$))?(?:([^/]*?)\d+(?![^/]))?")
_RANDOM = re.compile(
    r"""(?P<kept>
          (?<![0-9A-Za-z])tmp(?=[a-z0-9_]{8}(?![0-9A-Za-z_]))   # Python: tempfile
        | (?<![^/])\.tmp(?=[0-9A-Za-z]{6}(?![^/]))              # Rust: tempfile
        | (?<![^/])tmp\.(?=[0-9A-Za-z]{10}(?![^/]))             # mktemp(1)
        )[0-9A-Za-z_]+
      | [0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}    # a UUID
      | (?<![0-9A-Za-z])(?=[a-f]*[0-9])[0-9a-f]{12,}(?![0-9A-Za-z])  # a digest
      | [0-9]{5,}                                               # a process id, a time
    """,
    re.VERBOSE,
)
_EXTENSION = re.compile(r"\.[0-9A-Za-z]{1,5}$")
_SEPARATOR = re.compile(r"[-.]")
# What mkstemp(3) puts in the place of the X's; nobody makes shorter ones.
_LEAST_RANDOM = 6
_LEAST_PREFIX = 3
# Interpreters carry the version in their names, and another one finds the same.
_INTERPRETER = re.compile(r"(lua|node|perl|php|pypy|python|ruby)[0-9.]+")


class Roots(NamedTuple):
    """What paths are told relative to: the project's directory, and those for temporary files; all absolute."""

    directory: str
    temporary: tuple[str, ...] = ()


class Fingerprint(NamedTuple):
    """A finding without what differs from run to run, from machine to machine, and with edits elsewhere in a file.

    `file` and `function` are those of its site, "" if unknown; `process` is the name of the program.
    """

    rule: str
    path: str
    file: str
    function: str
    process: str

    def digest(self) -> str:
        """It as 32 hexadecimal digits: SARIF's partialFingerprints."""
        from hashlib import sha256

        return sha256("\0".join(self).encode(errors="surrogatepass")).hexdigest()[:32]


def roots_of(report: Report) -> Roots:
    """The directories that the paths of a report are told relative to."""
    return Roots(report.directory, report.temporary)


def fingerprint(finding: Finding, roots: Roots) -> Fingerprint:
    """The fingerprint of a finding of a report with these roots."""
    if is_one_fact(finding, roots):
        return Fingerprint(finding.rule, TEMPORARY, "", "", program_of(finding.side.process.name))
    site = finding.site
    return Fingerprint(
        finding.rule,
        _shortened(normal_path(finding.path, roots)),
        "" if site is None else _shortened(normal_path(site.file, roots)),
        "" if site is None else site.function,
        program_of(finding.side.process.name),
    )


def is_one_fact(finding: Finding, roots: Roots) -> bool:
    """Whether it is told once for a program, whatever temporary file it is about and wherever it is done."""
    return finding.rule in _ONE_FACT and normal_path(finding.path, roots).startswith(f"{TEMPORARY}/")


def program_of(name: str) -> str:
    """The name of a process's program; an interpreter's is without its version."""
    found = _INTERPRETER.fullmatch(name)
    return found[1] if found else name


def normal_path(path: str, roots: Roots) -> str:
    """A path relative to the project or to $TMPDIR, absolute elsewhere, with a * for each part that is random."""
    root = max((each for each in (roots.directory, *roots.temporary) if holds(each, path)), key=len, default=None)
    if root is None:
        return _without_random_parts(path)
    below = path[len(root) :].strip("/")
    if root == roots.directory:
        return _without_random_parts(below) or "."
    first, *rest = _without_random_parts(below).split("/")
    return "/".join([TEMPORARY, *([_temporary_name(first)] if first else []), *rest])


def holds(directory: str, path: str) -> bool:
    """Whether an absolute path is that of a directory, or lies below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _without_random_parts(path: str) -> str:
    path = _GIT_OBJECT.sub("*/*", path)
    path = _PYTEST_TEST.sub(
        lambda found: found[1] + ("" if found[2] is None else f"{found[2]}*"), _PYTEST.sub(r"\1*", path)
    )
    return _RANDOM.sub(lambda found: f"{found['kept'] or ''}*", path)


def _temporary_name(name: str) -> str:
    """A name directly in a temporary directory.

    Nobody can tell random letters from a word, so that what may be random is taken for it, or a baseline would be right
    today and wrong tomorrow: all behind a first hyphen or dot, else all behind the first letters.
    """
    if name == "pytest-of-*":
        return name
    extension = _EXTENSION.search(name, 1)
    end = extension.start() if extension else len(name)
    separator = _SEPARATOR.search(name, 1, end)
    star = name.find("*") if "*" in name else end
    start = separator.end() if separator else min(_LEAST_PREFIX, star)
    if end - start < _LEAST_RANDOM and star == end:
        return name
    return f"{name[:start]}*{name[end:]}"


def _shortened(path: str) -> str:
    """A normal path; of one that is elsewhere only the end, since the rest is the machine's."""
    return "/".join([ELSEWHERE, *path.strip("/").split("/")[-2:]]) if path.startswith("/") else path
