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
    """What it is, for the table, and what takes it off in this process before picobox starts.

    None: it is in the C core. `mutant`: the one of tests/mutants/confine.toml that leaves it out there.
    """

    text: str
    take_off: Callable[[], None] | None
    mutant: str = ""


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

    _replace_in("picobox.platform.form_compiler", "compile_filter", change)


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

    _replace_in("picobox.platform.form_compiler", "compile_filter", change)


def _copy_nothing_unchanged() -> None:
    """The kernel reads what the guest has, wherever a copy of ours would say the same."""

    def change(put: Callable[..., bool]) -> Callable[..., bool]:
        def changed(call: Any, index: int, offset: int, data: bytes) -> bool:
            return call.memory.read(call.stop.args[index], len(data)) == data or put(call, index, offset, data)

        return changed

    from picobox.call import Call

    Call.put = change(Call.put)  # type: ignore[method-assign]


def _drop_argument_rules(call: str) -> None:
    """A call is not refused for what is in its registers."""

    def change(active_rules: Callable[..., Any]) -> Callable[..., Any]:
        return lambda features: tuple(rule for rule in active_rules(features) if rule.call != call)

    _replace_in("picobox.platform.form_compiler", "active_rules", change)


def _drop_socket_rules() -> None:
    _drop_argument_rules("socket")


def _give_the_whole_tree() -> None:
    """Everything is there and may be written, and so are all devices: what Landlock makes of the policy stays."""
    from picobox.confine.policy import ALL_DEVICES, WRITE, FileRule

    def change(tree: Any) -> Any:
        rules = (FileRule(b"/", WRITE, "left out"),)
        return lambda policy, *more: tree(policy._replace(files=rules, private_tmp=False, devices=ALL_DEVICES), *more)

    _replace_in("picobox.confine.namespaces", "Tree", change)


def _drop_landlock() -> None:
    from types import SimpleNamespace

    none = SimpleNamespace(fd=-1, close=lambda: None)
    _replace_in("picobox.confine.namespaces", "Ruleset", lambda _: lambda *_, **__: none)


def _allow_the_whole_tree() -> None:
    """Landlock's rules give all files; signals, abstract sockets and tracing stay in."""
    from picobox.confine.landlock import GIVEN
    from picobox.confine.policy import WRITE

    _replace_in("picobox.confine.supervised", "rules_of_host", lambda _: lambda _: [(b"/", GIVEN[WRITE])])


def _drop_scopes() -> None:
    _replace_in("picobox.confine.landlock", "_SCOPES", lambda _: 0)


def _drop_guard() -> None:
    """The kernel runs what the supervisor would decide or make."""

    def change(guard: Any) -> Any:
        guard.serve = lambda *_: False
        return guard

    _replace_in("picobox.confine.guard", "Guard", change)


def _act_by_name() -> None:
    """A call is made on what the path leads to by then, not on the descriptor that was decided about."""

    def change(subject: Any) -> Any:
        find, change_found = subject._tell, subject._change

        def forget(self: Any) -> None:
            self.open()
            if self._path:
                self.fd, self._decide = -1, None

        def tell(self: Any, operation: int, **asked: Any) -> Any:
            if operation and self.fd < 0:
                forget(self)
            return find(self, operation, **asked)

        def act(self: Any, operation: int, *others: int, **asked: Any) -> Any:
            forget(self)
            return change_found(self, operation, *others, **asked)

        subject._tell, subject._change = tell, act
        return subject

    _replace_in("picobox.platform.by_descriptor", "Subject", change)


def _stay_in_namespaces(*fields: str) -> None:
    """Guests do not enter these namespaces of their init."""

    def change(walls: Any) -> Any:
        native = walls.native

        def changed(self: Any, keep: list[Any]) -> Any:
            found = native(self, keep)
            for field in fields:
                setattr(found, field, -1)
            return found

        walls.native = changed
        return walls

    _replace_in("picobox.confine.namespaces", "Walls", change)


def _share_namespace(kind: str) -> None:
    """The run does not enter a namespace of this kind."""
    _replace_in("picobox.confine.namespaces", kind, lambda _: 0)


def _give_namespaces() -> None:
    open_rows("unshare", "setns")

    def change(provider: Any) -> Any:
        provider.refuse_namespaces = lambda *_: None
        return provider

    _replace_in("picobox.provider", "PicoProvider", change)


def _count_no_tasks() -> None:
    def change(provider: Any) -> Any:
        provider.most_tasks = property(lambda _: None, lambda *_: None)
        return provider

    _replace_in("picobox.provider", "PicoProvider", change)


_MOUNTS = (
    "mount", "umount2", "pivot_root", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
    "mount_setattr", "chroot",
)  # fmt: skip


def _row(name: str, *others: str) -> Wall:
    return Wall(f"the table refuses {name}", partial(open_rows, name, *others))


WALLS: dict[str, Wall] = {
    "architecture": Wall("the filter refuses every architecture but x86-64", _admit_architectures),
    "row-userfaultfd": _row("userfaultfd"),
    "row-io_uring_setup": _row("io_uring_setup", "io_uring_enter", "io_uring_register"),
    "row-seccomp": _row("seccomp", "prctl"),
    "row-ptrace": Wall("ptrace is served by the supervisor, of guests alone", partial(open_rows, "ptrace")),
    "handler-prctl": Wall("the handler of prctl refuses dispatch by the guest itself", partial(open_rows, "prctl")),
    "copied-memory": Wall("what is decided about is copied once, for the kernel too", _copy_nothing_unchanged),
    "untraced-flag": Wall("CLONE_UNTRACED is taken out; an untraced task's calls all fail", _admit_untraced),
    "terminal-rules": Wall(
        "commands that push input are refused by their 32 bits", partial(_drop_argument_rules, "ioctl")
    ),
    "socket-rules": Wall("only local, IP and route sockets are made", _drop_socket_rules),
    "tree": Wall("the tree of mounts has what the policy gives", _give_the_whole_tree),
    "landlock": Wall("Landlock's rules of files, signals, abstract sockets and tracing", _drop_landlock),
    "pid-namespace": Wall("processes have a namespace of their own", partial(_stay_in_namespaces, "pid_namespace")),
    "proc": Wall("/proc is that of the own processes", partial(_stay_in_namespaces, "mount_namespace")),
    "net-namespace": Wall("the network is a namespace of its own", partial(_share_namespace, "_NEWNET")),
    "ipc-namespace": Wall("System V objects and queues are a namespace's own", partial(_share_namespace, "_NEWIPC")),
    "namespace-rules": Wall("no guest makes or enters a namespace", _give_namespaces),
    "mount-rules": Wall("no guest mounts", partial(open_rows, *_MOUNTS)),
    "capabilities": Wall(
        "guests have no capabilities, and no program gives them any", None, "guests_keep_capabilities"
    ),
    "closed-descriptors": Wall("all but the standard descriptors are closed", None, "guests_inherit_descriptors"),
    "landlock-files": Wall("Landlock's rules of files, without namespaces", _allow_the_whole_tree),
    "landlock-scopes": Wall("Landlock keeps signals and abstract sockets in", _drop_scopes),
    "guard": Wall(
        "the supervisor decides by the object, and has made by descriptor, what Landlock does not cover", _drop_guard
    ),
    "same-descriptor": Wall(
        "the supervisor decides about the descriptor on which the broker then makes the call", _act_by_name
    ),
    "limit-processes": Wall("tasks are counted", _count_no_tasks),
}
