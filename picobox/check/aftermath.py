"""What a call has changed once it is over: names that are gone or moved, and what that means for those who use them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs.names import from_host
from ntshim.fs.native import NativeInode
from picobox.check import subject as sb
from picobox.check.deleted import DeletedFiles
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ntshim.fs.nodes import Node
    from picobox.call import Call
    from picobox.check.deleted import Deleted
    from picobox.check.judge import Judge
    from picobox.check.judgement import Judgement
    from picobox.findings.finding import Side
    from picobox.platform.identity import Identity

_TEMPORARY_MODULE = "tempfile.py"


class Aftermath:
    """Follows the names of open files through what Windows would have refused."""

    def __init__(self, judge: Judge) -> None:
        """Tell `judge` what is found."""
        self._judge = judge
        self.deleted = DeletedFiles()
        # Told of an open file that has another path.
        self.told_moved: Callable[[Hashable], None] | None = None

    def prepare(self, call: Call, judgement: Judgement) -> None:
        """See to it that the end of a call is followed."""
        subject = judgement.subject
        if subject is None:
            return
        if subject.made is not None:
            self._look_for_former(call, subject.made)
        if subject.action in (sb.DELETE, sb.REMOVE_DIRECTORY):
            node = self._judge.node_of(subject.file)
            if node is None and self._is_forgotten(subject):
                return
            judgement.routines.append(lambda result: self._removed(call, judgement, node) if result >= 0 else None)
        elif subject.action == sb.RENAME and judgement.let_go:
            judgement.routines.append(lambda result: self._moved(subject) if result >= 0 else None)

    def _is_forgotten(self, subject: sb.Subject) -> bool:
        """Whether nothing can be told when the name of what nobody has open is gone.

        In a directory that is removed somebody may be about to delete what he has open.
        """
        if subject.action == sb.DELETE:
            return not self._judge.reopened.awaits(subject.file.file)
        return not self.deleted.has_below(subject.file.path) and not self._judge.holders.below(subject.file.path)

    def _look_for_former(self, call: Call, made: Identity) -> None:
        """A name comes into being: on Windows it may be taken still."""
        if self.deleted.has(made):
            self._judge.unopened.look()
        deleted = self.deleted.take(made)
        if deleted is None:
            return
        sides = self._judge.holders.of(deleted.node)
        if sides:
            self._judge.report(
                call,
                "PB015",
                st.STATUS_DELETE_PENDING,
                made.path,
                "is used again while the file deleted under this name is still open",
                others=sides,
            )

    def _removed(self, call: Call, judgement: Judgement, node: Node | None) -> None:
        """A name is gone."""
        subject = judgement.subject
        if subject is None:
            return
        if subject.action == sb.DELETE:
            self._judge.reopened.removed(call, subject.file.file, is_told=bool(judgement.entries))
        if node is not None:
            deleted = self.deleted.add(subject.file, node, is_pending=not judgement.let_go)
            deleted.entries.extend(judgement.entries)
            if self._judge.holders.of(node):
                self._judge.repeats.begin_anew()
            if judgement.let_go:
                _forget_name(node, subject.file)
        if subject.action == sb.REMOVE_DIRECTORY:
            self._directory_removed(call, subject.file)

    def _directory_removed(self, call: Call, directory: Identity) -> None:
        """Files deleted in it that are still open would have kept it from being empty."""
        left: list[Side] = []
        for deleted in self.deleted.take_below(directory.path):
            sides = self._judge.holders.of(deleted.node)
            if not sides or not deleted.entries:
                continue
            if self._is_temporary(call, directory.path):
                self._retell(deleted, directory)
            else:
                left.extend(sides)
        if left:
            self._judge.report(
                call,
                "PB014",
                st.STATUS_DIRECTORY_NOT_EMPTY,
                directory.path,
                "is removed while a file that was deleted in it is still open",
                others=left,
            )

    def _is_temporary(self, call: Call, path: bytes) -> bool:
        """Whether a directory is one for temporary files, by its place or by who removes it.

        A project that itself lies among temporary files, as that of a test does, has none by their place.
        """
        directory, temporary = self._judge.settings.directory, self._judge.settings.temporary
        is_the_project_s = directory.startswith(temporary + b"/") and path.startswith(directory + b"/")
        if path.startswith(temporary + b"/") and not is_the_project_s:
            return True
        return any(frame.file.rpartition("/")[2] == _TEMPORARY_MODULE for frame in self._judge.stacks.of(call))

    def _retell(self, deleted: Deleted, directory: Identity) -> None:
        """The deletion of an open file was the removal of its temporary directory."""
        for entry in deleted.entries:
            finding = entry.finding
            if finding.rule in ("PB010", "PB016") and finding.status == st.STATUS_SHARING_VIOLATION:
                self._judge.ledger.change(
                    entry,
                    finding._replace(
                        rule="PB024",
                        severity=RULES["PB024"].severity,
                        message=f"{finding.path} is still open while its temporary directory "
                        f"{os.fsdecode(directory.path)} is removed",
                    ),
                )

    def _moved(self, subject: sb.Subject) -> None:
        """A file has another name that NT has not given it, and with it what is open below it."""
        source, target = subject.file, subject.target
        if target is None:
            return
        replaced = self._judge.node_of(target)
        if replaced is not None:
            _forget_name(replaced, target)
        node = self._judge.node_of(source)
        if node is not None:
            link = node.link(NativeInode(source.directory, source.parent), from_host(source.name))
            if link is not None:
                link.directory, link.name = NativeInode(target.directory, target.parent), from_host(target.name)
        prefix, moved_to = source.path, target.path
        for other in self._judge.nodes.all():
            _move(other, prefix, moved_to)
            if self.told_moved is not None:
                self.told_moved(other.inode.key)


def _forget_name(node: Node, found: Identity) -> None:
    link = node.link(NativeInode(found.directory, found.parent), from_host(found.name))
    if link is not None:
        link.removed = True


def _move(node: Node, prefix: bytes, moved_to: bytes) -> None:
    """A file whose path begins with that of what has moved."""
    inodes = [node.inode, *(link.directory for link in node.links)]
    for inode in inodes:
        if isinstance(inode, NativeInode) and (inode.path == prefix or inode.path.startswith(prefix + b"/")):
            inode.path = moved_to + inode.path[len(prefix) :]
