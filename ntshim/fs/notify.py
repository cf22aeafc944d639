"""Change notification: who watches a directory, what has been reported to it, and which request that ends.

Source: facts/nt.md section 3.10; MS-FSA 2.1.4.1 (reporting) and 2.1.5.10.2 (the request); WDK, FsRtlNotify routines.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs.notified import DIRECTORY_NOTIFY_INFORMATION, LAYOUTS, Notified, bytes_with, tell
from ntshim.io.queued import QueuedIrp

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import TypeAlias

    from ntshim.fs.backend import Backend, Inode
    from ntshim.fs.nodes import Link, Open
    from ntshim.fs.volume import Volume
    from ntshim.io.file import File
    from ntshim.io.query import FileBasicInformation

    Name: TypeAlias = tuple[Inode | None, str]

FILE_NOTIFY_CHANGE_FILE_NAME = 0x1
FILE_NOTIFY_CHANGE_DIR_NAME = 0x2
FILE_NOTIFY_CHANGE_ATTRIBUTES = 0x4
FILE_NOTIFY_CHANGE_SIZE = 0x8
FILE_NOTIFY_CHANGE_LAST_WRITE = 0x10
FILE_NOTIFY_CHANGE_LAST_ACCESS = 0x20
FILE_NOTIFY_CHANGE_CREATION = 0x40
FILE_NOTIFY_CHANGE_EA = 0x80
FILE_NOTIFY_CHANGE_SECURITY = 0x100
FILE_NOTIFY_CHANGE_STREAM_NAME = 0x200
FILE_NOTIFY_CHANGE_STREAM_SIZE = 0x400
FILE_NOTIFY_CHANGE_STREAM_WRITE = 0x800
FILE_NOTIFY_VALID_MASK = 0xFFF

FILE_ACTION_ADDED = 1
FILE_ACTION_REMOVED = 2
FILE_ACTION_MODIFIED = 3
FILE_ACTION_RENAMED_OLD_NAME = 4
FILE_ACTION_RENAMED_NEW_NAME = 5
FILE_ACTION_ADDED_STREAM = 6
FILE_ACTION_REMOVED_STREAM = 7
FILE_ACTION_MODIFIED_STREAM = 8


def name_filter(inode: Inode) -> int:
    """Which filter a change of a file's name belongs to."""
    return FILE_NOTIFY_CHANGE_DIR_NAME if inode.is_directory else FILE_NOTIFY_CHANGE_FILE_NAME


class Watch:
    """What one open of a directory is told; its first request has fixed filter, depth, buffer size and class.

    Changes that come while no request waits are kept, as long as they fit into the buffer.
    """

    __slots__ = (
        "completion_filter",
        "entries",
        "information_class",
        "length",
        "overflowed",
        "requests",
        "used",
        "watch_tree",
    )

    def __init__(self, length: int, completion_filter: int, information_class: int, *, watch_tree: bool) -> None:
        """Begin with nothing to tell."""
        self.information_class = information_class
        self.length = length
        self.completion_filter = completion_filter
        self.watch_tree = watch_tree
        self.entries: list[Notified] = []
        self.used = 0
        self.overflowed = False
        # Each with the length of its own buffer.
        self.requests: deque[tuple[QueuedIrp, int]] = deque()

    def request(self, file: File, length: int) -> QueuedIrp:
        """Add a request; it is finished at once if there is something to tell."""
        irp = QueuedIrp(file, self._withdraw)
        self.requests.append((irp, length))
        self._tell()
        return irp

    def report(self, entry: Notified) -> None:
        """Note a change, and tell it if somebody waits."""
        if not self.overflowed:
            used = bytes_with(self.used, entry.file_name, self.information_class)
            if used > self.length:
                self._forget(overflowed=True)
            else:
                self.used = used
                self.entries.append(entry)
        self._tell()

    def end(self, status: int) -> None:
        """Finish every request that waits."""
        while self.requests:
            self.requests.popleft()[0].finish(status)

    def _tell(self) -> None:
        """Finish the oldest request with what there is."""
        if not self.requests or not (self.entries or self.overflowed):
            return
        irp, length = self.requests.popleft()
        entries, used = self.entries, self.used
        complete = not self.overflowed and used <= length
        self._forget(overflowed=False)
        if complete:
            irp.finish(st.STATUS_SUCCESS, entries, used)
        else:
            irp.finish(st.STATUS_NOTIFY_ENUM_DIR, [], 0)

    def _forget(self, *, overflowed: bool) -> None:
        """Begin a new buffer, or remember only that changes were lost."""
        self.entries, self.used, self.overflowed = [], 0, overflowed

    def _withdraw(self, irp: QueuedIrp) -> None:
        """Take a request out that is cancelled."""
        self.requests = deque(entry for entry in self.requests if entry[0] is not irp)


class Watches:
    """All watches of a volume, by directory, and what happens to its files in their words."""

    __slots__ = ("_backend", "_by_directory")

    def __init__(self, backend: Backend) -> None:
        """Begin with none."""
        self._backend = backend
        self._by_directory: dict[Hashable, list[Watch]] = {}

    def add(self, directory: Inode, watch: Watch) -> None:
        """Begin to watch a directory."""
        self._by_directory.setdefault(directory.key, []).append(watch)

    def remove(self, directory: Inode, watch: Watch) -> None:
        """The open that watched is gone: its requests end with STATUS_NOTIFY_CLEANUP."""
        found = self._by_directory[directory.key]
        found.remove(watch)
        if not found:
            del self._by_directory[directory.key]
        watch.end(st.STATUS_NOTIFY_CLEANUP)

    def end_directory(self, directory: Inode) -> None:
        """The directory is to be deleted: all requests end with STATUS_DELETE_PENDING."""
        for watch in self._by_directory.get(directory.key, ()):
            watch.end(st.STATUS_DELETE_PENDING)

    def added(self, directory: Inode | None, name: str, inode: Inode) -> None:
        """A name was made."""
        self.report(directory, name, inode, name_filter(inode), FILE_ACTION_ADDED)

    def removed(self, directory: Inode | None, name: str, inode: Inode) -> None:
        """A name is gone."""
        self.report(directory, name, inode, name_filter(inode), FILE_ACTION_REMOVED)

    def renamed(self, inode: Inode, source: Name, target: Name, replaced: tuple[str, Inode] | None) -> None:
        """A name was changed; within one directory that is a pair, else a name went and another came."""
        if replaced is not None:
            self.removed(target[0], *replaced)
        here, filters = _is_same(source[0], target[0]), name_filter(inode)
        self.report(*source, inode, filters, FILE_ACTION_RENAMED_OLD_NAME if here else FILE_ACTION_REMOVED)
        self.report(*target, inode, filters, FILE_ACTION_RENAMED_NEW_NAME if here else FILE_ACTION_ADDED)

    def stream_added(self, opened: Open) -> None:
        """A named stream was made."""
        self._report_open(opened, FILE_NOTIFY_CHANGE_STREAM_NAME, FILE_ACTION_ADDED_STREAM)

    def stream_removed(self, link: Link, inode: Inode, stream: str) -> None:
        """A named stream of a file is gone."""
        name, filters = f"{link.name}:{stream}", FILE_NOTIFY_CHANGE_STREAM_NAME
        self._report_link(link, name, inode, filters, FILE_ACTION_REMOVED_STREAM)

    def written(self, opened: Open, *, resized: bool) -> None:
        """Data of a stream, and perhaps its size, has changed."""
        stream = opened.stream.name
        if stream:
            filters = FILE_NOTIFY_CHANGE_STREAM_WRITE | (FILE_NOTIFY_CHANGE_STREAM_SIZE if resized else 0)
            self._report_open(opened, filters, FILE_ACTION_MODIFIED_STREAM)
        else:
            self.modified(opened, FILE_NOTIFY_CHANGE_LAST_WRITE | (FILE_NOTIFY_CHANGE_SIZE if resized else 0))

    def overwritten(self, opened: Open) -> None:
        """A file was emptied at its open, and got other attributes."""
        if opened.stream.name:
            self.written(opened, resized=True)
        else:
            change = FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE
            self.modified(opened, change)

    def basic_set(self, opened: Open, record: FileBasicInformation) -> None:
        """Times and attributes were set; 0 is what was left alone."""
        kinds = (
            (record.creation_time, FILE_NOTIFY_CHANGE_CREATION),
            (record.last_access_time, FILE_NOTIFY_CHANGE_LAST_ACCESS),
            (record.last_write_time, FILE_NOTIFY_CHANGE_LAST_WRITE),
            (record.file_attributes, FILE_NOTIFY_CHANGE_ATTRIBUTES),
        )
        self.modified(opened, sum(bit for value, bit in kinds if value > 0))

    def eas_set(self, opened: Open) -> None:
        """Extended attributes of a file have changed."""
        self.modified(opened, FILE_NOTIFY_CHANGE_EA)

    def security_set(self, opened: Open) -> None:
        """A file has another security descriptor."""
        self.modified(opened, FILE_NOTIFY_CHANGE_SECURITY)

    def attributes_changed(self, opened: Open) -> None:
        """A file has become a reparse point, or is none any more."""
        self.modified(opened, FILE_NOTIFY_CHANGE_ATTRIBUTES)

    def modified(self, opened: Open, filters: int) -> None:
        """What `filters` name of a file has changed, its name has not."""
        self._report_open(opened, filters, FILE_ACTION_MODIFIED, names_stream=False)

    def _report_open(self, opened: Open, filters: int, action: int, *, names_stream: bool = True) -> None:
        """Tell of a change to what is open."""
        link, stream = opened.link, opened.stream.name
        name = f"{link.name}:{stream}" if stream and names_stream else link.name
        self._report_link(link, name, opened.node.inode, filters, action)

    def _report_link(self, link: Link, name: str, inode: Inode, filters: int, action: int) -> None:
        """Tell of a change under a link's name; one that is gone is in no directory."""
        if not link.removed:
            self.report(link.directory, name, inode, filters, action)

    def report(self, directory: Inode | None, name: str, inode: Inode, filters: int, action: int) -> None:
        """Tell those who watch the directory, or one above it with all below, of a change to an entry."""
        parent, is_parent = directory, True
        while parent is not None and directory is not None:
            for watch in list(self._by_directory.get(directory.key, ())):
                if watch.completion_filter & filters and (is_parent or watch.watch_tree):
                    watch.report(tell(self._backend, watch.information_class, action, parent, inode, name))
            if directory.key == self._backend.root.key:
                return
            directory, above = self._backend.parent(directory)
            name = f"{above}\\{name}"
            is_parent = False


def _is_same(first: Inode | None, second: Inode | None) -> bool:
    """Whether two directories are one."""
    return first is not None and second is not None and first.key == second.key


def request(
    volume: Volume,
    file: File,
    length: int,
    completion_filter: int,
    information_class: int = DIRECTORY_NOTIFY_INFORMATION,
    *,
    watch_tree: bool,
) -> QueuedIrp:
    """Queue a request of an open directory, whose first one begins its watch."""
    if information_class not in LAYOUTS:
        raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
    opened: Open = file.context
    inode = opened.node.inode
    if not inode.is_directory or opened.stream.name:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if not completion_filter or completion_filter & ~FILE_NOTIFY_VALID_MASK:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if opened.link.delete_pending:
        raise st.NtError(st.STATUS_DELETE_PENDING)
    if volume.watches is None:
        volume.watches = Watches(volume.backend)
    if opened.watch is None:
        opened.watch = Watch(length, completion_filter, information_class, watch_tree=watch_tree)
        volume.watches.add(inode, opened.watch)
    return opened.watch.request(file, length)
