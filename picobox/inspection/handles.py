"""Tells what is open: descriptors, working directories, programs and mapped files, and handles of NT objects."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from picobox.inspection.processes import Process, running
from picobox.inspection.windows_names import path_of
from picobox.inspection.wire import text
from picobox.platform import host
from picobox.task import FIRST_HANDLE_INDEX, O_ACCMODE, O_PATH, O_RDONLY, O_RDWR, O_WRONLY, fd_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.ob.handles import HandleTable
    from picobox.inspection.questions import Question
    from picobox.inspection.wire import Json
    from picobox.platform.base import HostTid
    from picobox.supervisor import Supervisor

_LAST_INDEX = (1 << 24) - 1
_KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFCHR: "device", stat.S_IFBLK: "device",
    stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFLNK: "link",
}  # fmt: skip
_ACCESS = {O_RDONLY: "r", O_WRONLY: "w", O_RDWR: "rw"}
# FILE_SHARE_READ, _WRITE, _DELETE, as letters.
_SHARES = ((1, "r"), (2, "w"), (4, "d"))


class Wanted(NamedTuple):
    """Whose handles are asked for, and of which file: by device and inode, or by its path as guests write it."""

    pid: int | None
    file: tuple[int, int] | None
    path: bytes | None

    @classmethod
    def of(cls, supervisor: Supervisor, question: Question) -> Wanted:
        """As a question says it. ValueError: it names a file as Windows does, and no run has that."""
        if question.windows_name is not None:
            path = os.path.realpath(path_of(supervisor, question.windows_name))
            return cls(question.pid, file_at(path), path)
        return cls(question.pid, question.file, None if question.path is None else os.fsencode(question.path))

    def has(self, process: Process) -> bool:
        """Whether a process's are asked for, by the number that it has here or among guests."""
        return self.pid in (None, process.pid, process.number)

    def is_of(self, file: tuple[int, int] | None, path: bytes) -> bool:
        """Whether a file is asked for."""
        if self.file is None and self.path is None:
            return True
        return (self.file is not None and file == self.file) or (self.path is not None and path == self.path)


def handles(supervisor: Supervisor, question: Question) -> list[Json]:
    """The answer to `handles`. Nothing is opened, and no handle made, for it: the kernel's tables are looked at."""
    wanted = Wanted.of(supervisor, question)
    found = []
    for process in running(supervisor):
        if wanted.has(process):
            command = text(process.name)
            whose = {"pid": process.pid, "guest_pid": process.number, "name": command}
            found += [whose | row for row in _of_process(supervisor, process, wanted)]
    return found


def file_at(path: bytes) -> tuple[int, int] | None:
    """Device and inode of what is at a path; None if nothing is."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _of_process(supervisor: Supervisor, process: Process, wanted: Wanted) -> Iterator[Json]:
    yield from _used(process, wanted)
    for tid, table in _tables(supervisor, process):
        for fd in host.descriptors(tid):
            row = _descriptor(tid, fd, table, wanted)
            if row is not None:
                yield row
    thread = next((known for tid in process.tids if (known := supervisor.known(tid)) is not None), None)
    table = None if thread is None else thread.process.handle_table
    if table is not None and wanted.file is None and wanted.path is None:
        yield from _objects(table)


def _tables(supervisor: Supervisor, process: Process) -> Iterator[tuple[HostTid, HandleTable | None]]:
    """A thread of each descriptor table of a process, with the NT handles that have been made for it."""
    seen: set[object] = set()
    for tid in sorted(process.tids, key=lambda each: each != process.thread):
        thread = supervisor.known(tid)
        files = None if thread is None else thread.context.files
        if files in seen or (files is None and seen):
            continue
        seen.add(files)
        yield tid, None if thread is None else thread.process.handle_table


def _descriptor(tid: HostTid, fd: int, table: HandleTable | None, wanted: Wanted) -> Json | None:
    described = host.describe(tid, fd)
    try:
        path = os.readlink(b"/proc/%d/fd/%d" % (tid, fd))
    except OSError:
        return None
    found = host.held_status(tid, fd)
    if described is None or found is None or not wanted.is_of((found.device, found.inode), path):
        return None
    flags = described.flags
    return {
        "fd": fd,
        "kind": _KINDS.get(stat.S_IFMT(found.mode), "other"),
        "access": "" if flags & O_PATH else _ACCESS.get(flags & O_ACCMODE, ""),
        "path": text(path),
        "device": found.device,
        "inode": found.inode,
        "links": found.links,
        "nt": None if table is None else _made(table, fd_index(fd)),
    }


def _made(table: HandleTable, index: int) -> Json | None:
    """What NT knows of a handle; None if nobody has needed one there yet."""
    from ntshim.ob.handles import index_to_handle

    entry = table.peek(index)
    if entry is None:
        return None
    target = entry.object
    share = getattr(getattr(target, "context", None), "share", None)
    return {
        "handle": index_to_handle(index),
        "type": target.type.name,
        "access": entry.access,
        "share": None if share is None else "".join(letter for bit, letter in _SHARES if share & bit),
        "name": target.type.query_name(target) if target.name is not None else "",
    }


def _objects(table: HandleTable) -> Iterator[Json]:
    """Handles without a descriptor: those of NT's own objects."""
    for index in sorted(table.made_indices(FIRST_HANDLE_INDEX, _LAST_INDEX)):
        made = _made(table, index)
        if made is not None:
            yield {
                "fd": None, "kind": "object", "access": "", "path": None, "device": None, "inode": None, "links": None,
                "nt": made,
            }  # fmt: skip


def _used(process: Process, wanted: Wanted) -> Iterator[Json]:
    """What a process holds without a descriptor: where it stands, what it runs, what it has mapped."""
    for kind in ("cwd", "exe"):
        try:
            path = os.readlink(b"/proc/%d/%s" % (process.thread, kind.encode()))
            found = os.stat(f"/proc/{process.thread}/{kind}")
        except OSError:
            continue
        if wanted.is_of((found.st_dev, found.st_ino), path):
            yield _held(kind, path, found.st_dev, found.st_ino)
    for path, device, inode in _mapped(process):
        if wanted.is_of((device, inode), path):
            yield _held("map", path, device, inode)


def _held(kind: str, path: bytes, device: int, inode: int) -> Json:
    return {
        "fd": None, "kind": kind, "access": "", "path": text(path), "device": device, "inode": inode, "links": None,
        "nt": None,
    }  # fmt: skip


def _mapped(process: Process) -> list[tuple[bytes, int, int]]:
    """The files that a process has mapped, each once (proc(5), maps)."""
    found: dict[tuple[bytes, int, int], None] = {}
    try:
        with open(f"/proc/{process.thread}/maps", "rb") as maps:
            for line in maps:
                fields = line.rstrip(b"\n").split(None, 5)
                if len(fields) == 6 and fields[5].startswith(b"/"):
                    major, minor = (int(number, 16) for number in fields[3].split(b":"))
                    found[fields[5].replace(b"\\012", b"\n"), os.makedev(major, minor), int(fields[4])] = None
    except OSError:
        return []
    return list(found)
