"""Owns what is told of a call by reading the source: where its row, handler and service stand, and what they raise."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from errno import EACCES, EBADF, EFAULT, ELOOP, EMFILE, ENAMETOOLONG, ENFILE, ENOENT, ENOTDIR, errorcode
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status
from ntshim.status import STATUS_SUCCESS, errno_of, status_of_errno
from picobox.abi import table, types
from picobox.syscalls import FAMILY_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from picobox.abi.row import Row

# So far functions are followed that others of the same package call.
_DEPTH = 4
_PACKAGES = ("ntshim.", "picobox.")
_STATUS = re.compile(r"\bSTATUS_[A-Z0-9_]+")
_NUMBERS = {name: number for number, name in errorcode.items()}


class Place(NamedTuple):
    """A line of a module's source."""

    module: str
    line: int

    def __str__(self) -> str:
        return f"{self.module.replace('.', '/')}.py:{self.line}"

    @classmethod
    def of(cls, function: Callable[..., object]) -> Place:
        """Where a function is defined."""
        plain = inspect.unwrap(function)
        return cls(plain.__module__, plain.__code__.co_firstlineno)


class Cause(NamedTuple):
    """An error that a program may see: its number, its NTSTATUS, and which function gives it."""

    errno: int
    status: int
    origin: str


def place_of_row(row: Row) -> Place:
    """Where the table declares a row."""
    lines = inspect.getsource(table).splitlines()
    start = f'row("{row.name}", '
    return Place(table.__name__, next(number for number, line in enumerate(lines, 1) if line.strip().startswith(start)))


def handler_of(row: Row) -> Callable[..., object] | None:
    """The function that decides on a call, None if there is none of its own."""
    family = FAMILY_OF.get(row.name)
    return None if family is None else getattr(import_module(f"picobox.syscalls.{family}"), row.name)


def service_of(name: str) -> Callable[..., object] | None:
    """The NT service of that name as ntshim has it, None if it has none."""
    from ntshim.nt import NtServices

    return getattr(NtServices, name, None)


def causes_of_handler(row: Row) -> list[Cause]:
    """The errors that a call's handler raises or documents, itself and by the functions that it calls by name."""
    handler = handler_of(row)
    return [] if handler is None else _causes(handler, type(None))


def causes_of_service(name: str) -> list[Cause]:
    """The statuses that an NT service raises or documents, itself and by what it calls by name; errnos are WSL's."""
    from ntshim.nt import NtServices

    service = service_of(name)
    return [] if service is None else _causes(service, NtServices)


def causes_of_kinds(row: Row) -> list[Cause]:
    """The error numbers that the kernel gives for any argument of a kind, or any result that is a new descriptor."""
    found = [
        Cause(number, status_of_errno(number), f"the kernel, for {argument.name}")
        for argument in row.args
        for number in _numbers_of(type(argument))
    ]
    if issubclass(row.returns, types.Fd):
        found += [Cause(number, status_of_errno(number), "the kernel, for the result") for number in (EMFILE, ENFILE)]
    return found


def _numbers_of(kind: type[types.Argument]) -> tuple[int, ...]:
    """path_resolution(7); close(2), openat(2) for descriptors; intro(2), EFAULT for addresses that are followed."""
    if issubclass(kind, types.UserPath):
        return EACCES, EFAULT, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR
    if issubclass(kind, types.DirFd):
        return EBADF, ENOTDIR
    if issubclass(kind, types.Fd):
        return (EBADF,)
    return (EFAULT,) if issubclass(kind, types.UserPointer) and not issubclass(kind, types.Address) else ()


def _causes(function: Callable[..., object], owner: type) -> list[Cause]:
    found: dict[Cause, None] = {}
    for origin, name in _named(inspect.unwrap(function), owner, set(), _DEPTH):
        if name in _NUMBERS:
            found[Cause(_NUMBERS[name], status_of_errno(_NUMBERS[name]), origin)] = None
        elif errno_of(vars(status).get(name, STATUS_SUCCESS)):
            found[Cause(errno_of(vars(status)[name]), vars(status)[name], origin)] = None
    return sorted(found, key=lambda cause: (errorcode.get(cause.errno, ""), cause.status, cause.origin))


def _named(function: Any, owner: type, seen: set[Any], depth: int) -> Iterator[tuple[str, str]]:
    """The names of errors that a function, and those that it calls by name, document or raise; with its own name."""
    if function in seen or not depth or not function.__module__.startswith(_PACKAGES):
        return
    seen.add(function)
    for name in _STATUS.findall(function.__doc__ or ""):
        yield function.__qualname__, name
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in ("NtError", "Errno"):
            yield from ((function.__qualname__, each.id) for each in ast.walk(node) if isinstance(each, ast.Name))
        called = _called(node.func, function, owner)
        if called is not None:
            yield from _named(called, owner, seen, depth - 1)


def _called(called: ast.expr, function: Any, owner: type) -> Any:
    """The function that an expression names, if it is one of the module's or of the caller's own class."""
    found = None
    if isinstance(called, ast.Name):
        found = function.__globals__.get(called.id)
    elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "self":
        found = getattr(owner, called.attr, None)
    found = inspect.unwrap(found) if callable(found) else None
    return found if inspect.isfunction(found) else None
