"""Analyses of sources that are kept from one check to the next."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from picobox.check import analyses
from picobox.check.analyses import MOST_LINES, AnalysisCache, Lines, keep, lines_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOUND: Lines = (frozenset({1, 2, 3, 7, 9, 10}), frozenset(), frozenset(range(1, MOST_LINES)))


def found(_text: str) -> Lines:
    return FOUND


def missed(_text: str) -> Lines:
    pytest.fail("made again")


def other(_text: str) -> Lines:
    return (frozenset({5}),)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    keep(AnalysisCache(str(tmp_path / "caches")))
    path = tmp_path / "source.py"
    path.write_text("import os\n")
    yield path
    keep(AnalysisCache(None))


def kept(source: Path) -> list[Path]:
    return list((source.parent / "caches").iterdir())


def test_an_analysis_is_made_once(source: Path) -> None:
    assert lines_by(str(source), "some", len(FOUND), found) == FOUND
    assert lines_by(str(source), "some", len(FOUND), missed) == FOUND


def test_the_text_counts_and_not_the_name(source: Path) -> None:
    lines_by(str(source), "some", len(FOUND), found)
    copy = source.with_name("copy.py")
    shutil.copy(source, copy)
    assert lines_by(str(copy), "some", len(FOUND), missed) == FOUND
    source.write_text("import os, sys\n")
    assert lines_by(str(source), "some", 1, other) == other("")


def test_kinds_are_kept_apart(source: Path) -> None:
    lines_by(str(source), "some", len(FOUND), found)
    assert lines_by(str(source), "others", 1, other) == other("")


def test_other_code_of_ours_has_its_own(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines_by(str(source), "some", len(FOUND), found)
    monkeypatch.setattr(analyses, "_SOURCES", ("handlers.py",))
    keep(AnalysisCache(str(source.parent / "caches")))
    assert lines_by(str(source), "some", 1, other) == other("")


@pytest.mark.parametrize("damage", [b"", b"\0" * 8, b"x" * 40])
def test_what_is_damaged_is_made_anew(damage: bytes, source: Path) -> None:
    lines_by(str(source), "some", len(FOUND), found)
    (file,) = kept(source)
    file.write_bytes(damage)
    assert lines_by(str(source), "some", 1, other) == other("")
    assert lines_by(str(source), "some", 1, missed) == other("")


@pytest.mark.parametrize("words", [(), (2, 1, 1), (1, 1, MOST_LINES + 1), (2, 1, MOST_LINES, 1, MOST_LINES)])
def test_ranges_that_no_source_has_are_not_believed(words: tuple[int, ...], source: Path) -> None:
    lines_by(str(source), "some", len(FOUND), found)
    (file,) = kept(source)
    file.write_bytes(analyses.sealed(words))
    assert lines_by(str(source), "some", 1, other) == other("")


@pytest.mark.parametrize("words", [(1, 1, 1), (0, 0), (0, 0, 0, 0)])
def test_other_kinds_than_an_analysis_tells_apart_are_not_believed(words: tuple[int, ...], source: Path) -> None:
    lines_by(str(source), "some", len(FOUND), found)
    (file,) = kept(source)
    file.write_bytes(analyses.sealed(words))
    assert lines_by(str(source), "some", len(FOUND), found) == FOUND


def test_where_nothing_can_be_kept_each_is_made(source: Path) -> None:
    keep(AnalysisCache(None))
    lines_by(str(source), "some", len(FOUND), found)
    assert lines_by(str(source), "some", 1, other) == other("")


def test_a_file_that_is_not_there_is_no_text(source: Path) -> None:
    assert lines_by(str(source.with_name("nothing.py")), "some", len(FOUND), found) == FOUND
    assert not (source.parent / "caches").exists() or kept(source) == []
