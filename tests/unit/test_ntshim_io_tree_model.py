"""Sequences of opens, deletions, renames, links and attributes against a naive model of a tree.

Files have several names, data and a named stream; directories move with what is in them.
"""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass, field
from itertools import product
from nt.drive import DELETE, READ, READ_ATTRIBUTES, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as some
from model_runs import (
    FAST_SEQUENCES,
    FAST_SEQUENCES_ON_A_HOST,
    FAST_SHARDS,
    FULL_SEQUENCES,
    FULL_SEQUENCES_ON_A_HOST,
    FULL_SHARDS,
    SHARD_TIMEOUT,
    search,
)

from ntshim import status as st
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ntshim.fs.backend import Backend, Inode

PARENTS = ("", "", "d", "d", "d\\e")
NAMES = ("a", "a", "A", "b", "d", "e")
ACCESSES = (
    READ,
    READ | WRITE,
    DELETE,
    READ | DELETE | WRITE_ATTRIBUTES,
    READ | WRITE | DELETE | WRITE_ATTRIBUTES,
    READ_ATTRIBUTES,
    READ_ATTRIBUTES | DELETE,
    WRITE_ATTRIBUTES,
)
SHARES = (1, 3, 7, 7, 7, 7, 7, 7)
DISPOSITIONS = (io.FILE_OPEN, io.FILE_CREATE, io.FILE_OPEN_IF, io.FILE_OPEN_IF, io.FILE_OVERWRITE_IF)
OVERWRITES = WRITE | WRITE_ATTRIBUTES | 0x10
READONLY, ARCHIVE, DIRECTORY = io.FILE_ATTRIBUTE_READONLY, io.FILE_ATTRIBUTE_ARCHIVE, io.FILE_ATTRIBUTE_DIRECTORY
REPLACE, POSIX, IGNORE_READONLY = 1, 2, 0x40
DENIED, PENDING, INVALID = st.STATUS_ACCESS_DENIED, st.STATUS_DELETE_PENDING, st.STATUS_INVALID_PARAMETER


def calls(name: str, *arguments: Iterable[object]) -> some.SearchStrategy[Any]:
    """Choose a call of a method of Tree; one choice among all combinations is drawn faster than one for each."""
    return some.sampled_from(list(product((name,), *arguments)))


ONE = range(12)
BOTH = (False, True)
OPEN_FILE = calls(
    "open", PARENTS, NAMES, ("", "", "", "s"), ACCESSES, SHARES, DISPOSITIONS, (False,), (False, False, True)
)
OPEN_DIRECTORY = calls("open", PARENTS, NAMES, ("",), ACCESSES, SHARES, DISPOSITIONS[:4], (True,), (False, False, True))
CLOSE = calls("close", ONE)
DELETION = calls("delete", ONE, BOTH, BOTH, BOTH)
RENAME = calls("rename", ONE, PARENTS, NAMES, (0, REPLACE, REPLACE | POSIX, REPLACE | POSIX | IGNORE_READONLY))
LINK = calls("link", ONE, PARENTS, NAMES, (0, REPLACE, REPLACE | POSIX, REPLACE | POSIX | IGNORE_READONLY))
MARK = calls("mark", ONE, BOTH)
WRITING = calls("write", ONE, (b"one", b"other"))
STEPS = some.lists(
    some.one_of(OPEN_FILE, OPEN_FILE, OPEN_DIRECTORY, CLOSE, CLOSE, DELETION, RENAME, RENAME, LINK, MARK, WRITING),
    min_size=30,
    max_size=60,
)


@dataclass(eq=False)
class File:
    """A file or directory: its names, its data by stream, and who has it open."""

    is_directory: bool
    attributes: int = 0
    names: list[Name] = field(default_factory=list)
    data: dict[str, bytes] = field(default_factory=lambda: {"": b""})
    opens: list[Open] = field(default_factory=list)
    pending_streams: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Name:
    """A name in a directory; `pending` if it is to go, `removed` once it is gone."""

    parent: File
    name: str
    file: File
    pending: bool = False
    removed: bool = False


@dataclass(eq=False)
class Open:
    """An open: through which name, of which stream, what it does and shares, how it ends."""

    name: Name
    stream: str
    access: int
    share: int
    on_close: bool
    handle: int = 0
    posix: bool = False

    @property
    def file(self) -> File:
        return self.name.file


class Refused(Exception):
    """The status that the services must give."""

    def __init__(self, status: int) -> None:
        self.status = status


def classes(access: int) -> list[bool]:
    """Whether an access reads, writes, deletes."""
    return [bool(access & bits) for bits in (0x21, 0x6, 0x10000)]


def conflict(access: int, share: int, other: Open) -> bool:
    """Whether two opens of one stream exclude each other."""
    new, old = classes(access), classes(other.access)
    if not any(new) or not any(old):
        return False
    return any((new[bit] and not other.share >> bit & 1) or (old[bit] and not share >> bit & 1) for bit in range(3))


class Tree:
    """Each step asks the model what must happen, then has the services do it."""

    def __init__(self, backend: Backend) -> None:
        self.drive = Drive(backend)
        self.root = File(is_directory=True)
        self.names: list[Name] = []
        self.opens: list[Open] = []
        for parent, name in ((self.root, "d"), (self.root, "e")):
            self.drive.make_directory(name)
            self.add(parent, name, File(is_directory=True))

    def run(self, steps: list[Any]) -> None:
        for name, *arguments in steps:
            if name == "open":
                self.open(*arguments)
            elif self.opens:
                which, *rest = arguments
                getattr(self, name)(self.opens[which % len(self.opens)], *rest)
            self.agrees()

    # What the services are asked, and what the model says to it.

    def open(
        self,
        parent: str,
        name: str,
        stream: str,
        access: int,
        share: int,
        disposition: int,
        wants_directory: bool,
        on_close: bool,
    ) -> None:
        on_close = on_close and bool(access & DELETE)
        options = io.FILE_DIRECTORY_FILE if wants_directory else io.FILE_NON_DIRECTORY_FILE
        options |= io.FILE_DELETE_ON_CLOSE if on_close else 0
        path = f"{parent}\\{name}".lstrip("\\") + (f":{stream}" if stream else "")
        answer: list[int] = []
        call = lambda: answer.append(self.drive.create(path, access, share, disposition, options).handle)  # noqa: E731
        found, expected = None, 0
        try:
            found = self.may_open(parent, name, stream, access, share, disposition, wants_directory, on_close)
        except Refused as refused:
            expected = refused.status
        assert status_of(call) == expected
        if expected:
            return
        if found is None:
            found = self.add(self.walk(parent), name, File(wants_directory, 0 if wants_directory else ARCHIVE))
        file = found.file
        opened = Open(found, stream, access, share, on_close, answer[0])
        if stream not in file.data or disposition == io.FILE_OVERWRITE_IF:
            file.data[stream] = b""
        if not stream and disposition == io.FILE_OVERWRITE_IF:
            file.attributes = ARCHIVE
        file.opens.append(opened)
        self.opens.append(opened)

    def may_open(
        self,
        parent: str,
        name: str,
        stream: str,
        access: int,
        share: int,
        disposition: int,
        wants_directory: bool,
        on_close: bool,
    ) -> Name | None:
        found = self.find(self.walk(parent), name)
        if found is None:
            if disposition == io.FILE_OPEN:
                raise Refused(st.STATUS_OBJECT_NAME_NOT_FOUND)
            return None
        file = found.file
        if stream and file.is_directory and stream not in file.data:
            if found.pending:
                raise Refused(PENDING)
            if disposition == io.FILE_OPEN:
                raise Refused(st.STATUS_OBJECT_NAME_NOT_FOUND)
            return found
        if found.pending or stream in file.pending_streams:
            raise Refused(PENDING)
        if stream and stream not in file.data:
            if disposition == io.FILE_OPEN:
                raise Refused(st.STATUS_OBJECT_NAME_NOT_FOUND)
            return found
        if file.is_directory and not stream and not wants_directory:
            raise Refused(st.STATUS_FILE_IS_A_DIRECTORY)
        if disposition == io.FILE_CREATE:
            raise Refused(st.STATUS_OBJECT_NAME_COLLISION)
        if wants_directory and not file.is_directory:
            raise Refused(st.STATUS_NOT_A_DIRECTORY)
        checked = access | (OVERWRITES if disposition == io.FILE_OVERWRITE_IF else 0)
        read_only = file.attributes & READONLY
        if read_only and not file.is_directory and checked & 0x6:
            raise Refused(DENIED)
        if read_only and on_close and not stream:
            raise Refused(st.STATUS_CANNOT_DELETE)
        if any(conflict(checked, share, other) for other in file.opens if other.stream == stream):
            raise Refused(st.STATUS_SHARING_VIOLATION)
        deletes = not stream and checked & DELETE
        if deletes and any(other.stream and any(classes(other.access)) and not other.share & 4 for other in file.opens):
            raise Refused(st.STATUS_SHARING_VIOLATION)
        return found

    def close(self, opened: Open) -> None:
        self.drive.close(opened.handle)
        self.opens.remove(opened)
        name, file = opened.name, opened.file
        file.opens.remove(opened)
        if opened.on_close and not name.removed:
            if opened.stream:
                file.pending_streams.add(opened.stream)
            else:
                name.pending = not file.is_directory or not self.children(file)
        if opened.stream in file.pending_streams and not any(o.stream == opened.stream for o in file.opens):
            file.pending_streams.remove(opened.stream)
            del file.data[opened.stream]
        if name.pending and not name.removed and (opened.posix or not any(o.name is name for o in file.opens)):
            self.remove(name)

    def delete(self, opened: Open, deletes: bool, posix: bool, ignores: bool) -> None:
        flags = (deletes and 1) | (posix and 2) | (ignores and 0x10)
        file = opened.file
        expected = 0
        if not opened.access & DELETE:
            expected = DENIED
        elif opened.name.removed:
            expected = st.STATUS_FILE_DELETED
        elif deletes and file.attributes & READONLY and not ignores:
            expected = st.STATUS_CANNOT_DELETE
        elif deletes and not opened.stream and self.children(file):
            expected = st.STATUS_DIRECTORY_NOT_EMPTY
        assert self.set(opened, flags, query.FILE_DISPOSITION_INFORMATION_EX) == expected
        if expected:
            return
        if opened.stream:
            (file.pending_streams.add if deletes else file.pending_streams.discard)(opened.stream)
            return
        opened.name.pending = deletes
        opened.posix = deletes and posix

    def rename(self, opened: Open, parent: str, name: str, flags: int) -> None:
        def change() -> None:
            directory, target = self.may_move(opened, parent, name)
            source = opened.name
            if source.pending:
                raise Refused(DENIED)
            if opened.file.is_directory and self.is_held_below(opened.file, directory):
                raise Refused(DENIED)
            if target is not None and target is not source:
                self.take_name(opened.name, target, flags)
            source.parent, source.name = directory, name

        self.moves(opened, parent, name, flags, query.FILE_RENAME_INFORMATION_EX, DELETE, change)

    def link(self, opened: Open, parent: str, name: str, flags: int) -> None:
        def change() -> None:
            if opened.stream:
                self.target_of(parent)
                raise Refused(INVALID)
            if opened.file.is_directory:
                self.target_of(parent)
                raise Refused(st.STATUS_FILE_IS_A_DIRECTORY)
            if opened.name.pending:
                self.target_of(parent)
                raise Refused(DENIED)
            directory, target = self.may_move(opened, parent, name)
            if target is not None and target.file is opened.file:
                if not flags & REPLACE:
                    raise Refused(st.STATUS_OBJECT_NAME_COLLISION)
                if target.pending:
                    raise Refused(PENDING)
                opened.file.attributes |= 0 if target.name == name else ARCHIVE
                target.name = name
                return
            if target is not None:
                self.take_name(opened.name, target, flags)
            self.add(directory, name, opened.file)
            opened.file.attributes |= ARCHIVE

        self.moves(opened, parent, name, flags, query.FILE_LINK_INFORMATION_EX, 0, change)

    def mark(self, opened: Open, read_only: bool) -> None:
        """Make a file READONLY, or only ARCHIVE."""
        asked = READONLY if read_only else ARCHIVE
        expected = 0 if opened.access & WRITE_ATTRIBUTES else DENIED
        record = query.FileBasicInformation(file_attributes=asked)
        assert self.set(opened, record, query.FILE_BASIC_INFORMATION) == expected
        if not expected:
            opened.file.attributes = asked

    def write(self, opened: Open, data: bytes) -> None:
        """Write at the start, and have everybody who may read see it."""
        file = opened.file
        expected = 0
        if not opened.access & WRITE:
            expected = DENIED
        elif file.is_directory and not opened.stream:
            expected = st.STATUS_INVALID_DEVICE_REQUEST
        nt, process = self.drive.nt, self.drive.process
        assert status_of(lambda: nt.NtWriteFile(process, opened.handle, data, 0)) == expected
        if not expected:
            file.data[opened.stream] = data + file.data[opened.stream][len(data) :]
            file.attributes |= 0 if file.is_directory else ARCHIVE

    # The model's own rules.

    def moves(
        self, opened: Open, parent: str, name: str, flags: int, number: int, access: int, change: Callable[[], None]
    ) -> None:
        """Have the model, then the services, give a name."""
        expected = 0
        path = f"\\??\\C:\\{parent}\\{name}" if parent else f"\\??\\C:\\{name}"
        if access & ~opened.access:
            expected = DENIED
        else:
            try:
                change()
            except Refused as refused:
                expected = refused.status
        record = query.FileRenameInformation(path, flags)
        assert self.set(opened, record, number) == expected
        if not expected and number == query.FILE_RENAME_INFORMATION_EX and not opened.file.is_directory:
            opened.file.attributes |= 0 if self.renamed_to_itself else ARCHIVE

    renamed_to_itself = False

    def may_move(self, opened: Open, parent: str, name: str) -> tuple[File, Name | None]:
        """Find where a name would be, in a directory that lets it be made."""
        directory = self.target_of(parent)
        if opened.stream:
            raise Refused(INVALID)
        adds = 0x4 if opened.file.is_directory else 0x2
        if any(conflict(adds, 3, other) for other in directory.opens if not other.stream):
            raise Refused(st.STATUS_SHARING_VIOLATION)
        self.renamed_to_itself = opened.name.parent is directory and opened.name.name == name
        return directory, self.find(directory, name)

    def target_of(self, parent: str) -> File:
        """Follow a path to a directory; what is none is a wrong parameter there."""
        return self.walk(parent, INVALID)

    def take_name(self, taker: Name, target: Name, flags: int) -> None:
        """Take a name from its file, or refuse; who opened a name of the same file has the one that stays open."""
        file = target.file
        if file is not taker.file:
            self.may_replace(taker.file, target, flags)
            target.pending = True
            self.remove(target)
            return
        if target.pending:
            raise Refused(PENDING)
        for opened in file.opens:
            if opened.name is target:
                opened.name = taker
        self.remove(target)

    def may_replace(self, source: File, target: Name, flags: int) -> None:
        file, posix = target.file, flags & POSIX
        if not flags & REPLACE:
            raise Refused(st.STATUS_OBJECT_NAME_COLLISION)
        if target.pending:
            raise Refused(PENDING)
        if file.is_directory and not (posix and source.is_directory):
            raise Refused(DENIED)
        if posix and source.is_directory and not file.is_directory:
            raise Refused(DENIED)
        if file.attributes & READONLY and not flags & IGNORE_READONLY:
            raise Refused(DENIED)
        if posix and any(any(classes(other.access)) and not other.share & 4 for other in file.opens):
            raise Refused(st.STATUS_SHARING_VIOLATION)
        if posix and self.children(file):
            raise Refused(st.STATUS_DIRECTORY_NOT_EMPTY)
        if not posix and file.opens:
            raise Refused(DENIED)

    def walk(self, path: str, no_directory: int = st.STATUS_OBJECT_PATH_NOT_FOUND) -> File:
        """Follow a path to a directory."""
        at = self.root
        for component in path.split("\\") if path else ():
            found = self.find(at, component)
            if found is None:
                raise Refused(st.STATUS_OBJECT_PATH_NOT_FOUND)
            if not found.file.is_directory:
                raise Refused(no_directory)
            if found.pending:
                raise Refused(PENDING)
            at = found.file
        return at

    def find(self, directory: File, name: str) -> Name | None:
        """Look a name up without regard to case."""
        return next((n for n in self.names if n.parent is directory and n.name.upper() == name.upper()), None)

    def children(self, file: File) -> list[Name]:
        return [name for name in self.names if name.parent is file]

    def add(self, parent: File, name: str, file: File) -> Name:
        added = Name(parent, name, file)
        self.names.append(added)
        file.names.append(added)
        return added

    def remove(self, name: Name) -> None:
        name.removed = True
        self.names.remove(name)
        name.file.names.remove(name)

    def is_below(self, file: File, ancestor: File) -> bool:
        """Whether a directory is another one or lies below it."""
        while file is not ancestor and file.names:
            file = file.names[0].parent
        return file is ancestor

    def is_held_below(self, directory: File, target: File) -> bool:
        """Whether anything below a directory is open, or would be for the new name."""
        held = [opened.name.parent for opened in self.opens if not opened.name.removed]
        return any(self.is_below(file, directory) for file in (*held, target))

    def set(self, opened: Open, information: Any, number: int) -> int:
        return status_of(lambda: self.drive.set(opened.handle, information, number))

    # What must hold after each step.

    def agrees(self) -> None:
        backend = self.drive.volume.backend
        assert set(paths(backend, backend.root)) == {self.path(name) for name in self.names}
        for opened in self.opens:
            self.sees(opened)
        assert len(self.drive.volume.nodes) == len({opened.file for opened in self.opens})
        assert not self.drive.volume.reservations

    def sees(self, opened: Open) -> None:
        """Look at a file through one of its handles."""
        name, file = opened.name, opened.file
        told = self.drive.get(opened.handle, query.FILE_STANDARD_INFORMATION)
        assert told.delete_pending == (name.pending or opened.stream in file.pending_streams)
        assert told.number_of_links == sum(not other.pending for other in file.names)
        assert told.directory == file.is_directory
        shown = self.drive.get(opened.handle, query.FILE_NAME_INFORMATION)
        stream = f":{opened.stream}" if opened.stream else ""
        if name.removed:
            assert shown.startswith("\\$Extend\\$Deleted\\")
        else:
            assert shown == self.path(name) + stream
        if opened.access & READ_ATTRIBUTES:
            basic = self.drive.get(opened.handle, query.FILE_BASIC_INFORMATION)
            assert basic.file_attributes == file.attributes | (DIRECTORY if file.is_directory else 0)
        if opened.access & READ and (opened.stream or not file.is_directory):
            assert told.end_of_file == len(file.data[opened.stream])
            if told.end_of_file:
                read = self.drive.nt.NtReadFile(self.drive.process, opened.handle, 99, 0)
                assert read == file.data[opened.stream]

    def path(self, name: Name) -> str:
        if name.parent is self.root:
            return "\\" + name.name
        return f"{self.path(name.parent.names[0])}\\{name.name}"

    def close_all(self) -> None:
        """Close every handle, so that nothing of the volume's state may be left."""
        for opened in list(self.opens):
            self.close(opened)
            self.agrees()


def paths(backend: Backend, directory: Inode, above: str = "") -> Iterable[str]:
    """List the whole tree."""
    for name, inode in backend.names(directory):
        yield f"{above}\\{name}"
        if inode.is_directory:
            yield from paths(backend, inode, f"{above}\\{name}")


def in_memory(steps: list[Any]) -> None:
    backend = MemFs()
    tree = Tree(backend)
    tree.run(steps)
    tree.close_all()
    assert backend.space().free == backend.capacity - 4096 * sum(
        bool(data) for file in {name.file for name in tree.names} for data in file.data.values()
    )


def on_a_host(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tree = Tree(HostFs(directory))
        tree.run(steps)
        tree.close_all()


@pytest.mark.parametrize("shard", range(FAST_SHARDS))
def test_in_memory(shard: int) -> None:
    search(STEPS, in_memory, FAST_SEQUENCES, shard)


def test_on_a_directory_of_the_host() -> None:
    search(STEPS, on_a_host, FAST_SEQUENCES_ON_A_HOST, 0)


@pytest.mark.full
@pytest.mark.timeout(SHARD_TIMEOUT)
@pytest.mark.parametrize("shard", range(FULL_SHARDS))
def test_new_sequences_in_memory(shard: int) -> None:
    search(STEPS, in_memory, FULL_SEQUENCES, secrets.randbits(64))


@pytest.mark.full
@pytest.mark.timeout(SHARD_TIMEOUT)
def test_new_sequences_on_a_directory_of_the_host() -> None:
    search(STEPS, on_a_host, FULL_SEQUENCES_ON_A_HOST, secrets.randbits(64))
