"""What a check loads before its program runs: nothing that only findings, or other commands, have a use for."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

UNWANTED = ("tempfile", "shutil", "random", "hashlib", "secrets", "subprocess")


def test_a_check_without_findings_does_not_load_what_it_has_no_use_for(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-X", "importtime", "-m", "picobox", "check", "-q", "--", "/bin/true"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "picobox.check.judge" in loaded
    assert not loaded.intersection(UNWANTED)
