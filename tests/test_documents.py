"""Every command that README and docs/ show is run: here, by the document's own test, or a reason says why not.

Run as a program, rewrites what the commands of PLAYED pages print.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from inspection.runs import Place
from test_readme import masked

REPOSITORY = Path(__file__).parent.parent
# Pages that show what each command prints, all in one directory that is empty at first.
PLAYED = ("debuggers.md", "drives.md", "tutorial.md")
SECONDS = 110
_FENCED = re.compile(r"^```(console|sh|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^    (?:\$ )?((?:picobox|python3?|pip|pipx|pytest|\.ci/run) .*)$", re.MULTILINE)
# A command, what its here-document holds, and what it prints.
_SHOWN = re.compile(r"^\$ (?P<command>.*\n(?:> ?.*\n)*)(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)

# Tests that run every block of commands of a document and compare what is printed, or what is found.
OWN_TESTS = {
    "README.md": "tests/test_readme.py",
    "docs/debuggers.md": "tests/test_documents.py",
    "docs/drives.md": "tests/test_documents.py",
    "docs/instances.md": "tests/session/test_document.py",
    "docs/ntshim.md": "tests/unit/test_ntshim_library.py",
    "docs/recipes.md": "tests/check/test_recipes.py",
    "docs/trace.md": "tests/cli/test_trace_document.py",
    "docs/tutorial.md": "tests/test_documents.py",
}
# Commands that no test runs as they stand.
NOT_RUN = {
    "pipx install picobox-nt": "the index is no part of a test; .ci/dist.py installs the wheel and runs it",
}
# README's two commands set everything up; .ci/run takes both from there and runs them word for word.
_SET_UP = re.compile(r"^python3 -m venv \.venv && ")


class Project(NamedTuple):
    """Where a document's commands are run: files, programs of the reader's own, and what stands for a word."""

    files: dict[str, str]
    prepare: str = "true"
    words: tuple[tuple[str, str], ...] = ()


_SCRIPT = "#!/bin/sh\n"
_MAKEFILE = "all:\n\techo made >made\ntest:\n\ttrue\n"
# Stands for whatever the reader has under that name.
_LITTLE = f"{_SCRIPT}echo done\n"
PROJECTS = {
    "docs/check.md": Project(
        {"test_it.py": "def test_it():\n    pass\n", "Makefile": _MAKEFILE, "job": _LITTLE, "bin/cargo": _LITTLE},
        "git init -q . && mkdir reports",
    ),
    "docs/overlay.md": Project({"Makefile": _MAKEFILE}),
    "docs/policy.md": Project(
        {"Makefile": _MAKEFILE, "tool": f"{_SCRIPT}echo done >out/result\n", "server": _LITTLE},
        "mkdir out && picobox policy show --format toml default >policy.toml",
    ),
    "docs/system-calls.md": Project(
        {"program": f"{_SCRIPT}exit 0\n"},
        f"ln -s {REPOSITORY}/tests {REPOSITORY}/pyproject.toml .",
        (("-k <name>", "-k h1_vfork_killed"), ("<name>", "execve")),
    ),
}
# Looks at what runs, so something has to, with a file open and locked.
INSPECTION = "docs/inspection.md"
_HOLDING = """import fcntl, os
held = open("build/app.db", "w")
fcntl.lockf(held, fcntl.LOCK_EX)
said = (os.getpid(),)"""


def documents() -> list[str]:
    """Every page for readers, and README."""
    return ["README.md", *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md"))]


def commands(name: str) -> list[str]:
    """The commands that a document shows, a line each, without comments."""
    text = (REPOSITORY / name).read_text()
    found = []
    for kind, block in _FENCED.findall(text):
        if kind == "console":
            found += [shown["command"].strip() for shown in _SHOWN.finditer(block)]
        else:
            found += [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
    return found + _INDENTED.findall(_FENCED.sub("", text))


def typed(command: str) -> str:
    """What a reader types, without the prompts of further lines."""
    return re.sub(r"^> ?", "", command, flags=re.MULTILINE)


def shell(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script as a reader would, with this picobox."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PICOBOX", "XDG_", "PYTEST", "GITHUB"))
    }
    path = f"{directory}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    settings = {
        "PATH": path,
        "HOME": f"{directory}-home",
        "LC_ALL": "C",
        "COLUMNS": "120",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=directory,
        env={**kept, **settings, "XDG_STATE_HOME": str(directory.parent / f"{directory.name}-state")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        check=False,
        text=True,
    )


def played(text: str, directory: Path) -> str:
    """A document with what its commands print, one after another in one directory."""
    Path(f"{directory}-home").mkdir()
    # What is said once has been said.
    shell("picobox -- true", directory)

    def again(shown: re.Match[str]) -> str:
        return f"$ {shown['command']}{shell(typed(shown['command']), directory).stdout}"

    def block(found: re.Match[str]) -> str:
        if found[1] != "console":
            return found[0]
        return f"```console\n{_SHOWN.sub(again, found[2])}```"

    return _FENCED.sub(block, text)


@pytest.mark.parametrize("name", [name for name in documents() if commands(name)])
def test_every_command_shown_is_run(name: str) -> None:
    """By the test of the document, by this file, or there is a reason."""
    if name not in OWN_TESTS:
        assert name in {*PROJECTS, INSPECTION}, f"nothing runs what {name} shows: {commands(name)}"
        return
    own = REPOSITORY / OWN_TESTS[name]
    assert f'"{Path(name).name}"' in own.read_text(), f"{own} does not read {name}"
    text = (REPOSITORY / name).read_text()
    # Those tests read blocks of one kind.
    kind = "sh" if name == "docs/recipes.md" else "console"
    others = [line for other, block in _FENCED.findall(text) if other != kind for line in block.splitlines()]
    assert [line for line in others if line not in NOT_RUN and not _SET_UP.match(line)] == []
    assert _INDENTED.findall(_FENCED.sub("", text)) == []


def test_no_reason_and_no_project_is_left_over() -> None:
    shown = {command for name in documents() for command in commands(name)}
    assert set(NOT_RUN) <= shown
    assert {*PROJECTS, INSPECTION, *OWN_TESTS} <= {name for name in documents() if commands(name)}


def test_commands_are_found_in_every_form(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ a <<E\n> b\n> E\nsaid\n$ c\n```\n```sh\n# no\nd\n```\n\n    picobox e\n\n```python\nf\n```\n"
    )
    assert commands(str(page)) == ["a <<E\n> b\n> E", "c", "d", "picobox e"]
    assert typed(commands(str(page))[0]) == "a <<E\nb\nE"


@pytest.mark.parametrize("name", PROJECTS)
def test_the_commands_of_a_page_work(name: str, tmp_path: Path) -> None:
    project = PROJECTS[name]
    directory = tmp_path / "project"
    (tmp_path / "project-home").mkdir()
    for file, text in project.files.items():
        path = directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    shown = commands(name)
    for word, meant in project.words:
        assert any(word in command for command in shown), f"{name} no longer shows {word}"
        shown = [command.replace(word, meant) for command in shown]
    prepared = shell(project.prepare, directory)
    assert prepared.returncode == 0, prepared.stdout
    for command in shown:
        done = shell(typed(command), directory)
        assert done.returncode == 0, (command, done.stdout)


def test_the_commands_that_look_at_runs_work(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "build").mkdir()
    with place.running(_HOLDING) as process:
        assert process.stdout is not None
        pid = process.stdout.readline().strip()
        for command in commands(INSPECTION):
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            done = subprocess.run(
                ["/bin/sh", "-c", typed(command).replace("4711", pid)],
                cwd=tmp_path,
                env={**place.environment, "PATH": path},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            assert done.returncode == 0, (command, done.stderr)
            assert done.stdout, command
    assert any("4711" in command for command in commands(INSPECTION))


@pytest.mark.parametrize("name", PLAYED)
def test_a_page_shows_what_is_printed(name: str, tmp_path: Path) -> None:
    directory = tmp_path / "page"
    directory.mkdir()
    shown = (REPOSITORY / "docs" / name).read_text()
    assert masked(played(shown, directory)) == masked(shown), f"run {sys.executable} -m tests.test_documents"


def main() -> None:
    """Rewrites the pages."""
    for name in PLAYED:
        page = REPOSITORY / "docs" / name
        with tempfile.TemporaryDirectory() as place:
            directory = Path(place) / "page"
            directory.mkdir()
            page.write_text(played(page.read_text(), directory))


if __name__ == "__main__":
    main()
