"""docs/policy.md names every key, option and secret that there is; run as a program, rewrites its list of secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path

from picobox.cli.policies import policy_options
from picobox.confine.choice import wanted_policy
from picobox.confine.named import BASES, NAMES
from picobox.confine.place import Place
from picobox.confine.policy import NETWORKS, RIGHTS, SESSIONS, STANDARD_DEVICES
from picobox.confine.secrets import AGENTS, SECRETS, VARIABLES
from picobox.confine.values import KINDS

DOCUMENT = Path(__file__).parents[2] / "docs" / "policy.md"
_LIST = re.compile(r"(<!-- secrets:[^\n]*-->\n)(.*?)(<!-- end of secrets -->)", re.DOTALL)


def listed() -> str:
    """The list of secrets, as a table."""
    rows = ["| what | files | and those of | source |", "|---|---|---|---|"]
    for secret in SECRETS:
        paths = " ".join(f"`{path}`" for path in secret.paths.split())
        variables = " ".join(f"`{name}`" for name in secret.variables.split())
        rows.append(f"| {secret.what} | {paths} | {variables} | {secret.source} |")
    names = [" ".join(f"`{name}`" for name in text.split()) for text in (VARIABLES, AGENTS)]
    text = "\n".join(rows)
    return f"{text}\n\nVariables that hold secrets: {names[0]}.\n\nVariables that lead outside: {names[1]}.\n"


def rewritten(text: str) -> str:
    """The document with the list as it is now."""
    return _LIST.sub(lambda found: found[1] + listed() + found[3], text)


def test_the_list_of_secrets_is_the_one_that_is_hidden() -> None:
    text = DOCUMENT.read_text()
    assert _LIST.search(text)
    assert text == rewritten(text), f"run python {Path(__file__).name}"


def test_the_example_names_every_key(tmp_path: Path) -> None:
    example = DOCUMENT.read_text().partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "policy.toml").write_text(example)
    place = Place({"HOME": str(tmp_path / "me"), "SDK_ROOT": "/opt/sdk"}, str(tmp_path), os.getuid())
    policy = wanted_policy(str(tmp_path / "policy.toml"), place)
    own = {rule.right for rule in policy.files if rule.source.startswith(str(tmp_path))}
    assert own == set(RIGHTS)
    assert all(value is not None for value in policy.limits)
    assert policy.drives
    said = {source.partition(": ")[2] for source in policy.sources.values()}
    assert {
        "network",
        "session",
        "private-tmp",
        "devices",
        *(f"limits.{key.replace('_', '-')}" for key in KINDS),
    } <= said
    assert {rule.source.partition(": ")[2] for rule in policy.environment} >= {
        "environment.keep", "environment.unset", "environment.set",
    }  # fmt: skip


def test_words_are_those_that_there_are() -> None:
    text = DOCUMENT.read_text()
    for option in policy_options():
        assert option.names[-1] in text, option.names
    for name in NAMES:
        assert f"| `{name}` |" in text
    for word in (*BASES, *NETWORKS, *SESSIONS):
        assert f'"{word}"' in text, word
    for device in STANDARD_DEVICES[:-1]:
        assert device.decode().rpartition("/")[2] in text


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text()))
