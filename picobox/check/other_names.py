"""Whether a source writes names otherwise on Windows: it replaces what they cannot hold where it is there."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from picobox.check import origins
from picobox.check.platforms import Module, ends, holds_on_windows, module_of
from picobox.platform.sources import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.findings.finding import Frame

# What of a choice by the system tells that it is about such names: strings, and methods that are called.
_TELLING = {
    "PB003": re.compile(r"con|prn|aux|nul", re.IGNORECASE),
    # One of the characters to be replaced, or several of them.
    "PB004": re.compile(r'[*<>?|"\\\n]|(?:[^*<>?|"]*[*<>?|"]){2,}.*', re.DOTALL),
    # Neither a drive nor an address nor a sentence.
    "PB005": re.compile(r"(?![A-Za-z]:[\\/]|[A-Za-z]:\Z)(?:(?!: |://).)*:(?!\s|//|\Z).*|:", re.DOTALL),
    "PB006": re.compile(r"r?strip|[. ]{1,2}"),
    "PB007": re.compile(r"\\\\\?\\.*", re.DOTALL),
}
_MOST_LINES = 1 << 16


def is_written_otherwise(stack: Sequence[Frame], rule: str) -> bool:
    """Whether one of the project's files that a call comes from chooses by the system what rule forbids in names."""
    telling = _TELLING.get(rule)
    if telling is None:
        return False
    files = {frame.file for frame in stack if origins.is_own(frame)}
    return any(telling.fullmatch(word) for file in files for word in _chosen(file))


@lru_cache(64)
def _chosen(file: str) -> frozenset[str]:
    """The strings, and the names of methods, between which a Python file chooses by the system."""
    try:
        tree = ast.parse(lines_of(file, 1, _MOST_LINES))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    module = module_of(tree)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp) and any(
            holds_on_windows(each, module) is not None for each in _conditions(node.test)
        ):
            found.update(_words(node))
        for statements in (getattr(node, "body", ()), getattr(node, "orelse", ())):
            found.update(_after(statements, module) if isinstance(statements, list) else ())
    return frozenset(found)


def _conditions(test: ast.expr) -> Sequence[ast.expr]:
    return test.values if isinstance(test, ast.BoolOp) else [test]


def _after(statements: Sequence[ast.stmt], module: Module) -> Iterator[str]:
    """What follows in a block that another system has left."""
    for index, statement in enumerate(statements):
        if (
            isinstance(statement, ast.If)
            and holds_on_windows(statement.test, module) is False
            and ends(statement.body[-1])
        ):
            for other in statements[index + 1 :]:
                yield from _words(other)


def _words(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
        elif isinstance(each, ast.Attribute):
            yield each.attr
