"""Every example of docs/python-api.md runs, is typed, and prints what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "python-api.md").read_text()
_EXAMPLE = re.compile(r"^```python\n(?P<code>(?s:.*?))^```\n```text\n(?P<output>(?s:.*?))^```$", re.MULTILINE)
EXAMPLES = [(found["code"], found["output"]) for found in _EXAMPLE.finditer(TEXT)]
TIMEOUT = 60


@pytest.mark.parametrize(("code", "output"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_example_prints_what_the_page_shows(code: str, output: str, tmp_path: Path) -> None:
    work, state = tmp_path / "work", tmp_path / "state"
    work.mkdir()
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PICOBOX")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=work,
        env={**settings, "LC_ALL": "C", "XDG_STATE_HOME": str(state)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")


def test_every_block_of_code_is_an_example() -> None:
    assert len(EXAMPLES) == len(re.findall(r"^```python$", TEXT, re.MULTILINE)) == 10


def test_the_page_names_every_option_and_exception() -> None:
    from picobox.api import errors
    from picobox.api.preparation import RUN_NAMES, START_NAMES

    names = [*RUN_NAMES, *START_NAMES, *errors.__all__]
    assert [name for name in names if f"`{name}" not in TEXT and f"`{name}=" not in TEXT] == []


def test_examples_are_typed(tmp_path: Path) -> None:
    """As a user's strict mypy sees the package."""
    for number, (code, _output) in enumerate(EXAMPLES):
        (tmp_path / f"example{number}.py").write_text(code)
    strict = ["--strict", "--no-incremental", "--cache-dir", os.devnull]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *strict, *map(str, tmp_path.glob("*.py"))],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
