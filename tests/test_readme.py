"""The README shows what its examples print, and names what there is; run as a program, rewrites the examples."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
README = REPOSITORY / "README.md"
TEXT = README.read_text()
TIMEOUT = 60

_EXAMPLE = re.compile(r"^```console\n\$ (?P<command>.*)\n(?P<output>(?s:.*?))^```$", re.MULTILINE)
# Pids, time stamps and durations differ from run to run, the version of Python from machine to machine.
_VARYING = (
    (re.compile(r"\[pid +\d+\]"), "[pid]"),
    (re.compile(r"(?<=\w)\[\d+\]"), "[pid]"),
    (re.compile(r"\b\d+\.\d{6}\b"), "TIME"),
    (re.compile(r"python3\.\d+"), "python3"),
)


def examples(text: str) -> dict[str, str]:
    """Each command that the text shows, with the output shown below it."""
    return {found["command"]: found["output"] for found in _EXAMPLE.finditer(text)}


def output_of(command: str) -> str:
    """What a terminal would show of a command, run in an empty directory."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PICOBOX")}
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryDirectory() as state:
        settings |= {"PATH": path, "LC_ALL": "C", "COLUMNS": "120", "XDG_STATE_HOME": state}
        # What is said once has been said.
        subprocess.run(["picobox", "--", "true"], cwd=directory, env=settings, timeout=TIMEOUT, check=True, stderr=-3)
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=directory,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
            check=False,
            text=True,
        )
    return done.stdout


def masked(output: str) -> str:
    """The output without what differs from run to run."""
    for pattern, name in _VARYING:
        output = pattern.sub(name, output)
    return output


def rewritten(text: str) -> str:
    """The text with the present output of every example."""
    return _EXAMPLE.sub(lambda found: f"```console\n$ {found['command']}\n{output_of(found['command'])}```", text)


def set_up_commands() -> list[str]:
    """The one-line commands that begin with nothing but a Python."""
    return re.findall(r"^python3 -m venv .*$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("command", examples(TEXT))
def test_example_prints_what_the_readme_shows(command: str) -> None:
    output = output_of(command)
    assert masked(output) == masked(examples(TEXT)[command]), f"run {sys.executable} tests/test_readme.py"


def test_there_are_three_examples_with_output() -> None:
    shown = examples(TEXT)
    assert len(shown) == 3
    assert all(shown.values())


def test_masks_hide_only_what_varies() -> None:
    line = '[pid  6040] 1795367191.332671 rmdir("x1") = -1 ENOENT <0.000137>'
    assert masked(line) == '[pid] TIME rmdir("x1") = -1 ENOENT <TIME>'


def test_the_two_commands_share_their_set_up() -> None:
    first, second = set_up_commands()
    assert first.rpartition(" && ")[0] == second.rpartition(" && ")[0]
    assert first.endswith("picobox -- /bin/ls")
    assert shlex.split(second.rpartition(" && ")[2])[1:3] == ["-m", "pytest"]


def test_the_tests_of_the_second_command_exist() -> None:
    tests = [word for word in shlex.split(set_up_commands()[1]) if word.startswith("tests")]
    assert tests
    assert all((REPOSITORY / name).exists() for name in tests)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    assert [link for link in links if not (REPOSITORY / link).exists()] == []


def test_names_the_distribution_and_what_is_missing() -> None:
    name = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["name"]
    assert f"pipx install {name}" in TEXT
    assert "## Security" in TEXT


if __name__ == "__main__":
    README.write_text(rewritten(TEXT))
