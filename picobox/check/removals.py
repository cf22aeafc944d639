"""Whether a Python source is prepared for what keeps a tree from being removed: it mends that, or lets it stay."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from itertools import dropwhile
from typing import TYPE_CHECKING, NamedTuple

from picobox.check import origins
from picobox.check.analyses import MOST_LINES, lines_by
from picobox.check.handlers import lets_fail
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


class _Removals(NamedTuple):
    """Lines that remove trees: with a handler that makes writable what is read-only, and without caring for errors."""

    mending: frozenset[int] = frozenset()
    ignoring: frozenset[int] = frozenset()


def mends_removal(stack: Sequence[Frame]) -> bool:
    """Whether a call is one of a removal whose handler changes the mode of what it is called for, as far as is seen.

    On Windows that is called where Linux removes without a word. A handler of another file is taken to mend.
    """
    caller = _caller_of_rmtree(stack)
    return caller is not None and caller.line in _lines_of(caller.file).mending


def ignores_errors(stack: Sequence[Frame]) -> bool:
    """Whether a call is of the removal of a tree by a source that lets it fail, as far as is seen.

    It says so to shutil.rmtree or to TemporaryDirectory, or catches OSError around that call alone and goes on.
    """
    caller = _caller_of_rmtree(stack)
    if caller is None:
        return False
    if any(frame.file.endswith(_TEMPORARY_MODULE) for frame in stack):
        files = {frame.file for frame in stack if origins.is_own(frame)}
        return lets_fail(stack) or any(_IGNORES.search(lines_of(file, 1, MOST_LINES)) for file in files)
    return caller.line in _lines_of(caller.file).ignoring or lets_fail(stack)


def _caller_of_rmtree(stack: Sequence[Frame]) -> Frame | None:
    located = [frame for frame in stack if frame.line is not None]
    inner = list(dropwhile(lambda frame: not frame.file.endswith(_MODULE), located))
    outer = next((frame for frame in inner if not frame.file.endswith(_MODULE)), None)
    return outer if any(frame.function.rpartition(".")[2] == "rmtree" for frame in inner) else None


@lru_cache(64)
def _lines_of(file: str) -> _Removals:
    """The removals of trees in a Python file; none if it cannot be read as Python."""
    return _Removals(*lines_by(file, "removals", len(_Removals._fields), _removals_in))


def _removals_in(text: str) -> _Removals:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _Removals()
    functions = {
        node.name: _changes_mode(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    mending: set[int] = set()
    ignoring: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == "rmtree":
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            handler = _handler_of(node)
            if handler is not None and _mends(handler, functions):
                mending.update(lines)
            if _ignores(node):
                ignoring.update(lines)
    return _Removals(frozenset(mending), frozenset(ignoring))


def _ignores(call: ast.Call) -> bool:
    given = [each.value for each in call.keywords if each.arg == "ignore_errors"] + call.args[1:_HANDLER_POSITION]
    return any(isinstance(each, ast.Constant) and bool(each.value) for each in given)


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
