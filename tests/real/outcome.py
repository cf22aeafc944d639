"""Owns what a run leaves behind, and how two of them are compared."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from .normalise import normalise


class Outcome(NamedTuple):
    """What one run of a row left: exit status as a shell sees it, both streams, and the picture of its file tree."""

    status: bytes
    stdout: bytes
    stderr: bytes
    files: bytes


def normalised(outcome: Outcome, now: float) -> Outcome:
    """The outcome with both streams normalised for `now`; `files` is normalised when the picture is taken."""
    return outcome._replace(stdout=normalise(outcome.stdout, now), stderr=normalise(outcome.stderr, now))


def differences(native: Outcome, picobox: Outcome) -> str:
    """A unified diff of every part that differs; empty when the outcomes are equal."""
    return "".join(
        _diff(part, getattr(native, part), getattr(picobox, part))
        for part in Outcome._fields
        if getattr(native, part) != getattr(picobox, part)
    )


def _diff(part: str, native: bytes, picobox: bytes) -> str:
    lines = difflib.unified_diff(
        native.decode("utf-8", "backslashreplace").splitlines(),
        picobox.decode("utf-8", "backslashreplace").splitlines(),
        f"native {part}",
        f"picobox {part}",
        lineterm="",
    )
    return "\n".join(lines) + "\n"
