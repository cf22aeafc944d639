"""Whether a source keeps a call from Windows: by a look at the system, or by a mark of the test that it is in."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from picobox.check import origins
from picobox.check.absences import blocks_without, is_lacking, names_without_value
from picobox.check.analyses import MOST_LINES, lines_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from picobox.findings.finding import Frame

# What these are on Windows.
_KNOWN = {"sys.platform": "win32", "os.name": "nt", "platform.system()": "Windows"}
# Marks of pytest and unittest, with what their condition is where the test does not run, or is known to fail.
_MARKS = {"skipif": True, "skipIf": True, "skipUnless": False, "xfail": True}
_ENDING = frozenset(("exit", "_exit", "skip", "skipTest"))
# All nodes that have statements below them, or an expression that may not be evaluated.


class Module(NamedTuple):
    """What a module says at its top: its values by their names; `absent` are names that are false on Windows."""

    values: Mapping[str, ast.expr]
    absent: frozenset[str]


def is_not_for_windows(stack: Sequence[Frame]) -> bool:
    """Whether a line that the call was reached by, but for those of the standard library, does not run on Windows."""
    return any(
        frame.line in _lines_elsewhere(frame.file)
        for frame in stack
        if origins.is_python(frame) and not origins.is_standard(frame)
    )


@lru_cache(128)
def _lines_elsewhere(file: str) -> frozenset[int]:
    """The lines of a Python file that do not run on Windows; none if it cannot be read as Python."""
    return lines_by(file, "elsewhere", 1, lambda text: (_elsewhere_in(text),))[0]


def _elsewhere_in(text: str) -> frozenset[int]:
    try:
        tree = ast.parse(text)
        module = module_of(tree)
        if _has_mark(module.values.get("pytestmark"), module):
            return frozenset(range(1, MOST_LINES))
        with_blocks = (ast.mod, ast.stmt, ast.excepthandler, ast.match_case, ast.IfExp, ast.BoolOp)
        nodes = (node for node in ast.walk(tree) if isinstance(node, with_blocks))
        blocks = (block for node in nodes for block in _elsewhere(node, module))
        return frozenset(line for block in blocks for line in _lines(block))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()


def module_of(tree: ast.Module) -> Module:
    """What is known of a module."""
    return Module(dict(_values(tree)), frozenset(names_without_value(tree)))


def holds_on_windows(test: ast.expr, module: Module) -> bool | None:
    """What a condition is on Windows; None if that is not known."""
    return _truth(test, module)


def _values(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        for target in targets:
            value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
            if isinstance(target, ast.Name) and value is not None:
                yield target.id, value


def _elsewhere(node: ast.AST, module: Module) -> Iterator[Sequence[ast.stmt | ast.expr]]:
    """The blocks of a node that do not run on Windows, or expressions with calls."""
    yield from blocks_without(node)
    if isinstance(node, ast.If):
        truth = _truth(node.test, module)
        if truth is not None:
            yield node.orelse if truth else node.body
    elif isinstance(node, ast.IfExp | ast.BoolOp):
        yield from ([each] for each in _not_evaluated(node, module) if _has_call(each))
    elif isinstance(node, ast.Match):
        yield from _other_cases(node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and any(
        _has_mark(mark, module) for mark in node.decorator_list
    ):
        yield node.body
    for block in (getattr(node, "body", ()), getattr(node, "orelse", ())):
        statements = block if isinstance(block, list) else []
        for index, statement in enumerate(statements):
            if isinstance(statement, ast.If) and _truth(statement.test, module) and ends(statement.body[-1]):
                yield statements[index + 1 :]


def _not_evaluated(node: ast.IfExp | ast.BoolOp, module: Module) -> Sequence[ast.expr]:
    """What of an expression is not evaluated on Windows."""
    if isinstance(node, ast.IfExp):
        truth = _truth(node.test, module)
        return [] if truth is None else [node.orelse if truth else node.body]
    decisive = isinstance(node.op, ast.Or)
    decided = (index for index, each in enumerate(node.values) if _truth(each, module) is decisive)
    return node.values[next(decided, len(node.values)) + 1 :]


def _has_call(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Call) for each in ast.walk(node))


def _other_cases(node: ast.Match) -> Iterator[Sequence[ast.stmt]]:
    """The cases that another system is meant by, as far as each is a value or for whatever is left."""
    known = _KNOWN.get(_dotted(node.subject))
    if known is None:
        return
    is_found = False
    for case in node.cases:
        options = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
        values = [_value(each.value) for each in options if isinstance(each, ast.MatchValue)]
        is_any = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
        if case.guard is not None or (not is_any and len(values) < len(options)):
            return
        if is_found or (not is_any and known not in values):
            yield case.body
        else:
            is_found = True


def _value(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _lines(block: Sequence[ast.stmt | ast.expr]) -> range:
    return range(block[0].lineno, (block[-1].end_lineno or block[-1].lineno) + 1) if block else range(0)


def ends(statement: ast.stmt) -> bool:
    """Whether what follows a statement in its block does not run."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return _dotted(statement.value.func).rpartition(".")[2] in _ENDING
    return isinstance(statement, ast.Return | ast.Raise | ast.Continue)


def _has_mark(mark: ast.expr | None, module: Module) -> bool:
    """Whether a decorator, or one of a list of marks, keeps a test from Windows; one with a name is looked up."""
    if isinstance(mark, ast.List | ast.Tuple):
        return any(_has_mark(each, module) for each in mark.elts)
    if isinstance(mark, ast.Name):
        value = module.values.get(mark.id)
        return isinstance(value, ast.Call) and _has_mark(value, module)
    if not isinstance(mark, ast.Call):
        return False
    unwanted = _MARKS.get(_dotted(mark.func).rpartition(".")[2])
    conditions = [*mark.args[:1], *(each.value for each in mark.keywords if each.arg == "condition")]
    return unwanted is not None and any(_truth(each, module) is unwanted for each in conditions)


def _truth(test: ast.expr, module: Module, depth: int = 8) -> bool | None:
    """What a condition is on Windows; None if that is not known. A string is a condition of pytest's."""
    if depth == 0:
        return None
    if isinstance(test, ast.Constant) and isinstance(test.value, str):
        return _truth(ast.parse(test.value, mode="eval").body, module, depth - 1)
    if (isinstance(test, ast.Name) and test.id in module.absent) or is_lacking(test):
        return False
    if isinstance(test, ast.Name) and test.id in module.values:
        value = module.values[test.id]
        return None if isinstance(value, ast.Constant) else _truth(value, module, depth - 1)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        truth = _truth(test.operand, module, depth - 1)
        return None if truth is None else not truth
    if isinstance(test, ast.BoolOp):
        truths = {_truth(each, module, depth - 1) for each in test.values}
        decisive = isinstance(test.op, ast.Or)
        return decisive if decisive in truths else None if None in truths else not decisive
    if not isinstance(test, ast.Compare):
        return _asked(test)
    if len(test.ops) == 1 and isinstance(test.ops[0], ast.Is | ast.IsNot) and _is_none(test.comparators[0]):
        is_absent = _truth(test.left, module, depth - 1) is False
        return isinstance(test.ops[0], ast.Is) if is_absent else None
    return _compared(test)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _compared(test: ast.Compare) -> bool | None:
    known = _KNOWN.get(_dotted(test.left))
    if known is None or len(test.ops) != 1:
        return None
    try:
        value = ast.literal_eval(test.comparators[0])
    except ValueError:
        return None
    match test.ops[0]:
        case ast.Eq():
            return bool(known == value)
        case ast.NotEq():
            return bool(known != value)
        case ast.In() if isinstance(value, list | tuple | set | str):
            return known in value
        case ast.NotIn() if isinstance(value, list | tuple | set | str):
            return known not in value
    return None


def _asked(test: ast.expr) -> bool | None:
    """A call that asks for the system: `sys.platform.startswith("win")`."""
    if not isinstance(test, ast.Call) or not test.args or not isinstance(test.args[-1], ast.Constant):
        return None
    function, value = _dotted(test.func), test.args[-1].value
    if function == "sys.platform.startswith" and isinstance(value, str):
        return _KNOWN["sys.platform"].startswith(value)
    return None


def _dotted(node: ast.expr) -> str:
    """A name with its dots, and with "()" where it is called without arguments."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call) and not node.args and not node.keywords:
        return f"{_dotted(node.func)}()"
    return node.id if isinstance(node, ast.Name) else ""
