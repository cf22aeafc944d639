"""Judges a suite's two runs: which tests differ, which findings are false alarms, what it cost."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picobox.findings.finding import Finding, Frame

    from .run import Outcome
    from .suite import Suite


class Verdict(NamedTuple):
    """What a suite shows: the tests that ran, those that differ, findings by rule and the false alarms, seconds.

    `first_check` is of a run whose caches were empty, `check` of one that found its caches.
    """

    name: str
    version: str
    tests: int
    skipped: int
    differing: tuple[str, ...]
    legitimate: dict[str, int]
    false_alarms: tuple[str, ...]
    native: float
    check: float
    first_check: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times as long the suite takes under check."""
        return self.check / self.native


def judge(suite: Suite, native: Outcome, checked: Outcome, base: Path) -> Verdict:
    """Compare two runs of a suite in `base`."""
    skipped = sum(end == "skipped" for ends in native.ends.values() for end in ends)
    accepted = [finding for finding in checked.findings if is_legitimate(suite, finding, base)]
    false = [finding for finding in checked.findings if finding not in accepted]
    return Verdict(
        suite.name,
        suite.version,
        sum(map(len, native.ends.values())),
        skipped,
        tuple(differences(suite, native, checked)),
        dict(sorted(Counter(finding.rule for finding in accepted).items())),
        tuple(f"{finding.rule} {place(finding.path, base)} {finding.message}" for finding in false),
        native.seconds,
        checked.seconds,
    )


def differences(suite: Suite, native: Outcome, checked: Outcome) -> list[str]:
    """The tests that end otherwise under check, but for those that do so natively too."""
    tests = sorted(native.ends.keys() | checked.ends.keys())
    return [
        f"{test}: {native.ends.get(test)} natively, {checked.ends.get(test)} under check"
        for test in tests
        if native.ends.get(test) != checked.ends.get(test)
        and not any(fnmatchcase(test, flaky.tests) for flaky in suite.flaky)
    ]


def place(path: str, base: Path) -> str:
    """A path relative to the directories of the run, "project/..." or "tmp/...", if it is in them."""
    return str(PurePath(path).relative_to(base)) if PurePath(path).is_relative_to(base) else path


def is_legitimate(suite: Suite, finding: Finding, base: Path) -> bool:
    """Whether the suite's table speaks of a finding, and of each that it stands for besides."""
    frames = [frame for side in (finding.side, *finding.others) for frame in side.stack]
    return _is_known(suite, finding.rule, finding.path, frames, base) and all(
        _is_known(suite, finding.rule, each.path, [] if each.site is None else [each.site], base)
        for each in finding.also
    )


def _is_known(suite: Suite, rule: str, path: str, frames: Sequence[Frame], base: Path) -> bool:
    tests = tests_of(frames, base)
    return any(
        each.rule == rule
        and fnmatchcase(place(path, base), each.path)
        and any(fnmatchcase(test, each.test) for test in tests)
        for each in suite.legitimate
    )


def tests_of(frames: Sequence[Frame], base: Path) -> list[str]:
    """The functions that are in these frames, as tests are named; "" for none at all."""
    return ["", *(f"{place(frame.file, base / 'project')}::{frame.function}" for frame in frames)]
