"""Checks programs with a known Windows bug, their mended twins, and programs that only look wrong."""

from __future__ import annotations

import base64
import fnmatch
import json
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from picobox.findings.finding import NOTE
from picobox.findings.rules import RULES

from .case import CORPUS, MADE, Case, Place, Result, cases, command_of, empty_place, run

if TYPE_CHECKING:
    from pathlib import Path

CASES = cases()
# Programs that give no finding; scripts of the shell go on in children of it, which is theirs to do.
RIGHT = sorted(path for path in (CORPUS / "right").iterdir() if path.is_file())
LANGUAGES = {".py": 20, ".c": 10, ".js": 10, ".pl": 8, ".sh": 8}
"""How many pairs there are at least in each language."""
LEAST_PAIRS = 45
LEAST_REPORTS = 25
FREQUENT = ("PB001", "PB003", "PB004", "PB006", "PB010", "PB011", "PB012", "PB013", "PB014", "PB017", "PB024")
"""Rules that programs of several languages meet."""
# Linux takes names of at most 255 bytes, so none that a program makes is too long: PB008 is for archives and volumes of
# others.
WITHOUT_A_PROGRAM = {"PB008"}


class Found(NamedTuple):
    """What of a finding the corpus speaks about."""

    rule: str
    severity: str
    status: str
    path: str


def parameters(values: list[Case]) -> list[Any]:
    """The cases as parameters of a test; those that are not fast are of the full tier."""
    return [pytest.param(case, id=case.name, marks=() if case.fast else pytest.mark.full) for case in values]


def text(value: object) -> str:
    """A string of a report, which holds those that are no UTF-8 in base64."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"]).decode(errors="surrogateescape")
    return str(value)


def natively(program: Path, directory: Path) -> Result:
    """Run a program on Linux, where it must work."""
    place = empty_place(directory)
    result = run(command_of(program, place), place)
    assert (result.status, result.stderr) == (0, ""), result
    assert result.stdout != ""
    return result


def check(program: Path, place: Place, report: Path, profile: str, *options: str) -> tuple[Result, list[Found]]:
    """Check a program; gives what a user sees and what the report says."""
    verb = [sys.executable, "-m", "picobox", "check", "-q", "--profile", profile]
    output = ["--format", "json", "-o", str(report)]
    result = run([*verb, *output, *options, "--", *command_of(program, place)], place)
    assert report.exists(), result
    findings = json.loads(report.read_text())["findings"]
    found = [
        Found(finding["rule"], finding["severity"], finding["status"]["name"], text(finding["path"]))
        for finding in findings
        if not finding["suppressed"]
    ]
    return result, found


def expected(case: Case, found: Found, place: Place) -> bool:
    """Whether a finding is the one that a program was written for."""
    wanted = (case.rule, case.severity, case.status)
    matches = not case.path or fnmatch.fnmatchcase(found.path, escaped(place.absolute(case.path)))
    return found[:3] == wanted and matches


def escaped(path: str) -> str:
    """A path as a pattern in which only `*` has a meaning."""
    return re.sub(r"[\[?]", r"[\g<0>]", path)


def unwanted(found: list[Found], notes: tuple[str, ...]) -> list[Found]:
    """The findings that nobody has announced."""
    return [finding for finding in found if finding.severity != NOTE or finding.rule not in notes]


@pytest.mark.parametrize("case", parameters(CASES))
def test_bug(case: Case, tmp_path: Path) -> None:
    native = natively(case.program("bug"), tmp_path / "native")
    place = empty_place(tmp_path / "check")
    result, found = check(case.program("bug"), place, tmp_path / "report.json", case.profile)
    assert (result.stdout, result.stderr) == (native.stdout, native.stderr)
    assert [finding for finding in found if expected(case, finding, place)], found
    others = [finding for finding in found if not expected(case, finding, place) and finding.rule not in case.also]
    assert unwanted(others, case.notes) == []
    assert result.status == (0 if case.severity == NOTE else 1)


@pytest.mark.parametrize("case", parameters(CASES))
def test_clean_twin(case: Case, tmp_path: Path) -> None:
    native = natively(case.program("clean"), tmp_path / "native")
    place = empty_place(tmp_path / "check")
    result, found = check(case.program("clean"), place, tmp_path / "report.json", case.profile)
    assert unwanted(found, case.notes) == []
    assert result == native


@pytest.mark.full
@pytest.mark.parametrize("case", [case for case in CASES if case.enforced], ids=lambda case: case.name)
def test_enforced(case: Case, tmp_path: Path) -> None:
    """The program meets what Windows answers, and says so in its own way."""
    native = natively(case.program("bug"), tmp_path / "native")
    place = empty_place(tmp_path / "check")
    result, found = check(case.program("bug"), place, tmp_path / "report.json", case.profile, "--enforce")
    assert case.enforced in result.stdout + result.stderr
    assert (result.stdout, result.stderr) != (native.stdout, native.stderr)
    # A temporary directory whose file is not deleted is not removed either: nothing tells that it should have been.
    assert found != []
    wanted = case if case.rule != "PB024" else case._replace(rule=found[0].rule)
    assert case.severity == NOTE or [finding for finding in found if expected(wanted, finding, place)], found


@pytest.mark.full
@pytest.mark.parametrize("case", [case for case in CASES if case.enforced], ids=lambda case: case.name)
def test_enforced_clean_twin(case: Case, tmp_path: Path) -> None:
    native = natively(case.program("clean"), tmp_path / "native")
    place = empty_place(tmp_path / "check")
    result, found = check(case.program("clean"), place, tmp_path / "report.json", case.profile, "--enforce")
    assert unwanted(found, case.notes) == []
    assert result == native


@pytest.mark.full
@pytest.mark.parametrize("profile", ["windows10", "windows11"])
@pytest.mark.parametrize("program", RIGHT, ids=lambda path: path.name)
def test_what_only_looks_wrong(program: Path, profile: str, tmp_path: Path) -> None:
    native = natively(program, tmp_path / "native")
    result, found = check(program, empty_place(tmp_path / "check"), tmp_path / "report.json", profile)
    assert unwanted(found, ("PB022",) if program.suffix == ".sh" else ()) == []
    assert result == native


def test_a_project_among_temporary_files_has_none_by_their_place(tmp_path: Path) -> None:
    """A test's project often lies there: what it removes is no temporary directory for that."""
    case = next(case for case in CASES if case.name == "py_tree_with_an_open_file")
    place = Place(empty_place(tmp_path).work, tmp_path)
    _, found = check(case.program("bug"), place, tmp_path / "report.json", case.profile)
    assert [finding.rule for finding in found] == ["PB010", "PB014"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_is_whole(case: Case) -> None:
    rule = RULES[case.rule]
    assert case.severity == rule.severity
    assert case.status in {status_name(status) for status in rule.statuses}
    assert case.source == MADE or re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+", case.source)
    bug, clean = case.program("bug"), case.program("clean")
    assert bug.suffix == clean.suffix
    assert bug.read_text() != clean.read_text()
    assert {path.name for path in bug.parent.iterdir() if path.is_file()} == {bug.name, clean.name, "expected.toml"}


def status_name(status: int) -> str:
    """The name of a status."""
    from ntshim import status as st

    return next(name for name, value in vars(st).items() if name.startswith("STATUS_") and value == status)


def test_there_are_enough_pairs() -> None:
    assert len(CASES) >= LEAST_PAIRS
    assert len({case.source for case in CASES if case.source != MADE}) >= LEAST_REPORTS
    suffixes = [case.program("bug").suffix for case in CASES]
    assert {suffix for suffix, least in LANGUAGES.items() if suffixes.count(suffix) < least} == set()
    assert len(RIGHT) >= 15


def test_every_rule_has_a_program() -> None:
    assert set(RULES) - {case.rule for case in CASES} == WITHOUT_A_PROGRAM


@pytest.mark.parametrize("rule", FREQUENT)
def test_frequent_rules_have_programs_in_several_languages(rule: str) -> None:
    assert len({case.program("bug").suffix for case in CASES if case.rule == rule}) >= 3


def test_every_rule_has_a_fast_program() -> None:
    assert {case.rule for case in CASES if case.fast} == {case.rule for case in CASES}


def test_opening_comments() -> None:
    """A program says in its first line what it does, as all files do."""
    programs = [case.program(which) for case in CASES for which in ("bug", "clean")] + RIGHT
    opening = re.compile(r'("""|/\* |// |# )[A-Z].*[.:]')
    assert [path for path in programs if not opening.match(path.read_text().splitlines()[0])] == []
