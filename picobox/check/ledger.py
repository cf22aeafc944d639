"""The findings of a run, joined by call site and file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.findings.finding import Finding

_Key = tuple[object, ...]


class Entry:
    """A finding in the ledger: the first occurrence, with the count of all."""

    __slots__ = ("finding",)

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


class Ledger:
    """Joins findings as they come; as many as there are call sites and files."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: dict[_Key, Entry] = {}

    def add(self, finding: Finding) -> Entry:
        """Count a finding in; gives the entry that it has joined."""
        entry = self._entries.setdefault(_key(finding), Entry(finding))
        if entry.finding is not finding:
            entry.finding = entry.finding._replace(count=entry.finding.count + finding.count)
        return entry

    def change(self, entry: Entry, finding: Finding) -> Entry:
        """Note that an entry turned out to be another finding; gives the entry that this has joined."""
        self._entries = {key: other for key, other in self._entries.items() if other is not entry}
        return self.add(finding)

    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of their first occurrences."""
        return tuple(entry.finding for entry in self._entries.values())


def _key(finding: Finding) -> _Key:
    """What joined findings have in common; where no place in the project is known the program stands for it."""
    site, side = finding.site, finding.side
    where: _Key = (side.process.name,)
    if site is not None:
        where = site.file, site.function, site.offset if site.line is None else site.line
    return finding.rule, finding.severity, finding.status, finding.path, finding.test, side.call, where
