"""Decides calls of an instance's programs by who they are to each other, whoever they are to the kernel."""

from __future__ import annotations

from errno import EIO, ENOENT, ENOSYS
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from picobox.errors import Errno
from picobox.names import meaning_of
from picobox.platform.host import AT_FDCWD
from picobox.session.fakeroot import attributes, entries, ids, opens, owners, passed, peers, processes, roots, statuses
from picobox.session.fakeroot.credentials import Credentials
from picobox.session.fakeroot.finding import Finder
from picobox.session.fakeroot.images import tell_image
from picobox.session.fakeroot.permissions import EXECUTE, READ, WRITE, Denied, check, check_owner
from picobox.session.fakeroot.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.platform.base import HostTid, Platform
    from picobox.session.fakeroot.nodes import Node, World
    from picobox.task import Task, ThreadGroup

    _OnTask = Callable[["FakeRoot", Call, Sequence[object]], int | None]
    _OnFile = Callable[["FakeRoot", Call, Node, Sequence[object]], int | None]

_OPENS = frozenset(("open", "openat", "openat2", "creat"))
_ON_FILES = cast(
    "dict[str, _OnFile]", {**statuses.HANDLERS, **owners.HANDLERS, **attributes.HANDLERS, **roots.ON_FILES}
)
_ON_ENTRIES = entries.HANDLERS
_ON_TASKS = cast(
    "dict[str, _OnTask]", {**ids.HANDLERS, **processes.HANDLERS, **roots.ON_TASKS, **peers.HANDLERS, **passed.HANDLERS}
)
# What a call needs of what its path leads to, of who is not root.
_WANTED = {
    "chdir": EXECUTE, "execve": EXECUTE, "execveat": EXECUTE, "truncate": WRITE, "inotify_add_watch": READ,
}  # fmt: skip
_ACCESSES = {"access": 1, "faccessat": 2, "faccessat2": 2}
_TIMES = {"utime": 1, "utimes": 1, "futimesat": 2, "utimensat": 2}
_AT_EACCESS = 0x200
_AT_EMPTY_PATH = 0x1000


class FakeRoot:
    """The ids of all tasks of one instance, and what follows from them.

    They keep programs from each other as far as these do not set out to get at each other; what keeps them in the
    instance is its walls.
    """

    def __init__(self, world: World, platform: Platform, has_lesser_tracer: Callable[[HostTid], bool]) -> None:
        """`has_lesser_tracer`: whether somebody traces a task who may not trace everybody."""
        self.world = world
        self.has_lesser_tracer = has_lesser_tracer
        self.tasks = Tasks()
        # Who a process was as it last connected, listened or made a pair of sockets.
        self.peers: WeakKeyDictionary[ThreadGroup, Credentials] = WeakKeyDictionary()
        # Whether anybody has asked for the credentials of who sends.
        self.passes_credentials = False
        self._platform = platform

    def credentials(self, task: Task) -> Credentials:
        """Who a task is."""
        found = task.credentials
        if not isinstance(found, Credentials):
            raise TypeError(f"task {task.tid} is nobody")
        return found

    def born(self, task: Task) -> None:
        """A task has been made by another one, whose credentials it has; those of a launched one come with `become`."""
        if isinstance(task.credentials, Credentials):
            self.tasks.add(task)

    def become(self, task: Task, credentials: Credentials) -> None:
        """A task is somebody else from now on."""
        task.credentials = credentials
        self.tasks.add(task)

    def finder(self, task: Task) -> Finder:
        """Finds files for a task."""
        return Finder(self.world, task, self.credentials(task))

    def executed(self, task: Task) -> None:
        """A task runs another program: whom that makes it, and what it is told of it. It stands at its first step."""
        tell_image(self, self._platform, task)

    @staticmethod
    def leave(error: Errno) -> None:
        """What was not found the kernel will not find either; it knows better what to say."""
        if isinstance(error, Denied):
            raise error

    def serve(self, call: Call, row: Row, arguments: Sequence[object]) -> bool:
        """Whether nobody else is to decide: the result is set. Errno for what is refused."""
        if call.restart or call.wait is not None:
            return False
        try:
            result = self._serve(call, row, arguments)
        except OSError as error:
            # What was found is gone meanwhile, or the task is.
            raise Errno(error.errno or EIO) from None
        if result is None:
            return False
        call.result = result
        return True

    def _serve(self, call: Call, row: Row, arguments: Sequence[object]) -> int | None:
        name = row.name
        on_task = _ON_TASKS.get(name)
        if on_task is not None:
            return on_task(self, call, arguments)
        if name in attributes.MISSING:
            raise Errno(ENOSYS)
        if name in _OPENS:
            opens.serve(self, call, row, arguments)
            return None
        on_entry = _ON_ENTRIES.get(name)
        if on_entry is not None:
            return self._on_entry(on_entry, call, arguments)
        on_file = _ON_FILES.get(name)
        if on_file is not None:
            return self._on_file(on_file, call, row, arguments)
        self._check(call, row, arguments)
        return None

    def _on_entry(
        self, handler: Callable[[FakeRoot, Call, Sequence[object]], int | None], call: Call, arguments: Sequence[object]
    ) -> int | None:
        try:
            return handler(self, call, arguments)
        except Errno as error:
            if call.row is not None and call.row.name.startswith("mknod"):
                raise
            self.leave(error)
            return None

    def _on_file(self, handler: _OnFile, call: Call, row: Row, arguments: Sequence[object]) -> int | None:
        try:
            node = self._meant(call, row, arguments, self.finder(call.task))
        except Errno as error:
            self.leave(error)
            if error.errno == ENOENT and self.world.mounts.served is not None:
                statuses.correct_served(self.world.mounts.served, call)
            return None
        if node is None:
            return None
        try:
            return handler(self, call, node, arguments)
        finally:
            node.close()

    def _meant(self, call: Call, row: Row, arguments: Sequence[object], finder: Finder) -> Node | None:
        """The file that a call is about; None if it names none, which the kernel says."""
        paths = row.paths()
        if not paths:
            return finder.find(_descriptor(arguments[0]), b"")
        argument = paths[0]
        path = arguments[argument.position]
        dirfd = _descriptor(arguments[argument.dirfd]) if argument.dirfd >= 0 else AT_FDCWD
        if path is None and argument.dirfd >= 0:
            return finder.find(dirfd, b"")
        if not isinstance(path, bytes):
            return None
        if path == b"" and not _takes_empty_path(row, arguments):
            return None
        return finder.find(dirfd, path, follow=meaning_of(call, row, argument, arguments).follow)

    def _check(self, call: Call, row: Row, arguments: Sequence[object]) -> None:
        """Whether who is not root may search for what a call names, and do with it what the call does."""
        credentials = self.credentials(call.task)
        as_it_is = row.name == "faccessat2" and call.stop.args[3] & _AT_EACCESS
        if row.name in _ACCESSES and not as_it_is:
            credentials = credentials.for_real_ids()
        if credentials.overrides_all or not row.paths():
            return
        try:
            node = self._meant(call, row, arguments, Finder(self.world, call.task, credentials))
        except Errno as error:
            self.leave(error)
            return
        if node is None:
            return
        try:
            self._check_node(call, row, credentials, node)
        finally:
            node.close()

    @staticmethod
    def _check_node(call: Call, row: Row, credentials: Credentials, node: Node) -> None:
        if row.name in _ACCESSES:
            wanted = call.stop.args[_ACCESSES[row.name]] & (READ | WRITE | EXECUTE)
        elif row.name in _TIMES:
            if call.stop.args[_TIMES[row.name]] or node.shown.uid == credentials.users.files:
                check_owner(credentials, node)
                return
            wanted = WRITE
        else:
            wanted = _WANTED.get(row.name, 0)
        if wanted:
            check(credentials, node, wanted)
        if row.name == "truncate":
            opens.drop_set_ids(credentials, node)


def is_decided(name: str) -> bool:
    """Whether a call without a path is one that is decided here."""
    return name in _ON_TASKS or name in _ON_FILES or name in _ON_ENTRIES


def _descriptor(value: object) -> int:
    return value if isinstance(value, int) else AT_FDCWD


def _takes_empty_path(row: Row, arguments: Sequence[object]) -> bool:
    from picobox.abi.types import Flags

    return any(
        isinstance(argument, Flags) and argument.vocabulary.startswith("AT") and _descriptor(value) & _AT_EMPTY_PATH
        for argument, value in zip(row.args, arguments, strict=False)
    )
