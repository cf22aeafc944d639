"""Runs rows that were recorded from other implementations against ntshim's public services.

Called as `python -m tests.nt.oracles KIND FILE...`; `tests.nt.oracle_KIND` interprets the rows of a kind.
"""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .kind import Kind, Row, Unverified

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("casefold", "dispositions", "fileops", "handles", "names", "objns", "share_matrix", "ntstatus_errno")
OUTCOMES = ("passed", "failed", "justified", "unverified")
JUSTIFIED = Path(__file__).with_name("justified.toml")
ROWS = Path(__file__).with_name("rows")


class Result(NamedTuple):
    """How one row came out: one of OUTCOMES, and why it did not pass."""

    row: Row
    outcome: str
    reasons: list[str]


class InputError(Exception):
    """A kind or file that cannot be used; the message is one line."""


def load_kind(name: str) -> Kind:
    """Import what interprets the rows of a kind."""
    if name not in KINDS:
        raise InputError(f"unknown kind {name!r}: choose from {', '.join(KINDS)}")
    module: Any = importlib.import_module(f".oracle_{name}", __package__)
    return module  # type: ignore[no-any-return] # a module is known by what it has


def load_rows(kind: Kind, path: Path) -> list[Row]:
    """Read the rows of a file: an object with "rows", or an array of them."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path}: no JSON: {error}") from None
    rows = document.get("rows") if isinstance(document, dict) else document
    if isinstance(rows, list) and hasattr(kind, "rows"):
        rows = kind.rows(document)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: neither an array of rows nor an object with one under 'rows'")
    return rows


def load_justifications(kind: str, path: Path = JUSTIFIED) -> list[Row]:
    """Read which rows of a kind have a better source against them: the fields that tell the row, and the source."""
    entries: list[Row] = tomllib.loads(path.read_text(encoding="utf-8")).get(kind, [])
    return entries


def run(kind: Kind, rows: list[Row], justifications: list[Row]) -> Iterator[Result]:
    """Check each row; a failing one that a justification tells of is justified."""
    for row in rows:
        try:
            reasons = kind.check(row)
        except Unverified as why:
            yield Result(row, "unverified", [str(why)])
            continue
        except (KeyError, TypeError, ValueError) as error:
            reasons = [f"the row cannot be read: {error!r}"]
        known = [entry["source"] for entry in justifications if entry["row"].items() <= row.items()]
        if not reasons:
            yield Result(row, "passed", [])
        elif known:
            yield Result(row, "justified", reasons + known)
        else:
            yield Result(row, "failed", reasons)


def describe(row: Row) -> str:
    """Give a row in one line that tells it from others."""
    return json.dumps({key: value for key, value in row.items() if key not in ("origin", "source", "before")})[:300]


def report(results: list[Result]) -> str:
    """Give a line for each row that did not pass, and the counts."""
    lines = [
        f"{result.outcome}: {describe(result.row)}\n    {'; '.join(result.reasons)}"
        for result in results
        if result.outcome != "passed"
    ]
    counts = Counter(result.outcome for result in results)
    return "\n".join([*lines, ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES)])


def main(arguments: list[str]) -> int:
    """Run; gives the exit status: 0, 1 if a row failed, 2 if there was nothing to run."""
    if len(arguments) < 2:
        sys.stderr.write(f"usage: python -m tests.nt.oracles KIND FILE...\nKIND is one of {', '.join(KINDS)}\n")
        return 2
    name, *paths = arguments
    try:
        kind = load_kind(name)
        rows = [row for path in paths for row in load_rows(kind, Path(path))]
    except InputError as error:
        sys.stderr.write(f"oracles: {error}\n")
        return 2
    results = list(run(kind, rows, load_justifications(name)))
    sys.stdout.write(report(results) + "\n")
    return 1 if any(result.outcome == "failed" for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
