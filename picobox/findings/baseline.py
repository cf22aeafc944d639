"""Owns baselines: files that name the findings which are known, so that only new ones count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from picobox.errors import PicoboxError
from picobox.findings.files import read
from picobox.findings.fingerprint import Fingerprint, fingerprint, roots_of
from picobox.findings.suppress import Told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.findings.finding import Finding, Report

SCHEMA = "picobox.baseline/1"
BASELINE = "baseline"
_FIELDS = ("rule", "path", "file", "function", "process")


def known_of(report: Report) -> set[Fingerprint]:
    """What a baseline of this report names: all that counts, or that a baseline names already."""
    roots = roots_of(report)
    return {fingerprint(finding, roots) for finding in report.findings if finding.suppressed in ("", BASELINE)}


def text_of(known: Iterable[Fingerprint]) -> str:
    """The text of a baseline: sorted, an entry a line, so that a change of one finding changes one line."""
    entries = [json.dumps(dict(zip(_FIELDS, each, strict=True))) for each in sorted(known)]
    body = "\n" + ",\n".join(f"    {entry}" for entry in entries) + "\n  " if entries else ""
    return f'{{\n  "schema": "{SCHEMA}",\n  "findings": [{body}]\n}}\n'


def known_in(file: str) -> set[Fingerprint]:
    """What a baseline names. PicoboxError for a file that is none."""
    try:
        content = json.loads(read(file))
    except (ValueError, RecursionError) as error:
        raise PicoboxError(f"{file}: {error}. Write it anew with --write-baseline.") from None
    if (
        not isinstance(content, dict)
        or content.get("schema") != SCHEMA
        or not isinstance(content.get("findings"), list)
    ):
        raise PicoboxError(f"{file}: no baseline ({SCHEMA}). Write one with --write-baseline.")
    return {_entry(file, number, given) for number, given in enumerate(content["findings"], 1)}


def _entry(file: str, number: int, given: Any) -> Fingerprint:
    if isinstance(given, dict) and set(given) == set(_FIELDS):
        values = [given[name] for name in _FIELDS]
        if all(isinstance(value, str) for value in values):
            return Fingerprint(*values)
    raise PicoboxError(f"{file}: entry {number} does not have {', '.join(_FIELDS)} as strings. Write the file anew.")


def with_baseline(report: Report, known: set[Fingerprint], file: str) -> Told:
    """Marks the findings that a baseline names, however often they occur; `file` is its name for what is told."""
    roots = roots_of(report)
    left = set(known)

    def marked(finding: Finding) -> Finding:
        found = fingerprint(finding, roots)
        left.discard(found)
        return finding._replace(suppressed=BASELINE) if found in known and not finding.suppressed else finding

    findings = tuple(map(marked, report.findings))
    notes: tuple[str, ...] = ()
    if left:
        notes = (f"{file}: {len(left)} of {len(known)} entries did not occur: {_shown(left)}",)
    return Told(report._replace(findings=findings), notes=notes)


def _shown(left: set[Fingerprint]) -> str:
    first, *others = sorted(left)
    return f"{first.rule} {first.path}" + (f" and {len(others)} more" if others else "")
