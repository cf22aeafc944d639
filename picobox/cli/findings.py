"""What the verbs that find something have in common: how findings are told, and what the exit status says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from picobox.cli.options import Option
from picobox.findings.finding import SEVERITIES

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.findings.finding import Report


def finding_options() -> tuple[Option, ...]:
    """The options of every verb that tells findings."""
    return (
        Option("--fail-on", choices=SEVERITIES, default="warning", help="how grave a finding makes the exit status 1"),
        Option("--format", choices=("text", "json"), default="text", help="how findings are told"),
        Option("-o", "--output", metavar="FILE", help="write the findings to FILE"),
    )


def conclude(report: Report, options: SimpleNamespace) -> int:
    """Tells the findings; gives the exit status."""
    grave = SEVERITIES[SEVERITIES.index(options.fail_on) :]
    for f in report.findings:
        print(
            f.rule,
            f.severity,
            hex(f.status),
            f.path,
            f.message,
            f.count,
            f.site,
            "|",
            f.side.call,
            [(o.call, o.process.name, o.fd, o.access, o.share) for o in f.others],
            file=sys.stderr,
        )
    if report.status:
        return report.status
    return 1 if any(finding.severity in grave and not finding.suppressed for finding in report.findings) else 0
