"""Tells which limit a call met that has failed: one of the policy, or one that the machine has for everybody."""

from __future__ import annotations

import os
from errno import E2BIG, EAGAIN, EFBIG, EMFILE, ENFILE, ENOMEM, ENOSPC
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.confine.policy import Limits

FORKING = frozenset(("fork", "vfork", "clone", "clone3"))
GROWING = frozenset((
    "write", "pwrite64", "writev", "pwritev", "pwritev2", "truncate", "ftruncate", "fallocate", "sendfile",
    "copy_file_range",
))  # fmt: skip
OPENING = frozenset((
    "open", "openat", "openat2", "creat", "socket", "socketpair", "dup", "dup2", "dup3", "pipe", "pipe2", "accept",
    "accept4", "eventfd", "eventfd2", "epoll_create", "epoll_create1", "timerfd_create", "signalfd", "signalfd4",
    "memfd_create", "pidfd_open", "inotify_init", "inotify_init1",
))  # fmt: skip
MAPPING = frozenset(("mmap", "mremap", "brk", "shmat"))
QUEUEING = frozenset(("rt_sigqueueinfo", "rt_tgsigqueueinfo", "tgkill", "tkill", "timer_create"))
_RUNNING = frozenset(("execve", "execveat"))
_WATCHING = frozenset(("inotify_add_watch",))
WATCHED = FORKING | OPENING | MAPPING | QUEUEING | _RUNNING | _WATCHING

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Met(NamedTuple):
    """A limit that was met. `field`: its name in Limits, empty if it is the machine's; `machine`: that one's name."""

    field: str
    machine: str = ""


# The limits that the machine has for everybody, with what raises them (getrlimit(2), proc(5)).
MACHINE = {
    "processes": "ulimit -u, or pids.max of the control group around it",
    "open files": "ulimit -n",
    "open files of all": "sysctl fs.file-max",
    "memory or mappings": "ulimit -v, sysctl vm.max_map_count, or more memory",
    "pending signals": "ulimit -i",
    "inotify": "sysctl fs.inotify.max_user_instances, fs.inotify.max_user_watches",
    "arguments": "ulimit -s",
}


def limit_met(name: str, args: tuple[int, ...], result: int, tid: int, limits: Limits) -> Met | None:
    """The limit that a call met by its result, None if it met none. `tid`: the host's, of who made it."""
    if name == "brk":
        # It tells where the break is, not that it did not move.
        return _of_memory(args[0] - result, tid, limits) if result < args[0] else None
    errno = -result
    for field, machine, calls, error in (
        ("", "inotify", _WATCHING, ENOSPC), ("processes", "processes", FORKING, EAGAIN),
        ("open_files", "open files", OPENING, EMFILE), ("", "open files of all", OPENING, ENFILE),
        ("file_size", "", GROWING, EFBIG), ("", "pending signals", QUEUEING, EAGAIN),
        ("", "arguments", _RUNNING, E2BIG), ("memory", "memory or mappings", _RUNNING, ENOMEM),
    ):  # fmt: skip
        if errno == error and name in calls:
            if field and getattr(limits, field) is not None:
                return Met(field)
            return Met("", machine) if machine else None
    if name in MAPPING and errno == ENOMEM:
        return _of_memory(args[2] - args[1] if name == "mremap" else args[1], tid, limits)
    return None


def _of_memory(more: int, tid: int, limits: Limits) -> Met:
    """Whose limit keeps an address space from growing by so many bytes; of a segment they are not known."""
    if limits.memory is not None and _mapped(tid) + -(-max(more, _PAGE) // _PAGE) > limits.memory // _PAGE:
        return Met("memory")
    return Met("", "memory or mappings")


def _mapped(tid: int) -> int:
    """The pages of an address space, as RLIMIT_AS counts them (proc_pid_statm(5)); 0 if its process is gone."""
    try:
        with open(f"/proc/{tid}/statm", encoding="ascii") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
