"""What `picobox names` finds counts as the settings of a project say: levels, entries to ignore, baselines."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from picobox.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two names that Windows does not take, to work in."""
    for name in list(os.environ):
        if name.startswith("PICOBOX"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    directory = tmp_path / "project"
    (directory / ".git").mkdir(parents=True)
    (directory / "data").mkdir()
    (directory / "data" / "aux.txt").touch()
    (directory / "12:30.log").touch()
    monkeypatch.chdir(directory)
    return directory


def found(project: Path, *options: str) -> tuple[int, dict[str, str]]:
    """The exit status, and for each path what keeps it from counting."""
    status = main(["names", "--format", "json", "-o", "../out.json", *options])
    told = json.loads((project.parent / "out.json").read_text())
    return status, {os.path.basename(each["path"]): each["suppressed"] for each in told["findings"]}


def test_each_name_counts_on_its_own(project: Path) -> None:
    for number in (12345, 12346):
        (project / f"dump-{number}:a").touch()
    status, names = found(project)
    assert status == 1
    assert names == dict.fromkeys(("12:30.log", "aux.txt", "dump-12345:a", "dump-12346:a"), "")


@pytest.mark.parametrize(
    ("settings", "status", "names"),
    [
        ('[rules]\nPB003 = "off"', 1, {"12:30.log": ""}),
        ('[rules]\nPB003 = "note"\nPB005 = "note"', 0, {"12:30.log": "", "aux.txt": ""}),
        ('[[ignore]]\npath = "data"', 1, {"12:30.log": "", "aux.txt": "config"}),
        ('[[ignore]]\npath = "data"\n[[ignore]]\nrule = "PB005"', 0, {"12:30.log": "config", "aux.txt": "config"}),
        ('fail-on = "never"', 0, {"12:30.log": "", "aux.txt": ""}),
        # The program's name: nobody runs one.
        ('[[ignore]]\nprocess = "git"', 1, {"12:30.log": "", "aux.txt": ""}),
    ],
)
def test_settings_hold_for_names_too(project: Path, settings: str, status: int, names: dict[str, str]) -> None:
    (project / "picobox.toml").write_text(settings)
    assert found(project) == (status, names)


def test_a_baseline_of_names(project: Path) -> None:
    assert found(project, "--write-baseline", "known.json")[0] == 0
    assert found(project, "--baseline", "known.json") == (0, {"12:30.log": "baseline", "aux.txt": "baseline"})
    (project / "con").touch()
    status, names = found(project, "--baseline", "known.json")
    assert (status, names["con"]) == (1, "")
