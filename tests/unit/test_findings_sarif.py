"""Reports as SARIF: honest locations, fingerprints, the other side, and the limits of GitHub."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import sample_report

from picobox.findings import sarif
from picobox.findings.finding import Frame, Report
from picobox.findings.fingerprint import fingerprint, roots_of
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from picobox.findings.finding import Finding

DIRECTORY = "/home/user/app"


def runs_of(report: Report, **options: Any) -> list[dict[str, Any]]:
    value = json.loads(sarif.render(report, **options))
    assert value["version"] == "2.1.0"
    runs: list[dict[str, Any]] = value["runs"]
    return runs


def result_of(finding: Finding, **options: Any) -> dict[str, Any]:
    (run,) = runs_of(sample_report.report(DIRECTORY, finding), **options)
    (result,) = run["results"]
    return dict(result)


def location_of(finding: Finding, **options: Any) -> tuple[str, int | None] | None:
    result = result_of(finding, **options)
    if "locations" not in result:
        return None
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"]["uriBaseId"] == "SRCROOT"
    return physical["artifactLocation"]["uri"], physical.get("region", {}).get("startLine")


def without_site(**changes: Any) -> Finding:
    return sample_report.conflict(DIRECTORY)._replace(site=None, **changes)


CASES: list[tuple[Finding, tuple[str, int | None] | None]] = [
    (sample_report.conflict(DIRECTORY), ("src/rotate.py", 6)),
    (without_site(), ("logs/app.log", None)),
    (without_site(path="/tmp/x", test="tests/test_a.py::test_b[/etc::c]"), ("tests/test_a.py", None)),
    (without_site(path="/tmp/x", test="test_b"), None),
    (without_site(path="/tmp/x", test=""), None),
    (without_site(path="/tmp/x", test="../test_a.py::test_b"), None),
    (without_site(path=f"{DIRECTORY}/../other/x", test=""), None),
    (without_site(path=f"{DIRECTORY}er/x", test=""), None),
    (without_site(path=DIRECTORY, test=""), None),
    (sample_report.conflict(DIRECTORY)._replace(site=Frame("/usr/lib/a.py", "f", 3)), ("logs/app.log", None)),
    (sample_report.conflict(DIRECTORY)._replace(site=Frame("src/a.py", "f", 3)), ("src/a.py", 3)),
    (without_site(path=f"{DIRECTORY}/a b%#?:ü"), ("a%20b%25%23%3F%3A%C3%BC", None)),
    (without_site(path=f"{DIRECTORY}/c:/x"), ("c%3A/x", None)),
    (without_site(path=os.fsdecode(b"/home/user/app/caf\xe9")), ("caf%E9", None)),
]


@pytest.mark.parametrize(("finding", "location"), CASES)
def test_location_is_the_site_else_the_file_else_the_test_else_none(
    finding: Finding, location: tuple[str, int | None] | None
) -> None:
    assert location_of(finding) == location


@pytest.mark.parametrize(
    ("repository", "uri"),
    [("/home/user", "app/src/rotate.py"), ("/", "home/user/app/src/rotate.py"), (DIRECTORY, "src/rotate.py"),
     ("/home/user/app/src", "src/rotate.py"), ("/elsewhere", "src/rotate.py")],
)  # fmt: skip
def test_locations_are_relative_to_the_checkout_if_the_project_is_in_it(repository: str, uri: str) -> None:
    assert location_of(sample_report.conflict(DIRECTORY), repository=repository) == (uri, 6)


def test_result_tells_rule_level_answer_count_and_fingerprint() -> None:
    finding = sample_report.conflict(DIRECTORY)
    report = sample_report.report(DIRECTORY, finding)
    result = result_of(finding)
    assert (result["ruleId"], result["level"], result["occurrenceCount"]) == ("PB011", "error", 3)
    assert list(RULES)[result["ruleIndex"]] == "PB011"
    told = "app.log is renamed while tail (4243) has it open. Windows: STATUS_SHARING_VIOLATION (0xc0000043), [Win"
    assert result["message"]["text"].startswith(told)
    unended = finding._replace(message=finding.message[:-1])
    assert result_of(unended)["message"] == result["message"]
    digest = fingerprint(finding, roots_of(report)).digest()
    assert result["partialFingerprints"] == {"picoboxFinding/v1": digest}


def test_other_sides_are_related_locations_with_time_and_handle() -> None:
    tail, reader = result_of(sample_report.conflict(DIRECTORY))["relatedLocations"]
    assert tail["message"]["text"] == "0.250000 s: openat by tail[4243], access R, shares RW, handle 0x10, fd 3"
    assert "physicalLocation" not in tail
    assert reader["physicalLocation"]["region"] == {"startLine": 5}
    assert [
        stack["message"]["text"].split(",")[0] for stack in result_of(sample_report.conflict(DIRECTORY))["stacks"]
    ] == [
        "1.750000 s: rename by python3[4242]",
        "0.250000 s: openat by tail[4243]",
        "1.500000 s: openat by python3[4242]",
    ]


def test_what_it_stands_for_besides_is_related() -> None:
    two, three = result_of(*sample_report.links(DIRECTORY).findings)["relatedLocations"]
    assert two["physicalLocation"]["artifactLocation"]["uri"] == "tests/test_links.py"
    assert two["physicalLocation"]["region"] == {"startLine": 9}
    assert three == {"id": 2, "message": {"text": "/tmp/pytest-of-user/pytest-0/test_three0/link"}}


@pytest.mark.parametrize(("by", "kind"), [("comment", "inSource"), ("baseline", "external"), ("config", "external")])
def test_suppressed_ones_stay_with_their_reason(by: str, kind: str) -> None:
    finding = sample_report.conflict(DIRECTORY)._replace(suppressed=by, reason="only here")
    assert result_of(finding)["suppressions"] == [{"kind": kind, "justification": f"{by}: only here"}]
    assert "suppressions" not in result_of(sample_report.conflict(DIRECTORY))


def test_every_rule_is_described() -> None:
    (run,) = runs_of(sample_report.report(DIRECTORY))
    described = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in described] == list(RULES)
    for rule in described:
        known = RULES[rule["id"]]
        assert rule["defaultConfiguration"]["level"] == known.severity
        assert known.fix in rule["help"]["text"]
        assert known.example in rule["help"]["markdown"]


def test_run_tells_when_where_and_what() -> None:
    (run,) = runs_of(sample_report.small(DIRECTORY))
    assert run["invocations"] == [
        {
            "executionSuccessful": True,
            "startTimeUtc": "2026-11-22T17:06:31.000Z",
            "endTimeUtc": "2026-11-22T17:06:35.000Z",
            "workingDirectory": {"uri": "file:///home/user/app/"},
            "commandLine": "python3 -m pytest -q 'a b'",
        }
    ]
    assert run["originalUriBaseIds"] == {"SRCROOT": {"uri": "file:///home/user/app/"}}


def test_code_scanning_gets_no_result_without_a_location() -> None:
    placed, lost = sample_report.conflict(DIRECTORY), without_site(path="/tmp/x", test="")
    (run,) = runs_of(sample_report.report(DIRECTORY, lost, placed), locations_only=True)
    assert [result["ruleId"] for result in run["results"]] == ["PB011"]
    assert all(result["locations"] for result in run["results"])
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["level"] == "error"
    assert notification["associatedRule"] == {"id": "PB011", "index": list(RULES).index("PB011")}


def test_limits_of_github_are_kept_without_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", 10)
    monkeypatch.setattr(sarif, "MOST_RUNS", 3)
    report = sample_report.large(DIRECTORY, 25)
    runs = runs_of(report._replace(findings=report.findings[::-1]))
    assert [len(run["results"]) for run in runs] == [10, 10, 5]
    assert len({run["automationDetails"]["id"] for run in runs}) == 3
    levels = [result["level"] for run in runs for result in run["results"]]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert all("toolExecutionNotifications" not in run["invocations"][0] for run in runs)


def test_what_is_beyond_the_limits_is_counted_and_the_lightest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", 10)
    monkeypatch.setattr(sarif, "MOST_RUNS", 2)
    report = sample_report.large(DIRECTORY, 42)
    runs = runs_of(report._replace(findings=report.findings[::-1]))
    assert [len(run["results"]) for run in runs] == [10, 10]
    assert {result["level"] for run in runs for result in run["results"]} == {"error"}
    (notification,) = runs[0]["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("22 more findings")
    assert "toolExecutionNotifications" not in runs[1]["invocations"][0]
