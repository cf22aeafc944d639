"""The Linux side's view of a thread: its fields grouped by how clone() shares them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NewType

from ntshim.io.file import FILE, FILE_READ_ATTRIBUTES, File
from ntshim.ob.handles import index_number, nth_index
from ntshim.ob.object import SYNCHRONIZE
from picobox.platform import host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ntshim.ob.handles import HandleTable
    from ntshim.ob.object import Object
    from ntshim.ps.process import Process, Thread
    from picobox.platform.base import ArgumentPage, Descriptor, HostTid, Platform
    from picobox.unopened import Unopened

VirtualTid = NewType("VirtualTid", int)
"""A thread id as a guest and every user of picobox sees it."""

# Descriptors end at 2^20 (fs.nr_open's default); what has none is numbered from here (design section 5).
FIRST_HANDLE_INDEX = 1 << 21

O_ACCMODE = 3
O_RDONLY = 0
O_WRONLY = 1
O_RDWR = 2
O_NO_DATA = 3
O_PATH = 0o10000000


# Of the places remembered for a File, those whose handle has gone meanwhile may be so many more than its handles.
_STALE_PLACES = 8


def fd_index(fd: int) -> int:
    """The handle index of a descriptor: slot 0 of every 256 stays unused, as on NT."""
    return nth_index(fd)


class OpenFiles:
    """Every File object that stands for an open file description of the host, so that dup and fork share them."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._files: dict[tuple[int, int], list[File]] = {}
        # Each place once: a description is duplicated onto the same descriptor again and again.
        self._places: dict[File, dict[tuple[FdTable, int], None]] = {}
        # Tables of which descriptors are watched, by number.
        self._tables: dict[int, FdTable] = {}
        self._numbers = itertools.count(1)
        # Who is to know of each description that nobody has open any more.
        self.closed: Callable[[File], None] | None = None
        # Who has NT count a description that no guest was seen to open, and knows of each that NT counts no more.
        self.unopened: Unopened | None = None

    def __len__(self) -> int:
        return len(self._places)

    def find_or_make(self, table: FdTable, tid: HostTid, fd: int) -> tuple[File, int] | None:
        """The File object behind a task's descriptor, with the access its open flags grant; None if it is closed."""
        described = self._platform.describe(tid, fd)
        if described is None:
            return None
        file = self._find_or_make(tid, fd, described)
        self.note(file, table, fd)
        return file, granted_access(described.flags)

    def hold(self, tid: HostTid, fd: int) -> File | None:
        """The File object behind a descriptor of no guest's, which is open from now on; None if it is closed."""
        described = self._platform.describe(tid, fd)
        if described is None:
            return None
        file = self._find_or_make(tid, fd, described)
        file.handle_opened()
        return file

    def _find_or_make(self, tid: HostTid, fd: int, described: Descriptor) -> File:
        key = (described.device, described.inode)
        file = next((file for file in self._files.get(key, ()) if self._is_same(file, tid, fd)), None)
        if file is None:
            file = None if self.unopened is None else self.unopened.take_over(tid, fd, described)
            if file is None:
                file = File(key)
            file.on_cleanup = self._forget
            self._files.setdefault(key, []).append(file)
            self._places[file] = {}
        return file

    def adopt(self, file: File, table: FdTable, fd: int) -> None:
        """A File object that NtCreateFile has made, and whose `host_key` is known, stands for a task's descriptor."""
        file.reference()
        file.on_cleanup = self._forget
        self._files.setdefault(file.host_key, []).append(file)
        self._places[file] = {}
        self.note(file, table, fd)

    def of_key(self, key: object) -> Sequence[File]:
        """The descriptions of a file that NT knows."""
        return self._files.get(key, ()) if isinstance(key, tuple) else ()

    def holders(self, file: File) -> Iterator[tuple[Task, int]]:
        """The tasks that have a description, each with a descriptor of it.

        What a task has closed unseen (FdTable._drop_closed) is found out here, since somebody is to be told of it.
        """
        self._drop_stale(file)
        for table, fd in tuple(self._places.get(file, ())):
            if table.drop_unless_open(fd, file):
                continue
            for task in table.tasks:
                yield task, fd

    def number(self, table: FdTable) -> int:
        """A number for a table that begins to be watched."""
        number = next(self._numbers)
        self._tables[number] = table
        return number

    def table(self, number: int) -> FdTable | None:
        """The table of a number, if it is still there."""
        return self._tables.get(number)

    def drop_table(self, number: int) -> None:
        """No task has the table any more."""
        del self._tables[number]

    def note(self, file: File, table: FdTable, fd: int) -> None:
        """The description has one more descriptor."""
        table.watch(fd)
        places = self._places[file]
        if len(places) > 2 * file.handle_count + _STALE_PLACES:
            self._drop_stale(file)
        places[table, fd] = None

    def _drop_stale(self, file: File) -> None:
        places = self._places.get(file, {})
        for place in [place for place in places if not place[0].holds(place[1], file)]:
            del places[place]

    def _is_same(self, file: File, tid: HostTid, fd: int) -> bool:
        self._drop_stale(file)
        for table, other_fd in self._places[file]:
            other_tid = table.any_tid()
            if other_tid and self._platform.same_description(tid, fd, other_tid, other_fd):
                return True
        return False

    def _forget(self, file: File) -> None:
        """The last handle is gone, and with it our own reference."""
        if self._places.pop(file, None) is None:
            return
        files = self._files[file.host_key]
        files.remove(file)
        if not files:
            del self._files[file.host_key]
        if self.closed is not None:
            self.closed(file)
        if self.unopened is not None:
            self.unopened.keep_origin(file)
        file.dereference()


def _is_of(file: File, access: int, described: Descriptor | None) -> bool:
    """Whether a handle can be that of a descriptor."""
    if described is None:
        return False
    return file.host_key == (described.device, described.inode) and access == granted_access(described.flags)


def granted_access(flags: int) -> int:
    """What a handle may do; access mode 3 and O_PATH give no data (man 2 open)."""
    mode = O_NO_DATA if flags & O_PATH else flags & O_ACCMODE
    access = SYNCHRONIZE | FILE_READ_ATTRIBUTES
    if mode in (O_RDONLY, O_RDWR):
        access |= FILE.generic_mapping.read
    if mode in (O_WRONLY, O_RDWR):
        access |= FILE.generic_mapping.write
    return access


class FdTable:
    """The descriptors that tasks share by CLONE_FILES. The kernel's table is the truth; this one backs NT's handles.

    Entries are made when somebody looks, and taken away at the entry of close, dup2 and their kin.
    """

    def __init__(self, platform: Platform, open_files: OpenFiles) -> None:
        self._platform = platform
        self._open_files = open_files
        self.tasks: set[Task] = set()
        self._number = 0

    def add(self, task: Task) -> None:
        """A task has this table."""
        self.tasks.add(task)
        if task.tid:
            self.bound(task.tid)

    def bound(self, tid: HostTid) -> None:
        """A task that has this table is there."""
        if self._number:
            self._platform.set_table(tid, self._number)

    def remove(self, task: Task) -> None:
        """A task has this table no more, or is no more."""
        self.tasks.discard(task)
        if self._number and not self.tasks:
            self._platform.unwatch(self._number)
            self._open_files.drop_table(self._number)
            self._number = 0

    def watch(self, fd: int) -> None:
        """A handle stands for a descriptor now: that it is closed must be told."""
        if not self._number:
            self._number = self._open_files.number(self)
            for task in self.tasks:
                if task.tid:
                    self.bound(task.tid)
        self._platform.watch(self._number, fd)

    def leave(self, fd: int) -> None:
        """Take the handle of a descriptor away that somebody has found: what becomes of it is to be told to nobody."""
        table = self._handles()
        if table is not None and table.discard(fd_index(fd)):
            self._platform.unwatch(self._number, fd)

    @property
    def number(self) -> int:
        """By which the platform knows the table; 0 as long as nothing in it is watched."""
        return self._number

    def any_thread(self) -> Thread | None:
        """An NT thread of a task that still has this table."""
        return next((task.thread for task in self.tasks if task.thread), None)

    def any_tid(self) -> HostTid | None:
        """A task that still has this table."""
        return next((task.tid for task in self.tasks if task.tid), None)

    def holds(self, fd: int, file: File) -> bool:
        """Whether the handle of a descriptor stands for this File now."""
        for task in self.tasks:
            table = task.thread.process.handle_table if task.thread else None
            entry = table.peek(fd_index(fd)) if table is not None else None
            return entry is not None and entry.object is file
        return False

    def drop_unless_open(self, fd: int, file: File) -> bool:
        """Take the handle of a descriptor away if the kernel no longer has this file there; gives whether it was."""
        tid, table = self.any_tid(), self._handles()
        if not tid or table is None:
            return False
        described = self._platform.describe(tid, fd)
        if described is not None and (described.device, described.inode) == file.host_key:
            return False
        return table.discard(fd_index(fd))

    def _handles(self) -> HandleTable | None:
        return next((task.thread.process.handle_table for task in self.tasks if task.thread), None)

    def materialise(self, index: int) -> tuple[Object, int] | None:
        """The object and access of a handle index, looked up in the kernel (ob.handles.HandleBacking)."""
        if index >= FIRST_HANDLE_INDEX:
            return None
        fd = index_number(index)
        tid = self.any_tid()
        if not tid or any(task.is_closing(fd) for task in self.tasks):
            return None
        found = self._open_files.find_or_make(self, tid, fd)
        if found is None:
            return None
        file, access = found
        return file, access

    def indices(self) -> Iterator[int]:
        """The handle indices of every open descriptor (ob.handles.HandleBacking)."""
        tid = self.any_tid()
        if not tid:
            return iter(())
        fds = self._platform.descriptors(tid)
        if self._platform.leaves_opens():
            self._drop_closed(tid, frozenset(fds))
        return iter([fd_index(fd) for fd in fds if not any(task.is_closing(fd) for task in self.tasks)])

    def _drop_closed(self, tid: HostTid, fds: frozenset[int]) -> None:
        """A close that had begun when its descriptor came to be watched may have gone on unseen."""
        table = self._handles()
        if table is None:
            return
        for index in table.made_indices(1, FIRST_HANDLE_INDEX - 1):
            entry, fd = table.peek(index), index_number(index)
            described = self._platform.describe(tid, fd) if fd in fds else None
            if (
                entry is not None
                and isinstance(entry.object, File)
                and not _is_of(entry.object, entry.access, described)
            ):
                table.discard(index)


class AddressSpace:
    """What tasks share by CLONE_VM: the argument page, and whether core dumps and outsiders are let in."""

    __slots__ = ("dumpable", "page", "users")

    def __init__(self, dumpable: int | None = None) -> None:
        """`dumpable`: what the guest has set instead of the kernel's own attribute; a fork inherits it."""
        self.page: ArgumentPage | None = None
        self.users = 0
        self.dumpable = dumpable

    def leave(self, tid: HostTid | None) -> None:
        """One task less; the last one frees the page."""
        self.users -= 1
        if self.page is None:
            return
        if tid:
            self.page.release(tid)
        if self.users == 0:
            self.page.close()
            self.page = None


class ThreadGroup:
    """What threads of one process share by CLONE_THREAD. An exec gives it a new NT process (wsl1.md section 3).

    `has_image`: it runs a program of its own, or is about to, not what a fork has left it.
    """

    __slots__ = ("__weakref__", "command", "has_image", "limits", "process", "tgid")

    def __init__(self) -> None:
        self.tgid: HostTid | None = None
        self.process: Process | None = None
        self.command = b""
        self.has_image = False
        # By resource, a struct rlimit: limits that the kernel is not told (picobox.faults).
        self.limits: dict[int, bytes] = {}


class Task:
    """One Linux thread. `tid` is the host's, None until the kernel has made the thread; a user sees `vtid`."""

    __slots__ = (
        "__weakref__", "_closing_call", "_platform", "address_space", "closing", "credentials", "files", "group",
        "thread", "tid", "vtid",
    )  # fmt: skip

    def __init__(self, platform: Platform, group: ThreadGroup, address_space: AddressSpace, files: FdTable) -> None:
        self._platform = platform
        self.group = group
        self.address_space = address_space
        self.files = files
        self.tid: HostTid | None = None
        self.vtid: VirtualTid | None = None
        self.thread: Thread | None = None
        # Who it is to other guests, where that is another than to the kernel (session.fakeroot).
        self.credentials: object = None
        self.closing: tuple[int, ...] | range = ()
        self._closing_call = 0
        address_space.users += 1
        files.add(self)

    def bind(self, tid: HostTid) -> None:
        """The kernel has made the thread."""
        self.tid = tid
        self.vtid = VirtualTid(host.number_of(tid))
        self.files.bound(tid)
        if self.group.tgid is None:
            self.group.tgid = tid

    def begin_closing(self, fds: tuple[int, ...] | range) -> None:
        """The call it is in closes these descriptors: until it is over the kernel may still show them."""
        self.closing = fds
        if self.tid:
            self._closing_call = self._platform.calls_entered(self.tid)

    def is_closing(self, fd: int) -> bool:
        """Whether a descriptor that the kernel still shows is as good as closed."""
        if not self.tid:
            return False
        if fd not in self.closing:
            return self._platform.closing(self.tid) == fd
        return self._platform.calls_entered(self.tid) == self._closing_call

    def begin_exit(self) -> None:
        """The thread ends itself: it has no descriptors now, and a leader is reported last of its group."""
        self.files.remove(self)

    def exit(self) -> None:
        """The thread is gone, or was never made."""
        self.files.remove(self)
        self.address_space.leave(self.tid)

    def exec(self, files: FdTable) -> None:
        """A new image runs in the thread: its own address space and descriptors, the leader's tid (man 2 execve)."""
        self.exit()
        self.tid = self.group.tgid
        self.vtid = VirtualTid(host.number_of(self.tid)) if self.tid else None
        self.address_space = AddressSpace()
        self.address_space.users = 1
        self.files = files
        files.add(self)
        self.closing = ()
