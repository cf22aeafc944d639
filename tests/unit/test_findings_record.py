"""Reports as JSON: what is written is read again as it was, and what is no report is refused with cause and place."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
import sample_report
from hypothesis import given, settings
from hypothesis import strategies as some

from picobox.errors import PicoboxError
from picobox.findings.finding import SEVERITIES, Finding, Frame, Occurrence, Process, Report, Side
from picobox.findings.record import SCHEMA, dumps, loads
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTORY = "/home/user/app"
names = some.binary(max_size=6).map(os.fsdecode) | some.text(max_size=6)
times = some.floats(0, 2_000_000_000)
naturals = some.none() | some.integers(0, 2**63)
frames = some.builds(Frame, names, names, naturals, naturals)
processes = some.builds(Process, some.integers(1, 2**22), names, some.lists(names, max_size=2).map(tuple))
sides = some.builds(
    Side, processes, names, names, times, naturals, some.none() | some.integers(-1, 2**31), names, names,
    some.lists(frames, max_size=2).map(tuple),
)  # fmt: skip
occurrences = some.builds(Occurrence, times, names, some.none() | frames, names)
findings = some.builds(
    Finding, some.sampled_from(list(RULES)), some.sampled_from(SEVERITIES), some.integers(0, 2**32 - 1), names, names,
    sides, some.lists(sides, max_size=2).map(tuple), some.none() | frames, some.integers(1, 10**6), names,
    some.sampled_from(["", "baseline", "config", "comment"]), names,
    some.lists(occurrences, max_size=2).map(tuple),
)  # fmt: skip
reports = some.builds(
    Report, names, some.booleans(), some.lists(names, max_size=2).map(tuple), names, names, times, times,
    some.integers(-128, 255), some.lists(findings, max_size=2).map(tuple), some.lists(names, max_size=2).map(tuple),
)  # fmt: skip


@settings(max_examples=40)
@given(reports)
def test_report_is_read_as_it_was_written(report: Report) -> None:
    assert loads(dumps(report)) == report


@pytest.mark.parametrize("make", [sample_report.report, sample_report.small, sample_report.links])
def test_sample_is_read_as_it_was_written(make: Callable[[str], Report]) -> None:
    assert loads(dumps(make(DIRECTORY))) == make(DIRECTORY)


def test_text_is_ascii_without_control_characters() -> None:
    report = sample_report.hostile(DIRECTORY)
    text = dumps(report._replace(prefix="\x7f\x9b"))
    assert re.fullmatch(r"[\n -~]*", text)
    assert json.loads(text)["prefix"] == "\x7f\x9b"


def test_hostile_names_that_a_file_can_have_survive() -> None:
    report = sample_report.hostile(DIRECTORY)
    real = [finding for finding in report.findings if "\ud800" not in finding.path]
    assert len(real) == len(report.findings) - 2
    assert list(loads(dumps(report._replace(findings=tuple(real), command=()))).findings) == real


def test_half_a_pair_which_no_file_can_have_is_still_written() -> None:
    text = dumps(sample_report.report(DIRECTORY)._replace(prefix="\ud800"))
    assert loads(text).prefix == os.fsdecode(b"\xed\xa0\x80")


def test_name_that_is_no_utf8_is_written_as_its_bytes() -> None:
    finding = sample_report.name_finding(DIRECTORY, os.fsdecode(b"caf\xe9"))
    value = json.loads(dumps(sample_report.report(DIRECTORY, finding)))
    assert value["findings"][0]["path"] == {"b64": "L2hvbWUvdXNlci9hcHAvY2Fm6Q=="}


def test_answer_of_windows_stands_beside_the_status() -> None:
    value = json.loads(dumps(sample_report.report(DIRECTORY, sample_report.conflict(DIRECTORY))))
    finding = value["findings"][0]
    assert finding["status"] == {"name": "STATUS_SHARING_VIOLATION", "code": 0xC0000043}
    text = "The process cannot access the file because it is being used by another process."
    assert finding["win32"] == {"code": 32, "text": text}
    assert value["rules"] == {
        "PB011": {
            "name": RULES["PB011"].name,
            "title": RULES["PB011"].title,
            "severity": "error",
            "why": RULES["PB011"].why,
            "fix": RULES["PB011"].fix,
        }
    }


def test_counts_leave_out_what_is_suppressed() -> None:
    value = json.loads(dumps(sample_report.small(DIRECTORY)))
    assert value["counts"] == {"error": 2, "warning": 1, "note": 1, "suppressed": 1}


def test_each_finding_has_a_line() -> None:
    lines = dumps(sample_report.large(DIRECTORY, 50)).splitlines()
    assert sum(line.startswith('{"rule":') for line in lines) == 50


def test_no_time_that_others_cannot_read_is_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(sample_report.report(DIRECTORY)._replace(ended=float("nan")))


def broken(change: Callable[[dict[str, Any]], object]) -> str:
    value = json.loads(dumps(sample_report.small(DIRECTORY)))
    change(value)
    return json.dumps(value)


def first(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = value["findings"][0]
    return found


BAD: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (
        lambda value: value.update(schema="picobox.findings/2"),
        f'is no {SCHEMA} but "picobox.findings/2": write it anew',
    ),
    (lambda value: value.pop("schema"), f"is no {SCHEMA} but null"),
    (lambda value: value.pop("profile"), "is no report: it has no member profile"),
    (lambda value: value.update(colour=1), 'is no report: it has a member "colour", which nobody knows'),
    (lambda value: value.update(enforced=0), "enforced must be true or false, not 0"),
    (lambda value: value.update(command="true"), 'command must be a list, not "true"'),
    (lambda value: value.update(started="now"), 'started must be a time in seconds, not "now"'),
    (lambda value: value.update(ended=float("inf")), "ended must be a time in seconds, not Infinity"),
    (lambda value: value.update(ended=10**400), "ended must be a time in seconds, not 1000"),
    (lambda value: value.update(status=True), "status must be a whole number, not true"),
    (lambda value: value.update(findings={}), "findings must be a list, not {}"),
    (lambda value: value.update(findings=[1]), "findings[0] must be an object, not 1"),
    (lambda value: first(value).update(rule="PB999"), "findings[0].rule must be one of"),
    (
        lambda value: first(value).update(severity="bad"),
        'severity must be one of "note", "warning", "error", not "bad"',
    ),
    (lambda value: first(value).update(count=0), "findings[0].count must be at least 1, not 0"),
    (lambda value: first(value).update(path=None), 'findings[0].path must be a string or {"b64": ...}, not null'),
    (lambda value: first(value).update(path={"b64": "?"}), "findings[0].path must be a string"),
    (lambda value: first(value).update(path={"b64": 1}), "findings[0].path must be a string"),
    (lambda value: first(value)["others"][1]["process"].update(pid="1"), "findings[0].others[1].process.pid must be"),
    (
        lambda value: first(value)["side"]["stack"][0].update(line=-1),
        "findings[0].side.stack[0].line must be at least 0",
    ),
    (lambda value: first(value)["status"].pop("code"), "findings[0].status has no member code"),
    (lambda value: first(value).update(suppressed=None), "findings[0].suppressed must be a string"),
]


@pytest.mark.parametrize(("change", "complaint"), BAD)
def test_bad_report_is_refused_in_one_line(change: Callable[[dict[str, Any]], object], complaint: str) -> None:
    with pytest.raises(PicoboxError) as caught:
        loads(broken(change), "a.json")
    message = str(caught.value)
    assert message.startswith("a.json is no ")
    assert complaint in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\0", "[1]", "null", '"picobox"'])
def test_what_is_no_json_or_no_object_is_refused(text: str) -> None:
    with pytest.raises(PicoboxError, match=r"^a\.json is no "):
        loads(text, "a.json")
