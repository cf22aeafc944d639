"""What is written as JSON is what docs/findings.schema.json describes; the schema is strict, and itself a schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import sample_report
from inputs import REPOSITORY

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
    sample_report.report, sample_report.small, sample_report.hostile, every_rule,
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
