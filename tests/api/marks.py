"""Marks programs by a variable in their environment, and tells when all of them are gone."""

from __future__ import annotations

import os
import time

from alive import marked


def marker() -> tuple[str, dict[str, str]]:
    """A variable that no other test gives, and an environment with it."""
    setting = f"PICOBOX_TEST_MARK={os.getpid()}-{time.monotonic_ns()}"
    name, _, value = setting.partition("=")
    return setting, {**os.environ, name: value}


def gone(setting: str) -> bool:
    """Whether every process that was given a variable ends soon."""
    deadline = time.monotonic() + 20
    while marked(setting) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not marked(setting)
