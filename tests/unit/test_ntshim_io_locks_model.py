"""Sequences of locks, sections, views and what they keep out, against a naive model, in memory and on a real directory.

A program stands in each file, so that it can be mapped as an image; everything happens in its first bytes.
"""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from nt.drive import DELETE, READ, READ_ATTRIBUTES, WRITE, Drive, status_of
from nt.pe import CODE, Part, image
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
from ntshim.mm.section import SEC_COMMIT, SEC_IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ntshim.fs.backend import Backend
    from ntshim.io.queued import QueuedIrp
    from ntshim.ps import Process

NAMES = ("x", "y")
PROGRAM = image(Part(b"code", CODE), Part(b"data"))
READ_ONLY, READ_WRITE, WRITE_COPY = 0x02, 0x04, 0x08
# Which views a section of a protection allows.
VIEWS = {READ_ONLY: (READ_ONLY, WRITE_COPY), READ_WRITE: (READ_ONLY, READ_WRITE, WRITE_COPY)}
VIEWS[WRITE_COPY] = VIEWS[READ_ONLY]
PAGE = 4096

# As test_ntshim_io_model.py: 2,000 sequences in the fast tier, 100,000 in the full one.


def calls(name: str, *arguments: Iterable[object]) -> some.SearchStrategy[Any]:
    """Choose a call of a method of Files, among all combinations of arguments."""
    return some.sampled_from(list(product((name,), *arguments)))


ONE = range(8)  # which open, section or view, counted round those that there are then
HANDLE = range(2)
OFFSETS, LENGTHS, KEYS = range(2, 8), (0, 1, 2, 5), (0, 0, 0, 1)
BOTH = (False, True)
ACCESSES = (READ, WRITE, READ | WRITE, READ | WRITE | DELETE, READ | WRITE | DELETE, READ_ATTRIBUTES)
PROTECTIONS = (READ_ONLY, READ_WRITE, WRITE_COPY)
# How often each step is taken, and its arguments.
WEIGHTS: list[tuple[int, str, tuple[Iterable[object], ...]]] = [
    (2, "open", (range(2), NAMES, ACCESSES, (1, 3, 5, 7, 7, 7, 7, 7), (1, 1, 1, 1, 1, io.FILE_OVERWRITE, 0))),
    (1, "close", (ONE, HANDLE)),
    (1, "duplicate", (ONE, range(2))),
    (6, "lock", (ONE, HANDLE, OFFSETS, LENGTHS, KEYS, BOTH, BOTH)),
    (1, "unlock", (ONE, HANDLE, OFFSETS, LENGTHS, KEYS)),
    (3, "unlock_one", (ONE,)),
    (1, "cancel", (ONE,)),
    (2, "read", (ONE, HANDLE, OFFSETS, LENGTHS, KEYS)),
    (2, "write", (ONE, HANDLE, OFFSETS, LENGTHS, KEYS)),
    (2, "section", (ONE, PROTECTIONS, BOTH, (0, 0, 8, len(PROGRAM) + 60, PAGE * 4))),
    (1, "close_section", (ONE,)),
    (2, "view", (ONE, PROTECTIONS)),
    (1, "unmap", (ONE,)),
    (1, "peek", (ONE, OFFSETS, LENGTHS)),
    (2, "poke", (ONE, OFFSETS, LENGTHS)),
    (1, "cut", (ONE, (0, 8, len(PROGRAM) - 8, len(PROGRAM), len(PROGRAM) + 40))),
    (1, "mark", (ONE, BOTH)),
    (1, "replace", (NAMES, (1, 3))),
]
STEP = some.one_of([calls(name, *arguments) for weight, name, arguments in WEIGHTS for _ in range(weight)])
STEPS = some.lists(STEP, min_size=25, max_size=40)


@dataclass(eq=False)
class NaiveFile:
    """A file, whatever its name is by now."""

    data: bytearray = field(default_factory=lambda: bytearray(PROGRAM))
    pending: bool = False
    removed: bool = False
    opens: list[NaiveOpen] = field(default_factory=list)
    sections: list[NaiveSection] = field(default_factory=list)
    locks: list[NaiveLock] = field(default_factory=list)
    waiting: list[NaiveLock] = field(default_factory=list)

    def is_mapped(self, *, image_only: bool = False) -> bool:
        """Whether there is a section, with a handle or with a view."""
        return any(section.lives and (section.image or not image_only) for section in self.sections)

    def has_writable_view(self) -> bool:
        return any(
            view.protection == READ_WRITE for section in self.sections if not section.image for view in section.views
        )


@dataclass(eq=False)
class NaiveOpen:
    """An open, and its handles as (process, value)."""

    file: NaiveFile
    access: int
    share: int
    handles: list[tuple[Process, int]]


@dataclass(eq=False)
class NaiveLock:
    """A lock, or the wish for one."""

    owner: tuple[NaiveOpen, Process, int]
    start: int
    length: int
    exclusive: bool
    irp: QueuedIrp


@dataclass(eq=False)
class NaiveSection:
    """A section of a file."""

    file: NaiveFile
    process: Process
    handle: int
    image: bool
    protection: int
    size: int
    has_handle: bool = True
    views: list[NaiveView] = field(default_factory=list)

    @property
    def lives(self) -> bool:
        return self.has_handle or bool(self.views)


@dataclass(eq=False)
class NaiveView:
    """A view; `copy` is its own first page, once it has written to it."""

    section: NaiveSection
    protection: int
    base: int
    copy: bytearray | None = None


def points(start: int, length: int) -> set[int]:
    """Number what a range covers: odd numbers are bytes, even ones the gaps between them."""
    return set(range(2 * start + 1, 2 * (start + length))) if length else {2 * start}


def overlap(start: int, length: int, lock: NaiveLock) -> bool:
    return bool(length or lock.length) and bool(points(start, length) & points(lock.start, lock.length))


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
        self.nt = self.drive.nt
        self.processes = [self.drive.process, self.drive.new_process()]
        self.names: dict[str, NaiveFile | None] = dict.fromkeys(NAMES)
        self.files: list[NaiveFile] = []
        self.opens: list[NaiveOpen] = []
        self.sections: list[NaiveSection] = []
        self.views: list[NaiveView] = []
        self.written = 0
        for process, name in product(range(2), NAMES):
            self.open(process, name, READ | WRITE | DELETE, 7, io.FILE_OPEN)

    def run(self, steps: list[Any]) -> None:
        things: dict[str, tuple[list[Any], Callable[..., None]]] = {
            "close": (self.opens, self.close), "duplicate": (self.opens, self.duplicate),
            "lock": (self.opens, self.lock), "unlock": (self.opens, self.unlock),
            "unlock_one": (self.opens, self.unlock_one), "cancel": (self.opens, self.cancel),
            "read": (self.opens, self.read), "write": (self.opens, self.write),
            "section": (self.opens, self.section), "cut": (self.opens, self.cut), "mark": (self.opens, self.mark),
            "close_section": (self.sections, self.close_section), "view": (self.sections, self.view),
            "unmap": (self.views, self.unmap), "peek": (self.views, self.peek), "poke": (self.views, self.poke),
        }  # fmt: skip
        for name, *arguments in steps:
            if name == "open":
                self.open(*arguments)
            elif name == "replace":
                self.replace(*arguments)
            else:
                them, act = things[name]
                if them:
                    which, *rest = arguments
                    act(them[which % len(them)], *rest)
            self.requests_agree()
            self.sizes_agree()
            self.only_what_is_mapped_is_kept()

    def make(self, name: str) -> int:
        """Make a file with a program in it; gives a handle that can do anything."""
        handle = self.drive.create(name, READ | WRITE | DELETE, disposition=io.FILE_CREATE).handle
        self.nt.NtWriteFile(self.drive.process, handle, PROGRAM, 0)
        return handle

    def open(self, process: int, name: str, access: int, share: int, disposition: int) -> None:
        file = self.names[name]
        if file is None:
            self.drive.close(self.make(name))
            file = self.names[name] = NaiveFile()
            self.files.append(file)
        caller = self.processes[process]
        expected = self.may_open(file, access, share, disposition)
        create = partial(self.drive.create, name, access, share, disposition, process=caller)
        if expected:
            assert status_of(create) == expected
            return
        opened = NaiveOpen(file, access, share, [(caller, create().handle)])
        if disposition != io.FILE_OPEN:
            file.data.clear()
        file.opens.append(opened)
        self.opens.append(opened)

    def may_open(self, file: NaiveFile, access: int, share: int, disposition: int) -> int:
        if file.pending:
            return st.STATUS_DELETE_PENDING
        checked = access | {0: DELETE, io.FILE_OVERWRITE: 0x112}.get(disposition, 0)
        if any(conflict(checked, share, other) for other in file.opens):
            return st.STATUS_SHARING_VIOLATION
        if any(classes(checked)) and file.has_writable_view() and not share & 2:
            return st.STATUS_SHARING_VIOLATION
        if checked & WRITE and file.is_mapped(image_only=True):
            return st.STATUS_SHARING_VIOLATION
        if disposition != io.FILE_OPEN and file.is_mapped():
            return st.STATUS_USER_MAPPED_FILE
        return 0

    def close(self, opened: NaiveOpen, which: int) -> None:
        caller, handle = opened.handles.pop(which % len(opened.handles))
        file = opened.file
        mine = [lock for lock in file.waiting if lock.owner[0] is opened]
        self.drive.close(handle, caller)
        if opened.handles:
            return
        self.opens.remove(opened)
        file.opens.remove(opened)
        for lock in mine:
            file.waiting.remove(lock)
            assert lock.irp.status == st.STATUS_CANCELLED
        file.locks = [lock for lock in file.locks if lock.owner[0] is not opened]
        self.grant(file)
        if file.pending and not file.removed and not file.opens:
            file.removed = True
            self.names = {name: None if it is file else it for name, it in self.names.items()}

    def duplicate(self, opened: NaiveOpen, process: int) -> None:
        caller, handle = opened.handles[0]
        target = self.processes[process]
        gate = caller.handles.insert(target, 0x40)
        copy = self.nt.NtDuplicateObject(caller, -1, handle, gate, options=2)
        caller.handles.close(gate)
        assert copy is not None
        opened.handles.append((target, copy))

    def blocks(self, owner: object, start: int, length: int, held: NaiveLock, *, writes: bool, locks: bool) -> bool:
        """Whether a lock that is held is in the way."""
        if not overlap(start, length, held):
            return False
        if held.exclusive:
            return held.owner != owner or (writes and locks)
        return writes

    def is_blocked(self, file: NaiveFile, wish: NaiveLock) -> bool:
        return any(
            self.blocks(wish.owner, wish.start, wish.length, held, writes=wish.exclusive, locks=True)
            for held in file.locks
        )

    def lock(
        self, opened: NaiveOpen, which: int, start: int, length: int, key: int, exclusive: bool, immediately: bool
    ) -> None:
        caller, handle = opened.handles[which % len(opened.handles)]
        how = {"fail_immediately": immediately, "exclusive_lock": exclusive}
        ask = partial(self.nt.NtLockFile, caller, handle, start, length, key, **how)
        if not opened.access & (READ | WRITE):
            assert status_of(ask) == st.STATUS_ACCESS_DENIED
            return
        wish = NaiveLock((opened, caller, key), start, length, exclusive, None)  # type: ignore[arg-type]
        blocked = self.is_blocked(opened.file, wish)
        if blocked and immediately:
            assert status_of(ask) == st.STATUS_LOCK_NOT_GRANTED
            return
        wish.irp = ask()
        assert wish.irp.status == (st.STATUS_PENDING if blocked else st.STATUS_SUCCESS)
        (opened.file.waiting if blocked else opened.file.locks).append(wish)

    def unlock(self, opened: NaiveOpen, which: int, start: int, length: int, key: int) -> None:
        caller, handle = opened.handles[which % len(opened.handles)]
        mine = [
            lock
            for lock in opened.file.locks
            if (lock.owner, lock.start, lock.length) == ((opened, caller, key), start, length)
        ]
        expected = 0 if mine else st.STATUS_RANGE_NOT_LOCKED
        if not opened.access & (READ | WRITE):
            expected = st.STATUS_ACCESS_DENIED
        assert status_of(lambda: self.nt.NtUnlockFile(caller, handle, start, length, key)) == expected
        if not expected:
            opened.file.locks.remove(min(mine, key=lambda lock: not lock.exclusive))
            self.grant(opened.file)

    def unlock_one(self, opened: NaiveOpen) -> None:
        """Unlock something that is locked, if anything is."""
        for lock in opened.file.locks:
            owner, caller, key = lock.owner
            for which, (process, _) in enumerate(owner.handles):
                if process is caller:
                    self.unlock(owner, which, lock.start, lock.length, key)
                    return

    def cancel(self, opened: NaiveOpen) -> None:
        caller, handle = opened.handles[0]
        self.nt.NtCancelIoFile(caller, handle)
        for lock in opened.file.waiting:
            if lock.owner[0] is opened:
                assert lock.irp.status == st.STATUS_CANCELLED
        opened.file.waiting = [lock for lock in opened.file.waiting if lock.owner[0] is not opened]

    def grant(self, file: NaiveFile) -> None:
        """Let who waits have what is free now, the first one first."""
        for wish in list(file.waiting):
            if not self.is_blocked(file, wish):
                file.waiting.remove(wish)
                file.locks.append(wish)

    def may_transfer(self, opened: NaiveOpen, caller: Process, start: int, length: int, key: int, right: int) -> int:
        if not opened.access & right:
            return st.STATUS_ACCESS_DENIED
        owner = (opened, caller, key)
        writes = right == WRITE
        if length and any(
            self.blocks(owner, start, length, held, writes=writes, locks=False) for held in opened.file.locks
        ):
            return st.STATUS_FILE_LOCK_CONFLICT
        return 0

    def read(self, opened: NaiveOpen, which: int, start: int, length: int, key: int) -> None:
        caller, handle = opened.handles[which % len(opened.handles)]
        expected = self.may_transfer(opened, caller, start, length, key, READ)
        data = opened.file.data
        if not expected and length and start >= len(data):
            expected = st.STATUS_END_OF_FILE
        got = []
        assert status_of(lambda: got.append(self.nt.NtReadFile(caller, handle, length, start, key))) == expected
        assert got == ([] if expected else [bytes(data[start : start + length])])

    def write(self, opened: NaiveOpen, which: int, start: int, length: int, key: int) -> None:
        caller, handle = opened.handles[which % len(opened.handles)]
        expected = self.may_transfer(opened, caller, start, length, key, WRITE)
        content = self.content(length)
        assert status_of(lambda: self.nt.NtWriteFile(caller, handle, content, start, key)) == expected
        data = opened.file.data
        if not expected and length:
            data.extend(bytes(max(0, start + length - len(data))))
            data[start : start + length] = content

    def content(self, length: int) -> bytes:
        """Give bytes that were not written before."""
        self.written = self.written % 250 + 1
        return bytes([self.written]) * length

    def section(self, opened: NaiveOpen, protection: int, image: bool, size: int) -> None:
        caller, handle = opened.handles[0]
        file = opened.file
        expected = self.may_map(opened, protection, image, size)
        kind = SEC_IMAGE if image else SEC_COMMIT
        make = partial(self.nt.NtCreateSection, caller, 0xF001F, None, size, protection, kind, handle)
        if expected:
            assert status_of(make) == expected
            return
        made = NaiveSection(file, caller, make().handle, image, protection, size or len(file.data))
        if not image:
            file.data.extend(bytes(max(0, size - len(file.data))))
        file.sections.append(made)
        self.sections.append(made)

    def may_map(self, opened: NaiveOpen, protection: int, image: bool, size: int) -> int:
        data = opened.file.data
        needed = READ | WRITE if protection == READ_WRITE else READ
        if opened.access & needed != needed:
            return st.STATUS_ACCESS_DENIED
        if not size and not data:
            return st.STATUS_MAPPED_FILE_SIZE_ZERO
        if image:
            if len(data) < 64 or data[:2] != b"MZ":
                return st.STATUS_INVALID_IMAGE_NOT_MZ
            if not data[0x3C]:
                return st.STATUS_INVALID_IMAGE_PROTECT
            if len(data) < len(PROGRAM):
                return st.STATUS_INVALID_IMAGE_FORMAT
            return st.STATUS_SECTION_TOO_BIG if size > 3 * PAGE else 0
        return st.STATUS_SECTION_TOO_BIG if size > len(data) and protection != READ_WRITE else 0

    def close_section(self, section: NaiveSection) -> None:
        self.drive.close(section.handle, section.process)
        section.has_handle = False
        self.sections.remove(section)

    def view(self, section: NaiveSection, protection: int) -> None:
        caller = section.process
        ask = partial(self.nt.NtMapViewOfSection, caller, section.handle, -1, 0, 0, 0, 2, 0, protection)
        if protection not in VIEWS[section.protection]:
            assert status_of(ask) == st.STATUS_SECTION_PROTECTION
            return
        view = NaiveView(section, protection, ask().base_address)
        section.views.append(view)
        self.views.append(view)

    def unmap(self, view: NaiveView) -> None:
        self.nt.NtUnmapViewOfSection(view.section.process, -1, view.base)
        view.section.views.remove(view)
        self.views.remove(view)

    def peek(self, view: NaiveView, start: int, length: int) -> None:
        shown = view.copy or view.section.file.data
        expected = bytes(shown[start : start + length]).ljust(length, b"\0")
        assert self.nt.NtReadVirtualMemory(view.section.process, -1, view.base + start, length) == expected

    def poke(self, view: NaiveView, start: int, length: int) -> None:
        content = self.content(length)
        data = view.section.file.data
        refused = view.section.image or view.protection == READ_ONLY
        expected = st.STATUS_PARTIAL_COPY if refused and length else 0
        write = partial(self.nt.NtWriteVirtualMemory, view.section.process, -1, view.base + start, content)
        assert status_of(write) == expected
        if refused or not length:
            return
        if view.protection == WRITE_COPY:
            view.copy = view.copy or bytearray(bytes(data[:PAGE]).ljust(PAGE, b"\0"))
            view.copy[start : start + length] = content
        else:
            there = max(0, min(length, len(data) - start))
            data[start : start + there] = content[:there]

    def cut(self, opened: NaiveOpen, size: int) -> None:
        file = opened.file
        expected = 0 if opened.access & WRITE else st.STATUS_ACCESS_DENIED
        if not expected and size < len(file.data) and file.is_mapped():
            expected = st.STATUS_USER_MAPPED_FILE
        assert self.set(opened, size, query.FILE_END_OF_FILE_INFORMATION) == expected
        if not expected:
            del file.data[size:]
            file.data.extend(bytes(size - len(file.data)))

    def mark(self, opened: NaiveOpen, deletes: bool) -> None:
        file = opened.file
        expected = 0 if opened.access & DELETE else st.STATUS_ACCESS_DENIED
        if not expected and file.removed:
            expected = st.STATUS_FILE_DELETED
        elif not expected and deletes and file.is_mapped():
            expected = st.STATUS_CANNOT_DELETE
        assert self.set(opened, deletes, query.FILE_DISPOSITION_INFORMATION) == expected
        if not expected:
            file.pending = deletes

    def replace(self, name: str, flags: int) -> None:
        """Give a name to another file by a rename."""
        target = self.names[name]
        expected = 0 if target is None else self.may_replace(target, flags)
        handle = self.make("new")
        assert status_of(lambda: self.drive.rename(handle, name, flags, extended=True)) == expected
        if expected:
            self.drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION)
        else:
            self.names[name] = NaiveFile()
            if target is not None:
                target.pending = target.removed = True
        self.drive.close(handle)

    def may_replace(self, target: NaiveFile, flags: int) -> int:
        if target.pending:
            return st.STATUS_DELETE_PENDING
        if flags & 2:
            visible = [other for other in target.opens if any(classes(other.access))]
            if not all(other.share & 4 for other in visible):
                return st.STATUS_SHARING_VIOLATION
        elif target.opens:
            return st.STATUS_ACCESS_DENIED
        return st.STATUS_ACCESS_DENIED if target.is_mapped(image_only=True) else 0

    def set(self, opened: NaiveOpen, information: Any, information_class: int) -> int:
        caller, handle = opened.handles[0]
        return status_of(lambda: self.nt.NtSetInformationFile(caller, handle, information, information_class))

    def requests_agree(self) -> None:
        for file in {opened.file for opened in self.opens}:
            assert all(lock.irp.status == st.STATUS_SUCCESS for lock in file.locks)
            assert all(lock.irp.status == st.STATUS_PENDING for lock in file.waiting)

    def sizes_agree(self) -> None:
        for opened in self.opens:
            caller, handle = opened.handles[0]
            told = self.nt.NtQueryInformationFile(caller, handle, query.FILE_STANDARD_INFORMATION)
            assert told.end_of_file == len(opened.file.data)

    def only_what_is_mapped_is_kept(self) -> None:
        mapped = {section.file for section in self.sections} | {view.section.file for view in self.views}
        nodes = self.drive.volume.nodes
        assert len(nodes.mapped) == len(mapped)
        assert len(nodes) == len({opened.file for opened in self.opens})

    def close_all(self) -> None:
        """Close and unmap everything, so that nothing of the volume's state may be left."""
        for opened in self.opens:
            for caller, handle in opened.handles:
                self.drive.close(handle, caller)
        for section in self.sections:
            self.drive.close(section.handle, section.process)
        for view in self.views:
            self.nt.NtUnmapViewOfSection(view.section.process, -1, view.base)
        assert not self.drive.volume.nodes.mapped
        assert not len(self.drive.volume.nodes)


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
