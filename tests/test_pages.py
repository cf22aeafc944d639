"""The pages of docs/ hang together, and what is drawn into them is all that the source has; .ci/run docs makes them."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from picobox.abi.table import ROWS
from picobox.cli import VERBS
from picobox.faults import FAULTS

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
_MARKER = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#([^)\s]+))?\)")


@pytest.fixture(scope="module")
def generated() -> Any:
    sys.path.insert(0, str(DOCS))
    try:
        return import_module("generated")
    finally:
        sys.path.remove(str(DOCS))


def test_every_page_is_in_the_index_once() -> None:
    blocks = re.findall(r"```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    listed = [name for block in blocks for name in block.split()]
    assert sorted(listed) == [page.stem for page in PAGES if page.stem != "index"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert [link for link, _ in _LINK.findall(text) if not (DOCS / link).exists()] == []


def test_what_is_drawn_is_asked_for_and_there(generated: Any) -> None:
    wanted = [name for page in PAGES for name in _MARKER.findall(page.read_text())]
    assert len(wanted) == len(set(wanted)) >= 5
    assert all(len(getattr(generated, name)()) > 100 for name in wanted)


def test_every_call_verb_and_fault_is_drawn(generated: Any) -> None:
    assert len(generated.calls().splitlines()) == len(ROWS) + 2
    headings = re.findall(r"^## (.*)$", generated.commands(), re.MULTILINE)
    assert set(headings) == {"picobox", "picobox instance run", *(f"picobox {verb}" for verb in VERBS if verb != "run")}
    assert len(generated.faults().splitlines()) == len(FAULTS) + 2


def test_every_figure_of_the_readme_has_a_bar(generated: Any) -> None:
    table = generated.numbers().partition("|---|")[2].partition("\n\n")[0]
    ratios = re.findall(r"^\| [^|]+ \|[^|]*\|[^|]*\| ([\d.]+)[^|]* x \|", table, re.MULTILINE)
    assert [each.ratio for each in generated.figures()] == list(map(float, ratios))
    assert generated.plot().count("<rect ") == len(ratios) >= 15
