"""Who has a file open, maps it, locks it or works in it: the other side of a conflict."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ntshim.fs.native import NativeInode
from ntshim.io.share import (
    DELETE_CLASS,
    FILE_SHARE_DELETE,
    FILE_SHARE_READ,
    FILE_SHARE_WRITE,
    READ_CLASS,
    WRITE_CLASS,
)
from ntshim.ob.handles import index_to_handle
from picobox.check import origins
from picobox.check.moments import Moments
from picobox.findings.finding import Process, Side
from picobox.platform import host
from picobox.platform.base import HostTid
from picobox.task import fd_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.fs.nodes import Node, Nodes
    from ntshim.io.file import File
    from ntshim.ps.process import Process as NtProcess
    from picobox.changes import Changes
    from picobox.platform.identity import Key
    from picobox.provider import PicoProvider
    from picobox.task import Task

_ACCESS_LETTERS = (("R", READ_CLASS), ("W", WRITE_CLASS), ("D", DELETE_CLASS))
_SHARE_LETTERS = (("R", FILE_SHARE_READ), ("W", FILE_SHARE_WRITE), ("D", FILE_SHARE_DELETE))


class Processes:
    """What a user knows of processes; an exec makes another NT process, so each is looked at once."""

    def __init__(self) -> None:
        """Nothing was looked at; `named` are tasks of processes that are ours, with what they are called."""
        self._known: dict[NtProcess, Process] = {}
        self.named: dict[HostTid, str] = {}

    def of(self, process: NtProcess, tid: HostTid) -> Process:
        """Describe the process of a task."""
        if tid in self.named:
            return Process(tid, self.named[tid])
        known = self._known.get(process)
        if known is None:
            self._known = {other: told for other, told in self._known.items() if not other.terminating}
            command = host.command_of(tid)
            known = Process(command.pid, os.fsdecode(command.name), tuple(map(os.fsdecode, command.arguments)))
            self._known[process] = known
        return known

    def of_process(self, process: NtProcess) -> Process:
        """Describe a process by a task of it."""
        tids = [thread.context.tid for thread in process.threads.values() if thread.context.tid]
        return self.of(process, tids[0]) if tids else Process(0, "")


class Holders:
    """Those who keep a file busy.

    What only processes have that were forked and have run no program of their own does not count: Windows has no fork.
    """

    def __init__(self, provider: PicoProvider, changes: Changes, nodes: Nodes, processes: Processes) -> None:
        """Look at the files that `nodes` knows."""
        self._open_files = provider.open_files
        self._opens = provider.opens
        self._changes = changes
        self._nodes = nodes
        self._processes = processes
        self.moments = Moments()

    def of(self, node: Node) -> list[Side]:
        """Give the sides that have a file open."""
        return [*self._descriptors(node), *self._working_directories(node)]

    def has_only_forks(self, node: Node) -> bool:
        """Whether nobody has a file open but mere forks."""
        return bool(self._files(node)) and not self.of(node)

    def below(self, directory: bytes) -> list[Node]:
        """Give the files that are open below a directory of the host."""
        prefix = directory.rstrip(b"/") + b"/"
        return [node for node in self._nodes.all() if any(path.startswith(prefix) for path in _paths(node))]

    def mapping(self, key: Key, path: bytes) -> list[Side]:
        """Give the sides that map a file or run it."""
        sides = []
        for process, is_image in self._changes.mappings.holders(key):
            known = self._processes.of_process(process)
            when = self.moments.mapped(process, HostTid(known.pid), key)
            sides.append(Side(known, "execve" if is_image else "mmap", os.fsdecode(path), when))
        return sides

    def locking(self, node: Node) -> list[Side]:
        """Give the sides that have locked bytes of a file."""
        sides = []
        for file, process in self._changes.locks.holders(node):
            holder = next(
                ((task, fd) for task, fd in self._open_files.holders(file) if task.group.process is process), None
            )
            if holder is not None:
                sides.append(self._side(file, *holder))
        return sides

    def _files(self, node: Node) -> list[File]:
        files = self._open_files.of_key(node.inode.key)
        return [file for file in files if file.context is not None and file.context.node is node]

    def _descriptors(self, node: Node) -> Iterator[Side]:
        for file in self._files(node):
            holder = next(self._real_holders(file), None)
            if holder is not None:
                yield self._side(file, *holder)
            elif self._opens is not None and file in self._opens.unopened.redirections:
                yield self._redirection(file)

    def _redirection(self, file: File) -> Side:
        """The shell that has started us has it open still."""
        command = host.command_of(host.parent_tid())
        opened = file.context
        path = opened.node.inode.path if isinstance(opened.node.inode, NativeInode) else b""
        return Side(
            Process(command.pid, os.fsdecode(command.name), tuple(map(os.fsdecode, command.arguments))),
            "redirected",
            os.fsdecode(path),
            0.0,
            access=letters_of_access(opened.access),
            share=letters_of_share(opened.share),
        )

    def _real_holders(self, file: File) -> Iterator[tuple[Task, int]]:
        return (
            (task, fd)
            for task, fd in self._open_files.holders(file)
            if task.group.has_image or self._has_opened(task, file)
        )

    def _has_opened(self, task: Task, file: File) -> bool:
        """Whether a mere fork has opened a file itself, of a program whose Windows version has a fork of its own."""
        if not isinstance(file.origin, Side) or task.thread is None or not task.tid:
            return False
        process = self._processes.of(task.thread.process, task.tid)
        return process.pid == file.origin.process.pid and origins.forks_on_windows(os.fsencode(process.name))

    def _side(self, file: File, task: Task, fd: int) -> Side:
        opened, origin = file.context, file.origin
        process = Process(0, "")
        if task.thread is not None and task.tid:
            process = self._processes.of(task.thread.process, task.tid)
        if not isinstance(origin, Side):
            inode = opened.node.inode
            path = inode.path if isinstance(inode, NativeInode) else b""
            origin = Side(process, "inherited", os.fsdecode(path), 0.0)
        return origin._replace(
            process=process,
            fd=fd,
            handle=index_to_handle(fd_index(fd)),
            access=letters_of_access(opened.access),
            share=letters_of_share(opened.share),
        )

    def _working_directories(self, node: Node) -> Iterator[Side]:
        if not node.inode.is_directory or not isinstance(node.inode, NativeInode):
            return
        for process, handle in self._changes.working_directories.holders(node.inode.key):
            known, path = self._processes.of_process(process), os.fsdecode(node.inode.path)
            when = self.moments.entered(process, HostTid(known.pid))
            yield Side(known, "chdir", path, when, handle, access="R", share="RW")


def letters_of_access(access: int) -> str:
    """Write which of the three classes of access a mask touches."""
    return "".join(letter for letter, bits in _ACCESS_LETTERS if access & bits)


def letters_of_share(share: int) -> str:
    """Write a share mode."""
    return "".join(letter for letter, bit in _SHARE_LETTERS if share & bit)


def _paths(node: Node) -> Iterator[bytes]:
    """The directories of the names by which a file is open, each with a slash at its end."""
    for link in node.links:
        if isinstance(link.directory, NativeInode) and not link.removed:
            yield link.directory.path.rstrip(b"/") + b"/"
