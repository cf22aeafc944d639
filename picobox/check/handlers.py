"""Whether a project's source expects a call to fail: the call stands where an OSError is caught."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, TypeGuard

from picobox.check import origins
from picobox.platform.sources import lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.findings.finding import Frame

_CATCHING = frozenset(
    ("OSError", "IOError", "EnvironmentError", "PermissionError", "NotImplementedError", "Exception", "BaseException")
)
_MOST_LINES = 1 << 16


def expects_failure(stack: Sequence[Frame]) -> bool:
    """Whether the project's line, or one of the lines that it was called from in the same file, is so guarded."""
    frame = origins.caller(stack)
    if frame is None:
        return False
    guarded = _guarded_lines(frame.file)
    return any(other.file == frame.file and other.line in guarded for other in stack)


@lru_cache(64)
def _guarded_lines(file: str) -> frozenset[int]:
    """The lines of a Python file in which an OSError is caught; none if it cannot be read as Python."""
    try:
        tree = ast.parse(lines_of(file, 1, _MOST_LINES))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    lines: set[int] = set()
    for node in ast.walk(tree):
        if _guards(node):
            lines.update(range(node.body[0].lineno, (node.body[-1].end_lineno or node.body[-1].lineno) + 1))
    return frozenset(lines)


def _guards(node: ast.AST) -> TypeGuard[ast.Try | ast.With]:
    if isinstance(node, ast.Try):
        return any(map(_catches, node.handlers))
    return isinstance(node, ast.With) and any(_suppresses(item.context_expr) for item in node.items)


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_last_name(each) in _CATCHING for each in named)


def _suppresses(call: ast.expr) -> bool:
    return (
        isinstance(call, ast.Call)
        and _last_name(call.func) == "suppress"
        and any(_last_name(each) in _CATCHING for each in call.args)
    )


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
