"""Each bad release shows its bug under check, and the fixed one shows nothing."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from inputs import load as load_inputs

from ntshim import status as st
from picobox.findings.record import loads
from suites.environment import environment, variables
from suites.run import check_command

if TYPE_CHECKING:
    from picobox.findings.finding import Finding

HERE = Path(__file__).parent


class Release(NamedTuple):
    """An entry of releases.toml, which tells what its fields mean."""

    name: str
    driver: str
    bad: str
    fixed: str
    rule: str
    status: str
    source: str
    fast: bool = False


RELEASES = [Release(**entry) for entry in tomllib.loads((HERE / "releases.toml").read_text())["release"]]


def found_in(release: Release, wheel: str, base: Path) -> tuple[Finding, ...]:
    """What check finds while the driver uses a release, natively and then under check with the same end."""
    python = environment(release.name, [wheel])
    env = dict(variables(python, base))
    findings: tuple[Finding, ...] = ()
    report = base / "report.json"
    for before in ([], check_command(report)):
        work = base / ("checked" if before else "native")
        for directory in (work, base / "tmp", base / "home"):
            directory.mkdir(parents=True, exist_ok=True)
        command = [*before, str(python), str(HERE / release.driver)]
        done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, timeout=60, check=False)
        findings = loads(report.read_text()).findings if before else ()
        assert done.returncode == (1 if findings else 0), done.stderr
    return findings


def parameters() -> list[object]:
    return [pytest.param(each, id=each.name, marks=[] if each.fast else [pytest.mark.full]) for each in RELEASES]


@pytest.mark.parametrize("release", parameters())
def test_bug_is_found_in_the_bad_release_and_gone_in_the_fixed_one(release: Release, tmp_path: Path) -> None:
    found = found_in(release, release.bad, tmp_path / "bad")
    assert [(each.rule, each.status) for each in found] == [(release.rule, getattr(st, release.status))]
    assert found_in(release, release.fixed, tmp_path / "fixed") == ()


def test_every_release_is_pinned_and_its_tier_fetches_it() -> None:
    inputs = load_inputs()
    for release in RELEASES:
        assert [inputs[name].full for name in (release.bad, release.fixed)] == [not release.fast] * 2
        assert release.source.startswith("https://")
        assert (HERE / release.driver).exists()
    assert {each.name for each in HERE.glob("*.py")} == {
        *(release.driver for release in RELEASES), "__init__.py", "test_releases.py",
    }  # fmt: skip
