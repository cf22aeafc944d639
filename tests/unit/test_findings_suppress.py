"""What keeps findings from counting: levels, ignore tables with their patterns, comments at a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sample_report as sample

from picobox.findings.config import Ignore
from picobox.findings.finding import Finding, Frame, Occurrence
from picobox.findings.joining import places_of
from picobox.findings.patterns import matches_name, matches_path
from picobox.findings.suppress import suppress, with_levels

if TYPE_CHECKING:
    from pathlib import Path

REPORT = sample.report("/p/app")._replace(temporary=("/tmp",))


def entry(*rules: str, path: str = "", process: str = "", reason: str = "", base: str = "") -> Ignore:
    return Ignore(rules, path, process, reason, base, "picobox.toml, ignore 1")


def test_levels_change_severities_and_turn_rules_off() -> None:
    told = with_levels(sample.small("/p"), {"PB011": "note", "PB003": "off"})
    assert [(finding.rule, finding.severity) for finding in told.findings] == [
        ("PB011", "note"), ("PB007", "warning"), ("PB002", "note"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ignore", "ignored"),
    [
        (entry("PB011"), True),
        (entry("PB010", "PB011"), True),
        (entry("PB010"), False),
        (entry(path="logs/*.log"), True),
        (entry(path="*.txt"), False),
        (entry(process="python*"), True),
        (entry(process="tail"), False),
        (entry("PB011", path="logs", process="python3"), True),
        (entry("PB011", path="logs", process="node"), False),
        (entry("PB011", path="src", process="python3"), False),
    ],
)
def test_an_entry_is_about_what_all_its_parts_are_about(ignore: Ignore, ignored: bool) -> None:
    report = sample.report("/p", sample.conflict("/p"))
    told = suppress(report, [ignore._replace(reason="why")])
    finding = told.report.findings[0]
    assert (finding.suppressed, finding.reason) == (("config", "why") if ignored else ("", ""))
    assert told.notes == (() if ignored else ("picobox.toml, ignore 1: nothing was found that it ignores",))


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        # Without a slash: a name anywhere in the project, and all below it.
        ("*.log", "/p/app/a/b.log", True),
        ("b.log", "/p/app/a/b.log", True),
        ("build", "/p/app/a/build/x/y", True),
        ("p", "/p/app/a/b.log", False),
        ("b", "/p/app/a/b.log", False),
        # With one: from the project on.
        ("a/b.log", "/p/app/a/b.log", True),
        ("./a/b.log", "/p/app/a/b.log", True),
        ("a/", "/p/app/a/b.log", True),
        ("b/", "/p/app/a/b/c", True),
        ("a/b", "/p/app/c/a/b", False),
        ("a/*", "/p/app/a/b/c", True),
        ("*/c", "/p/app/a/b/c", False),
        ("**/c", "/p/app/a/b/c", True),
        ("a/**/c", "/p/app/a/c", True),
        ("a/**/c", "/p/app/a/x/y/c", True),
        ("a/**", "/p/app/a/x", True),
        ("a/**", "/p/app/ab/x", False),
        ("a?c", "/p/app/abc", True),
        ("a?c/x", "/p/app/a/c/x", False),
        ("[a-c]x", "/p/app/bx", True),
        ("[!a-c]x", "/p/app/bx", False),
        ("a[!b]c/x", "/p/app/a/c/x", False),
        ("[]]x", "/p/app/]x", True),
        ("[z-a]x", "/p/app/[z-a]x", True),
        ("[x", "/p/app/[x", True),
        ("a.c", "/p/app/abc", False),
        ("A.log", "/p/app/a.log", False),
        # Relative to the file of settings, where the program ran further down.
        ("app/a.log", "/p/app/a.log", True),
        # Absolute, and among temporary files.
        ("/p/app/a", "/p/app/a/b", True),
        ("/p", "/p/app/a/b", True),
        ("/", "/p/app/a/b", False),
        ("/**", "/p/app/a/b", True),
        ("/tmp/x-*/f", "/tmp/x-123/f", True),
        ("$TMPDIR/x-*/f", "/tmp/x-123/f", True),
        ("$TMPDIR/pytest-of-*/pytest-*/test_a*/f", "/tmp/pytest-of-me/pytest-3/test_a0/f", True),
        ("f", "/tmp/x-123/f", True),
        ("x/f", "/tmp/x/f", False),
        ("f", "/elsewhere/f", True),
        ("elsewhere", "/elsewhere/f", False),
        ("no\udcffutf8", "/p/app/no\udcffutf8", True),
        ("new\nline", "/p/app/new\nline", True),
    ],
)
def test_patterns_of_paths(pattern: str, path: str, expected: bool) -> None:
    assert matches_path(pattern, path, REPORT, "/p") is expected


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not matches_path("**/" * 12 + "*" * 50 + "x", "/p/app/" + "a/" * 60 + "y", REPORT)
    assert not matches_name("*a" * 8 + "b", "a" * 200)


def at(file: Path, line: int, rule: str = "PB010") -> Finding:
    return sample.conflict(str(file.parent))._replace(rule=rule, site=Frame(str(file), "f", line))


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("f()  # picobox: ignore PB010", 1, ""),
        ("f()  # picobox: ignore PB010 - closed by its finalizer", 1, "closed by its finalizer"),
        ("f()  # picobox: ignore PB011, PB010", 1, ""),
        ("f()  # picobox: ignore[PB010]", 1, ""),
        ("f()  #picobox:ignore pb010", 1, ""),
        ("f();  // picobox: ignore PB010", 1, ""),
        ("f();  /* picobox: ignore PB010: why */", 1, "why"),
        ("f()  -- picobox: ignore PB010", 1, ""),
        ("f  % picobox: ignore PB010", 1, ""),
        ("# picobox: ignore PB010\nf()", 2, ""),
        ("    # picobox: ignore PB010 (why not)\n    f()", 2, "(why not)"),
    ],
)
def test_comments_at_the_site(tmp_path: Path, source: str, line: int, reason: str) -> None:
    file = tmp_path / "x"
    file.write_text(source)
    told = suppress(sample.report(str(tmp_path), at(file, line)), [])
    assert told.warnings == told.notes == ()
    assert (told.report.findings[0].suppressed, told.report.findings[0].reason) == ("comment", reason)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("f()  # picobox: ignore PB011", 1),
        ("g()  # picobox: ignore PB010\nf()", 2),
        ("# picobox: ignore PB010\n\nf()", 3),
        ("f()\n# picobox: ignore PB010", 1),
        ("f('picobox: ignore PB010')", 1),
        ("f()  # nopicobox: ignore PB010", 1),
        ("f()  # picobox: ignored PB010", 1),
        ("f()", 7),
    ],
)
def test_comments_that_are_elsewhere_or_about_something_else(tmp_path: Path, source: str, line: int) -> None:
    file = tmp_path / "x"
    file.write_text(source)
    assert suppress(sample.report(str(tmp_path), at(file, line)), []).report.findings[0].suppressed == ""


def test_a_comment_silences_no_caller(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("f()\ng()  # picobox: ignore PB010\n")
    finding = at(file, 1)
    stack = (Frame(str(file), "f", 1), Frame(str(file), "g", 2))
    told = suppress(sample.report(str(tmp_path), finding._replace(side=finding.side._replace(stack=stack))), [])
    assert told.report.findings[0].suppressed == ""


@pytest.mark.parametrize(
    ("patterns", "kept", "ignored"),
    [
        ((), (1, 2, 3), ()),
        (("one",), (2, 3), (1,)),
        (("two",), (1, 3), (2,)),
        (("one", "three"), (2,), (1, 3)),
        (("one", "two", "three"), (), (1, 2, 3)),
        (("nothing",), (1, 2, 3), ()),
    ],
)
def test_each_place_of_a_finding_counts(
    patterns: tuple[str, ...], kept: tuple[int, ...], ignored: tuple[int, ...]
) -> None:
    sites = {number: Frame("/p/tests/test_links.py", f"test_{number}", number) for number in (1, 2, 3)}
    paths = {number: f"/tmp/{name}/link" for number, name in enumerate(("one", "two", "three"), 1)}
    first = sample.conflict("/p")
    finding = first._replace(
        path=paths[1],
        message=f"{paths[1]} is made",
        site=sites[1],
        test="t1",
        count=7,
        also=tuple(Occurrence(9.0 + number, paths[number], sites[number], f"t{number}") for number in (2, 3)),
    )
    entries = [entry("PB011", path=f"/tmp/{pattern}/*", reason="why") for pattern in patterns]
    told = suppress(sample.report("/p", finding), entries).report.findings
    assert sum(each.count for each in told) == 7
    for suppressed, numbers in (("", kept), ("config", ignored)):
        parts = [each for each in told if each.suppressed == suppressed]
        assert len(parts) == bool(numbers)
        for part in parts:
            assert part.message == f"{paths[numbers[0]]} is made"
            assert part.reason == ("why" if suppressed else "")
            places = [(place.path, place.site, place.test) for place in places_of(part)]
            assert places == [(paths[number], sites[number], f"t{number}") for number in numbers]
            assert (part.side == finding.side) == (numbers[0] == 1)


def test_mistakes_in_comments_are_told_once(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("f()  # picobox: ignore\ng()  # picobox: ignore PB999, PB010\n")
    told = suppress(sample.report(str(tmp_path), at(file, 1), at(file, 1), at(file, 2)), [])
    assert [finding.suppressed for finding in told.report.findings] == ["", "", "comment"]
    first, second = told.warnings
    assert first.startswith(f"{file}:1: `picobox: ignore` names no rule")
    assert second.startswith(f"{file}:2: there is no rule PB999")


def test_what_ignores_nothing_is_told(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("f()  # picobox: ignore PB011\n")
    told = suppress(sample.report(str(tmp_path), at(file, 1)), [])
    assert told.notes == (f"{file}:1: nothing was found that it ignores",)


def test_what_is_suppressed_already_stays_so_and_uses_its_entry() -> None:
    finding = sample.conflict("/p")._replace(suppressed="baseline", reason="r")
    told = suppress(sample.report("/p", finding), [entry("PB011")])
    assert told.report.findings == (finding,)
    assert told.notes == ()


def test_hostile_sites_and_files_are_no_source(tmp_path: Path) -> None:
    report = sample.hostile(str(tmp_path))
    assert suppress(report, []).report == report
    binary = tmp_path / "x"
    binary.write_bytes(b"\x7fELF\xff\n# picobox: ignore PB010\n\0")
    assert suppress(sample.report("/p", at(binary, 3)), []).report.findings[0].suppressed == "comment"
    directory = at(tmp_path, 1)._replace(site=Frame(str(tmp_path), "", 1))
    assert suppress(sample.report("/p", directory), []).report.findings[0].suppressed == ""
