"""How Sphinx makes pages of these files: strictly, and with the tables that docs/generated.py draws from the source."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

REPOSITORY = Path(__file__).parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests"), str(REPOSITORY / "docs")]

import generated

from picobox import __version__

project = "picobox"
author = "the picobox authors"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"picobox {__version__}"
html_show_copyright = False
exclude_patterns = ["_build", "examples"]
myst_heading_anchors = 3
# Docstrings say `name`; where that is no reference it is a name.
default_role = "code"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
# What is private, or a type variable, has no page.
nitpick_ignore_regex = [("py:.*", ".*")]

_MARKER = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
# A link to a file of the repository that is no page: the file's name says where it is.
_SOURCE_LINK = re.compile(r"\[([^\]\n]+)\]\((\.\./[^)\s]+|[\w/.-]+\.json)\)")


def _on_source(_app: Sphinx, name: str, text: list[str]) -> None:
    filled = _MARKER.sub(lambda found: getattr(generated, found[1])(), text[0])
    links = _SOURCE_LINK.sub(_named, filled)
    for path in re.findall(r"\]\((\.\./[^)#\s]+)\)", filled):
        if not (REPOSITORY / "docs" / path).exists():
            raise ValueError(f"docs/{name}.md links to {path}, which is not there")
    text[0] = links


def _named(found: re.Match[str]) -> str:
    shown, path = found[1], found[2].removeprefix("../")
    return shown if path in shown else f"{shown} (`{path}`)"


def setup(app: Sphinx) -> None:
    """Fills in what is generated when a page is read."""
    app.connect("source-read", _on_source)
