"""What Windows makes of names: each rule's statuses, and many names judged as each alone would be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from ntshim import status as st
from ntshim.fs.names import device_of, judge
from ntshim.upcase import upcase
from ntshim.upcase_table import RANGES
from picobox.errors import PicoboxError
from picobox.findings.name_lists import NameList, Target, judge_names
from picobox.findings.names import (
    DIRECTORY,
    ENTRY,
    FILE,
    differ_in_case,
    judge_length,
    judge_name,
    judge_path,
    windows_path,
)
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

OK = st.STATUS_SUCCESS
INVALID = st.STATUS_OBJECT_NAME_INVALID
ABSENT = st.STATUS_OBJECT_NAME_NOT_FOUND
NO_DIRECTORY = st.STATUS_NOT_A_DIRECTORY
ROWS = json.loads((Path(__file__).parent.parent / "nt" / "rows" / "names.json").read_text())["rows"]
PREFIX = "D:\\a\\p\\p"


def found(name: str, version: int = 11, kind: str = FILE) -> list[tuple[str, int]]:
    return [(judgement.rule, judgement.status) for judgement in judge_name(name, version, kind)]


@pytest.mark.parametrize(
    ("name", "file", "directory", "entry"),
    [
        ("plain.txt", [], [], []),
        (".hidden", [], [], []),
        (" lead", [], [], []),
        ("conx", [], [], []),
        ("com0", [], [], []),
        ("a\x7fb", [], [], []),
        ("é\ufffe😀", [], [], []),
        ("con", [("PB003", OK)], [("PB003", INVALID)], [("PB003", INVALID)]),
        ("Nul.tar.gz", [("PB003", OK)], [("PB003", INVALID)], [("PB003", INVALID)]),
        ("conin$", [("PB003", OK)], [("PB003", INVALID)], [("PB003", INVALID)]),
        ("aux.c", [("PB003", ABSENT)], [("PB003", INVALID)], [("PB003", INVALID)]),
        ("prn .x", [("PB003", ABSENT)], [("PB003", INVALID)], [("PB003", INVALID)]),
        ("COM\xb9", [("PB003", ABSENT)], [("PB003", INVALID)], [("PB003", INVALID)]),
        *((f"a{sign}b", [("PB004", INVALID)], [("PB004", INVALID)], [("PB004", INVALID)]) for sign in '"*<>?|\\\x01\t'),
        ("bad\udcff", [("PB004", INVALID)], [("PB004", INVALID)], [("PB004", INVALID)]),
        ("\udced\udca0\udc80", [], [], []),
        ("12:30.log", [("PB005", OK)], [("PB005", NO_DIRECTORY)], [("PB005", INVALID)]),
        ("a:b?", [("PB005", OK)], [("PB005", NO_DIRECTORY)], [("PB005", INVALID)]),
        ("a:b:c", [("PB005", INVALID)], [("PB005", INVALID)], [("PB005", INVALID)]),
        (":b", [("PB005", INVALID)], [("PB005", INVALID)], [("PB005", INVALID)]),
        ("a:b\\c", [("PB004", INVALID), ("PB005", INVALID)], *[[("PB004", INVALID), ("PB005", INVALID)]] * 2),
        ("x.", [("PB006", OK)], [("PB006", OK)], [("PB006", OK)]),
        ("x. . ", [("PB006", OK)], [("PB006", OK)], [("PB006", OK)]),
        ("...", [("PB006", st.STATUS_FILE_IS_A_DIRECTORY)], *[[("PB006", st.STATUS_OBJECT_NAME_COLLISION)]] * 2),
        ("con.", [("PB003", OK), ("PB006", OK)], *[[("PB003", INVALID), ("PB006", OK)]] * 2),
        ("a" * 255, [], [], []),
        ("a" * 256, *[[("PB008", INVALID)]] * 3),
        ("é" * 255, [], [], []),
        ("😀" * 128, *[[("PB008", INVALID)]] * 3),
    ],
)
def test_a_component(
    name: str, file: list[tuple[str, int]], directory: list[tuple[str, int]], entry: list[tuple[str, int]]
) -> None:
    assert found(name) == file
    assert found(name, kind=DIRECTORY) == directory
    assert found(name, kind=ENTRY) == entry


@pytest.mark.parametrize("name", [row["name"] for row in ROWS if row["name"] and "/" not in row["name"]])
def test_what_is_found_is_what_is_not_portable(name: str) -> None:
    row = next(row for row in ROWS if row["name"] == name)
    rules = {judgement.rule for judgement in judge_name(name)} if name not in {".", ".."} else {"none"}
    assert (rules == set()) == row["portable_to_windows"]
    assert ("PB003" in rules) == (device_of(name) is not None)
    if "PB004" in rules or "PB008" in rules:
        assert judge(name).status == INVALID


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("con", 11, "means the device CON: no file can have the name"),
        ("con.txt", 10, "means the device CON: no file can have the name"),
        ("con.txt", 11, "means the device CON up to Windows 10, though not on Windows 11"),
    ],
)
def test_a_device_by_the_version_of_windows(name: str, version: int, words: str) -> None:
    assert [judgement.message for judgement in judge_name(name, version)] == [words]


@pytest.mark.parametrize("letter", ["a", "é", "😀"])
@pytest.mark.parametrize(
    ("length", "kind", "status"),
    [
        (259, FILE, None),
        (260, FILE, st.STATUS_OBJECT_PATH_NOT_FOUND),
        (247, DIRECTORY, None),
        (248, DIRECTORY, st.STATUS_NAME_TOO_LONG),
        (259, ENTRY, None),
        (260, ENTRY, st.STATUS_OBJECT_PATH_NOT_FOUND),
    ],
)
def test_the_length_of_a_path_counts_units_from_the_prefix(
    letter: str, length: int, kind: str, status: int | None
) -> None:
    full = windows_path(PREFIX, f"dd/{letter}").ljust(length - (letter > "\uffff"), "x")
    wanted = [] if status is None else [("PB007", status)]
    assert [(each.rule, each.status) for each in judge_length(full, kind)] == wanted
    path = "dd/" + full.rpartition("\\")[2]
    names = NameList("/r", [path], frozenset([path] if kind == DIRECTORY else []))
    assert [(each.rule, each.status) for each in judge_names(names, Target(11, PREFIX), 0.0)] == wanted


def test_a_path_is_judged_by_its_components_and_its_length() -> None:
    path = "./a:b/../aux/" + "x" * 250
    judged = judge_path(path, version=10, prefix=PREFIX)
    assert [(each.rule, each.status, each.part[:3]) for each in judged] == [
        ("PB005", NO_DIRECTORY, "a:b"),
        ("PB003", INVALID, "aux"),
        ("PB007", st.STATUS_OBJECT_PATH_NOT_FOUND, "D:\\"),
    ]
    assert [each.rule for each in judge_path(path, prefix=PREFIX, long_paths=True)] == ["PB005", "PB003"]


def test_statuses_are_those_of_the_rules() -> None:
    names = ["con", "aux.c", "a?b", "a:b", "a:", "x.", "...", "y" * 256, "bad\udcff"]
    for judgement in (
        each for name in names for kind in (FILE, DIRECTORY, ENTRY) for each in judge_name(name, 10, kind)
    ):
        assert judgement.status in RULES[judgement.rule].statuses


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["Makefile", "makefile", "other"], [("Makefile", "makefile")]),
        (["é", "É", "e\u0301"], [("É", "é")]),
        (["straße", "STRASSE", "strasse"], [("STRASSE", "strasse")]),
        (["\u03c2", "\u03a3", "\u03c3"], [("\u03a3", "\u03c3")]),
        (["\u212a", "k"], []),
        (["\u017f", "s", "S"], [("S", "s")]),
        (["\U00010428", "\U00010400"], []),
        (["same", "same"], []),
        (["a/B", "a/b", "A/c"], [("a/B", "a/b")]),
    ],
)
def test_names_that_differ_in_case(names: list[str], groups: list[tuple[str, ...]]) -> None:
    assert differ_in_case(names) == groups


def test_the_fast_folding_joins_what_ntfs_joins() -> None:
    pairs = [(unit, unit + offset) for first, last, step, offset in RANGES for unit in range(first, last + 1, step)]
    assert len(pairs) == 973
    assert [(one, other) for one, other in pairs if chr(one).upper() != chr(other).upper()] == []


# Few letters, so that names meet each other and the rules.
NAMES = some.text(some.sampled_from("aAbß:?. \udcff\xe9\xc9x1\xb9\0"), min_size=1, max_size=4) | some.sampled_from(
    ["con", "CON.x", "Com1", "aux ", "nul.a/b", "..", ".", "x" * 130, "x" * 256, "😀" * 128, "é" * 240]
)
PATHS = some.lists(some.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=8)


def cleaned(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in {"", ".", ".."})


def with_directories(paths: Iterable[str]) -> set[str]:
    """The paths and all directories on the way to them."""
    parts = [cleaned(path).split("/") for path in paths]
    return {"/".join(each[:end]) for each in parts for end in range(1, len(each) + 1)} - {""}


def naive(names: NameList, target: Target) -> set[tuple[str, str, int]]:
    """Every name judged by itself, in the plainest way."""
    kinds = {}
    for path in names.paths:
        parts = [part for part in cleaned(path).split("/") if part]
        for end in range(1, len(parts)):
            kinds["/".join(parts[:end])] = DIRECTORY
        if parts:
            kinds.setdefault("/".join(parts), names.kind(path))
    result = set()
    for path, kind in kinds.items():
        judged = judge_name(path.rpartition("/")[2], target.version, kind)
        judged += judge_length(windows_path(target.prefix, path), kind)
        result |= {(path, judgement.rule, judgement.status) for judgement in judged}
    for path in kinds:
        if any(other < path and upcase(other) == upcase(path) for other in kinds):
            result.add((path, "PB001", st.STATUS_OBJECT_NAME_COLLISION))
    return result


@given(PATHS, some.sampled_from([10, 11]))
@example(["a/x", "A/x", "a", "b./c"], 11)
@example(["1/con", "con"], 10)
def test_many_names_are_judged_as_each_alone(paths: list[str], version: int) -> None:
    names, target = NameList("/r", paths), Target(version, PREFIX)
    told = judge_names(names, target, 0.0)
    assert {(each.path.removeprefix("/r/"), each.rule, each.status) for each in told} == naive(names, target)
    assert len({(each.path, each.rule) for each in told}) == len(told)
    assert [each.path for each in told] == sorted(each.path for each in told)


@given(PATHS, some.data())
def test_some_names_are_judged_beside_all(paths: list[str], data: some.DataObject) -> None:
    only = data.draw(some.sets(some.sampled_from(paths))) if paths else set()
    names, target = NameList("/r", paths), Target(11, PREFIX)
    every = {(each.path, each.rule) for each in judge_names(names, target, 0.0)}
    told = {(each.path, each.rule) for each in judge_names(names, target, 0.0, frozenset(only))}
    assert {each for each in told if each[1] != "PB001"} <= every
    for path in {cleaned(path) for path in only} - {""}:
        rules = {rule for other, rule in told if other == f"/r/{path}"}
        assert rules - {"PB001"} == {rule for other, rule in every if other == f"/r/{path}"} - {"PB001"}
        twins = {other for other in with_directories(paths) if upcase(other) == upcase(path)}
        judged = with_directories(only) & twins
        assert ("PB001" in rules) == (len(twins) > 1 and (len(judged) == 1 or path != min(judged)))


def test_links_and_directories_are_told_apart() -> None:
    names = NameList("/r", ["aux", "d/nul", "e/con", "prn/x"], frozenset(["d/nul"]), {"e/con": ""})
    told = {each.path: each.status for each in judge_names(names, Target(11, PREFIX), 1.5)}
    assert told == {"/r/aux": ABSENT, "/r/d/nul": INVALID, "/r/e/con": INVALID, "/r/prn": INVALID}


def test_a_conflict_names_both_sides() -> None:
    (conflict,) = judge_names(NameList("/r/", ["src/readme", "src/README"]), Target(11, PREFIX), 1.5)
    assert (conflict.rule, conflict.severity, conflict.path) == ("PB001", "error", "/r/src/readme")
    assert [(side.path, side.time) for side in conflict.others] == [("/r/src/README", 1.5)]
    assert conflict.message == "src/readme differs only in case from src/README: on Windows the two are one"


@pytest.mark.parametrize(
    ("link", "target", "stored"),
    [
        ("link", "readme", "README"),
        ("link", "./docs//INDEX", "docs/Index"),
        ("docs/link", "../readme", "README"),
        ("docs/link", "index", "docs/Index"),
        ("link", "README", None),
        ("link", "nowhere", None),
        ("link", "/readme", None),
        ("link", "../readme", None),
        ("link", "", None),
        ("link", "DOCS", "docs"),
    ],
)
def test_a_link_that_leads_to_a_name_in_another_case(link: str, target: str, stored: str | None) -> None:
    names = NameList("/r", ["README", "docs/Index", link], links={link: target})
    told = judge_names(names, Target(11, PREFIX), 0.0)
    wanted = [] if stored is None else [("PB002", "note", f"/r/{link}", OK)]
    assert [(each.rule, each.severity, each.path, each.status) for each in told] == wanted
    assert stored is None or f"stored as {stored}" in told[0].message
    assert judge_names(names, Target(11, PREFIX), 0.0, frozenset(["README"])) == []


def test_names_nested_as_only_an_attacker_would() -> None:
    names = NameList("/r", ["a/" * 100_000 + "x"])
    with pytest.raises(PicoboxError, match="over 268,435,456 characters"):
        judge_names(names, Target(11, PREFIX), 0.0)


def test_no_name_takes_longer_than_its_length() -> None:
    """Each would take hours if a character were looked at once for each of those before it."""
    long = 1_000_000
    hostile = ["?" * long + "/x", "?" * long, "con" + " " * long + "x", "con." + "?" * long + "/y", "." * long + "/z"]
    told = judge_names(NameList("/r", hostile), Target(11, PREFIX), 0.0)
    assert {each.rule for each in told} == {"PB003", "PB004", "PB006", "PB007", "PB008"}
