"""Baselines: what is written is read again, names no machine and no day, and keeps known findings from counting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import sample_report as sample
from hypothesis import given, settings
from hypothesis import strategies as st

from picobox.errors import PicoboxError
from picobox.findings.baseline import known_in, known_of, text_of, with_baseline
from picobox.findings.fingerprint import Fingerprint, roots_of

if TYPE_CHECKING:
    from pathlib import Path

_any_text = st.text(st.characters(exclude_categories=()), max_size=20)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("baseline") / "known.json"


@settings(max_examples=40)
@given(st.sets(st.tuples(*[_any_text] * 5).map(lambda values: Fingerprint(*values)), max_size=5))
def test_what_is_written_is_read_again(file: Path, known: set[Fingerprint]) -> None:
    file.write_text(text_of(known))
    assert known_in(str(file)) == known
    assert text_of(known_in(str(file))) == file.read_text()


def test_its_text_is_made_for_diffs() -> None:
    report = sample.large("/p", 50)
    text = text_of(known_of(report))
    assert text == text_of(known_of(report._replace(findings=report.findings[::-1], started=0.0)))
    lines = text.splitlines()
    assert len(lines) == 50 + 5
    less = text_of(known_of(report._replace(findings=report.findings[1:]))).splitlines()
    assert [line for line in lines if line.rstrip(",") not in {other.rstrip(",") for other in less}] == [
        line for line in lines if "module0/" in line
    ]
    assert json.loads(text)["schema"] == "picobox.baseline/1"


def test_it_names_no_machine_and_no_day() -> None:
    text = text_of(known_of(sample.small("/home/me/project")))
    assert "/home" not in text
    assert "4242" not in text
    assert str(int(sample.STARTED)) not in text


def test_known_findings_do_not_count_however_often_they_occur() -> None:
    report = sample.small("/p")
    known = known_of(report)
    more = tuple(finding._replace(count=finding.count * 9, test="another") for finding in report.findings)
    told = with_baseline(report._replace(findings=more), known, "b.json")
    assert {finding.suppressed for finding in told.report.findings} == {"baseline"}
    assert told.notes == ()


def test_a_new_finding_counts() -> None:
    report = sample.small("/p")
    first, *others = report.findings
    told = with_baseline(report, known_of(report._replace(findings=tuple(others))), "b.json")
    assert [finding.suppressed for finding in told.report.findings] == ["", *["baseline"] * len(others)]
    assert told.report.findings[0] == first


def test_what_is_suppressed_otherwise_stays_so_and_is_not_written() -> None:
    report = sample.report("/p", sample.conflict("/p")._replace(suppressed="comment", reason="why"))
    assert known_of(report) == set()
    whole = sample.report("/p", sample.conflict("/p"))
    told = with_baseline(report, known_of(whole), "b.json")
    assert told.report == report
    assert told.notes == ()


def test_entries_that_did_not_occur_are_told() -> None:
    report = sample.small("/p")
    told = with_baseline(report._replace(findings=()), known_of(report), "b.json")
    assert told.notes == ("b.json: 5 of 5 entries did not occur: PB002 README.md and 4 more",)


def test_hostile_names_survive(file: Path) -> None:
    report = sample.hostile("/p")
    file.write_text(text_of(known_of(report)))
    told = with_baseline(report, known_in(str(file)), str(file))
    assert all(finding.suppressed for finding in told.report.findings)
    assert known_of(report) == {fingerprint for fingerprint in known_in(str(file)) if roots_of(report)}


ENTRY = {"rule": "PB010", "path": "x", "file": "", "function": "", "process": "sh"}


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b"[" * 100_000, "recursion"),
        (b"[]", "no baseline"),
        (b'{"schema": "picobox.findings/1", "findings": []}', "no baseline"),
        (b'{"schema": "picobox.baseline/1"}', "no baseline"),
        (b'{"schema": "picobox.baseline/1", "findings": {}}', "no baseline"),
        (b'{"schema": "picobox.baseline/1", "findings": [3]}', "entry 1 does not have rule, path, file"),
        (json.dumps({"schema": "picobox.baseline/1", "findings": [ENTRY, ENTRY | {"line": 3}]}).encode(), "entry 2"),
        (json.dumps({"schema": "picobox.baseline/1", "findings": [ENTRY | {"file": None}]}).encode(), "entry 1"),
    ],
)
def test_what_is_no_baseline_is_told_in_a_line(tmp_path: Path, content: bytes, cause: str) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(content)
    with pytest.raises(PicoboxError, match=cause) as caught:
        known_in(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_baseline_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PicoboxError, match="No such file"):
        known_in(str(tmp_path / "none"))
    with pytest.raises(PicoboxError, match="Is a directory"):
        known_in(str(tmp_path))
