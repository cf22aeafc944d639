"""Tests of names made visible, and of the lines of source around a place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as some

from picobox.findings.excerpt import Excerpt, excerpt
from picobox.findings.finding import Frame
from picobox.findings.visible import command_line, visible

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain/name ü 文件 🦊.txt", "plain/name ü 文件 🦊.txt"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31m\x07\x9b", "\\x1b[31m\\x07\\x9b"),
        (os.fsdecode(b"\xff\x80"), "\\xff\\x80"),
        ("\ud800", "\\ud800"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("a\u200bb\u2028\ufeff\uffff", "a\\u200bb\\u2028\\ufeff\\uffff"),
        ("\U000e0041", "\\U000e0041"),
        ("a\\b", "a\\b"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(some.text(some.characters(), max_size=20))
def test_any_text_becomes_one_line_of_utf_8(text: str) -> None:
    shown = visible(text)
    assert shown.encode().decode() == shown
    assert len(shown.splitlines()) <= 1
    assert shown.isprintable() or visible(shown) == shown


def test_a_command_is_quoted_where_it_would_fall_apart() -> None:
    assert command_line(("sh", "-c", "echo a\nb", "")) == "sh -c 'echo a\\nb' ''"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "a.py").write_bytes(b"".join(b"line %d\r\n" % number for number in range(1, 10)))
    (tmp_path / "secret").write_text("secret\n")
    return tmp_path / "project"


@pytest.mark.parametrize(
    ("line", "first", "lines"),
    [
        (5, 3, ["line 3", "line 4", "line 5", "line 6", "line 7"]),
        (1, 1, ["line 1", "line 2", "line 3"]),
        (9, 7, ["line 7", "line 8", "line 9", ""]),
    ],
)
def test_an_excerpt_is_the_line_and_its_neighbours(project: Path, line: int, first: int, lines: list[str]) -> None:
    expected = Excerpt(first, line, tuple(lines))
    assert excerpt(Frame("a.py", "f", line), str(project)) == expected
    assert excerpt(Frame(str(project / "a.py"), "f", line), str(project)) == expected


def test_what_cannot_be_shown_is_none(project: Path) -> None:
    (project / "link.py").symlink_to(project.parent / "secret")
    os.mkfifo(project / "pipe.py")
    wrong = [
        None,
        Frame("a.py", "f", offset=4),
        Frame("a.py", "f", 0),
        Frame("a.py", "f", 99),
        Frame("missing.py", "f", 1),
        Frame("nul\0.py", "f", 1),
        Frame(str(project), "f", 1),
        Frame("pipe.py", "f", 1),
        Frame("../secret", "f", 1),
        Frame(str(project.parent / "secret"), "f", 1),
        Frame("link.py", "f", 1),
    ]
    assert [excerpt(frame, str(project)) for frame in wrong] == [None] * len(wrong)


def test_bytes_that_are_no_utf_8_and_long_lines_are_bounded(project: Path) -> None:
    (project / "b.py").write_bytes(b"\xff" + b"x" * 5000 + b"\nend")
    found = excerpt(Frame("b.py", "", 2), str(project))
    assert found is not None
    assert found.lines[0].startswith("\ufffdx")
    assert [len(line) for line in found.lines] == [400, 3]
