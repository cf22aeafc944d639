"""Every recorded row holds, or a better source says why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from . import oracles
from .kind import Unverified

if TYPE_CHECKING:
    from pathlib import Path

    from .kind import Row

FILES = sorted(oracles.ROWS.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_rows(path: Path) -> None:
    kind = oracles.load_kind(path.stem)
    rows = oracles.load_rows(kind, path)
    justifications = oracles.load_justifications(path.stem)
    results = list(oracles.run(kind, rows, justifications))
    assert [(oracles.describe(result.row), result.reasons) for result in results if result.outcome == "failed"] == []
    for entry in justifications:
        assert any(result.outcome == "justified" and entry["row"].items() <= result.row.items() for result in results)


def test_few_rows_are_justified() -> None:
    entries = [entry for kind in oracles.KINDS for entry in oracles.load_justifications(kind)]
    assert len(entries) <= 10
    assert all(entry["row"] and entry["source"] for entry in entries)


class OneKind:
    """Passes even numbers, cannot say anything about 0."""

    def rows(self, document: dict[str, list[Row]]) -> list[Row]:
        return document["rows"]

    def check(self, row: Row) -> list[str]:
        if not row["n"]:
            raise Unverified("nothing claimed")
        return [f"n: expected even, got {row['n']}"] if row["n"] % 2 else []


def test_the_counts_add_up_to_the_rows() -> None:
    rows = [{"n": n} for n in range(6)]
    results = list(oracles.run(OneKind(), rows, [{"row": {"n": 3}, "source": "three is even here"}]))
    assert [result.outcome for result in results] == ["unverified", "failed", "passed", "justified", "passed", "failed"]
    report = oracles.report(results).splitlines()
    assert report[-1] == "2 passed, 2 failed, 1 justified, 1 unverified"
    assert report[2:4] == ['failed: {"n": 1}', "    n: expected even, got 1"]


def test_a_row_without_what_its_kind_needs_fails() -> None:
    assert [result.outcome for result in oracles.run(OneKind(), [{"n": 2}, {}], [])] == ["passed", "failed"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        ("{", "no JSON"),
        ('{"lines": []}', "neither an array of rows nor an object with one"),
        ("[1]", "neither an array of rows nor an object with one"),
    ],
)
def test_a_file_that_cannot_be_used(
    content: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.json"
    if content is not None:
        path.write_text(content)
    assert oracles.main(["ntstatus_errno", str(path)]) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.count("\n") == 1
    assert not output.out


def test_an_unknown_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert oracles.main(["shares", "x.json"]) == 2
    assert capsys.readouterr().err.startswith("oracles: unknown kind 'shares': choose from casefold, ")
    assert oracles.main(["objns"]) == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_the_exit_status_tells_of_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"name": "STATUS_SUCCESS", "value": "0x00000000", "picobox_wsl_profile": "0"}
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps([row]))
    bad.write_text(json.dumps({"rows": [row, row | {"picobox_wsl_profile": "EIO"}]}))
    assert oracles.main(["ntstatus_errno", str(good)]) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed, 0 justified, 0 unverified\n"
    assert oracles.main(["ntstatus_errno", str(good), str(bad)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 1 failed, 0 justified, 0 unverified"
