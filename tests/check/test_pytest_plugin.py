"""The pytest plugin in sessions of its own: who is told what, with and without xdist, and the fixture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 120
BUG = """
import os, subprocess, sys

def test_bug(tmp_path):
    with open(tmp_path / "x", "w"):
        os.unlink(tmp_path / "x")

def test_clean(tmp_path):
    with open(tmp_path / "x", "w"):
        pass
    os.unlink(tmp_path / "x")

def test_of_another_process(tmp_path):
    program = "import os; file = open('y', 'w'); os.unlink('y')"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)
"""


def pytest_in(
    directory: Path, *arguments: str, before: tuple[str, ...] = (), temporary: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a project that has nothing of this one's settings; its TMPDIR is the project by default."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PICOBOX", "PYTEST"))}
    command = [*before, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *arguments]
    return subprocess.run(
        command,
        cwd=directory,
        env={**environment, "TMPDIR": str(temporary or directory), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def project(directory: Path, source: str = BUG) -> Path:
    (directory / "test_it.py").write_text(source)
    (directory / "pytest.ini").write_text("[pytest]\n")
    return directory


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What the summary says of each test, by its name."""
    lines = [line.split(" - ")[0].split() for line in done.stdout.splitlines()]
    return {words[1].rpartition("::")[2]: words[0] for words in lines if len(words) == 2 and "::" in words[1]}


EXPECTED = {"test_bug": "FAILED", "test_clean": "PASSED", "test_of_another_process": "FAILED"}


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_a_finding_fails_its_test(tmp_path: Path, workers: tuple[str, ...]) -> None:
    done = pytest_in(project(tmp_path), "--picobox=windows11", *workers)
    assert outcomes(done) == EXPECTED, done.stdout + done.stderr
    assert done.returncode == 1
    assert "PB010 error" in done.stdout
    assert "STATUS_SHARING_VIOLATION" in done.stdout


def test_a_finding_only_warns(tmp_path: Path) -> None:
    done = pytest_in(project(tmp_path), "--picobox=windows11", "--picobox-fail-on=never")
    assert set(outcomes(done).values()) == {"PASSED"}, done.stdout + done.stderr
    assert done.returncode == 0
    assert "PicoboxWarning: PB010" in done.stdout


def test_tests_meet_what_windows_answers(tmp_path: Path) -> None:
    done = pytest_in(project(tmp_path), "--picobox=windows10", "--picobox-enforce", "--picobox-fail-on=never")
    assert outcomes(done) == EXPECTED, done.stdout + done.stderr
    assert "PermissionError" in done.stdout


def test_what_is_ignored_fails_nothing(tmp_path: Path) -> None:
    (project(tmp_path) / "picobox.toml").write_text('[rules]\nPB010 = "off"\n')
    done = pytest_in(tmp_path, "--picobox=windows11")
    assert set(outcomes(done).values()) == {"PASSED"}, done.stdout + done.stderr
    assert done.returncode == 0


def test_a_check_of_pytest_names_the_tests(tmp_path: Path) -> None:
    """Without any option of pytest's own."""
    report = tmp_path / "report.json"
    check = (sys.executable, "-m", "picobox", "check", "--format", "json", "-o", str(report), "--")
    done = pytest_in(project(tmp_path), "-n2", before=check)
    assert set(outcomes(done).values()) == {"PASSED"}, done.stdout + done.stderr
    assert done.returncode == 1
    found = json.loads(report.read_text())["findings"]
    assert {(finding["rule"], finding["test"].rpartition("::")[2]) for finding in found} == {
        ("PB010", "test_bug"),
        ("PB010", "test_of_another_process"),
    }


LINKS = """
import os

def test_one(tmp_path):
    os.symlink("target", tmp_path / "link")

def test_two(tmp_path):
    os.symlink("target", tmp_path / "link")
"""


def test_each_test_is_told_what_the_program_lacks(tmp_path: Path) -> None:
    """A report tells it once, with the tests."""
    source, temporary = tmp_path / "source", tmp_path / "temporary"
    source.mkdir()
    temporary.mkdir()
    done = pytest_in(project(source, LINKS), "--picobox=windows11", temporary=temporary)
    assert outcomes(done) == {"test_one": "FAILED", "test_two": "FAILED"}, done.stdout + done.stderr
    report = tmp_path / "report.json"
    check = (sys.executable, "-m", "picobox", "check", "--format", "json", "-o", str(report), "--")
    assert pytest_in(source, before=check, temporary=temporary).returncode == 1
    (finding,) = json.loads(report.read_text())["findings"]
    tests = [finding["test"], *(each["test"] for each in finding["also"])]
    assert [test.rpartition("::")[2] for test in tests] == ["test_one", "test_two"]


FIXTURE = """
import sys, pytest

PROGRAM = [sys.executable, "-c", "import os; f = open('con.txt', 'w'); f.close(); os.unlink('con.txt'); print('ran')"]
DELETES = [sys.executable, "-c", "import os; f = open('x', 'w'); os.unlink('x')"]

def test_plain(picobox, tmp_path):
    done = picobox.run(DELETES, cwd=tmp_path)
    assert (done.returncode, [finding.rule for finding in done.findings]) == (0, ["PB010"])
    assert picobox.findings == done.findings

@pytest.mark.picobox(profile="windows10", enforce=True)
def test_enforced(picobox, tmp_path):
    done = picobox.run(DELETES, cwd=tmp_path)
    assert done.returncode == 1
    assert "PermissionError" in done.stderr
    assert picobox.run([sys.executable, "-c", "print(1)"]).stdout == "1\\n"

@pytest.mark.picobox(profil="windows10")
def test_misspelled(picobox):
    pass
"""


def test_the_fixture_runs_programs(tmp_path: Path) -> None:
    done = pytest_in(project(tmp_path, FIXTURE))
    assert outcomes(done) == {"test_plain": "PASSED", "test_enforced": "PASSED", "test_misspelled": "ERROR"}, (
        done.stdout
    )
    assert "@pytest.mark.picobox has no profil" in done.stdout


def test_the_fixture_under_a_check(tmp_path: Path) -> None:
    source = FIXTURE.partition("@pytest.mark")[0]
    done = pytest_in(project(tmp_path, source), "--picobox=windows11", "--picobox-fail-on=never")
    assert outcomes(done) == {"test_plain": "PASSED"}, done.stdout + done.stderr


def test_a_session_without_a_check_is_as_ever(tmp_path: Path) -> None:
    done = pytest_in(project(tmp_path))
    assert set(outcomes(done).values()) == {"PASSED"}, done.stdout
    assert "picobox" not in done.stdout.replace("plugins:", "").replace("picobox-", "")[-300:]


def test_nothing_is_left_of_the_files_that_tell_of_tests(tmp_path: Path) -> None:
    """An ordinary user's guest takes the rights off what it was given, and puts more there."""
    source = """
import os

def test_harm():
    directory = os.environ["PICOBOX_TESTS"]
    os.makedirs(directory + "/in/deeper")
    os.chmod(directory + "/in", 0)
    os.rename(directory, directory + "-moved")
    os.chmod(directory + "-moved", 0)
    print("moved", directory)
"""
    unprivileged = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--")
    done = pytest_in(project(tmp_path, source), "--picobox=windows11", before=unprivileged)
    assert outcomes(done) == {"test_harm": "PASSED"}, done.stdout + done.stderr
    (directory,) = (line.split()[1] for line in done.stdout.splitlines() if line.startswith("moved "))
    assert not os.path.lexists(directory)
    assert not os.path.lexists(directory + "-moved")
