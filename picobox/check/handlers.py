"""Whether a project's source is prepared for a refusal of Windows: it catches that of a link, or clears read-only."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from picobox.check import origins
from picobox.check.analyses import lines_by

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.findings.finding import Frame

# ERROR_PRIVILEGE_NOT_HELD is a plain OSError: CPython's table of errors has no other class for it.
_CATCHING = frozenset(("OSError", "IOError", "EnvironmentError", "WindowsError", "Exception", "BaseException"))
# STATUS_CANNOT_DELETE and STATUS_ACCESS_DENIED are EACCES.
_CATCHING_ACCESS = _CATCHING | {"PermissionError"}
_DENIED = frozenset(("PermissionError",))
_CLEARING = "chmod"
# Who calls one of these where a link was refused has nothing to go on with.
_GIVING_UP = frozenset(("exit", "_exit", "abort", "fail", "symlink", "symlink_to"))
# What a handler looks at that tells this error from others.
_TELLING = frozenset(("winerror", "win32", "nt", "Windows", 1314))
# Statements of a block that is there for one of them.
_FEW = 2


class Guards(NamedTuple):
    """Lines of a file: `guarded` those whose OSError is caught for good, `asking` those that only learn of it.

    `clearing`: those after whose refusal the file is made writable; `retried`: those tried again after a pause;
    `alone`: those of `guarded` that have hardly others beside them; `yielding`: those whose PermissionError is caught
    by that name.
    """

    guarded: frozenset[int] = frozenset()
    asking: frozenset[int] = frozenset()
    clearing: frozenset[int] = frozenset()
    retried: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()
    yielding: frozenset[int] = frozenset()


def expects_failure(stack: Sequence[Frame]) -> bool:
    """Whether the project's line, or one of the lines that it was called from in the same file, is so guarded."""
    return _is_below(stack, lambda guards: guards.guarded)


def asks(stack: Sequence[Frame]) -> bool:
    """Whether the project's line, or one of the function that it calls, asks whether the call can be made at all.

    Whoever asks keeps the answer for later. What the library does in between does not count, nor what an installed
    package asks for itself.
    """
    frame = next((frame for frame in stack if origins.is_own(frame)), None)
    if frame is None:
        return False
    near = [other for other in stack[: stack.index(frame) + 1] if origins.is_python(other)]
    packaged = [other for other in near[:-1] if not origins.is_standard(other)]
    return len(packaged) <= 1 and any(other.line in _guards_of(other.file).asking for other in near)


def clears_readonly(stack: Sequence[Frame]) -> bool:
    """Whether the project's line is one of those that are tried again after the file is made writable."""
    return _is_at(stack, lambda guards: guards.clearing)


def retries(stack: Sequence[Frame]) -> bool:
    """Whether the project's line, or one that it was called from in the same file, is tried until others let go."""
    return _is_below(stack, lambda guards: guards.retried)


def lets_fail(stack: Sequence[Frame]) -> bool:
    """Whether the project's line is one whose OSError is caught for good, with not much else beside it."""
    return _is_at(stack, lambda guards: guards.alone)


def yields(stack: Sequence[Frame]) -> bool:
    """Whether the project's line lets go of what it has no permission for, which on Linux is not that of a file."""
    return _is_at(stack, lambda guards: guards.yielding)


def _is_at(stack: Sequence[Frame], kind: Callable[[Guards], frozenset[int]]) -> bool:
    """Whether the project's line is of a kind."""
    frame = origins.caller(stack)
    return frame is not None and frame.line in kind(_guards_of(frame.file))


def _is_below(stack: Sequence[Frame], kind: Callable[[Guards], frozenset[int]]) -> bool:
    """Whether the project's line, or one that it was called from in the same file, is of a kind."""
    frame = origins.caller(stack)
    if frame is None:
        return False
    lines = kind(_guards_of(frame.file))
    return any(other.file == frame.file and other.line in lines for other in stack)


@lru_cache(64)
def _guards_of(file: str) -> Guards:
    """The guarded lines of a Python file; none if it cannot be read as Python."""
    return Guards(*lines_by(file, "guards", len(Guards._fields), _guards_in))


def _guards_in(text: str) -> Guards:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Guards()
    guarded: set[int] = set()
    asking: set[int] = set()
    clearing: set[int] = set()
    retried: set[int] = set()
    alone: set[int] = set()
    yielding: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            handler = next(filter(catches, node.handlers), None)
            if any(catches(each, _CATCHING_ACCESS) and _clears(each) for each in node.handlers):
                clearing |= _lines(node)
            if len(node.body) <= _FEW and any(
                each.type and catches(each, _DENIED) and goes_on(each) for each in node.handlers
            ):
                yielding |= _lines(node)
            if handler is not None and goes_on(handler):
                guarded |= _lines(node)
                alone |= _lines(node) if len(node.body) <= _FEW else set()
                asking |= _lines(node) if _keeps_answer(node, handler) else set()
        elif isinstance(node, ast.With) and any(_suppresses(item.context_expr) for item in node.items):
            guarded |= _lines(node)
            alone |= _lines(node) if len(node.body) <= _FEW else set()
        elif isinstance(node, ast.For | ast.While) and any(map(_pauses, ast.walk(node))):
            tries = (each for each in ast.walk(node) if isinstance(each, ast.Try))
            retried.update(*(_lines(each) for each in tries if any(map(_tries_again, each.handlers))))
    return Guards(*map(frozenset, (guarded, asking, clearing, retried, alone, yielding)))


def _lines(node: ast.Try | ast.With) -> set[int]:
    last = node.body[-1]
    return set(range(node.body[0].lineno, (last.end_lineno or last.lineno) + 1))


def _pauses(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _last_name(node.func) == "sleep"


def _tries_again(handler: ast.ExceptHandler) -> bool:
    """Whether it catches the refusal of a file in use, and does not always end the loop."""
    ends = isinstance(handler.body[-1], ast.Raise | ast.Return | ast.Break)
    return catches(handler, _CATCHING_ACCESS) and not ends


def _clears(handler: ast.ExceptHandler) -> bool:
    """Whether it makes something writable, or knows this error of Windows."""
    nodes = (node for statement in handler.body for node in ast.walk(statement))
    return any(_word(node) in _TELLING or _last_name(node) == _CLEARING for node in nodes)


def catches(handler: ast.ExceptHandler, names: frozenset[str] = _CATCHING) -> bool:
    """Whether it catches one of some exceptions, by the last part of their names."""
    if handler.type is None:
        return True
    named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_last_name(each) in names for each in named)


def goes_on(handler: ast.ExceptHandler) -> bool:
    """Whether the program goes on after it: it does not raise, end or try again, but for a test that is skipped."""
    nodes = [node for statement in handler.body for node in ast.walk(statement)]
    if any(_word(node) in _TELLING for node in nodes):
        return True
    return not any(
        _last_name(node.func) in _GIVING_UP
        if isinstance(node, ast.Call)
        else isinstance(node, ast.Raise) and not _skips(node)
        for node in nodes
    )


def _keeps_answer(node: ast.Try, handler: ast.ExceptHandler) -> bool:
    """Whether all that comes of a refusal is that yes or no is noted."""
    noted = any(
        isinstance(statement, ast.Assign | ast.AnnAssign | ast.Return)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, bool)
        for statement in (*node.body, *node.orelse, *handler.body)
    )
    return noted and not any(isinstance(each, ast.Call) for statement in handler.body for each in ast.walk(statement))


def _skips(node: ast.Raise) -> bool:
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return raised is not None and "skip" in _last_name(raised).lower()


def _suppresses(call: ast.expr) -> bool:
    return (
        isinstance(call, ast.Call)
        and _last_name(call.func) == "suppress"
        and any(_last_name(each) in _CATCHING for each in call.args)
    )


def _word(node: ast.AST) -> object:
    """What a node says, if it is a name, an attribute or a constant."""
    return node.value if isinstance(node, ast.Constant) else _last_name(node)


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
