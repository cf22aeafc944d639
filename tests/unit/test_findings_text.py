"""Reports as text: what a finding's paragraph says, how wide it is, and that no name reaches the terminal raw."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import sample_report

from picobox.findings import text
from picobox.findings.finding import ERROR, NOTE, WARNING, Frame, Occurrence, Report
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY = "/home/user/app"
_SGR = re.compile(r"\x1b\[[0-9;]*m")


def rendered(report: Report, *, color: bool = False, width: int | None = None, fail_on: str = WARNING) -> str:
    return text.render(report, color=color, width=width, fail_on=fail_on)


def paragraph(report: Report) -> list[str]:
    return rendered(report).split("\n\n")[0].splitlines()


def test_conflict_is_told_with_both_sides_source_answer_and_fix(tmp_path: Path) -> None:
    sample_report.write_source(tmp_path)
    directory = str(tmp_path)
    assert paragraph(sample_report.report(directory, sample_report.conflict(directory))) == [
        "error PB011: a file renamed while it is open",
        "  app.log is renamed while tail (4243) has it open.",
        "  file     logs/app.log",
        "  at       src/rotate.py:6 in rotate",
        "             4 | def rotate(path):",
        "             5 |     log = open(path)",
        '           > 6 |     os.rename(path, path + ".1")  # <- while it is open',
        "             7 |     log.close()",
        "             8 |",
        (
            "  Windows  STATUS_SHARING_VIOLATION (0xc0000043), [WinError 32] The process cannot access the file "
            "because it is being used by another process."
        ),
        "  call     1.750000 s: rename by python3[4242], access D",
        "             src/rotate.py:6 in rotate",
        "             $ python3 src/rotate.py",
        "  against  0.250000 s: openat by tail[4243], access R, shares RW, handle 0x10, fd 3",
        "             /usr/bin/tail+0x2f10",
        f"             $ tail -f {directory}/logs/app.log",
        "  against  1.500000 s: openat by python3[4242], access R, shares RW, handle 0x14, fd 4",
        "             src/rotate.py:5 in rotate",
        "             $ python3 src/rotate.py",
        "  test     tests/test_rotate.py::test_rotate[daily]",
        "  seen     3 times",
        "  fix      Close the file first.",
    ]


def test_what_it_stands_for_besides_is_named() -> None:
    assert paragraph(sample_report.links(DIRECTORY))[-5:-1] == [
        "  test     tests/test_links.py::test_one",
        "  seen     5 times",
        (
            "  also     /tmp/pytest-of-user/pytest-0/test_two0/link, at tests/test_links.py:9 in test_two, "
            "in tests/test_links.py::test_two"
        ),
        "  also     /tmp/pytest-of-user/pytest-0/test_three0/link",
    ]


def test_a_crowd_is_told_by_its_number() -> None:
    (links,) = sample_report.links(DIRECTORY).findings
    also = tuple(Occurrence(float(number), f"/tmp/{number}") for number in range(11))
    told = paragraph(sample_report.report(DIRECTORY, links._replace(also=also)))
    assert told[-5:-1] == [*(f"  also     /tmp/{number}" for number in (5, 6, 7)), "  also     and 3 more"]


def test_source_that_cannot_be_read_is_left_out() -> None:
    lines = paragraph(sample_report.report(DIRECTORY, sample_report.conflict(DIRECTORY)))
    assert lines[3:5] == ["  at       src/rotate.py:6 in rotate", lines[4]]
    assert lines[4].startswith("  Windows  ")


def test_path_that_begins_the_message_is_told_once_and_relative() -> None:
    found = sample_report.conflict(DIRECTORY)
    found = found._replace(message=f"{found.path} is renamed while it is open")
    lines = paragraph(sample_report.report(DIRECTORY, found))
    assert lines[1:3] == ["  logs/app.log is renamed while it is open", "  at       src/rotate.py:6 in rotate"]


def test_where_windows_says_nothing_it_is_told_what_it_does() -> None:
    lines = paragraph(sample_report.report(DIRECTORY, sample_report.note(DIRECTORY)))
    assert f"  Windows  STATUS_SUCCESS (0x00000000). {RULES['PB002'].why}" in lines


def test_gravest_come_first_and_suppressed_ones_are_counted() -> None:
    report = sample_report.small(DIRECTORY)
    lines = rendered(report._replace(findings=report.findings[::-1])).splitlines()
    heads = [line.split(":")[0] for line in lines if re.match("(error|warning|note) PB", line)]
    assert heads == ["error PB003", "error PB011", "warning PB007", "note PB002"]
    assert "picobox check, windows11, observed: 2 errors, 1 warning, 1 note (1 suppressed)" in lines


def test_few_frames_are_told_those_of_the_project_first() -> None:
    found = sample_report.conflict(DIRECTORY)
    stack = tuple(Frame(f"{DIRECTORY}/a.py" if number % 2 else "/usr/lib/b.py", "f", number) for number in range(1, 20))
    side = found.side._replace(stack=stack)
    lines = paragraph(sample_report.report(DIRECTORY, found._replace(side=side, others=())))
    assert [line.strip() for line in lines if line.startswith("             ") and "$" not in line] == [
        "a.py:1 in f",
        "a.py:3 in f",
        "a.py:5 in f",
    ]


@pytest.mark.parametrize(
    ("fail_on", "fails"), [(NOTE, "4 of them fail"), (WARNING, "3 of"), (ERROR, "2 of"), ("never", "")]
)
def test_end_tells_how_the_status_can_pass(fail_on: str, fails: str) -> None:
    lines = rendered(sample_report.small(DIRECTORY), fail_on=fail_on).splitlines()
    if not fails:
        assert lines[-1].startswith("picobox check, windows11")
        return
    assert lines[-3].startswith(fails)
    assert lines[-2:] == [
        "  picobox check --write-baseline picobox-baseline.json -- python3 -m pytest -q 'a b'",
        "  picobox check --baseline picobox-baseline.json -- python3 -m pytest -q 'a b'",
    ]


def test_nothing_found_is_one_line() -> None:
    assert rendered(sample_report.report(DIRECTORY)) == "picobox check, windows11, observed: no findings\n"


def test_colours_change_nothing_but_colours() -> None:
    report = sample_report.small(DIRECTORY)
    colored = rendered(report, color=True)
    assert "\x1b[1;31merror \x1b[0m" in colored
    assert [line.rstrip() for line in _SGR.sub("", colored).splitlines()] == rendered(report).splitlines()


@pytest.mark.parametrize("width", [40, 70, 100])
def test_lines_are_as_wide_as_the_terminal_unless_a_word_is_wider(width: int, tmp_path: Path) -> None:
    sample_report.write_source(tmp_path)
    directory = str(tmp_path)
    found = sample_report.conflict(directory)._replace(message="文" * 12 + " is renamed, " * 9)
    for line in rendered(sample_report.report(directory, found), width=width).splitlines()[:-2]:
        assert text.cells(line) <= width or len(line.split()[-1]) > width - 20 - 13, line


@pytest.mark.parametrize(("name", "columns"), [("ab", 2), ("文件", 4), ("e\u0301", 1), ("🦊", 2)])
def test_cells(name: str, columns: int) -> None:
    assert text.cells(name) == columns


def test_cut_leaves_room_for_the_ellipsis() -> None:
    assert text.cut("abcdef", 6) == "abcdef"
    assert text.cut("abcdefg", 6) == "abcde…"
    assert text.cells(text.cut("文件文件", 6)) <= 6


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("width", [None, 60])
def test_no_hostile_name_reaches_the_terminal_raw(color: bool, width: int | None) -> None:
    shown = _SGR.sub("", rendered(sample_report.hostile(DIRECTORY), color=color, width=width))
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066\u2028\ud800-\udfff]", shown) is None
    assert "escape\\x1b[31m\\x1b]0;title\\x07\\x9b1m" in shown.replace("\n           ", " ")


def test_no_line_is_a_command_to_the_runner_of_github() -> None:
    found = sample_report.conflict(DIRECTORY)
    words = "x" * 60
    hostile = found._replace(
        message=f"::error::a {words} ::error::b", test=f"{words} ::stop-commands::c", path="##[group]d"
    )
    shown = rendered(sample_report.report(DIRECTORY, hostile), width=60)
    assert "group]d" in shown
    assert "stop-commands" in shown
    assert not [line for line in shown.splitlines() if line.lstrip().startswith("::") or "##[" in line]
