"""The figures of `picobox names`, and the bounds on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench import inputs, limits, scan
from bench.results import Cell, Figure, Report

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("seconds", "verdict"), [(2.0, "met"), (5.0, "NOT MET"), (None, "NOT MEASURED")])
@pytest.mark.parametrize("name", [scan.LISTED, scan.INDEXED])
def test_a_million_names_are_judged(name: str, seconds: float | None, verdict: str) -> None:
    figures = [] if seconds is None else [Figure(name, "", Cell([seconds]))]
    found = limits.names_limits(Report({}, {}, [], [], [], figures))
    place = [scan.LISTED, scan.INDEXED].index(name)
    assert "1,000,000 names" in found[place].what
    assert [limit.verdict for limit in found] == [
        verdict if other == place else "NOT MEASURED" for other in range(len(found))
    ]


def test_names_are_not_timed_without_picobox(tmp_path: Path) -> None:
    found = scan.measure(tmp_path, inputs.SMOKE, "not built")
    assert [figure.cell.missing for figure in found] == ["not built", "not built"]


def test_the_names_are_as_many_as_they_are_said_to_be(tmp_path: Path) -> None:
    names = scan.list_names(tmp_path, 45).read_bytes().split(b"\0")[:-1]
    assert len(set(names)) == 45
    assert len({name.rpartition(b"/")[0] for name in names}) == 3
