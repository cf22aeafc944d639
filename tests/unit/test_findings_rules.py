"""The rules are the issue's, each with its words, and docs/rules.md tells them; run as a program, writes that file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ntshim.status import STATUS_SUCCESS, name_of
from picobox.findings.answer import answer
from picobox.findings.finding import ERROR, NOTE, SEVERITIES, WARNING
from picobox.findings.rules import RULES, Rule

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"
DEFAULTS = {
    **dict.fromkeys(("PB002", "PB022", "PB023", "PB025"), NOTE),
    **dict.fromkeys(("PB007", "PB015", "PB019", "PB020", "PB021"), WARNING),
}
_HEAD = """# Rules of `picobox check` and `picobox names`

What each finding means, what Windows answers, and what to do about it. A severity is changed, or a rule turned off, by
`[rules]` in `picobox.toml` or `[tool.picobox.rules]` in `pyproject.toml`; a single place by the comment
`# picobox: ignore PB010`. Sections of
`facts/nt.md` and `facts/wsl1.md` are the project's notes on NT and WSL1.
"""


def document() -> str:
    """The text of docs/rules.md."""
    parts = [_HEAD]
    for rule in RULES.values():
        answers = [
            f"{name_of(status)} ([WinError {told.error}] {told.text})" if told.error else "another thing happens"
            for status in rule.statuses
            for told in [answer(status)]
        ]
        parts.append(
            f"\n## {rule.id}: {rule.title}\n\n"
            f"`{rule.name}`, {rule.severity}. Windows: {'; '.join(answers)}.\n\n{rule.why}\n\n"
            f"```\n{rule.example}\n```\n\n**Instead:** {rule.fix} (Source: {rule.source}.)\n"
        )
    return "".join(parts)


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "run python tests/unit/test_findings_rules.py"


def test_ids() -> None:
    assert list(RULES) == [f"PB{number:03}" for number in range(1, len(RULES) + 1)]
    assert set(RULES) >= {f"PB{number:03}" for number in range(1, 26)}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_is_whole(rule: Rule) -> None:
    assert rule.severity in SEVERITIES
    assert rule.severity == DEFAULTS.get(rule.id, ERROR)
    assert rule.statuses
    assert all(answer(status).text for status in rule.statuses if status != STATUS_SUCCESS)
    assert all((rule.title, rule.why, rule.example, rule.fix, rule.source))
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")
    assert not rule.title.endswith(".")


if __name__ == "__main__":
    DOCUMENT.write_text(document())
