"""How many findings of each severity there are, which of them are the gravest, and which reach a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picobox.findings.finding import ERROR, NEVER, NOTE, SEVERITIES, WARNING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.findings.finding import Finding

_RANK = {severity: rank for rank, severity in enumerate(reversed(SEVERITIES))}


class Tally(NamedTuple):
    """Findings by severity, without those that are suppressed, and how many those are."""

    error: int
    warning: int
    note: int
    suppressed: int

    def __str__(self) -> str:
        """As "2 errors, 1 warning, 1 note suppressed"; "no findings" if there are none."""
        words = [_number(getattr(self, severity), severity) for severity in reversed(SEVERITIES)]
        told = ", ".join(word for word in words if word) or "no findings"
        return f"{told} ({self.suppressed} suppressed)" if self.suppressed else told


def tally(findings: Iterable[Finding]) -> Tally:
    """The findings counted."""
    counts = dict.fromkeys((ERROR, WARNING, NOTE, "suppressed"), 0)
    for finding in findings:
        counts["suppressed" if finding.suppressed else finding.severity] += 1
    return Tally(**counts)


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, errors before warnings before notes; suppressed ones last. Otherwise they stay in their order."""
    return sorted(findings, key=lambda finding: (finding.suppressed != "", _RANK[finding.severity]))


def reaches(finding: Finding, threshold: str) -> bool:
    """Whether a finding counts at a threshold, a severity or NEVER: it is as grave or graver, and not suppressed."""
    if threshold == NEVER:
        return False
    return not finding.suppressed and _RANK[finding.severity] <= _RANK[threshold]


def _number(count: int, word: str) -> str:
    return "" if count == 0 else f"{count} {word}{'' if count == 1 else 's'}"
