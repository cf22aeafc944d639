"""Rows of kind handles: values of handles, closing, duplicating, and what a handle is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .handles_cases import Scene, Told, act_out
from .kind import Unverified

if TYPE_CHECKING:
    from .kind import Row

# What a row says of itself; all else is what was seen.
ABOUT = ("sec", "group", "case", "origin", "source", "confidence", "before", "expected_overrides", "expected_name")

# The recording is Wine's, which uses index 0 of every 256; NT does not (facts/nt.md section 2).
PAGE_BYTES = 0x400


def rows(document: Any) -> list[Row]:
    """Give each row with the cases that it goes on from: its phrase begins with a blank."""
    given = document["rows"] if isinstance(document, dict) else document
    result: list[Row] = []
    before: list[str] = []
    for row in given:
        if not str(row.get("case", "")).startswith(" "):
            before = []
        result.append({**row, "before": before})
        before = [*before, row.get("case", "")]
    return result


def check(row: Row) -> list[str]:
    """Do what a row says, after what stands before it."""
    if "case" not in row:
        raise Unverified("no form of row that is known here")
    scene = Scene()
    for case in row.get("before", []):
        act_out(case, scene)
    got = act_out(row["case"], scene)
    expected = {key: value for key, value in row.items() if key not in ABOUT} | row.get("expected_overrides", {})
    if "expected" in expected:
        expected["status"] = expected.pop("expected")
    if not expected:
        raise Unverified("nothing is claimed")
    return compare(relative(expected), relative(got))


def relative(told: Told) -> Told:
    """Replace handle values by what can be claimed of them: their distances, without slots that NT reserves.

    Where the first lies says only what the recorded process had open before.
    """
    told = {key: value.lower() if isinstance(value, str) else value for key, value in told.items()}
    if "first" in told:
        first = told.pop("first")
        told["second"] -= first
        told["last"] -= first
    elif "created" in told:
        # So many values in a row need so much room, give or take what was open before.
        told["last"] = round(told["last"] / 4 / told["created"], 1)
    elif "next" in told:
        told["next"] -= told.pop("closed")
    return told


def compare(expected: Told, got: Told) -> list[str]:
    """Give every field that differs; a field that nobody answered is one."""
    return [
        f"{key}: expected {value}, got {got.get(key, 'nothing')}"
        for key, value in expected.items()
        if value != got.get(key)
    ]
