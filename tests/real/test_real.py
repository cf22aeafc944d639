"""Table R: each row runs natively and under picobox, and must leave the same streams, exit status and file tree."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import divergences
from .outcome import Outcome, differences, normalised
from .row import FULL, PACKAGES, Row
from .rows import ROWS
from .run import NATIVE, SCRIPTS, prefix, run_row

if TYPE_CHECKING:
    from .divergences import Divergence

DECLARED = divergences.load(divergences.PATH.read_text())


def _parameter(row: Row) -> object:
    marks = [pytest.mark.timeout(2 * row.timeout + 60)]
    if row.tier == FULL:
        marks.append(pytest.mark.full)
    return pytest.param(row, id=f"{row.program}-{row.name}".replace(" ", "-"), marks=marks)


@pytest.fixture
def profile(request: pytest.FixtureRequest) -> str:
    """The rules of the second run, by the options of the test run."""
    return str(request.config.getoption("--picobox-profile", "linux"))


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> str:
    """What the second run may reach, by the options of the test run."""
    return str(request.config.getoption("--picobox-policy", "open"))


@pytest.fixture
def before(request: pytest.FixtureRequest, profile: str, policy: str) -> tuple[str, ...]:
    """What stands before the command of the second run, by the options of the test run."""
    return prefix(request.config.getoption("--picobox-platform", "trace"), profile, policy)


def _require(row: Row) -> None:
    for package in row.needs:
        if not Path(PACKAGES[package]).exists():
            pytest.fail(f"{PACKAGES[package]} is missing: install Debian package {package}", pytrace=False)


def both(row: Row, before: tuple[str, ...], base: Path) -> tuple[Outcome, Outcome]:
    _require(row)
    now = time.time()
    native = normalised(run_row(row, NATIVE, base, now), now)
    (base / "work").rename(base / "native")
    picobox = normalised(run_row(row, before, base, now), now)
    return native, picobox


@pytest.mark.parametrize("row", [_parameter(row) for row in ROWS])
def test_row(
    row: Row, before: tuple[str, ...], profile: str, policy: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("r")
    native, picobox = both(row, before, base)
    declared = divergences.belonging_to(row.program, row.name, profile, DECLARED, policy)
    difference = differences(divergences.without(native, declared), divergences.without(picobox, declared))
    if difference:
        pytest.fail(f"{row.argv} in {base}/native and {base}/work\n{difference}", pytrace=False)
    assert native.status == row.status, f"the row itself is broken: {native.stdout!r} {native.stderr!r}"
    shutil.rmtree(base, ignore_errors=True)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_every_divergence_is_still_needed(
    before: tuple[str, ...], profile: str, policy: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if before == NATIVE:
        pytest.skip("two native runs have no declared differences")
    stale: list[Divergence] = []
    for row in ROWS:
        declared = divergences.belonging_to(row.program, row.name, profile, DECLARED, policy)
        if declared:
            native, picobox = both(row, before, tmp_path_factory.mktemp("r"))
            stale += divergences.unneeded(native, picobox, declared)
    assert stale == []


def test_the_environment_reaches_the_guest_unchanged(before: tuple[str, ...]) -> None:
    """With no locale set, a Python interpreter on the way would add LC_CTYPE (PEP 538)."""
    env = {"PATH": "/usr/bin:/bin", "EMPTY": "", "TEXT": "two\nlines"}
    done = subprocess.run([*before, "/usr/bin/env", "-0"], env=env, capture_output=True, timeout=60, check=True)
    expected = {**env, "PICOBOX": "1"} if before else env
    assert sorted(done.stdout.decode().rstrip("\0").split("\0")) == sorted(f"{k}={v}" for k, v in expected.items())


def test_a_missing_program_fails_the_row_and_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "git", "/nonexistent/git")
    needy = next(row for row in ROWS if "git" in row.needs)
    with pytest.raises(pytest.fail.Exception, match="/nonexistent/git is missing: install Debian package git"):
        _require(needy)


def test_each_row_has_its_own_name() -> None:
    names = [(row.program, row.name) for row in ROWS]
    assert [name for name in names if names.count(name) > 1] == []


def test_each_script_is_used_and_each_package_is_needed() -> None:
    programs = [path for path in SCRIPTS.iterdir() if path.is_file() and path.name != "ruff.toml"]
    commands = " ".join(f"{row.setup} {' '.join(row.argv)}" for row in ROWS)
    assert [path.name for path in programs if f"$SCRIPTS/{path.name}" not in commands] == []
    assert set(PACKAGES) == {package for row in ROWS for package in row.needs}
