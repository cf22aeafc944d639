"""Owns how each wall is left out of a run: only tests can, in a process of their own, by changing what is imported."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from picobox.abi import filter as abi_filter
from picobox.abi.row import NATIVE, Row
from picobox.abi.table import BY_NAME
from picobox.abi.x86_64 import SYSCALL_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable


class Wall(NamedTuple):
    """What it is, for the table, and what takes it off in this process before picobox starts."""

    text: str
    take_off: Callable[[], None]


_open_rows: set[str] = set()
_disposition = Row.disposition


def _disposition_without_walls(row: Row, features: frozenset[str] = frozenset()) -> Any:
    return NATIVE if row.name in _open_rows else _disposition(row, features)


def open_rows(*names: str) -> None:
    """The kernel runs these calls as they come, whatever the table says of them."""
    _open_rows.update(BY_NAME[name].name for name in names)
    Row.disposition = _disposition_without_walls  # type: ignore[assignment, method-assign]


def _replace_in(module: str, name: str, change: Callable[[Any], Any]) -> None:
    """Change what a module has under a name; the module is imported now."""
    from importlib import import_module

    owner = import_module(module)
    setattr(owner, name, change(getattr(owner, name)))


def _admit_architectures() -> None:
    """Calls of 32-bit code pass the filter by their number, as if it were one of 64-bit code."""

    def change(compile_filter: Callable[..., bytes]) -> Callable[..., bytes]:
        head = 3 * abi_filter._instruction.size

        def compiled(*arguments: Any) -> bytes:
            return compile_filter(*arguments)[head:]

        return compiled

    _replace_in("picobox.platform.trace", "compile_filter", change)


def _admit_untraced() -> None:
    """A child that asks for no tracer gets none, and no call of anybody is stopped."""
    _replace_in("picobox.syscalls.process", "CLONE_UNTRACED", lambda _: 0)

    def change(compile_filter: Callable[..., bytes]) -> Callable[..., bytes]:
        def compiled(*arguments: Any) -> bytes:
            # Only clone is still a stop, so that the flag could be seen, and what the program's start needs.
            nr, allow, trace = BY_NAME["clone"].nr, 0x7FFF_0000, abi_filter.SECCOMP_RET_TRACE
            unknown = trace | abi_filter.UNKNOWN_NUMBER
            program = [
                (0x20, 0, 0, 0), (0x35, 2, 0, SYSCALL_LIMIT), (0x15, 0, 2, nr),
                (0x06, 0, 0, trace | nr), (0x06, 0, 0, unknown), (0x06, 0, 0, allow),
            ]  # fmt: skip
            return b"".join(abi_filter._instruction.pack(*instruction) for instruction in program)

        return compiled

    _replace_in("picobox.platform.trace", "compile_filter", change)


def _copy_nothing_unchanged() -> None:
    """The kernel reads what the guest has, wherever a copy of ours would say the same."""

    def change(put: Callable[..., bool]) -> Callable[..., bool]:
        def changed(call: Any, index: int, offset: int, data: bytes) -> bool:
            return call.memory.read(call.stop.args[index], len(data)) == data or put(call, index, offset, data)

        return changed

    from picobox.call import Call

    Call.put = change(Call.put)  # type: ignore[method-assign]


def _row(name: str, *others: str) -> Wall:
    return Wall(f"the table refuses {name}", partial(open_rows, name, *others))


WALLS: dict[str, Wall] = {
    "architecture": Wall("the filter refuses every architecture but x86-64", _admit_architectures),
    "row-userfaultfd": _row("userfaultfd"),
    "row-io_uring_setup": _row("io_uring_setup", "io_uring_enter", "io_uring_register"),
    "row-seccomp": _row("seccomp", "prctl"),
    "row-ptrace": _row("ptrace"),
    "handler-prctl": Wall("the handler of prctl refuses dispatch by the guest itself", partial(open_rows, "prctl")),
    "copied-memory": Wall("what is decided about is copied once, for the kernel too", _copy_nothing_unchanged),
    "untraced-flag": Wall("CLONE_UNTRACED is taken out; an untraced task's calls all fail", _admit_untraced),
}
