"""A report as one page of HTML that needs nothing else: a readable list, which a script makes searchable."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from picobox.findings.entry import entry, identifiers, table
from picobox.findings.finding import SEVERITIES
from picobox.findings.fingerprint import roots_of
from picobox.findings.markup import Markup, element, joined, text
from picobox.findings.moment import day_and_time, duration
from picobox.findings.rules import RULES
from picobox.findings.tally import gravest_first
from picobox.findings.visible import command_line
from picobox.findings.wording import CHECK, verb_of

if TYPE_CHECKING:
    from picobox.findings.finding import Report


def render(report: Report) -> str:
    """The whole page; it loads nothing, and its policy forbids it to.

    All of it is valid UTF-8, whatever the names in the report hold.
    """
    style, script = _part("page.css"), _part("page.js")
    ordered = gravest_first(report.findings)
    entries = zip(ordered, identifiers(ordered, roots_of(report)), strict=True)
    return Template(_part("page.html")).substitute(
        policy=_policy(style, script),
        style=style,
        script=script,
        title=text(f"{_number(len(report.findings), 'finding')} · {verb_of(report)}"),
        facts=_facts(report),
        totals=_totals(report),
        findings=joined([entry(finding, identifier, report) for finding, identifier in entries]),
        rules=_rules({finding.rule for finding in ordered}),
    )


def _part(name: str) -> str:
    """A file of the page, as it lies beside this module."""
    return files(__package__).joinpath("page", name).read_text("utf-8").strip()


def _policy(style: str, script: str) -> Markup:
    """A content security policy that allows this style and this script by their hashes, and nothing else."""
    return text(
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(source: str) -> str:
    """The name of an inline source in a policy."""
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def _facts(report: Report) -> Markup:
    """What was run, where, when, and how it ended."""
    verb = verb_of(report)
    mode = "enforced: calls failed as on Windows" if report.enforced else "observed: calls went on as on Linux"
    rows: list[tuple[str, object]] = [
        ("Command", element("code", command_line(report.command))),
        ("Profile", f"{report.profile}, {mode}" if verb == CHECK else report.profile),
        ("Directory", joined([element("code", report.directory), text(" as "), element("code", report.prefix)])),
        ("Run", f"{day_and_time(report.started)}, {duration(report.ended - report.started)}"),
        ("Exit status", report.status),
    ]
    return table(rows)


def _totals(report: Report) -> Markup:
    """How many findings count, by severity, and how many are suppressed."""
    counting = Counter(finding.severity for finding in report.findings if not finding.suppressed)
    told = [
        element("li", _number(counting[severity], severity), class_=severity)
        for severity in reversed(SEVERITIES)
        if counting[severity]
    ]
    if not told:
        told = [element("li", "nothing that Windows would have answered otherwise", class_="none")]
    suppressed = len(report.findings) - counting.total()
    if suppressed:
        told.append(element("li", f"{suppressed} suppressed", class_="suppressed"))
    return joined(told)


def _rules(met: set[str]) -> Markup:
    """What the rules that were met are about, in their order."""
    return joined(
        [
            element(
                "section",
                element("h3", f"{rule.id} {rule.title}"),
                element("p", rule.why),
                element("pre", element("code", rule.example)),
                element("p", element("strong", "What to do: "), rule.fix),
                id=f"rule-{rule.id}",
            )
            for rule in RULES.values()
            if rule.id in met
        ]
    )


def _number(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"
