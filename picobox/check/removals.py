"""Whether a Python source mends what keeps a tree from being removed: shutil.rmtree is given a handler for it."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from itertools import dropwhile
from typing import TYPE_CHECKING

from picobox.check import origins
from picobox.platform.sources import lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.findings.finding import Frame

_MODULE, _TEMPORARY_MODULE = "/shutil.py", "/tempfile.py"
_IGNORES = re.compile(r"\bignore_cleanup_errors\s*=\s*True\b")
_HANDLERS = ("onerror", "onexc")
_HANDLER_POSITION = 2
_MENDING = frozenset(("chmod", "lchmod", "fchmod"))
_WINDOWS = ("nt", "win32", "Windows")
_MOST_LINES = 1 << 16


def mends_removal(stack: Sequence[Frame]) -> bool:
    """Whether a call is one of a removal whose handler changes the mode of what it is called for, as far as is seen.

    On Windows that is called where Linux removes without a word. A handler of another file is taken to mend.
    """
    located = [frame for frame in stack if frame.line is not None]
    inner = list(dropwhile(lambda frame: not frame.file.endswith(_MODULE), located))
    outer = next((frame for frame in inner if not frame.file.endswith(_MODULE)), None)
    if outer is None or not any(frame.function.rpartition(".")[2] == "rmtree" for frame in inner):
        return False
    return outer.line in _mending_lines(outer.file)


def ignores_errors(stack: Sequence[Frame]) -> bool:
    """Whether a call is of the removal of a TemporaryDirectory by a source that lets it fail, as far as is seen."""
    if not any(frame.file.endswith(_TEMPORARY_MODULE) for frame in stack):
        return False
    files = {frame.file for frame in stack if origins.is_own(frame)}
    return any(_IGNORES.search(lines_of(file, 1, _MOST_LINES)) for file in files)


@lru_cache(64)
def _mending_lines(file: str) -> frozenset[int]:
    """The lines of a Python file in which a tree is removed so; none if it cannot be read as Python."""
    try:
        tree = ast.parse(lines_of(file, 1, _MOST_LINES))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    functions = {
        node.name: _changes_mode(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == "rmtree":
            handler = _handler_of(node)
            if handler is not None and _mends(handler, functions):
                lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(lines)


def _handler_of(call: ast.Call) -> ast.expr | None:
    given = next((each.value for each in call.keywords if each.arg in _HANDLERS), None)
    if given is None and len(call.args) > _HANDLER_POSITION:
        given = call.args[_HANDLER_POSITION]
    return None if isinstance(given, ast.Constant) else given


def _mends(handler: ast.expr, functions: dict[str, bool]) -> bool:
    if isinstance(handler, ast.Lambda):
        return _changes_mode(handler)
    return functions.get(_last_name(handler), True)


def _changes_mode(function: ast.AST) -> bool:
    """Whether it does so itself, calls the handler that its own caller has given, or looks whether this is Windows."""
    if any(isinstance(node, ast.Constant) and node.value in _WINDOWS for node in ast.walk(function)):
        return True
    names = (_last_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(name in _MENDING or name in _HANDLERS for name in names)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
