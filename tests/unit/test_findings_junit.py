"""Reports as JUnit XML: any reader gets the same counts, and no name breaks the document."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
import sample_report

from picobox.findings.finding import ERROR, WARNING, Report
from picobox.findings.junit import render
from picobox.findings.rules import RULES

DIRECTORY = "/home/user/app"


def suite(report: Report, fail_on: str = WARNING) -> ET.Element:
    root = ET.fromstring(render(report, fail_on=fail_on).encode())
    assert root.tag == "testsuites"
    (only,) = root
    for name in ("tests", "failures", "errors"):
        assert root.get(name) == only.get(name)
    return only


@pytest.mark.parametrize(("fail_on", "failures"), [(WARNING, 3), (ERROR, 2), ("never", 0)])
def test_counts_are_those_of_the_cases(fail_on: str, failures: int) -> None:
    found = suite(sample_report.small(DIRECTORY), fail_on)
    cases = found.findall("testcase")
    assert int(found.get("tests", "")) == len(cases)
    assert int(found.get("failures", "")) == len(found.findall("testcase/failure")) == failures
    assert int(found.get("skipped", "")) == len(found.findall("testcase/skipped")) == 1
    assert found.get("time") == "4.000"


def test_finding_belongs_to_its_test_and_its_place() -> None:
    case = suite(sample_report.small(DIRECTORY)).findall("testcase")[0]
    assert case.get("classname") == "tests.test_rotate"
    assert case.get("name") == "PB011 logs/app.log in test_rotate[daily]"
    assert (case.get("file"), case.get("line")) == ("src/rotate.py", "6")
    failure = case.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == (
        "PB011",
        "app.log is renamed while tail (4243) has it open.",
    )
    assert "[WinError 32]" in (failure.text or "")
    assert "against 0.250000 s: openat by tail[4243]" in (failure.text or "")


def test_what_does_not_fail_says_what_it_is() -> None:
    (case,) = [each for each in suite(sample_report.small(DIRECTORY)) if each.get("name") == "PB002 README.md"]
    assert [child.tag for child in case] == ["system-out"]
    assert "readme.md is stored as README.md." in (case[0].text or "")


def test_rules_without_findings_pass() -> None:
    found = suite(sample_report.report(DIRECTORY))
    assert int(found.get("tests", "")) == len(RULES)
    assert all(len(case) == 0 for case in found.findall("testcase"))


def test_what_it_stands_for_besides_is_named() -> None:
    (failure,) = suite(sample_report.links(DIRECTORY)).iter("failure")
    assert "\nalso /tmp/pytest-of-user/pytest-0/test_three0/link\n" in (failure.text or "")


def test_hostile_names_are_only_text() -> None:
    report = sample_report.hostile(DIRECTORY)
    found = suite(report)
    assert len(found.findall("testcase")) == len(report.findings) + len(RULES) - 1
    assert {element.tag for element in found.iter()} <= {
        "testsuite", "properties", "property", "testcase", "failure", "system-out", "skipped",
    }  # fmt: skip
    assert any("<script>" in (case.get("name") or "") for case in found)
