"""Owns the shape of one row of the system call table and the dispositions a row may name."""

from __future__ import annotations

from errno import ENOSYS
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picobox.abi.memory import Memory
    from picobox.abi.types import Argument

FULL = "full"
PARTIAL = "partial"
NONE = "none"


class Disposition:
    """What happens to an intercepted call.

    `action` is the low byte of a word of the C core's disposition array; `errno` is a refusal's error number, else 0.
    """

    __slots__ = ("action", "errno")

    def __init__(self, action: int, errno: int = 0) -> None:
        self.action = action
        self.errno = errno

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Disposition) and (self.action, self.errno) == (other.action, other.errno)

    def __hash__(self) -> int:
        return hash((self.action, self.errno))

    def __repr__(self) -> str:
        return f"ERRNO({self.errno})" if self.errno else _ACTION_NAMES[self.action]


ACTION_UNKNOWN, ACTION_NATIVE, ACTION_CALL, ACTION_ERRNO = range(4)
_ACTION_NAMES = ("UNKNOWN", "NATIVE", "CALL", "ERRNO")

NATIVE = Disposition(ACTION_NATIVE)
CALL = Disposition(ACTION_CALL)


def ERRNO(errno: int) -> Disposition:  # noqa: N802  (it stands beside NATIVE and CALL)
    """The disposition of a call that is refused with `errno` (a positive error number)."""
    return Disposition(ACTION_ERRNO, errno)


# The feature of a profile whose names are looked up.
NAMES = "names"
# The feature of drives whose directories have a case flag.
CASE_FLAGS = "case flags"
# The feature of a run in which directories are listed for the names in them: guests that watch one must not see that.
OBSERVERS = "observers"
# The feature of a tree that is laid out, and whose files are shown, as WSL has them.
WSL = "wsl"
# The feature of a profile whose drives follow Windows' rules.
WINDOWS = "windows"
# The feature of a run behind walls: what would lead out of it, or changes the machine, is refused.
WALLS = "walls"
# The feature of walls without namespaces: what Landlock does not cover is decided here, by the object that is meant.
SUPERVISED = "supervised"
# The feature of such walls that give no network.
NO_NETWORK = "no-network"
# The feature of an instance, whose programs are whoever its own files say they are.
FAKE_ROOT = "fake-root"
# Calls without a path that are then decided.
FAKE_ROOT_CALLS = frozenset(
    (
        "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "setuid", "setgid", "setreuid",
        "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capget", "capset", "fstat",
        "fchown", "fchmod", "fgetxattr", "fsetxattr", "flistxattr", "fremovexattr", "kill", "tkill", "tgkill",
        "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "fchdir",
        "connect", "listen", "socketpair", "getsockopt", "setsockopt", "recvmsg", "recvmmsg",
    )
)  # fmt: skip
# One that is then decided although walls refuse it to all.
_OF_A_ROOT = "chroot"
# Calls without a path that are then decided, and those that are not there, since nobody could decide on them.
SUPERVISED_CALLS = frozenset(
    (
        "fchmod", "fchown", "fsetxattr", "fremovexattr", "connect", "prlimit64", "setpriority", "ioprio_set",
        "sched_setparam", "sched_setscheduler", "sched_setattr", "sched_setaffinity",
    )
)  # fmt: skip
_NOT_SUPERVISED = frozenset(
    (
        "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl",
        "mq_open", "mq_unlink", "setxattrat", "getxattrat", "listxattrat",
        "removexattrat", "file_getattr", "file_setattr", "name_to_handle_at",
    )
)  # fmt: skip
# The feature of a check: calls that Windows lacks are looked at.
CHECK = "check"
# The feature that is active as long as a file of such a drive has a byte-range lock.
LOCKS = "locked-bytes"
# The feature of a run in which tasks that nobody asks about are made and ended unseen.
UNSEEN = "unseen"
# The feature that is active as long as a check wants to know who looks at what was set of a file.
READ_BACK = "read-back"
# The beginning of the features by which a check sees calls of a name, whatever they are else.
SEEN = "seen:"
# Calls that only look at what a path leads to.
QUERIES = frozenset(
    (
        "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "statfs",
        "getxattr", "lgetxattr", "listxattr", "llistxattr", "chroot", "inotify_add_watch", "fanotify_mark",
        "name_to_handle_at",
    )
)  # fmt: skip
# Optional strings that are paths if they are there.
_PATH_NAMES = frozenset(("path", "pathname", "filename"))

_NO_OVERRIDES: Mapping[str, Disposition] = {}
_tag_sets: dict[str, frozenset[str]] = {}


def _tag_set(tags: str) -> frozenset[str]:
    """The tags of a space separated string; rows share the sets, since few differ."""
    found = _tag_sets.get(tags)
    if found is None:
        found = _tag_sets[tags] = frozenset(tags.split())
    return found


def _overrides(when: Mapping[str, Disposition], calls: str, missing: str) -> Mapping[str, Disposition]:
    """The overrides of a row with those that are named by feature alone."""
    return {**when, **dict.fromkeys(calls.split(), CALL), **dict.fromkeys(missing.split(), ERRNO(ENOSYS))}


class PathArgument(NamedTuple):
    """A path among a row's arguments: its position, that of its directory's descriptor or -1, and what it may mean."""

    position: int
    dirfd: int
    follow: bool
    creates: bool
    entry: bool


class Row:
    """One Linux system call: its number, arguments, NT counterpart and disposition.

    `nt` names the NT service behind the call; rows that lxcore answered itself have `served="provider"` instead
    (facts/wsl1.md section 2.2). `tags` are strace's classes, declared as a space separated string: `-e trace=%file`
    selects the rows tagged `file`. `guards` are pairs (index of an address argument, index of its length): no such
    range may touch the argument page. `when` overrides `do` for an active feature; `calls` names features under which
    the row is a CALL, `missing` faults of WSL1 under which it is refused with ENOSYS (picobox.faults). `harmless`:
    where the row is NATIVE, it may be made without asking us: it only does what descriptors, names, memory and ids of
    the caller allow, which the walls bound, and nothing of ours depends on having seen it. Where names are looked up
    that holds for one that finds what it names as it is spelled, and makes no name (`finds`).
    """

    __slots__ = (
        "_paths", "args", "do", "guards", "harmless", "name", "note", "nr", "nt", "returns", "served", "support",
        "tags", "when",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        x86_64: int,
        returns: type[Argument],
        do: Disposition,
        args: tuple[Argument, ...] = (),
        nt: str | None = None,
        served: str | None = None,
        tags: str = "",
        support: str = FULL,
        note: str = "",
        when: Mapping[str, Disposition] = _NO_OVERRIDES,
        calls: str = "",
        missing: str = "",
        guards: tuple[tuple[int, int], ...] = (),
        harmless: bool = False,
    ) -> None:
        self.name = name
        self.nr = x86_64
        self.args = args
        self.returns = returns
        self.do = do
        self.nt = nt
        self.served = served
        self.tags = _tag_set(tags)
        self.support = support
        self.note = note
        self.when = when if not calls and not missing else _overrides(when, calls, missing)
        self.guards = guards
        self.harmless = harmless
        self._paths: tuple[PathArgument, ...] | None = None

    def __repr__(self) -> str:
        return f"<Row {self.nr} {self.name} {self.do!r}>"

    def disposition(self, features: frozenset[str] = frozenset()) -> Disposition:
        """The disposition under the active `features`; CALL wins when several features override the row.

        A row with a path needs no word of its own: where names are looked up, it is a CALL unless it says otherwise.
        A check that leaves names as they are written sees the rows that do more than look at what a path leads to.
        """
        if FAKE_ROOT in features and self.name == _OF_A_ROOT:
            return CALL
        if WALLS in features and WALLS in self.when:
            return self.when[WALLS]
        if SUPERVISED in features and self.name in _NOT_SUPERVISED:
            return ERRNO(ENOSYS)
        if SEEN + self.name in features or (FAKE_ROOT in features and self.name in FAKE_ROOT_CALLS):
            return CALL
        active = [feature for feature in self.when if feature in features]
        if len(active) > 1:
            # Who only looks at a call does not bring it back where it is missing.
            active = [feature for feature in active if feature != OBSERVERS]
        chosen = [self.when[feature] for feature in active]
        if chosen:
            return CALL if CALL in chosen else chosen[0]
        if SUPERVISED in features and self.do is NATIVE and (self.paths() or self.name in SUPERVISED_CALLS):
            return CALL
        sees_paths = NAMES in features or (CHECK in features and self.name not in QUERIES)
        return CALL if sees_paths and self.do is NATIVE and self.paths() else self.do

    def paths(self) -> tuple[PathArgument, ...]:
        """Its path arguments."""
        if self._paths is None:
            from picobox.abi.types import DirFd, OptionalPath, UserPath

            self._paths = tuple(
                [
                    PathArgument(
                        index,
                        index - 1 if index and isinstance(self.args[index - 1], DirFd) else -1,
                        argument.follow,
                        argument.creates,
                        argument.entry,
                    )
                    for index, argument in enumerate(self.args)
                    if isinstance(argument, UserPath)
                    and (not isinstance(argument, OptionalPath) or argument.name in _PATH_NAMES)
                ]
            )
        return self._paths

    def finds(self) -> bool:
        """Whether it only finds what its paths name, unless flags of an open say otherwise (`open_flags`)."""
        return bool(self.paths()) and not any(path.creates for path in self.paths())

    def open_flags(self) -> int:
        """The position of the flags of an open, 0 if it has none."""
        from picobox.abi.types import OpenFlags

        return next((place for place, argument in enumerate(self.args) if isinstance(argument, OpenFlags)), 0)

    def decode(self, raw: Sequence[int], memory: Memory) -> tuple[object, ...]:
        """The arguments as the handler takes them; raises Errno as the kernel would for an unreadable one."""
        return tuple([argument.decode(value, memory) for argument, value in zip(self.args, raw, strict=False)])

    def render(self, raw: Sequence[int], memory: Memory, result: int | None) -> list[str]:
        """The arguments as strace writes them. `result` is the raw return value, None before the call has ended."""
        from picobox.abi.rendering import render_arguments

        return render_arguments(self, raw, memory, result)

    def render_result(self, result: int) -> str:
        """The raw return value as strace writes it after the `=` sign."""
        from picobox.abi.rendering import render_result

        return render_result(self, result)


# The table's own spelling: each line of it declares one row.
row = Row
