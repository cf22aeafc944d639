"""A report in the form that was asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from picobox.findings.finding import WARNING

if TYPE_CHECKING:
    from picobox.findings.finding import Report


def render(
    report: Report,
    format: str,  # noqa: A002 - the option's own name
    *,
    color: bool = False,
    width: int | None = None,
    fail_on: str = WARNING,
) -> str:
    """The whole report in one of the forms of config_values.FORMATS; what names hold reaches no terminal or log raw.

    `color` and `width` (columns, None: do not wrap) are for text alone. `fail_on` is the severity from which a finding
    fails the check. Under GitHub Actions the paths of SARIF and annotations are relative to the checkout.
    """
    if format == "text":
        from picobox.findings import text

        return text.render(report, color=color, width=width, fail_on=fail_on)
    if format == "json":
        from picobox.findings import record

        return record.dumps(report)
    if format == "sarif":
        from picobox.findings import sarif

        workspace = os.environ.get("GITHUB_WORKSPACE", "")
        return sarif.render(report, repository=workspace, locations_only=workspace != "")
    if format == "junit":
        from picobox.findings import junit

        return junit.render(report, fail_on=fail_on)
    if format == "github":
        from picobox.findings import github

        return github.render(report, repository=os.environ.get("GITHUB_WORKSPACE", ""))
    if format == "html":
        from importlib import import_module

        return str(import_module("picobox.findings.html").render(report))
    raise ValueError(f"no format {format}")
