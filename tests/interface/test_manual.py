"""The pages of the manual say what --help says, and are read without a complaint."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from interface import manual
from interface.__main__ import SHARE
from interface.parsers import verbs

if TYPE_CHECKING:
    from pathlib import Path

MADE = manual.all_pages()
PAGES = sorted((SHARE / "man").iterdir())
SECONDS = 60


def output_of(*words: str) -> str:
    """What a program says, all of it."""
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=SECONDS
    )
    return done.stdout


def test_there_is_a_page_for_every_verb() -> None:
    assert [page.name for page in PAGES] == sorted(MADE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_it_is_what_the_parser_says(page: Path) -> None:
    assert page.read_text() == MADE[page.name], "run python -m tests.interface"


def test_mandoc_and_groff_find_no_fault(tmp_path: Path) -> None:
    names = list(map(str, PAGES))
    assert output_of("mandoc", "-T", "lint", "-W", "warning", *names) == ""
    for name in names:
        assert output_of("groff", "-man", "-T", "utf8", "-ww", "-z", name) == "", name
    (tmp_path / "bad.1").write_text(".TH BAD 1\n.NOSUCH\n")
    assert output_of("mandoc", "-T", "lint", "-W", "warning", str(tmp_path / "bad.1")) != ""
    assert output_of("groff", "-man", "-T", "utf8", "-ww", "-z", str(tmp_path / "bad.1")) != ""


def test_a_reader_sees_every_option_and_example() -> None:
    for verb in verbs():
        page = SHARE / "man" / manual._page_of(verb)
        seen = " ".join(output_of("mandoc", "-T", "utf8", "-O", "width=300", str(page)).split())
        # Bold is a letter twice, with a step back between.
        seen = re.sub(".\b", "", seen)
        for action in verb.parser()._actions:
            shown = action.help != "==SUPPRESS=="
            assert all((option in seen) == shown for option in action.option_strings), (page, action)
        for line in verb.usage.examples.splitlines():
            assert " ".join(line.split()).removeprefix("exit status: ") in seen or line == "examples:", (page, line)
