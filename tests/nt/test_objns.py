"""What the recorded names of objects say beside their rows, and that a phrase nobody understands is said to be one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from . import oracle_handles, oracle_objns
from .kind import Unverified
from .oracles import ROWS

DOCUMENT: dict[str, Any] = json.loads((ROWS / "objns.json").read_text())


@pytest.mark.parametrize("row", DOCUMENT["object_types"]["rows"], ids=lambda row: str(row["type"]))
def test_rights_of_types(row: dict[str, Any]) -> None:
    assert oracle_objns.check(row) == []


@pytest.mark.parametrize(
    "name", ["DosDevices", "BaseNamedObjects", "??", "ObjectTypes", "KernelObjects", "Sessions", "Device", "REGISTRY"]
)
def test_the_root_as_another_implementation_has_it(name: str) -> None:
    rows = [row for row in DOCUMENT["wine10_namespace_dump"] if row.get("dir") == "\\" and row["name"] == name]
    assert [oracle_objns.check(row) for row in rows] == [[]]


@pytest.mark.parametrize(
    ("row", "mismatches"),
    [
        ({"case": "event new", "expected": "00000000"}, []),
        ({"case": "event new", "expected": "C0000035"}, ["event new: expected C0000035, got 00000000"]),
        ({"case": "event existing", "expected": "0", "expected_overrides": {"expected": "C0000035 (Windows)"}}, []),
        ({"type": "Event", "read": "20001", "write": "20002", "execute": "0", "all": "0", "valid": "0"}, 5),
        ({"type": "Elephant", "valid": "0"}, ["type: expected Elephant, got none of that name"]),
        ({"sec": "tree", "dir": "\\", "name": "Device", "type": "Key"}, ["type: expected Key, got Directory"]),
        ({"sec": "tree", "dir": "\\", "name": "nowhere", "type": "Key"}, ["type: expected Key, got None"]),
        (
            {"sec": "tree", "dir": "\\", "name": "DosDevices", "type": "SymbolicLink", "target": "\\"},
            [r"target: expected '\\', got '\\??'"],
        ),
    ],
)
def test_mismatches_are_told(row: dict[str, Any], mismatches: list[str] | int) -> None:
    told = oracle_objns.check(row)
    assert (len(told) if isinstance(mismatches, int) else told) == mismatches


def test_a_phrase_that_nobody_understands_is_unverified() -> None:
    for row in ({"case": "paint it blue", "expected": "00000000"}, {"colour": "blue"}):
        with pytest.raises(Unverified):
            oracle_objns.check(row)
        with pytest.raises(Unverified):
            oracle_handles.check({**row, "before": []})


def test_a_handle_row_goes_on_from_those_before_it() -> None:
    cases = ["NtClose(handle|1)", " then NtClose(handle)", "NtClose(handle)"]
    rows = oracle_handles.rows([{"case": case, "status": "00000000"} for case in cases])
    assert [row["before"] for row in rows] == [[], cases[:1], []]
    assert [oracle_handles.check(row) for row in rows] == [[], ["status: expected 00000000, got c0000008"], []]
