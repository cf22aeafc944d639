"""Open files that guests have without an open of theirs: inherited by the first program, received, without a name.

NT counts each as if the task in which it is found had opened it. It is found when that counts: the kernel's table is
the truth, and who receives a descriptor pays nothing for it (design section 5).
"""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.native import NativeInode
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.ob.handles import index_number, index_to_handle
from ntshim.status import NtError
from picobox.platform import host
from picobox.task import FIRST_HANDLE_INDEX, fd_index, granted_access

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.native import NativeVolume
    from ntshim.io.file import File
    from ntshim.ps.process import Process
    from picobox.platform.base import Descriptor, HostTid
    from picobox.platform.identity import Identities, Key
    from picobox.provider import PicoProvider
    from picobox.task import FdTable

_MOST_ORIGINS = 256
# Each is asked for all that it has open.
_MOST_ASKED = 8
_REDIRECTED = range(3)
# How the kernel calls a file that was made without a name (open(2), O_TMPFILE).
_GONE = b" (deleted)"
_UNNAMED = re.compile(rb"/#\d+ \(deleted\)$")


class _Origin(NamedTuple):
    """How a description was opened that every guest known to have it has closed."""

    access: int
    share: int
    origin: object
    path: bytes


class Unopened:
    """Has NT count what guests have open and were not seen to open."""

    def __init__(
        self,
        provider: PicoProvider,
        identities: Identities,
        share_of: Callable[[HostTid, bytes], int | None],
        volume_of: Callable[[bytes], NativeVolume],
    ) -> None:
        """`share_of` gives the share mode of a task's opens of a path, None where Windows' rules do not hold.

        `volume_of` gives the volume of a path.
        """
        self._provider = provider
        self._identities = identities
        self._share_of = share_of
        self._volume_of = volume_of
        self._has_looked = False
        # Who may have received files since somebody looked: processes, tasks of nobody known, and whether anybody may.
        self._receivers: dict[int, Process] = {}
        self._strangers: set[HostTid] = set()
        self._may_be_anybody = True
        # What the shell that redirects us has open as long as we run.
        self.redirections: list[File] = []
        # What is on its way through a socket, with no handle: by file, the description that was closed last.
        self._origins: dict[object, _Origin] = {}
        # Files that were made without a name, and have none yet: in nobody's way, whoever has them open.
        self._unnamed: dict[object, None] = {}
        # Called when all handles have been made of what those had who may have received files.
        self.told: Callable[[], None] | None = None

    def leave_unnamed(self, file: object) -> None:
        """A file was made without a name: it has no handles from now on, however often its descriptors are copied."""
        if len(self._unnamed) >= _MOST_ORIGINS:
            del self._unnamed[next(iter(self._unnamed))]
        self._unnamed[file] = None

    def is_unnamed(self, file: object) -> bool:
        """Whether a file was made without a name, and has none yet."""
        return file in self._unnamed

    def count_unnamed(self, file: object) -> None:
        """Such a file is about to get a name: whoever has it open may be in somebody's way."""
        if file in self._unnamed:
            del self._unnamed[file]
            self._may_be_anybody = True
            self.look()

    def look(self) -> None:
        """Make the handles of files that guests may have received or inherited since this was asked last."""
        self._gather()
        if not (self._may_be_anybody or self._receivers or self._strangers):
            return
        receivers = None if self._may_be_anybody else self._receivers
        tids, is_first = self._strangers, not self._has_looked
        self._receivers, self._strangers, self._may_be_anybody, self._has_looked = {}, set(), False, True
        for process in list(self._provider.executive.processes.values()):
            if process.terminating:
                continue
            if receivers is None or id(process) in receivers or (tids and any(tid in tids for tid in _tids(process))):
                self.look_at(process)
        if is_first:
            self._hold_redirections()
        if self.told is not None:
            self.told()

    def may_have(self, file: Key) -> bool:
        """Whether somebody may have a file open of which nobody knows; no handle is made of what there is else."""
        self._gather()
        if self._may_be_anybody or self._strangers or len(self._receivers) > _MOST_ASKED:
            return True
        return any(self._has(process, file) for process in self._receivers.values())

    def _gather(self) -> None:
        """Ask who may have received files; what a process had others may have when it is gone."""
        tids = self._provider.platform.receivers()
        if tids is None:
            self._may_be_anybody = True
        elif tids:
            self._strangers.update(tids)
            for process in self._provider.executive.processes.values():
                known = self._strangers.intersection(_tids(process))
                if known:
                    self._strangers -= known
                    self._receivers[id(process)] = process
        if any(process.terminating for process in self._receivers.values()):
            self._may_be_anybody = True

    def _has(self, process: Process, file: Key) -> bool:
        files = next((thread.context.files for thread in process.threads.values()), None)
        tid = None if files is None else files.any_tid()
        return not tid or self._provider.platform.has_open(tid, file)

    def _hold_redirections(self) -> None:
        """cmd.exe keeps the files of a command's redirections open until it ends, whatever that does with them."""
        own = host.own_tid()
        for fd in _REDIRECTED:
            found = self._identities.of_held(own, fd)
            if found is None or not found.links or self._share_of(own, found.path) is None:
                continue
            file = self._provider.open_files.hold(own, fd)
            if file is not None:
                self.redirections.append(file)

    def let_go(self) -> None:
        """The command has ended, and with it the redirections."""
        while self.redirections:
            self.redirections.pop().handle_closed()

    def look_at(self, process: Process) -> None:
        """Make the handles of what one process has open."""
        files = next((thread.context.files for thread in process.threads.values()), None)
        tid, table = None if files is None else files.any_tid(), process.handle_table
        if files is None or not tid or table is None:
            return
        known = [index_number(index) for index in table.made_indices(1, FIRST_HANDLE_INDEX - 1)]
        for fd in self._provider.platform.open_files(tid, known):
            if self._is_idle(tid, fd):
                continue
            index = fd_index(fd)
            with suppress(NtError):
                table.look_up(index_to_handle(index))
            # A close that began before the handle was there is not told.
            if table.peek(index) is not None and not _has(files, tid, fd):
                table.discard(index)

    def _is_idle(self, tid: HostTid, fd: int) -> bool:
        """Whether a check wants nothing of what a descriptor stands for: no rule is about it, or it has no name yet."""
        judge = self._provider.judge
        if judge is None or not judge.observes:
            return False
        path = host.place_of_held(tid, fd)
        if path is None or self._share_of(tid, path) is None:
            return path is not None
        held = host.held_status(tid, fd) if self._unnamed and path.endswith(_GONE) and _UNNAMED.search(path) else None
        return held is not None and not held.links and (held.device, held.inode) in self._unnamed

    def take_over(self, tid: HostTid, fd: int, described: Descriptor) -> File | None:
        """The File object of a description that is counted from now on; None if NT has no part in it."""
        if not (stat.S_ISREG(described.mode) or stat.S_ISDIR(described.mode)):
            return None
        found = self._identities.of_held(tid, fd)
        if found is None or found.file != (described.device, described.inode):
            return None
        share, judge = self._share_of(tid, found.path), self._provider.judge
        if share is None and judge is not None:
            return None  # nothing there is judged
        side = None if judge is None else judge.readers.side(found, described.flags, fd)
        if side is not None and found.is_directory:
            share = FILE_SHARE_ALL  # as Opens has it
        access = granted_access(described.flags)
        known = self._origins.get(found.file)
        if known is not None and (side is not None or known.access != access):
            known = None
        if known is not None and known.path != found.path:
            known = None
        if known is not None:
            share = known.share
        from picobox.opens import place_of

        place = place_of(found, keeps_read_only=False)
        file = self._volume_of(found.path).take_over(
            place, access, FILE_SHARE_ALL if share is None else share, has_name=found.links > 0
        )
        if side is not None:
            file.origin = side
        elif known is not None:
            file.origin = known.origin
        elif judge is not None:
            file.origin = judge.repeats.origin(found.path)
        return file

    def keep_origin(self, file: File) -> None:
        """Nobody known has a description any more; it may be on its way to a task that will."""
        opened = file.context
        if opened is None:
            return
        self._origins.pop(file.host_key, None)
        if len(self._origins) >= _MOST_ORIGINS:
            del self._origins[next(iter(self._origins))]
        path = opened.node.inode.path if isinstance(opened.node.inode, NativeInode) else b""
        self._origins[file.host_key] = _Origin(opened.access, opened.share, file.origin, path)


def _has(files: FdTable, tid: HostTid, fd: int) -> bool:
    """Whether a descriptor is open and stays so for the moment."""
    return host.describe(tid, fd) is not None and not any(task.is_closing(fd) for task in files.tasks)


def _tids(process: Process) -> list[HostTid]:
    return [thread.context.tid for thread in process.threads.values() if thread.context.tid]
