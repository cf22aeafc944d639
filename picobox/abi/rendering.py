"""Owns the text of system calls in strace's form, arguments and result; imported only when something is shown."""

from __future__ import annotations

import os
from errno import errorcode
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from picobox.abi import types
from picobox.abi.structures import STRUCTURE_RENDERERS
from picobox.abi.values import VALUE_RENDERERS
from picobox.abi.view import View, octal
from picobox.errors import Errno

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from picobox.abi.memory import Memory
    from picobox.abi.row import Row

_O_CREAT = 0o100
_O_TMPFILE = 0o20200000

# F_GETFD, F_GETFL, F_GETOWN, F_GETSIG, F_GETLEASE, F_GETPIPE_SZ, F_GET_SEALS: fcntl(2) gives them no argument.
_FCNTL_WITHOUT_ARGUMENT = frozenset({1, 3, 9, 11, 1025, 1032, 1034})

# include/linux/errno.h: what an interrupted call holds until the kernel restarts it or turns it into EINTR
RESTARTS = {
    512: "ERESTARTSYS (To be restarted if SA_RESTART is set)",
    513: "ERESTARTNOINTR (To be restarted)",
    514: "ERESTARTNOHAND (To be restarted if no handler)",
    516: "ERESTART_RESTARTBLOCK (Interrupted by signal)",
}
# errno.h gives 95 two names; strace and the man pages use this one.
ERRNO_NAMES = {**errorcode, 95: "EOPNOTSUPP"}

RENDERERS = {**VALUE_RENDERERS, **STRUCTURE_RENDERERS}


def render(argument: types.Argument, raw: int, memory: Memory, result: int | None, siblings: Mapping[str, int]) -> str:
    """One argument as text; memory that cannot be read leaves the pointer (see `Argument.render`)."""
    view = View(raw, memory, result, siblings)
    if raw == 0 and isinstance(argument, types.UserPointer):
        return "NULL"
    try:
        return _renderer(type(argument))(argument, view)
    except Errno:
        return hex(raw)


def render_arguments(row: Row, raw: Sequence[int], memory: Memory, result: int | None) -> list[str]:
    """The arguments of a call as text, up to the first that the kernel does not look at, as it does at none behind."""
    siblings = {argument.name: value for argument, value in zip(row.args, raw, strict=False)}
    return [
        render(argument, value, memory, result, siblings)
        for argument, value in takewhile(lambda pair: not _ignored(pair[0], siblings), zip(row.args, raw, strict=False))
    ]


def render_result(row: Row, result: int | None) -> str:
    """The text after the `=` sign; `result` is the signed raw value, None for a call that never returns."""
    if result is None:
        return "?"
    if -4096 < result < 0:
        if -result in RESTARTS:
            return f"? {RESTARTS[-result]}"
        return f"-1 {ERRNO_NAMES.get(-result, f'ERRNO_{-result}')} ({os.strerror(-result)})"
    if issubclass(row.returns, (types.Address, types.Hexadecimal)):
        return hex(result & 0xFFFF_FFFF_FFFF_FFFF)
    return octal(result) if issubclass(row.returns, types.Mode) else str(result)


def _ignored(argument: types.Argument, siblings: Mapping[str, int]) -> bool:
    if isinstance(argument, types.FcntlArgument):
        return siblings.get("cmd", 0) & 0xFFFF_FFFF in _FCNTL_WITHOUT_ARGUMENT
    if isinstance(argument, types.OpenMode):
        flags = siblings.get(argument.flags, 0)
        return not flags & _O_CREAT and flags & _O_TMPFILE != _O_TMPFILE
    return False


def _renderer(kind: type[types.Argument]) -> Callable[[Any, View], str]:
    """The renderer of the nearest ancestor of `kind` that has one."""
    return next(RENDERERS[ancestor] for ancestor in kind.__mro__ if ancestor in RENDERERS)
