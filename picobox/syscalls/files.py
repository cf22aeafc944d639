"""Calls that open, copy and close descriptors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.ob.handles import index_number, index_to_handle
from picobox.creations import CLONE_FILES
from picobox.syscalls.process import CLONE_NEWNS, CLONE_NEWUSER
from picobox.task import fd_index

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider
    from picobox.task import Task

F_DUPFD = 0
F_DUPFD_CLOEXEC = 1030
F_NOTIFY = 1026
DN_ACCESS = 1
O_CLOEXEC = 0o2000000
CLOSE_RANGE_UNSHARE = 2
CLOSE_RANGE_CLOEXEC = 4
FD_LIMIT = 1 << 20


def close(provider: PicoProvider, call: Call, fd: int) -> None:
    if fd >= 0:
        _forget(provider, call, (fd,))


def _forget(provider: PicoProvider, call: Call, fds: tuple[int, ...]) -> None:
    """Takes handles away at the entry of a call that closes descriptors: exit stops of threads are not in order."""
    call.task.begin_closing(fds)
    for fd in fds:
        if fd < FD_LIMIT:
            provider.nt.NtClose(call.thread, index_to_handle(fd_index(fd)), host_decides=True)
            call.performed = True


def dup(provider: PicoProvider, call: Call, oldfd: int) -> None:
    _duplicate(provider, call, oldfd)


def dup2(provider: PicoProvider, call: Call, oldfd: int, newfd: int) -> None:
    # Where there is nothing to copy, nothing is closed.
    if newfd >= 0 and newfd != oldfd and provider.platform.describe(call.stop.tid, oldfd) is not None:
        _forget(provider, call, (newfd,))
    _duplicate(provider, call, oldfd, closes=True)


def dup3(provider: PicoProvider, call: Call, oldfd: int, newfd: int, flags: int) -> None:
    if not flags & ~O_CLOEXEC:  # else the kernel refuses, and closes nothing
        dup2(provider, call, oldfd, newfd)


def fcntl(provider: PicoProvider, call: Call, fd: int, cmd: int, arg: int) -> None:
    if cmd == F_NOTIFY and arg & DN_ACCESS and provider.names is not None:
        provider.names.expect_observer(call.stop.tid, fd, b".", follow=True)
    if cmd in (F_DUPFD, F_DUPFD_CLOEXEC):
        _duplicate(provider, call, fd)


def _duplicate(provider: PicoProvider, call: Call, oldfd: int, *, closes: bool = False) -> None:
    """The kernel picks the new descriptor; its handle is duplicated when the number is known.

    `closes`: the descriptor was another one before.
    """
    task = call.task
    made = not provider.platform.leaves_handles(call.stop.nr) or _has_handle(task, oldfd)
    if not made and not closes:
        return

    def then(newfd: int) -> None:
        task.begin_closing(())
        if newfd < 0:
            call.performed = False
        if newfd < 0 or newfd == oldfd or not made:
            return
        if provider.duplicate(call.thread, task.files, oldfd, newfd):
            call.performed = True

    call.then = then


def _has_handle(task: Task, fd: int) -> bool:
    """Whether somebody has looked at a descriptor."""
    table = task.thread.process.handle_table if task.thread else None
    return 0 <= fd < FD_LIMIT and table is not None and table.peek(fd_index(fd)) is not None


def close_range(provider: PicoProvider, call: Call, first: int, last: int, flags: int) -> None:
    if flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) or first > last:
        return
    if flags & CLOSE_RANGE_UNSHARE:
        call.then = lambda result: provider.unshare_files(call.task) if result == 0 else None
    if flags or first >= FD_LIMIT:
        return
    closed = range(first, min(last, FD_LIMIT - 1) + 1)
    if provider.platform.leaves_handles(call.stop.nr):
        made = call.thread.process.handles.made_indices(fd_index(closed[0]), fd_index(closed[-1]))
        fds = tuple(map(index_number, made))
    else:
        # Who is shown it sees a close of each, as of close itself, whether its handle was made yet or not.
        fds = tuple(fd for fd in provider.platform.descriptors(call.stop.tid) if fd in closed)
    _forget(provider, call, fds)
    call.task.begin_closing(closed)


def unshare(provider: PicoProvider, call: Call, flags: int) -> None:
    provider.refuse_namespaces(flags)
    if flags & CLONE_NEWNS and provider.names is not None:
        provider.names.root_may_change()
    if flags & CLONE_NEWUSER:
        provider.credentials_may_change()
    if flags & CLONE_FILES:
        call.then = lambda result: provider.unshare_files(call.task) if result == 0 else None
