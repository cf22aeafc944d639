"""Runs programs under picobox check and gives what it found, whatever the formats of its output are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parents[2]
TIMEOUT = 120
# The verb, but the report goes to a file as it is.
_SCRIPT = """
import json, sys
from picobox.cli import check, findings

def conclude(report, options, *others):
    found = [(f.rule, f.severity, f.status, f.path, f.side.call, f.count, f.side.process.name,
              [(o.process.name, o.share) for o in f.others], f.site and f.site.line) for f in report.findings]
    with open(sys.argv[1], "w") as file:
        json.dump(found, file)
    return report.status

findings.conclude = conclude
sys.exit(check.main(sys.argv[2:]))
"""


class Found(NamedTuple):
    """A finding, with the file's path below the directory of the run, or as it is."""

    rule: str
    severity: str
    status: int
    path: str
    call: str
    times: int
    process: str
    others: list[list[str]]
    line: int | None


class Outcome(NamedTuple):
    """How a run ended, what the program wrote, what was found."""

    status: int
    output: str
    errors: str
    found: list[Found]

    def rules(self) -> list[tuple[str, str]]:
        """Rules and paths, in order."""
        return [(each.rule, each.path) for each in self.found]


def check(directory: Path, *words: str | Path, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run `picobox check WORDS` in a directory, with one below it for temporary files."""
    temporary = directory.parent / f"{directory.name}.tmp"
    temporary.mkdir(exist_ok=True)
    report = directory.parent / f"{directory.name}.json"
    report.unlink(missing_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PICOBOX")}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, report, *words],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(temporary), "LC_ALL": "C", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert report.exists(), done
    found = [Found(*each) for each in json.loads(report.read_text())]
    prefix = f"{directory.resolve()}/"
    return Outcome(
        done.returncode,
        done.stdout,
        done.stderr,
        [each._replace(path=each.path.removeprefix(prefix)) for each in found],
    )
