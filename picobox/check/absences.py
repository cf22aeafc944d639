"""What Python has not on Windows, and where a source says that it knows: modules, and members of others."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from picobox.check.handlers import catches, goes_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Modules that are not there on Windows (docs.python.org, "Availability: Unix").
_MODULES = frozenset(
    ("crypt", "fcntl", "grp", "posix", "pty", "pwd", "resource", "spwd", "syslog", "termios", "tty")
)  # fmt: skip
# Members of others that are not there, each as the whole of a name.
_MEMBERS = {
    "os": re.compile(
        r"[lf]?chown|fork|forkpty|gete?[ug]id|getgroups|getpgid|getpgrp|getsid|killpg|mkfifo|mknod|nice|openpty"
        r"|set(re|res|e)?[ug]id|setpgid|setsid|f?statvfs|f?pathconf|posix_\w+|register_at_fork|sched_\w+|uname"
        r"|wait|wait3|wait4|W[A-Z]+|[gs]etxattr|listxattr|memfd_create|eventfd|pidfd_open"
        r"|O_(CLOEXEC|DIRECTORY|NOFOLLOW|NONBLOCK|TMPFILE)|chroot|getloadavg|lockf|sysconf"
    ),
    "signal": re.compile(
        r"SIG(?!(?:ABRT|BREAK|FPE|ILL|INT|SEGV|TERM|_DFL|_IGN)\b)\w+|alarm|[gs]etitimer|ITIMER_\w+|pause|pthread_\w+"
        r"|sig(pending|wait|waitinfo|timedwait|interrupt)"
    ),
    "socket": re.compile(r"AF_UNIX|SCM_RIGHTS|SO_REUSEPORT|(send|recv)_fds"),
    "asyncio": re.compile(r"(start_unix_server|open_unix_connection)"),
}
# Methods that are there, and say on Windows that they cannot.
_NOT_IMPLEMENTED = frozenset(("add_signal_handler", "remove_signal_handler"))
_MISSING_MODULE = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))
_MISSING_MEMBER = frozenset(("AttributeError", "Exception", "BaseException"))
_MISSING_METHOD = frozenset(("NotImplementedError", "RuntimeError", "Exception", "BaseException"))
_LOOKS = frozenset(("getattr", "hasattr"))


def is_lacking(node: ast.expr) -> bool:
    """Whether `hasattr(os, "fork")` or a `getattr` finds nothing; a signal whose name is not seen is one like that."""
    if not isinstance(node, ast.Call) or _name(node.func) not in _LOOKS or len(node.args) < len(_LOOKS):
        return False
    module, member = _name(node.args[0]), node.args[1]
    if not isinstance(member, ast.Constant):
        return module == "signal"
    return module in _MEMBERS and _MEMBERS[module].fullmatch(str(member.value)) is not None


def names_without_value(tree: ast.Module) -> Iterator[str]:
    """Names that have no value, or a false one, on Windows: of modules that cannot be imported, and what a look gives.

    What a handler sets where a module is missing counts if it is a constant that is false.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(catches(handler, _MISSING_MODULE) for handler in node.handlers):
            after = _from_first(node.body, _imports_missing)
            set_false = {name for handler in node.handlers for name in _set_false(handler.body)}
            yield from (set(_bound(after)) | set(_bound(node.orelse))) & set_false
        elif isinstance(node, ast.Assign) and is_lacking(node.value):
            yield from (_name(target) for target in node.targets)


def blocks_without(node: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    """The statements of a `try`, or of a `with suppress`, that do not run since something is missing."""
    if isinstance(node, ast.Try):
        for handler in node.handlers:
            if catches(handler, _MISSING_MODULE):
                after = _from_first(node.body, _imports_missing)
                yield after
                yield node.orelse if after else ()
            if catches(handler, _MISSING_MEMBER) and goes_on(handler):
                yield _from_first(node.body, _uses_missing_member)
            if catches(handler, _MISSING_METHOD) and goes_on(handler):
                yield _from_first(node.body, _uses_missing_method)
    elif isinstance(node, ast.With):
        suppressed = [name for item in node.items for name in _suppressed(item.context_expr)]
        if not _MISSING_MEMBER.isdisjoint(suppressed):
            yield _from_first(node.body, _uses_missing_member)
        if not _MISSING_METHOD.isdisjoint(suppressed):
            yield _from_first(node.body, _uses_missing_method)


def _from_first(body: Sequence[ast.stmt], fails: Callable[[ast.AST], bool]) -> Sequence[ast.stmt]:
    """The statements from the first one in which something fails."""
    for index, statement in enumerate(body):
        if any(map(fails, ast.walk(statement))):
            return body[index:]
    return ()


def _imports_missing(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in _MODULES
    return isinstance(node, ast.Import) and any(each.name in _MODULES for each in node.names)


def _uses_missing_member(node: ast.AST) -> bool:
    if not isinstance(node, ast.Attribute) or _name(node.value) not in _MEMBERS:
        return False
    return _MEMBERS[_name(node.value)].fullmatch(node.attr) is not None


def _uses_missing_method(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in _NOT_IMPLEMENTED


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (each.asname or each.name for each in statement.names)
        elif isinstance(statement, ast.Assign):
            yield from (_name(target) for target in statement.targets)


def _set_false(body: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if (
            isinstance(statement, ast.Assign)
            and isinstance(statement.value, ast.Constant)
            and not statement.value.value
        ):
            yield from (_name(target) for target in statement.targets)


def _suppressed(call: ast.expr) -> list[str]:
    is_suppress = isinstance(call, ast.Call) and (_name(call.func) or getattr(call.func, "attr", "")) == "suppress"
    return [_name(each) for each in call.args] if is_suppress and isinstance(call, ast.Call) else []


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
