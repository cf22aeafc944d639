"""Issue 7: rows of table R without the gate, without the notify channel, and with every site in the gate at once."""

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

MODES = (("--no-gate",), ("--no-fast",), ("--gate", "1"))
# Programs that make code, move stacks, preempt themselves by signals, or run many programs.
CHOSEN = {
    ("go", "goroutines that are preempted"),
    ("java", "a compiled class"),
    ("node", "worker_threads"),
    ("node", "net and http"),
    ("gcc", "libraries that come and go"),
    ("git", "add and commit"),
    ("python3", "file locks"),
    ("perl", "fork, pipes, sockets"),
    ("make", "recursive with jobserver"),
    ("sqlite3", "two writers, WAL"),
}
# The rest is for the full tier.
FAST = {("gcc", "libraries that come and go")}


def _parameter(row: Row) -> object:
    marks = [pytest.mark.timeout(2 * row.timeout + 60)]
    if (row.program, row.name) not in FAST:
        marks.append(pytest.mark.full)
    return pytest.param(row, id=f"{row.program}-{row.name}".replace(" ", "-"), marks=marks)


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
@pytest.mark.parametrize("row", [_parameter(row) for row in ROWS if (row.program, row.name) in CHOSEN])
def test_row(row: Row, mode: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("r")
    *words, end = prefix("trace", "nt")
    native, picobox = both(row, (*words, *mode, end), base)
    declared = divergences.belonging_to(row.program, row.name, "nt", DECLARED)
    difference = differences(divergences.without(native, declared), divergences.without(picobox, declared))
    if difference:
        pytest.fail(f"{row.argv} in {base}/native and {base}/work\n{difference}", pytrace=False)
    shutil.rmtree(base, ignore_errors=True)


def test_each_chosen_row_is_in_the_table() -> None:
    assert CHOSEN - {(row.program, row.name) for row in ROWS} == set()
