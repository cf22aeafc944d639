"""Decides calls that neither mounts nor Landlock keep from what a policy hides, and makes them for the guest."""

from __future__ import annotations

import os
import signal
from errno import EACCES, EAFNOSUPPORT, ECONNREFUSED, EINVAL, ENAMETOOLONG, ENOENT, EPERM, ERANGE
from functools import partial
from typing import TYPE_CHECKING, Any

from picobox.confine.policy import HIDE, WRITE
from picobox.errors import Errno
from picobox.names import meaning_of
from picobox.platform.by_descriptor import Subject, checked_value_size, is_local_socket
from picobox.platform.host import AT_FDCWD, thread_group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.confine.policy import Policy
    from picobox.platform.by_descriptor import Asked

    _Decision = Callable[[bytes], None]
    _Routine = Callable[[Subject, Call, str, Sequence[Any]], int]

_PATH_OFFSET = 2
_ADDRESS_SIZE, _LARGEST_ADDRESS = 110, 128
_UNIX = 1  # AF_UNIX
_INT, _MOST_INT = 0xFFFF_FFFF, 0x7FFF_FFFF
_PRIO_PROCESS, _IOPRIO_WHO_PROCESS = 0, 1
_TIMES = {"utime": 16, "utimes": 32, "futimesat": 32, "utimensat": 32}
# Calls on a task that may not be a guest, and where its number is.
_ON_TASKS = {
    "prlimit64": 0, "sched_setparam": 0, "sched_setscheduler": 0, "sched_setattr": 0, "sched_setaffinity": 0,
    "setpriority": 1, "ioprio_set": 1,
}  # fmt: skip
# Where flags are, and which there are: what the kernel does not know it refuses.
_FLAGS = {
    "newfstatat": (3, 0x7900), "statx": (2, 0x7900), "faccessat2": (3, 0x1300), "fchmodat2": (3, 0x1100),
    "fchownat": (4, 0x1100), "utimensat": (3, 0x1100),
}  # fmt: skip
_OPENS = frozenset(("open", "openat", "openat2"))


class Guard:
    """Serves calls of guests that are kept in without namespaces."""

    def __init__(self, policy: Policy, broker: Asked) -> None:
        """`broker`: who makes the calls."""
        self.policy = policy
        self._broker = broker
        self._decide = policy.decider()
        # What is hidden and leads to what is not can be seen, or nobody would find the way.
        given = [path for path, rule in policy.rules().items() if rule.right != HIDE]
        self._ways = {place for path in given for place in _above(path)}

    def serve(self, call: Call, row: Row, arguments: Sequence[Any]) -> bool:
        """Whether nobody else is to decide: the result is set if the call was made here. Errno for what is refused."""
        if call.restart or call.wait is not None:
            return False
        if row.name in _ON_TASKS:
            self._check_task(call, row.name, arguments)
            return False
        if row.name == "connect":
            return self._connect(call, *arguments)
        routine = _ROUTINES.get(row.name)
        if routine is None:
            return row.name in _OPENS and self._check_open(call, row, arguments)
        position, known = _FLAGS.get(row.name, (0, -1))
        if call.stop.args[position] & _INT & ~known:
            raise Errno(EINVAL)
        changes = row.name in _CHANGES
        decide = partial(self._check, changes=changes) if changes or not _is_held(row, arguments) else None
        subject = self._subject(call, row, arguments, decide)
        try:
            call.result = routine(subject, call, row.name, arguments)
        finally:
            subject.close()
        return True

    def _subject(self, call: Call, row: Row, arguments: Sequence[Any], decide: _Decision | None) -> Subject:
        paths = row.paths()
        if not paths:
            return self._meant(call, arguments[0], b"", decide)
        argument = paths[0]
        path = arguments[argument.position]
        dirfd = arguments[argument.dirfd] if argument.dirfd >= 0 else AT_FDCWD
        follow = meaning_of(call, row, argument, arguments).follow
        if path is None:
            return self._meant(call, dirfd, b"", decide)
        if path == b"" and not _takes_empty_path(row, arguments):
            raise Errno(ENOENT)
        return self._meant(call, dirfd, path, decide, follow=follow)

    def _meant(self, call: Call, dirfd: int, path: bytes, decide: _Decision | None, *, follow: bool = True) -> Subject:
        is_task = call.platform.is_task
        return Subject(self._broker, call.stop.tid, dirfd, path, follow=follow, is_task=is_task, decide=decide)

    def _check(self, place: bytes, *, changes: bool) -> None:
        """Errno if the policy does not give as much of a file."""
        if not place.startswith(b"/"):
            return
        if place.startswith(b"/proc/%d/" % self._broker.tid):
            # Into itself the broker may look, and no guest.
            raise Errno(EACCES)
        right = self._decide(os.path.normpath(place)).right
        if changes and right != WRITE:
            raise Errno(ENOENT if right == HIDE else EACCES)
        if right == HIDE and place not in self._ways:
            raise Errno(ENOENT)

    def _check_open(self, call: Call, row: Row, arguments: Sequence[Any]) -> bool:
        """An open for no access is Landlock's business only once the descriptor is used for more."""
        look = partial(self._check, changes=False)
        # The flags of openat2 are in memory that can change.
        if row.name != "openat2":
            if not arguments[1 if row.name == "open" else 2] & os.O_PATH:
                return False
            subject = self._subject(call, row, arguments, look)
            try:
                subject.open()
            finally:
                subject.close()
        tid = call.stop.tid

        def then(result: int) -> None:
            """What was opened may be another file than what was looked at: that is no accident."""
            if result < 0:
                return
            try:
                self._meant(call, result, b"", look).close()
            except Errno:
                os.kill(thread_group(tid)[0] or tid, signal.SIGKILL)

        call.then = then
        return False

    def _connect(self, call: Call, sockfd: int, address: int, length: int) -> bool:
        if not is_local_socket(call.stop.tid, sockfd):
            self._connect_elsewhere(call, address, length)
            return True
        if not _PATH_OFFSET < length <= _ADDRESS_SIZE:
            return False
        data = call.memory.read(address, length)
        path = data[_PATH_OFFSET:].split(b"\0", 1)[0]
        if not path:
            # Whose it is nobody can tell: the socket of a service, or of a guest.
            raise Errno(ECONNREFUSED)
        subject = self._meant(call, AT_FDCWD, path, partial(self._check, changes=True))
        try:
            call.result = subject.connect(call.stop.tid, sockfd)
        finally:
            subject.close()
        return True

    @staticmethod
    def _connect_elsewhere(call: Call, address: int, length: int) -> None:
        """The descriptor may be a local socket by when the kernel looks: what it then reads is of another family."""
        if 0 < length <= _LARGEST_ADDRESS:
            data = call.memory.read(address, length)
            if int.from_bytes(data[:_PATH_OFFSET], "little") == _UNIX:
                raise Errno(EAFNOSUPPORT)
            call.put(1, 0, data)

    @staticmethod
    def _check_task(call: Call, name: str, arguments: Sequence[Any]) -> None:
        number = call.stop.args[_ON_TASKS[name]] & _INT
        of_process = {"setpriority": _PRIO_PROCESS, "ioprio_set": _IOPRIO_WHO_PROCESS}
        if name in of_process and arguments[0] != of_process[name]:
            raise Errno(EPERM)
        if number and not call.platform.is_task(number):
            raise Errno(EPERM)


def _above(path: bytes) -> list[bytes]:
    parts = path.strip(b"/").split(b"/")
    return [b"/" + b"/".join(parts[:count]) for count in range(len(parts))]


def _is_held(row: Row, arguments: Sequence[Any]) -> bool:
    """Whether a call asks about a descriptor that the guest has: that was decided when it was opened, or given."""
    paths = row.paths()
    return not paths or not arguments[paths[0].position]


def _takes_empty_path(row: Row, arguments: Sequence[Any]) -> bool:
    from picobox.abi.types import Flags

    return any(
        isinstance(argument, Flags) and argument.vocabulary.startswith("AT") and value & 0x1000
        for argument, value in zip(row.args, arguments, strict=False)
    )


def _status(subject: Subject, call: Call, name: str, arguments: Sequence[Any]) -> int:
    if name == "statx":
        call.memory.write(arguments[4], subject.status_x(arguments[2] & 0x6000, arguments[3]))
    elif name == "statfs":
        call.memory.write(arguments[1], subject.file_system())
    else:
        call.memory.write(arguments[2 if name == "newfstatat" else 1], subject.status())
    return 0


def _access(subject: Subject, _call: Call, name: str, arguments: Sequence[Any]) -> int:
    return subject.access(arguments[1 if name == "access" else 2])


def _readlink(subject: Subject, call: Call, name: str, _arguments: Sequence[Any]) -> int:
    first = 1 if name == "readlink" else 2
    size = call.stop.args[first + 1] & _INT
    if size > _MOST_INT:
        raise Errno(EINVAL)
    target = subject.target(size)
    call.memory.write(call.stop.args[first], target)
    return len(target)


def _chmod(subject: Subject, _call: Call, name: str, arguments: Sequence[Any]) -> int:
    return subject.change_mode(arguments[1 if name in ("chmod", "fchmod") else 2])


def _chown(subject: Subject, call: Call, name: str, _arguments: Sequence[Any]) -> int:
    first = 2 if name == "fchownat" else 1
    return subject.change_owner(call.stop.args[first], call.stop.args[first + 1])


def _utime(subject: Subject, call: Call, name: str, _arguments: Sequence[Any]) -> int:
    address = call.stop.args[2 if name in ("futimesat", "utimensat") else 1]
    return subject.set_times(name, call.memory.read(address, _TIMES[name]) if address else None)


def _attribute_name(call: Call, address: int) -> bytes:
    try:
        name = call.memory.read_string(address, 256)
    except Errno as error:
        raise Errno(ERANGE if error.errno == ENAMETOOLONG else error.errno) from None
    if not name:
        raise Errno(ERANGE)
    return name


def _set_attribute(subject: Subject, call: Call, name: str, _arguments: Sequence[Any]) -> int:
    _, key, value, size, flags, _ = call.stop.args
    attribute = _attribute_name(call, key)
    if name.endswith("removexattr"):
        return subject.remove_attribute(attribute)
    return subject.set_attribute(attribute, call.memory.read(value, checked_value_size(size)), flags)


def _get_attribute(subject: Subject, call: Call, name: str, _arguments: Sequence[Any]) -> int:
    if name.endswith("listxattr"):
        address, size = call.stop.args[1:3]
        length, found = subject.attributes(size)
    else:
        address, size = call.stop.args[2:4]
        length, found = subject.attribute(_attribute_name(call, call.stop.args[1]), size)
    if found:
        call.memory.write(address, found)
    return length


def _watch(subject: Subject, call: Call, _name: str, arguments: Sequence[Any]) -> int:
    return subject.watch(call.stop.tid, arguments[0], call.stop.args[2])


_GROUPS: tuple[tuple[_Routine, str], ...] = (
    (_status, "stat lstat newfstatat statx statfs"),
    (_access, "access faccessat faccessat2"),
    (_readlink, "readlink readlinkat"),
    (_chmod, "chmod fchmod fchmodat fchmodat2"),
    (_chown, "chown lchown fchown fchownat"),
    (_utime, "utime utimes futimesat utimensat"),
    (_set_attribute, "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"),
    (_get_attribute, "getxattr lgetxattr listxattr llistxattr"),
    (_watch, "inotify_add_watch"),
)
_ROUTINES: dict[str, _Routine] = {name: routine for routine, names in _GROUPS for name in names.split()}
_CHANGES = frozenset(name for routine, names in _GROUPS[3:7] for name in names.split())


def guarded() -> frozenset[str]:
    """The calls that are decided, or made, here."""
    return frozenset(_ROUTINES) | frozenset(_ON_TASKS) | _OPENS | {"connect"}
