"""Reports for GitHub Actions: annotations that are each one command, and a summary that Markdown shows as meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
import sample_report

from picobox.findings.github import MOST_SUMMARY, render, step_summary

if TYPE_CHECKING:
    from picobox.findings.finding import Finding, Report

DIRECTORY = "/home/user/app"
_ANNOTATION = re.compile(r"::(error|warning|notice) ((?:[a-z]+=[^:,]*,?)*)::([^\r\n]*)")


def commands_of(report: Report, repository: str = "") -> list[tuple[str, dict[str, str], str]]:
    """What the runner makes of the text: kind, properties, message."""
    found = []
    for line in render(report, repository=repository).splitlines():
        command = _ANNOTATION.fullmatch(line)
        assert command, line
        properties = dict(each.split("=", 1) for each in command[2].split(",") if each)
        found.append((command[1], {name: unquote(value) for name, value in properties.items()}, unquote(command[3])))
    return found


def test_annotation_has_kind_place_title_and_words() -> None:
    kind, properties, message = commands_of(sample_report.small(DIRECTORY))[0]
    assert kind == "error"
    assert properties == {"file": "src/rotate.py", "line": "6", "title": "PB011: a file renamed while it is open"}
    assert message.splitlines()[:3] == [
        "app.log is renamed while tail (4243) has it open.",
        (
            "Windows: STATUS_SHARING_VIOLATION (0xc0000043), [WinError 32] The process cannot access the file because "
            "it is being used by another process."
        ),
        "Fix: Close the file first. Seen 3 times.",
    ]


def test_suppressed_ones_are_only_counted() -> None:
    kinds = [(kind, properties["title"][:5]) for kind, properties, _ in commands_of(sample_report.small(DIRECTORY))]
    assert kinds == [
        ("error", "PB011"), ("error", "PB003"), ("warning", "PB007"), ("notice", "PB002"), ("error", "picob"),
    ]  # fmt: skip
    assert "(1 suppressed)" in render(sample_report.small(DIRECTORY)).splitlines()[-1]


def test_the_nine_gravest_and_a_line_for_the_rest() -> None:
    report = sample_report.large(DIRECTORY, 30)
    found = commands_of(report._replace(findings=report.findings[::-1]))
    assert len(found) == 10
    assert {kind for kind, _, _ in found} == {"error"}
    assert found[-1][2].endswith("The 9 gravest are annotated, 21 are not")


def test_nothing_found_is_no_annotation() -> None:
    assert render(sample_report.report(DIRECTORY)) == "picobox check, windows11: no findings\n"


def test_paths_are_relative_to_the_checkout() -> None:
    report = sample_report.small(DIRECTORY)
    assert commands_of(report, "/home/user")[0][1]["file"] == "app/src/rotate.py"
    assert commands_of(report, "/elsewhere")[0][1]["file"] == "src/rotate.py"


@pytest.mark.parametrize("text", sample_report.HOSTILE)
def test_hostile_name_stays_in_its_property(text: str) -> None:
    found = sample_report.name_finding(DIRECTORY, text)._replace(test=f"{text}::{text}")
    listed = commands_of(sample_report.report(DIRECTORY, found))
    assert len(listed) == 2
    assert set(listed[0][1]) <= {"file", "line", "title"}
    assert (
        re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", "".join(listed[0][1].values()) + listed[0][2])
        is None
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [("50%.txt", "file=50%25.txt"), ("a,b", "file=a%2Cb"), ("a:b", "file=a%3Ab"), ("%0A", "file=%250A")],
)
def test_properties_are_escaped(name: str, shown: str) -> None:
    line = render(sample_report.report(DIRECTORY, sample_report.name_finding(DIRECTORY, name))).splitlines()[0]
    assert f"{shown},title=" in line


def test_summary_tells_rule_path_place_test_and_answer() -> None:
    lines = step_summary(sample_report.small(DIRECTORY)).splitlines()
    assert lines[0] == "## picobox check"
    assert lines[2] == (
        "`python3 -m pytest -q 'a b'`, by the rules of windows11: 2 errors, 1 warning, 1 note (1 suppressed)"
    )
    assert "### PB011: a file renamed while it is open" in lines
    assert (
        "- `logs/app.log`, at `src/rotate.py:6 in rotate`, in `tests/test_rotate.py::test_rotate[daily]`, 3 times: "
        "STATUS\\_SHARING\\_VIOLATION (0xc0000043), \\[WinError 32\\] The process cannot access the file because it is "
        "being used by another process."
    ) in lines


@pytest.mark.parametrize("room", [0, 100, 200, 1_000, 5_000, 100_000])
def test_summary_never_takes_more_room_than_there_is(room: int) -> None:
    whole = step_summary(sample_report.large(DIRECTORY, 100))
    part = step_summary(sample_report.large(DIRECTORY, 100), room)
    assert len(part.encode()) <= room
    shown = sum(line.startswith("- ") for line in part.splitlines())
    if part and part != whole:
        assert f"… and {100 - shown} more findings" in part
    assert (part == whole) == (room >= len(whole.encode()))


def test_summary_is_measured_in_bytes() -> None:
    found = [sample_report.name_finding(DIRECTORY, f"{'文' * 50}{number}") for number in range(50)]
    assert len(step_summary(sample_report.report(DIRECTORY, *found), 5_000).encode()) <= 5_000


def test_summary_of_thousands_fits() -> None:
    text = step_summary(sample_report.large(DIRECTORY, 5_000))
    assert MOST_SUMMARY - 2_000 < len(text.encode()) <= MOST_SUMMARY


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("a*b_c", "`a*b_c`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("a``b`", "``` a``b` ```"),
        ("<b>\n", "`<b>\\n`"),
        (" a", "`  a `"),
    ],
)
def test_names_are_code_spans_that_nothing_ends(name: str, span: str) -> None:
    found: Finding = sample_report.conflict(DIRECTORY)._replace(path=f"{DIRECTORY}/{name}")
    assert f"- {span}, at " in step_summary(sample_report.report(DIRECTORY, found))
