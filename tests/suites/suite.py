"""What is run of other projects: the table of suites, and which of its findings are no false alarms."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
TABLE = HERE / "suites.toml"
WHEELS = HERE / "wheels.toml"


class Deselected(NamedTuple):
    """Tests that do not run, and why."""

    tests: tuple[str, ...]
    reason: str


class Flaky(NamedTuple):
    """Tests, by a pattern of their ids, that end differently from one native run to the next, and why."""

    tests: str
    reason: str


class Legitimate(NamedTuple):
    """Findings that Windows would give as well.

    `test` is a pattern of tests ("tests/test_x.py::test_y") that are in the stack of either side, or, where no stack
    tells, `path` one of paths below the project (`project/...`) or its directory for temporary files (`tmp/...`).
    `source` shows `because`: the place of a mark in the suite ("tests/test_x.py:12"), or the URL of an upstream issue.
    """

    rule: str
    because: str
    source: str
    test: str = "*"
    path: str = "*"


class Suite(NamedTuple):
    """An entry of suites.toml, which tells what its fields mean."""

    name: str
    version: str
    requirements: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    fast: bool = False
    deselected: tuple[Deselected, ...] = ()
    flaky: tuple[Flaky, ...] = ()
    legitimate: tuple[Legitimate, ...] = ()


def load(table: Path = TABLE) -> dict[str, Suite]:
    """All suites by their names; a key that no entry has is an error."""
    return {entry["name"]: _suite(entry) for entry in tomllib.loads(table.read_text())["suite"]}


def files_of(suite: Suite, wheels: Path = WHEELS) -> tuple[str, list[str]]:
    """The names of its inputs: the source distribution, and all wheels that its environment holds."""
    source, *others = tomllib.loads(wheels.read_text())[suite.name]
    return source, others


def _suite(entry: dict[str, Any]) -> Suite:
    makers: dict[str, Callable[[Any], Any]] = {
        "requirements": str,
        "arguments": str,
        "deselected": _deselected,
        "flaky": lambda each: Flaky(**each),
        "legitimate": lambda each: Legitimate(**each),
    }
    values: dict[str, Any] = {
        key: tuple(map(makers[key], value)) if key in makers else value for key, value in entry.items()
    }
    return Suite(**values)


def _deselected(entry: dict[str, Any]) -> Deselected:
    return Deselected(tuple(entry["tests"]), entry["reason"])
