"""Changes of names that a check is not shown: the core is told what stands in their way (_native/check/changes.c)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ntshim.fs.native import NativeInode
from picobox.check.unshown_callers import UnshownCallers

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from picobox.changes import Changes
    from picobox.check.aftermath import Aftermath
    from picobox.check.judge import Judge
    from picobox.opens import Opens
    from picobox.platform.identity import Key
    from picobox.platform.name_table import NameTable
    from picobox.platform.unopposed import UnopposedChanges

LEFT_OUT = (
    "chmod", "chown", "fchmodat", "lchown", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "rmdir", "unlink",
    "unlinkat", "utimensat",
)  # fmt: skip
"""The rows of which calls may be left out."""


class UnshownChanges:
    """Keeps the core's knowledge up to what a check would look for at a change: see Unopposed and Aftermath."""

    def __init__(
        self, judge: Judge, opens: Opens, changes: Changes, aftermath: Aftermath, native: UnopposedChanges
    ) -> None:
        """Changes are shown still; all is told from now on that is open, deleted, mapped or waited for."""
        self._judge = judge
        self._opens = opens
        self._native = native
        # How much is open, or deleted and open, below each directory; the paths of what is open.
        self._above: Counter[bytes] = Counter()
        self._open: dict[Hashable, bytes] = {}
        self._told_before = opens.nodes.told
        opens.nodes.told = self._opened
        for node in opens.nodes.all():
            self._opened(node.inode.key, True)
        aftermath.deleted.told, aftermath.deleted.told_name = self._deleted, self._named
        aftermath.told_moved = self._moved
        opens.unopened.told = native.receivers_told
        judge.reopened.told = native.await_file
        changes.mappings.told = native.await_file
        judge.posix.read_back.callers = UnshownCallers(native)
        judge.posix.read_back.told_umasks = self._look_at_makings
        for volume in opens.volumes:
            volume.told_reserved = self._look_at_makings

    def leave(self, table: NameTable) -> None:
        """Have changes in whose way nothing is not shown; `table` has the names of directories."""
        self._native.leave(table, self._judge.windows.longest_directory)

    def _opened(self, key: Hashable, is_open: bool) -> None:
        if self._told_before is not None:
            self._told_before(key, is_open)
        path = self._open.pop(key, None)
        if path is not None:
            self._count(path, -1)
        node = self._opens.nodes.of_key(key) if is_open else None
        if node is not None and isinstance(node.inode, NativeInode):
            self._open[key] = node.inode.path
            self._count(node.inode.path, 1)

    def _moved(self, key: Hashable) -> None:
        self._opened(key, True)

    def _deleted(self, path: bytes, is_so: bool) -> None:
        self._count(path, 1 if is_so else -1)

    def _named(self, name: tuple[Key, bytes], is_so: bool) -> None:
        self._native.mark_name(*name, is_so=is_so)

    def _count(self, path: bytes, change: int) -> None:
        for directory in _above(path):
            before = self._above[directory]
            self._above[directory] = before + change
            if not before or not before + change:
                self._native.mark_above(directory, is_so=change > 0)
            if not before + change:
                del self._above[directory]

    def _look_at_makings(self) -> None:
        """While somebody makes a name, or files get fewer permissions than is usual, each making is shown."""
        is_made = any(volume.reservations for volume in self._opens.volumes)
        self._native.show_makings(shows=is_made or self._judge.posix.read_back.has_umasks)


def _above(path: bytes) -> Iterator[bytes]:
    """The directories above a path without links, but for the root directory."""
    while path := path.rpartition(b"/")[0]:
        yield path
