"""What is written as JSON and SARIF is what their schemas describe: our own, which is strict, and the official one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import sample_report
from inputs import REPOSITORY, input_file

from picobox.findings import sarif
from picobox.findings.record import dumps
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.findings.finding import Report

DIRECTORY = "/home/user/app"
SCHEMA: dict[str, Any] = json.loads((REPOSITORY / "docs" / "findings.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def every_rule(directory: str) -> Report:
    """A finding of each rule with each of its statuses."""
    found = [
        sample_report.name_finding(directory, "name", rule.id)._replace(severity=rule.severity, status=status)
        for rule in RULES.values()
        for status in rule.statuses
    ]
    return sample_report.report(directory, *found)


REPORTS: list[Callable[[str], Report]] = [
    sample_report.report, sample_report.small, sample_report.hostile, sample_report.links, every_rule,
]  # fmt: skip


def test_schema_is_one_of_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("make", REPORTS)
def test_report_is_what_the_schema_describes(make: Callable[[str], Report]) -> None:
    assert list(VALIDATOR.iter_errors(json.loads(dumps(make(DIRECTORY))))) == []


def members(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of each member of each object in a value."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    found = [(*place, name) for name, _ in items if isinstance(value, dict)]
    return found + [each for name, item in items for each in members(item, (*place, name))]


def test_every_member_is_required_and_no_other_is_allowed() -> None:
    report = sample_report.report(DIRECTORY, sample_report.conflict(DIRECTORY))
    places = members(json.loads(dumps(report)))
    assert len(places) >= 100
    for *outer, name in places:
        value = json.loads(dumps(report))
        at: Any = value
        for each in outer:
            at = at[each]
        at[f"{name}x"] = at.pop(name)
        assert not VALIDATOR.is_valid(value), f"{outer} may have {name}x for {name}"


@pytest.fixture(scope="module")
def official() -> jsonschema.Draft4Validator:
    """The validator of SARIF 2.1.0 by the schema that OASIS publishes."""
    schema = json.loads(input_file("sarif-schema").read_text())
    assert schema["id"] == sarif.SCHEMA_ID
    return jsonschema.Draft4Validator(schema)


@pytest.mark.parametrize("locations_only", [False, True])
@pytest.mark.parametrize("make", REPORTS)
def test_sarif_is_what_the_official_schema_describes(
    make: Callable[[str], Report], locations_only: bool, official: jsonschema.Draft4Validator
) -> None:
    value = json.loads(sarif.render(make(DIRECTORY), repository="/home", locations_only=locations_only))
    assert [f"{list(error.absolute_path)}: {error.message}" for error in official.iter_errors(value)] == []


def test_the_official_schema_is_really_asked(official: jsonschema.Draft4Validator) -> None:
    value = json.loads(sarif.render(sample_report.small(DIRECTORY)))
    value["runs"][0]["results"][0]["level"] = "fatal"
    assert not official.is_valid(value)


@pytest.mark.full
def test_sarif_of_thirty_thousand_findings(official: jsonschema.Draft4Validator) -> None:
    value = json.loads(sarif.render(sample_report.large(DIRECTORY, 30_000)))
    assert [len(run["results"]) for run in value["runs"]] == [25_000, 5_000]
    for run in value["runs"]:
        run["results"] = run["results"][::50]
    assert official.is_valid(value)
