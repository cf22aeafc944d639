"""Sequences of open, close, duplicate, delete and rename against a naive model, in memory and on a real directory."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass, field
from itertools import product
from nt.drive import DELETE, READ, READ_ATTRIBUTES, WRITE, Drive, status_of
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

    from ntshim.fs.backend import Backend
    from ntshim.ps import Process

DIRECTORIES = ("d", "e")
NAMES = ("a", "A", "b", "B")
ACCESSES = (READ, WRITE, DELETE, READ | DELETE, READ | WRITE | DELETE, READ_ATTRIBUTES, READ_ATTRIBUTES | DELETE)
SHARES = (0, 1, 3, 4, 5, 7, 7, 7, 7, 7, 7, 7)

# Issue 3, "Done means": 2,000 sequences in the fast tier, 100,000 in the full one. A shard is what one worker runs.


def calls(name: str, *arguments: Iterable[object]) -> some.SearchStrategy[Any]:
    """Choose a call of a method of Files; one choice among all combinations is drawn faster than one for each."""
    return some.sampled_from(list(product((name,), *arguments)))


# Of what is done to an open: which one, counted round those that there are then.
ONE = range(12)
OPEN = calls("open", range(3), DIRECTORIES, NAMES, ACCESSES, SHARES, (0, 1, 2, 3, 3, 3, 4, 5), (False, True))
CLOSE = calls("close", ONE, range(2))
DUPLICATE = calls("duplicate", ONE, range(3))
DELETION = calls("delete", ONE, (False, True), (False, True))
RENAME = calls("rename", ONE, DIRECTORIES, NAMES, range(4))
STEPS = some.lists(some.one_of(OPEN, OPEN, CLOSE, DUPLICATE, DELETION, RENAME), min_size=30, max_size=60)


@dataclass(eq=False)
class NaiveFile:
    """A file: where its name is, until that goes, and who has it open."""

    directory: str
    name: str
    pending: bool = False
    removed: bool = False
    opens: list[NaiveOpen] = field(default_factory=list)


@dataclass(eq=False)
class NaiveOpen:
    """An open: what it does, what it shares, how it ends, and its handles as (process, value)."""

    file: NaiveFile
    access: int
    share: int
    on_close: bool = False
    posix: bool = False
    handles: list[tuple[Process, int]] = field(default_factory=list)


def classes(access: int) -> list[bool]:
    """Whether an access reads, writes, deletes."""
    return [bool(access & bits) for bits in (0x21, 0x6, 0x10000)]


def conflict(access: int, share: int, other: NaiveOpen) -> bool:
    """Whether two opens exclude each other."""
    new, old = classes(access), classes(other.access)
    if not any(new) or not any(old):
        return False
    return any((new[bit] and not other.share >> bit & 1) or (old[bit] and not share >> bit & 1) for bit in range(3))


class Files:
    """Each step asks the model what the status must be, then asks the services."""

    def __init__(self, backend: Backend) -> None:
        self.drive = Drive(backend)
        self.processes = [self.drive.process, self.drive.new_process(), self.drive.new_process()]
        self.directories: dict[str, int] = {}
        for directory in DIRECTORIES:
            self.drive.make_directory(directory)
            self.directories[directory] = self.drive.open(directory, READ, options=io.FILE_DIRECTORY_FILE)
        self.files: list[NaiveFile] = []
        self.opens: list[NaiveOpen] = []

    def run(self, steps: list[Any]) -> None:
        for name, *arguments in steps:
            if name == "open":
                self.open(*arguments)
            elif self.opens:
                which, *rest = arguments
                getattr(self, name)(self.opens[which % len(self.opens)], *rest)
            self.directories_agree()
            self.every_handle_sees_whether_its_file_goes()
            self.only_open_files_have_state()

    def open(
        self, process: int, directory: str, name: str, access: int, share: int, disposition: int, on_close: bool
    ) -> None:
        on_close = on_close and bool(access & DELETE)
        options = io.FILE_DELETE_ON_CLOSE if on_close else 0
        file = self.find(directory, name)
        expected = self.may_open(file, access, share, disposition)
        caller = self.processes[process]
        path = f"{directory}\\{name}"
        if expected:
            got = status_of(lambda: self.drive.create(path, access, share, disposition, options, process=caller))
            assert got == expected
            return
        handle = self.drive.create(path, access, share, disposition, options, process=caller).handle
        if file is None:
            file = NaiveFile(directory, name)
            self.files.append(file)
        opened = NaiveOpen(file, access, share, on_close, handles=[(caller, handle)])
        file.opens.append(opened)
        self.opens.append(opened)

    def may_open(self, file: NaiveFile | None, access: int, share: int, disposition: int) -> int:
        if file is None:
            return st.STATUS_OBJECT_NAME_NOT_FOUND if disposition in (1, 4) else 0
        if file.pending:
            return st.STATUS_DELETE_PENDING
        if disposition == io.FILE_CREATE:
            return st.STATUS_OBJECT_NAME_COLLISION
        checked = access | {io.FILE_SUPERSEDE: DELETE, 4: 0x112, 5: 0x112}.get(disposition, 0)
        if any(conflict(checked, share, other) for other in file.opens):
            return st.STATUS_SHARING_VIOLATION
        return 0

    def close(self, opened: NaiveOpen, which: int) -> None:
        caller, handle = opened.handles.pop(which % len(opened.handles))
        self.drive.close(handle, caller)
        if opened.handles:
            return
        file = opened.file
        self.opens.remove(opened)
        file.opens.remove(opened)
        file.pending = file.pending or opened.on_close
        if file.pending and not file.removed and (opened.posix or not file.opens):
            file.removed = True
        if file.removed and not file.opens:
            self.files.remove(file)

    def duplicate(self, opened: NaiveOpen, process: int) -> None:
        caller, handle = opened.handles[0]
        target = self.processes[process]
        gate = caller.handles.insert(target, 0x40)
        copy = self.drive.nt.NtDuplicateObject(caller, -1, handle, gate, options=2)
        caller.handles.close(gate)
        assert copy is not None
        opened.handles.append((target, copy))

    def delete(self, opened: NaiveOpen, deletes: bool, posix: bool) -> None:
        expected = 0 if opened.access & DELETE else st.STATUS_ACCESS_DENIED
        if not expected and opened.file.removed:
            expected = st.STATUS_FILE_DELETED
        flags = (deletes and 1) | (posix and 2)
        assert self.set(opened, flags, query.FILE_DISPOSITION_INFORMATION_EX) == expected
        if not expected:
            opened.file.pending = deletes
            opened.posix = deletes and posix

    def rename(self, opened: NaiveOpen, directory: str, name: str, flags: int) -> None:
        target = self.find(directory, name)
        expected = self.may_rename(opened, target, flags)
        record = query.FileRenameInformation(f"\\??\\C:\\{directory}\\{name}", flags)
        assert self.set(opened, record, query.FILE_RENAME_INFORMATION_EX) == expected
        if expected:
            return
        if target is not None and target is not opened.file:
            target.pending = target.removed = True
            if not target.opens:
                self.files.remove(target)
        opened.file.directory, opened.file.name = directory, name

    def may_rename(self, opened: NaiveOpen, target: NaiveFile | None, flags: int) -> int:
        if not opened.access & DELETE or opened.file.pending:
            return st.STATUS_ACCESS_DENIED
        if target is None or target is opened.file:
            return 0
        if not flags & 1:
            return st.STATUS_OBJECT_NAME_COLLISION
        if target.pending:
            return st.STATUS_DELETE_PENDING
        if flags & 2:
            visible = [other for other in target.opens if any(classes(other.access))]
            return 0 if all(other.share & 4 for other in visible) else st.STATUS_SHARING_VIOLATION
        return st.STATUS_ACCESS_DENIED if target.opens else 0

    def directories_agree(self) -> None:
        for directory, handle in self.directories.items():
            listed = self.drive.nt.NtQueryDirectoryFile(
                self.drive.process, handle, query.FILE_NAMES_INFORMATION, restart_scan=True
            )
            there = {file.name for file in self.files if file.directory == directory and not file.removed}
            assert {entry.file_name for entry in listed} == {".", "..", *there}

    def every_handle_sees_whether_its_file_goes(self) -> None:
        for opened in self.opens:
            caller, handle = opened.handles[0]
            told = self.drive.nt.NtQueryInformationFile(caller, handle, query.FILE_STANDARD_INFORMATION)
            assert told.delete_pending == opened.file.pending
            assert told.number_of_links == (not opened.file.pending)

    def only_open_files_have_state(self) -> None:
        assert len(self.drive.volume.nodes) == len(DIRECTORIES) + len({opened.file for opened in self.opens})
        assert not self.drive.volume.reservations

    def close_all(self) -> None:
        """Close every handle, so that nothing of the volume's state may be left."""
        for handle in self.directories.values():
            self.drive.close(handle)
        for opened in self.opens:
            for caller, handle in opened.handles:
                self.drive.close(handle, caller)
        assert not len(self.drive.volume.nodes)

    def find(self, directory: str, name: str) -> NaiveFile | None:
        """Look a name up without regard to case."""
        for file in self.files:
            if not file.removed and (file.directory, file.name.upper()) == (directory, name.upper()):
                return file
        return None

    def set(self, opened: NaiveOpen, information: Any, information_class: int) -> int:
        """Set something through a handle of an open; gives the status."""
        caller, handle = opened.handles[0]
        call: Callable[[], object] = lambda: self.drive.nt.NtSetInformationFile(  # noqa: E731 - it is a call, not a name
            caller, handle, information, information_class
        )
        return status_of(call)


def in_memory(steps: list[Any]) -> None:
    files = Files(MemFs())
    files.run(steps)
    files.close_all()


def on_a_host(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        files = Files(HostFs(directory))
        files.run(steps)
        files.close_all()


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
