"""How a description counts that no guest was seen to open, and whose tables are looked at for such."""

from __future__ import annotations

import os
import stat
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ntshim.fs.native import NativeVolume
from ntshim.fs.nodes import Nodes
from ntshim.io.share import FILE_SHARE_ALL
from picobox.platform.base import Descriptor, HostTid
from picobox.platform.host import PseudoDevices, is_open_file, own_tid
from picobox.platform.identity import Identities
from picobox.platform.trace import TracePlatform
from picobox.task import FdTable, OpenFiles, granted_access
from picobox.unopened import Unopened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SHARE_READ_WRITE = 3


class World:
    """This process as a guest; `share` is that of its runtime, None where no rules of Windows hold."""

    def __init__(self, share: int | None = SHARE_READ_WRITE, *, judged: bool = False) -> None:
        volume = NativeVolume(Nodes(), lambda _: False)
        self.readers: dict[object, str] = {}
        judge = SimpleNamespace(
            repeats=SimpleNamespace(origin=lambda _: None),
            readers=SimpleNamespace(side=lambda found, flags, _fd: self.readers.pop((flags, found.file), None)),
        )
        provider: Any = SimpleNamespace(judge=judge if judged else None)
        self.unopened = Unopened(provider, Identities(PseudoDevices()), lambda _tid, _path: share, lambda _path: volume)

    def take_over(self, fd: int, flags: int = os.O_RDWR) -> Any:
        found = os.fstat(fd)
        return self.unopened.take_over(own_tid(), fd, Descriptor(found.st_dev, found.st_ino, found.st_mode, flags))


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    """A file that is open."""
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    ("share", "judged", "counts"), [(SHARE_READ_WRITE, True, 3), (None, False, FILE_SHARE_ALL), (None, True, None)]
)
def test_it_counts_as_the_task_s_own(fd: int, share: int | None, judged: bool, counts: int | None) -> None:
    file = World(share, judged=judged).take_over(fd)
    assert (None if file is None else file.context.share) == counts
    if file is not None:
        assert file.context.access == granted_access(os.O_RDWR)
        assert not file.context.link.removed


def test_a_reader_that_was_let_by_is_told_once_and_never_as_a_writer(fd: int) -> None:
    world, found = World(judged=True), os.fstat(fd)
    world.readers[os.O_RDONLY, (found.st_dev, found.st_ino)] = "who reads it"
    origins = [world.take_over(fd, flags).origin for flags in (os.O_RDWR, os.O_RDONLY, os.O_RDONLY)]
    assert origins == [None, "who reads it", None]


def test_what_is_on_its_way_keeps_how_it_was_opened(fd: int) -> None:
    world = World()
    first = world.take_over(fd)
    first.context.share, first.origin = 0, "who opened it"
    world.unopened.keep_origin(first)
    for flags, share, origin in ((os.O_RDWR, 0, "who opened it"), (os.O_RDONLY, SHARE_READ_WRITE, None)):
        again = world.take_over(fd, flags)
        assert (again.context.share, again.origin) == (share, origin)


def test_what_is_on_its_way_has_the_name_that_it_was_opened_by(fd: int, tmp_path: Path) -> None:
    world = World()
    first = world.take_over(fd)
    first.context.share, first.origin = 0, "who opened it"
    world.unopened.keep_origin(first)
    (tmp_path / "file").rename(tmp_path / "other")
    again = world.take_over(fd)
    assert (again.context.share, again.origin) == (SHARE_READ_WRITE, None)


def test_what_is_kept_of_the_past_is_bounded(fd: int) -> None:
    world = World()
    file = world.take_over(fd)
    for number in range(1000):
        file.host_key = number
        world.unopened.keep_origin(file)
    assert len(world.unopened._origins) == 256
    assert 999 in world.unopened._origins


def test_what_is_no_file_is_the_host_s_alone(fd: int) -> None:
    del fd
    ends = os.pipe()
    try:
        assert World().take_over(ends[0]) is None
    finally:
        for end in ends:
            os.close(end)


class Platform:
    """One whose descriptors are this process's; `asked` are the tasks that may have received some."""

    def __init__(self) -> None:
        self.asked: list[int] | None = []

    def receivers(self) -> list[int] | None:
        return self.asked

    def open_files(self, tid: HostTid, known: Sequence[int]) -> list[int]:
        # The look at this very process has a directory open, which is closed by now.
        found = TracePlatform.open_files(self, tid, known)  # type: ignore[arg-type]
        return [fd for fd in found if tid != own_tid() or is_open_file(tid, fd)]

    def has_open(self, tid: HostTid, file: tuple[int, int]) -> bool:
        return TracePlatform.has_open(self, tid, file)  # type: ignore[arg-type]

    def watch(self, number: int, fd: int) -> None:
        """A descriptor of a table is watched."""

    def set_table(self, tid: int, number: int) -> None:
        """A task has a table."""

    def closing(self, tid: int) -> int:
        del tid
        return -1


class Task:
    """One that has a table and closes nothing of it."""

    def __init__(self, tid: int) -> None:
        self.tid = tid

    def is_closing(self, fd: int) -> bool:
        del fd
        return False


class Handles:
    """A handle table that tells who is looked up."""

    def __init__(self) -> None:
        self.looked_up: set[int] = set()
        self.discarded: set[int] = set()

    def peek(self, index: int) -> object:
        return index if index in self.looked_up else None

    def made_indices(self, first: int, last: int) -> list[int]:
        return [index for index in self.looked_up if first <= index <= last]

    def look_up(self, handle: int) -> None:
        self.looked_up.add(handle >> 2)

    def discard(self, index: int) -> None:
        self.discarded.add(index)


class Process(SimpleNamespace):
    """One whose only thread is this one."""

    def __init__(self, platform: Platform) -> None:
        files = FdTable(platform, OpenFiles(platform))  # type: ignore[arg-type]
        files.tasks.add(Task(own_tid()))  # type: ignore[arg-type]
        thread = SimpleNamespace(context=SimpleNamespace(tid=own_tid(), files=files))
        super().__init__(terminating=False, threads={1: thread}, handle_table=Handles())


@pytest.mark.parametrize(
    ("asked", "ends", "answers"),
    [
        ([own_tid()], False, (True, False)),
        ([own_tid(), 7], False, (True, True)),  # nobody knows what 7 has
        ([], False, (False, False)),
        ([own_tid()], True, (True, True)),  # others may have what it had
        (None, False, (True, True)),
    ],
)
def test_who_may_have_a_file_open_is_asked_for_that_alone(
    fd: int, asked: list[int] | None, ends: bool, answers: tuple[bool, bool]
) -> None:
    platform = Platform()
    process = Process(platform)
    executive = SimpleNamespace(processes={1: process})
    provider: Any = SimpleNamespace(judge=None, platform=platform, executive=executive)
    unopened = Unopened(provider, Identities(PseudoDevices()), lambda _tid, _path: None, lambda _path: None)  # type: ignore[arg-type, return-value]
    found = os.fstat(fd)
    here, elsewhere = (found.st_dev, found.st_ino), (found.st_dev, 0)
    assert unopened.may_have(elsewhere)  # nobody has looked yet
    unopened.look()
    looked_up = set(process.handle_table.looked_up)
    platform.asked = asked
    unopened.may_have(elsewhere)
    platform.asked, process.terminating = [], ends
    assert (unopened.may_have(here), unopened.may_have(elsewhere)) == answers
    assert process.handle_table.looked_up == looked_up


@pytest.mark.parametrize("asked", [None, [7], [own_tid()]])
def test_tables_are_looked_at_when_something_may_have_come(fd: int, asked: list[int] | None) -> None:
    platform, handles = Platform(), Handles()
    files = FdTable(platform, OpenFiles(platform))  # type: ignore[arg-type]
    files.tasks.add(Task(own_tid()))  # type: ignore[arg-type]
    thread = SimpleNamespace(context=SimpleNamespace(tid=own_tid(), files=files))
    process = SimpleNamespace(terminating=False, threads={1: thread}, handle_table=handles)
    provider: Any = SimpleNamespace(judge=None, platform=platform, executive=SimpleNamespace(processes={1: process}))
    identities = Identities(PseudoDevices())
    unopened = Unopened(provider, identities, lambda _tid, _path: None, lambda _path: pytest.fail("nothing is made"))
    unopened.look()
    assert fd + 1 in handles.looked_up, "what the first program has inherited"
    assert all(stat.S_IFMT(os.fstat(index - 1).st_mode) in (stat.S_IFREG, stat.S_IFDIR) for index in handles.looked_up)
    handles.looked_up.clear()
    unopened.look()
    assert not handles.looked_up
    platform.asked = asked
    unopened.look()
    assert (fd + 1 in handles.looked_up) == (asked != [7])
    assert not handles.discarded


def test_files_are_found_among_many_descriptors(fd: int) -> None:
    platform = Platform()
    before = set(platform.open_files(own_tid(), []))
    assert fd in before
    ends, copies = os.pipe(), [os.dup(fd) for _ in range(300)]
    try:
        found = platform.open_files(own_tid(), [])
        assert set(found) == before | set(copies)
        assert set(platform.open_files(own_tid(), copies[::-1])) == before
        assert platform.open_files(own_tid(), found) == []
    finally:
        for each in (*ends, *copies):
            os.close(each)
    assert platform.open_files(HostTid(2**22 + 1), []) == []
