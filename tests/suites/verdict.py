"""Judges a suite's two runs: which tests differ, which findings are false alarms, what it cost."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from picobox.findings.finding import Finding

    from .run import Outcome
    from .suite import Suite


class Verdict(NamedTuple):
    """What a suite shows: the tests that ran, those that differ, findings by rule and the false alarms, seconds."""

    name: str
    version: str
    tests: int
    skipped: int
    differing: tuple[str, ...]
    legitimate: dict[str, int]
    false_alarms: tuple[str, ...]
    native: float
    check: float

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
        tuple(f"{finding.rule} {place(finding, base)} {finding.message}" for finding in false),
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


def place(finding: Finding, base: Path) -> str:
    """The path of a finding relative to the directories of the run: "project/..." or "tmp/..."."""
    path = PurePath(finding.path)
    return str(path.relative_to(base)) if path.is_relative_to(base) else finding.path


def is_legitimate(suite: Suite, finding: Finding, base: Path) -> bool:
    """Whether the suite's table speaks of a finding."""
    path = place(finding, base)
    return any(each.rule == finding.rule and fnmatchcase(path, each.path) for each in suite.legitimate)
