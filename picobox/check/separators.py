"""Whether a colon in a name is the separator of lists of paths, which is a semicolon on Windows."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from picobox.check import origins
from picobox.platform.sources import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.findings.finding import Frame

_SEPARATOR = "pathsep"
_MOST_LINES = 1 << 16


def writes_separator(stack: Sequence[Frame], name: str) -> bool:
    """Whether the project's function that makes a name uses `os.pathsep` in an f-string that gives such a name.

    Where it uses it otherwise, that counts if none of its strings has a colon of its own.
    """
    frame = origins.caller(stack)
    return frame is not None and frame.line is not None and _writes_at(frame.file, frame.line, name)


@lru_cache(256)
def _writes_at(file: str, line: int, name: str) -> bool:
    try:
        tree = ast.parse(lines_of(file, 1, _MOST_LINES))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    nodes = list(_within(_function_at(tree, line)))
    patterns = [_pattern_of(node) for node in nodes if isinstance(node, ast.JoinedStr)]
    if any(pattern and re.search(pattern, name) for pattern in patterns):
        return True
    return any(map(_is_separator, nodes)) and not any(map(_has_colon, nodes))


def _pattern_of(text: ast.JoinedStr) -> str:
    """What an f-string gives if the separator is a colon, as a regular expression; empty if it has no separator."""
    parts = [
        re.escape(str(part.value))
        if isinstance(part, ast.Constant)
        else ":"
        if isinstance(part, ast.FormattedValue) and _is_separator(part.value)
        else ".*"
        for part in text.values
    ]
    return "".join(parts) if ":" in parts else ""


def _function_at(tree: ast.Module, line: int) -> ast.AST:
    """The innermost function around a line, else the module."""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or line)
    ]
    return max(around, key=lambda node: node.lineno, default=tree)


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it but for statements that are only a string, as docstrings are."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield from _within(child)


def _is_separator(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == _SEPARATOR) or (
        isinstance(node, ast.Attribute) and node.attr == _SEPARATOR
    )


def _has_colon(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and b":" in _bytes(node.value)


def _bytes(text: str | bytes) -> bytes:
    return text.encode(errors="surrogatepass") if isinstance(text, str) else text
