"""What a check loads: nothing that only findings, or other commands, have a use for."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What nothing of a check has a use for without findings.
UNWANTED = frozenset(
    (
        "tempfile", "shutil", "random", "hashlib", "secrets", "subprocess", "pathlib", "urllib", "unicodedata", "ast",
        "tomllib", "picobox.cli.report", "picobox.check.handlers", "picobox.check.platforms", "picobox.check.removals",
        "picobox.check.separators", "picobox.check.other_names", "picobox.check.guarded_scripts", "picobox.check.sites",
    )
)  # fmt: skip
# And what it has no use for before its program runs, once the forms of the table are kept.
LATE = UNWANTED | {
    "re", "json", "typing", "picobox.abi.filter", "picobox.abi.view", "picobox.platform.form_compiler",
    "picobox.findings.text", "picobox.findings.record",
}  # fmt: skip
STARTED = "the program runs"


def test_a_check_without_findings_does_not_load_what_it_has_no_use_for(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    options = ("-X", "importtime", "-m", "picobox", "check", "-q")
    command = [sys.executable, "-P", *options, "--", "/bin/sh", "-c", f"echo {STARTED} >&2"]
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    lines = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    before = set(lines[: lines.index(STARTED)])
    assert "picobox.check.judge" in before
    assert not sorted(before & LATE)
    assert not sorted(UNWANTED.intersection(lines))
