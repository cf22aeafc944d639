"""Owns the choice of events by what a call does: the path that it names, how it ended, and with which NTSTATUS."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.types import PATH_MAX, DirFd, Fd, PollFds
from picobox.errors import Errno
from picobox.platform import host
from picobox.platform.host import AT_FDCWD
from picobox.trace.event import errno_of_result, is_restart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.abi.row import PathArgument, Row
    from picobox.abi.types import Argument
    from picobox.call import Call
    from picobox.platform.base import HostTid

# In the order of enum pb_trace_results.
ANY, SUCCESSFUL, FAILED = range(3)

# Of more descriptors a single call is not asked: the kernel's default limit of open ones (getrlimit(2)).
_MOST_DESCRIPTORS = 1024
_POLL_FD = struct.Struct("=i4x")
# The sets of select(2), whose arguments have no kind of their own.
_SETS = frozenset(("readfds", "writefds", "exceptfds"))


class Filters(NamedTuple):
    """What is kept of the calls that are selected; without values, all are.

    paths: calls that name one of them, or a descriptor that is open on one. results: ANY; SUCCESSFUL, those that
    returned without an error; FAILED, those that returned with one, a restart included (strace(1), -z and -Z).
    statuses: those with one of these NTSTATUS values.
    """

    paths: PathFilter | None = None
    results: int = ANY
    statuses: frozenset[int] | None = None

    def keeps(self, result: int | None, status: int | None) -> bool:
        """Whether to keep a call that returned `result` (raw, None: it did not) with the NTSTATUS `status`."""
        if self.statuses is not None and status not in self.statuses:
            return False
        if self.results == ANY:
            return True
        if result is None:
            return False
        has_failed = bool(errno_of_result(result)) or is_restart(result)
        return has_failed == (self.results == FAILED)


KEEPS_ALL = Filters()


class PathFilter:
    """Some paths, and the calls that name one of them (strace(1), -P).

    A path is named by a string that is its spelling, or leads there from the call's directory by its text alone, and by
    an open descriptor that is of it.
    """

    def __init__(self, paths: Iterable[bytes]) -> None:
        """`paths`: as the user spells them, absolute, and where their links lead, if that is something else."""
        self._paths = frozenset(paths)

    def names(self, call: Call) -> bool:
        """Whether a call that stands at its entry names one of the paths; one that can name none is not asked."""
        row = call.row
        return row is not None and (
            not can_name_paths(row)
            or any(self._is_open(call.stop.tid, fd) for fd in _descriptors(row, call))
            or any(self._is_spelled(row, call, path) for path in row.paths())
        )

    def _is_open(self, tid: HostTid, fd: int) -> bool:
        try:
            return host.directory_of(tid, fd) in self._paths
        except OSError:  # it is not open, or the task is gone
            return False

    def _is_spelled(self, row: Row, call: Call, argument: PathArgument) -> bool:
        try:
            path = call.memory.read_string(call.stop.args[argument.position], PATH_MAX)
        except Errno:
            return False
        if path in self._paths:
            return True
        if not path:  # what AT_EMPTY_PATH means is the descriptor
            return False
        at = argument.dirfd
        start = AT_FDCWD if at < 0 else row.args[at].value(call.stop.args[at])
        try:
            return host.full_path(call.stop.tid, start, path) in self._paths
        except OSError:
            return False


def can_name_paths(row: Row) -> bool:
    """Whether calls of this row may name a path, by a string or by a descriptor."""
    return bool(row.paths()) or any(map(_has_descriptors, row.args))


def _has_descriptors(argument: Argument) -> bool:
    return isinstance(argument, Fd | DirFd | PollFds) or argument.name in _SETS


def _descriptors(row: Row, call: Call) -> Iterator[int]:
    """The descriptors among the arguments; AT_FDCWD and others below 0 are none."""
    for argument, raw in zip(row.args, call.stop.args, strict=False):
        try:
            yield from (fd for fd in _descriptors_of(argument, raw, row, call) if fd >= 0)
        except Errno:  # the kernel cannot read them either
            continue


def _descriptors_of(argument: Argument, raw: int, row: Row, call: Call) -> Iterable[int]:
    if isinstance(argument, Fd | DirFd):
        return (argument.value(raw),)
    if not raw or not _has_descriptors(argument):
        return ()
    counter = next(index for index, each in enumerate(row.args) if each.name == "nfds")
    count = min(max(row.args[counter].value(call.stop.args[counter]), 0), _MOST_DESCRIPTORS)
    if isinstance(argument, PollFds):
        return [fd for (fd,) in _POLL_FD.iter_unpack(call.memory.read(raw, count * _POLL_FD.size))]
    bits = int.from_bytes(call.memory.read(raw, (count + 7) // 8), "little")
    return [fd for fd in range(count) if bits >> fd & 1]
