"""Owns what the kernel tells of tracers and tracees: signals, children, and who may trace whom."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

from picobox.platform.base import HostTid
from picobox.platform.host import number_of

_SYS_PTRACE = 1 << 19  # linux/capability.h


class SignalMasks(NamedTuple):
    """What a task does about signals, bit signal-1."""

    blocked: int
    caught: int


def _fields(path: str) -> dict[bytes, bytes]:
    """The fields of a file of /proc; none if that has gone."""
    try:
        with open(path, "rb") as text:
            return dict(line.rstrip(b"\n").split(b":\t", 1) for line in text if b":\t" in line)
    except OSError:
        return {}


def send_signal(pid: int, number: int) -> None:
    """Sends a process a signal, if it is there."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def process_group(tid: int) -> int:
    """The process group of a task, as guests know it; 0 if it has gone."""
    with suppress(OSError):
        return number_of(HostTid(os.getpgid(tid)))
    return 0


def signal_masks(tid: int) -> SignalMasks:
    """Of a task (proc(5), status); zeros if it has gone."""
    fields = _fields(f"/proc/{tid}/status")
    return SignalMasks(int(fields.get(b"SigBlk", b"0"), 16), int(fields.get(b"SigCgt", b"0"), 16))


def process_of_pidfd(tid: HostTid, fd: int) -> int:
    """The number by which guests know the process of a task's descriptor (proc(5), fdinfo), 0 if it is none."""
    numbers = _fields(f"/proc/{tid}/fdinfo/{fd}").get(b"NSpid", b"0").split()
    return max(int(numbers[-1]), 0)


def is_held(tid: HostTid) -> bool:
    """Whether a task stands under its tracer, and has not been killed there (proc(5), stat)."""
    with suppress(OSError), open(f"/proc/{tid}/stat", "rb") as text:
        return text.read().rpartition(b")")[2].startswith(b" t")
    return False


def children_of(group: int) -> list[HostTid]:
    """The children that a process has, also those that have ended (proc(5), children)."""
    found: list[HostTid] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{group}/task"):
            with suppress(OSError), open(f"/proc/{group}/task/{thread}/children", "rb") as children:
                found += map(int, children.read().split())  # type: ignore[arg-type]
    return found


def shares_namespaces(tid: HostTid, other: HostTid) -> bool:
    """Whether two tasks are in the same namespaces of users and of processes (namespaces(7)).

    Elsewhere the rights of one are none over the other, and a number means somebody else.
    """
    with suppress(OSError):
        return all(
            os.path.samestat(os.stat(f"/proc/{tid}/ns/{kind}"), os.stat(f"/proc/{other}/ns/{kind}"))
            for kind in ("user", "pid")
        )
    return False


def traces_anybody(tid: HostTid) -> bool:
    """Whether a task has CAP_SYS_PTRACE in its namespace of users."""
    return bool(int(_fields(f"/proc/{tid}/status").get(b"CapEff", b"0"), 16) & _SYS_PTRACE)


def exceeds(tid: HostTid, other: HostTid) -> bool:
    """Whether a task may have capabilities that another one may not, or one of them has gone."""
    one, two = _fields(f"/proc/{tid}/status"), _fields(f"/proc/{other}/status")
    return not one or not two or bool(int(one[b"CapPrm"], 16) & ~int(two[b"CapPrm"], 16))


def is_dumpable(tid: HostTid) -> bool:
    """Whether a process does not keep its memory to itself: the files of one that does are root's (proc(5))."""
    user = _fields(f"/proc/{tid}/status").get(b"Uid", b"").split()
    with suppress(OSError):
        return bool(user) and os.stat(f"/proc/{tid}/mem").st_uid == int(user[1])
    return False


def may_trace(tracer: HostTid, tid: HostTid) -> bool:
    """Whether the kernel's rules let a task trace another one (ptrace(2), access mode checking).

    Rights that it has over a namespace within its own one are not counted.
    """
    if not shares_namespaces(tracer, tid):
        return False
    if traces_anybody(tracer):
        return True
    caller, target = _fields(f"/proc/{tracer}/status"), _fields(f"/proc/{tid}/status")
    if exceeds(tid, tracer) or not caller or not target:
        return False
    user, group = caller[b"Uid"].split()[0], caller[b"Gid"].split()[0]
    same = set(target[b"Uid"].split()[:3]) == {user} and set(target[b"Gid"].split()[:3]) == {group}
    return same and is_dumpable(tid)
