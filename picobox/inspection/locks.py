"""Tells what is locked: the kernel's advisory locks and leases, and NT's byte ranges, with their owners."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from picobox.inspection.processes import Process, running
from picobox.inspection.wire import text
from picobox.platform import host
from picobox.platform.base import HostTid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.inspection.wire import Json
    from picobox.supervisor import Supervisor

_END = "EOF"


def locks(supervisor: Supervisor) -> list[Json]:
    """The answer to `locks`: one entry for each process and descriptor by which a lock is held, and each that waits."""
    processes = running(supervisor)
    found = [lock for process in processes for lock in _held(process)]
    return [*found, *_waiting(processes), *_of_nt(supervisor, processes)]


def _held(process: Process) -> Iterator[Json]:
    """What the kernel shows of each descriptor (proc(5), fdinfo): a lock of all who have the same open file."""
    for fd in host.descriptors(process.thread):
        try:
            with open(f"/proc/{process.thread}/fdinfo/{fd}", "rb") as info:
                lines = [line.split()[1:] for line in info if line.startswith(b"lock:")]
            path = os.readlink(b"/proc/%d/fd/%d" % (process.thread, fd)) if lines else b""
        except OSError:
            continue
        for fields in lines:
            yield _kernels(process, fields[1:], fd, path, waits=False)


def _waiting(processes: list[Process]) -> Iterator[Json]:
    """Who waits for a lock (proc(5), locks): an arrow stands before its kind."""
    by_pid = {process.pid: process for process in processes}
    with suppress(OSError), open("/proc/locks", "rb") as table:
        for line in table:
            fields = line.split()
            if fields[1:2] != [b"->"]:
                continue
            process = by_pid.get(HostTid(int(fields[5])))
            if process is not None:
                yield _kernels(process, fields[2:], None, b"", waits=True)


def _kernels(process: Process, fields: list[bytes], fd: int | None, path: bytes, *, waits: bool) -> Json:
    """A lock as the kernel writes it: kind, ADVISORY, READ or WRITE, pid, device and inode, first and last byte."""
    kind, _, mode, _, place, first, last = (field.decode() for field in fields[:7])
    inode = int(place.rpartition(":")[2])
    return {
        "pid": process.pid,
        "guest_pid": process.number,
        "name": text(process.name),
        "kind": kind.lower(),
        "exclusive": mode == "WRITE",
        "waits": waits,
        "first": int(first),
        "last": None if last == _END else int(last),
        "fd": fd,
        "path": text(path),
        "inode": inode,
    }


def _of_nt(supervisor: Supervisor, processes: list[Process]) -> Iterator[Json]:
    """The locks that NT counts on drives; none where nobody has needed NT yet."""
    from ntshim.fs.native import NativeInode, NativeVolume

    served = supervisor.made
    if served is None:
        return
    known = {}
    for process in processes:
        for tid in process.tids:
            thread = supervisor.known(tid)
            if thread is not None:
                known[thread.process] = process
    devices = served.executive.namespace.directory("\\Device").entries().values()
    volumes = {id(device.nodes): device.nodes for device in devices if isinstance(device, NativeVolume)}
    for node in (node for nodes in volumes.values() for node in nodes.all()):
        for stream in node.streams.values():
            for lock, waits in () if stream.locks is None else stream.locks.all():
                owner = known.get(lock.owner.process)
                yield {
                    "pid": None if owner is None else owner.pid,
                    "guest_pid": None if owner is None else owner.number,
                    "name": "" if owner is None else text(owner.name),
                    "kind": "nt",
                    "exclusive": lock.exclusive,
                    "waits": waits,
                    "first": lock.offset,
                    "last": lock.last,
                    "fd": None,
                    "path": text(node.inode.path) if isinstance(node.inode, NativeInode) else "",
                    "inode": None,
                }
