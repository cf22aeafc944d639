"""Rows of table R behind the walls of policy `default`: nothing may differ but what is declared."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from . import divergences
from .outcome import differences
from .rows import ROWS
from .run import prefix
from .test_real import DECLARED, both

if TYPE_CHECKING:
    from .row import Row

POLICY = "default"
# The whole table: `pytest tests/real/test_real.py --picobox-policy default`.
CHOSEN = {
    ("coreutils", "mv"),
    ("bash", "job control"),
    ("python3", "file locks"),
    ("git", "add and commit"),
    ("gcc", "compile and run"),
    ("make", "recursive with jobserver"),
    ("node", "files and streams"),
    ("redis", "benchmark on a unix socket"),
}


def _parameter(row: Row) -> object:
    marks = pytest.mark.timeout(2 * row.timeout + 60)
    return pytest.param(row, id=f"{row.program}-{row.name}".replace(" ", "-"), marks=marks)


@pytest.mark.parametrize("row", [_parameter(row) for row in ROWS if (row.program, row.name) in CHOSEN])
def test_row(row: Row, tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("r")
    native, picobox = both(row, prefix("trace", "nt", POLICY), base)
    declared = divergences.belonging_to(row.program, row.name, "nt", DECLARED, POLICY)
    difference = differences(divergences.without(native, declared), divergences.without(picobox, declared))
    if difference:
        pytest.fail(f"{row.argv} in {base}/native and {base}/work\n{difference}", pytrace=False)
    shutil.rmtree(base, ignore_errors=True)


def test_each_chosen_row_is_in_the_table() -> None:
    assert CHOSEN - {(row.program, row.name) for row in ROWS} == set()
