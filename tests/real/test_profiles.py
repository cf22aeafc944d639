"""Rows of table R under WSL's rules and under Windows': nothing may differ but what these rules refuse or show."""

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

PROFILES = ("wsl1", "windows11")
# One or two rows for each kind of program; together they take a quarter of a minute of one CPU under each profile.
CHOSEN = {
    ("coreutils", "uname"),
    ("coreutils", "mv"),
    ("coreutils", "pwd"),
    ("coreutils", "rm -r"),
    ("dash", "hash-bang with an argument"),
    ("bash", "job control"),
    ("bash", "here-documents"),
    ("python3", "file locks"),
    ("python3", "pip install of a wheel"),
    ("git", "init"),
    ("git", "add and commit"),
    ("gcc", "compile and run"),
    ("make", "recursive with jobserver"),
    ("tar", "through gzip and xz"),
    ("find", "-exec and -delete"),
    ("perl", "fork, pipes, sockets"),
    ("perl", "in place"),
    ("sqlite3", "two writers, rollback journal"),
    ("node", "files and streams"),
    ("redis", "benchmark on a unix socket"),
}


def _parameter(row: Row) -> object:
    marks = pytest.mark.timeout(2 * row.timeout + 60)
    return pytest.param(row, id=f"{row.program}-{row.name}".replace(" ", "-"), marks=marks)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("row", [_parameter(row) for row in ROWS if (row.program, row.name) in CHOSEN])
def test_row(row: Row, profile: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("r")
    native, picobox = both(row, prefix("trace", profile), base)
    declared = divergences.belonging_to(row.program, row.name, profile, DECLARED)
    difference = differences(divergences.without(native, declared), divergences.without(picobox, declared))
    if difference:
        pytest.fail(f"{row.argv} in {base}/native and {base}/work\n{difference}", pytrace=False)
    assert divergences.unneeded(native, picobox, declared) == []
    shutil.rmtree(base, ignore_errors=True)


def test_each_chosen_row_is_in_the_table() -> None:
    assert CHOSEN - {(row.program, row.name) for row in ROWS} == set()


def test_what_differs_under_a_profile_is_looked_at() -> None:
    declared = {(each.program, each.row) for each in DECLARED if each.profile in PROFILES}
    assert declared - CHOSEN == set()
