"""The verb names: judges the names in a tree, in git's index, in an archive, or given to it; runs nothing."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.names import WINDOWS_10, WINDOWS_11
from picobox.cli.options import Option, Usage, output_options, preset
from picobox.cli.prefix import windows_prefix
from picobox.errors import PicoboxError
from picobox.findings.config_values import PROFILES
from picobox.findings.finding import Finding, Report
from picobox.findings.name_lists import NameList, Target, judge_names
from picobox.platform import name_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import SimpleNamespace

_VERSIONS = {"windows10": WINDOWS_10, "windows11": WINDOWS_11}
_STANDARD_INPUT = "-"
_NO_LINKS: Mapping[str, str] = {}

_DESCRIPTION = """Judge names by the rules of Windows, PB001 to PB008: those in a directory tree, in an archive (zip,
tar or a packed tar; a wheel or an sdist is one), in git's index, on standard input, or the PATHs themselves.
Nothing is run, unpacked or followed. Of .git, .hg, .jj and .svn the content is left out."""

_EXAMPLES = """examples:
  picobox names                            the tree here
  picobox names --git                      what is checked out of this repository, staged names included
  picobox names --git src/a.py docs/b.md   these names, and whether others in the index differ only in case
  picobox names dist/project-1.0.tar.gz    what would be unpacked
  find . -print0 | picobox names -0 -      names from elsewhere

exit status: 0; 1 if a finding is as grave as --fail-on; 125 picobox itself"""


class _Source(NamedTuple):
    """Names to judge. `title` is what their root is called; of `only` alone the names are judged, if it is not None."""

    names: NameList
    title: str
    only: frozenset[str] | None = None


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    from picobox.cli.findings import conclude, finding_options, settle
    from picobox.findings.visible import visible

    usage = Usage("names", _DESCRIPTION, _EXAMPLES)
    options = usage.read((*_options(), *finding_options(), *output_options()), arguments)
    directory = _directory(options)
    config = settle(options, directory, usage.prog)
    started = time.time()
    failures: list[str] = []
    findings: list[Finding] = []
    for source in _sources(options, failures):
        target = Target(_VERSIONS[options.profile], windows_prefix(options.windows_prefix, source.title))
        findings += judge_names(source.names, target, started, source.only)
    report = _report(options, directory, arguments, started, findings)
    status = conclude(report, options, config, sys.stdout)
    for failure in failures:
        sys.stderr.write(f"picobox: {visible(failure)}\n")
    return status or (125 if failures else 0)


def _options() -> tuple[Option, ...]:
    said = preset("PROFILE")
    return (
        Option(
            "--profile",
            choices=PROFILES,
            default=said if said in PROFILES else None,
            help="the version of Windows; windows11 is the default",
        ),
        Option(
            "--windows-prefix",
            metavar="PATH",
            help=r"where the root of the names would be, for the length of paths; D:\a\NAME\NAME unless you say "
            "otherwise, NAME being its name",
        ),
        Option("--git", action="store_true", help="judge the index of the git repository here, or at PATH"),
        Option("-0", "--null", action="store_true", help="names on standard input end in NUL, not in a newline"),
        Option(
            "paths",
            metavar="PATH",
            nargs="*",
            default=[],
            help="a directory, an archive, or a file whose name is judged; - for names on standard input",
        ),
    )


def _report(
    options: SimpleNamespace, directory: str, arguments: list[str], started: float, findings: list[Finding]
) -> Report:
    return Report(
        options.profile,
        enforced=False,
        command=("picobox", "names", *arguments),
        directory=directory,
        prefix=windows_prefix(options.windows_prefix, name_sources.name_of(directory)),
        started=started,
        ended=time.time(),
        status=0,
        findings=tuple(findings),
    )


def _directory(options: SimpleNamespace) -> str:
    """The project's directory: the one that is named, or the repository's, else the working directory."""
    path = options.paths[0] if len(options.paths) == 1 and name_sources.is_directory(options.paths[0]) else "."
    return name_sources.git_root(path) if options.git else name_sources.absolute(path)


def _sources(options: SimpleNamespace, failures: list[str]) -> Iterator[_Source]:
    """What the command line names; `failures` takes a line for each directory that could not be read."""
    paths = options.paths
    if options.null and _STANDARD_INPUT not in paths:
        raise PicoboxError("-0: it is about names on standard input. Add -, which stands for it.")
    if options.git:
        yield _git(paths)
        return
    files: list[str] = []
    for path in paths or ["."]:
        if path == _STANDARD_INPUT:
            yield from _given(_standard_input(null=options.null))
        elif name_sources.is_directory(path):
            found = name_sources.tree(path)
            failures += found.failures
            yield _named(found.names)
        else:
            names = _archived(path)
            if names is None:
                files.append(path)
            else:
                yield _Source(names, name_sources.stem_of(path))
    yield from _given(files, name_sources.links_among(files))


def _named(names: NameList) -> _Source:
    return _Source(names, name_sources.name_of(names.root))


def _archived(path: str) -> NameList | None:
    if not name_sources.is_regular(path):
        return None
    from picobox.platform.archives import archive

    return archive(path)


def _git(paths: list[str]) -> _Source:
    """The index of a repository, or names of it."""
    if not paths or (len(paths) == 1 and name_sources.is_directory(paths[0], follow=False)):
        return _named(name_sources.git_index(paths[0] if paths else "."))
    index = name_sources.git_index(".")
    only = [name_sources.in_repository(path, index.root) for path in paths]
    return _Source(index._replace(paths=[*index.paths, *only]), name_sources.name_of(index.root), frozenset(only))


def _standard_input(*, null: bool) -> list[str]:
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    return text.split("\0" if null else "\n")


def _given(names: list[str], links: Mapping[str, str] = _NO_LINKS) -> Iterator[_Source]:
    """Names as somebody wrote them; one that ends in a slash is a directory's."""
    for root, placed in zip((name_sources.absolute("."), "/"), name_sources.placed(names), strict=True):
        directories = frozenset(name.rstrip("/") for name in placed if name.endswith("/"))
        paths = [name.rstrip("/") for name in placed] if directories else placed
        if paths:
            yield _named(NameList(root, paths, directories, links))
