"""Runs commands under picobox with profile nt."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent


def picobox(*command: str | Path, platform: str = "trace") -> list[str]:
    """The command line that runs `command` under profile nt."""
    own = [sys.executable, "-m", "picobox", "-q", "--platform", platform, "--profile", "nt", "--"]
    return own + [str(word) for word in command]
