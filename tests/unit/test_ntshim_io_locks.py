"""Byte-range locks: who may lock, read and write what, who waits, and when it ends (facts/nt.md section 3.8)."""

from __future__ import annotations

import random
from functools import partial
from nt.drive import APPEND, EXECUTE, READ, READ_ATTRIBUTES, WRITE, Drive, status_of
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ntshim import status as st
from ntshim.fs.hostfs import HostFs
from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.device import Device
from ntshim.io.file import File
from ntshim.io.ranges import RangeIndex
from ntshim.ke.event import NOTIFICATION_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ntshim.io.queued import QueuedIrp
    from ntshim.ps import Process

END = 1 << 64
SUCCESS, PENDING = st.STATUS_SUCCESS, st.STATUS_PENDING


class Scene:
    """A file of sixteen bytes, open as `a` and as `b`."""

    def __init__(self, drive: Drive | None = None) -> None:
        self.drive = drive or Drive()
        self.drive.make("x")
        self.nt, self.process = self.drive.nt, self.drive.process
        self.a, self.b = (self.drive.open("x", READ | WRITE) for _ in range(2))
        self.nt.NtWriteFile(self.process, self.a, bytes(16), 0)

    def lock(
        self,
        handle: int,
        offset: int,
        length: int,
        *,
        exclusive: bool = True,
        waits: bool = False,
        key: int = 0,
        process: Process | None = None,
        event: int = 0,
    ) -> QueuedIrp:
        return self.nt.NtLockFile(
            process or self.process,
            handle,
            offset,
            length,
            key,
            fail_immediately=not waits,
            exclusive_lock=exclusive,
            event=event,
        )

    def unlock(self, handle: int, offset: int, length: int, key: int = 0, process: Process | None = None) -> None:
        self.nt.NtUnlockFile(process or self.process, handle, offset, length, key)

    def read(self, handle: int, offset: int, length: int, key: int = 0, process: Process | None = None) -> int:
        return status_of(lambda: self.nt.NtReadFile(process or self.process, handle, length, offset, key))

    def write(self, handle: int, offset: int, length: int, key: int = 0, process: Process | None = None) -> int:
        return status_of(lambda: self.nt.NtWriteFile(process or self.process, handle, bytes(length), offset, key))

    def duplicate(self, handle: int, process: Process) -> int:
        gate = self.process.handles.insert(process, 0x40)
        copy = self.nt.NtDuplicateObject(self.process, -1, handle, gate, options=2)
        self.process.handles.close(gate)
        assert copy is not None
        return copy


class Held(NamedTuple):
    """A lock that `a` holds, and a range."""

    exclusive: bool
    offset: int
    length: int


RANGES = [
    # held, asked for, whether they overlap
    ((4, 4), (0, 4), False), ((4, 4), (8, 4), False), ((4, 4), (0, 5), True), ((4, 4), (7, 1), True),
    ((4, 4), (5, 2), True), ((4, 4), (0, 16), True), ((4, 4), (4, 4), True), ((0, 1), (0, 1), True),
    ((4, 0), (0, 8), True), ((4, 0), (3, 2), True), ((4, 0), (4, 4), False), ((4, 0), (0, 4), False),
    ((4, 0), (4, 0), False), ((0, 0), (0, 8), False), ((4, 4), (4, 0), False), ((4, 4), (5, 0), True),
    ((4, 4), (7, 0), True), ((4, 4), (8, 0), False), ((100, 50), (149, 1), True), ((100, 50), (150, 1), False),
    ((END - 1, 1), (END - 1, 1), True), ((0, END - 1), (END - 1, 1), False), ((1, END - 1), (END - 1, 1), True),
    ((0, END - 1), (12, 1), True), ((2, 1), (0, END - 1), True), ((1 << 40, 1 << 30), ((1 << 40) + 5, 1), True),
]  # fmt: skip


@pytest.mark.parametrize(("held", "asked", "overlap"), RANGES)
def test_which_ranges_overlap(held: tuple[int, int], asked: tuple[int, int], overlap: bool) -> None:
    scene = Scene()
    scene.lock(scene.a, *held)
    refused = st.STATUS_LOCK_NOT_GRANTED if overlap else SUCCESS
    assert status_of(lambda: scene.lock(scene.b, *asked)) == refused
    if asked[1] and asked[0] + asked[1] < 1 << 40:
        conflict = st.STATUS_FILE_LOCK_CONFLICT if overlap else SUCCESS
        beyond = SUCCESS if asked[0] < 16 else st.STATUS_END_OF_FILE
        assert scene.read(scene.b, *asked) == (conflict or beyond) or asked[1] >= 1 << 32


@pytest.mark.parametrize(
    ("held_exclusive", "by_owner", "wanted", "expected"),
    [
        (True, True, "exclusive", st.STATUS_LOCK_NOT_GRANTED),
        (True, True, "shared", SUCCESS),
        (True, True, "read", SUCCESS),
        (True, True, "write", SUCCESS),
        (True, False, "exclusive", st.STATUS_LOCK_NOT_GRANTED),
        (True, False, "shared", st.STATUS_LOCK_NOT_GRANTED),
        (True, False, "read", st.STATUS_FILE_LOCK_CONFLICT),
        (True, False, "write", st.STATUS_FILE_LOCK_CONFLICT),
        (False, True, "exclusive", st.STATUS_LOCK_NOT_GRANTED),
        (False, True, "shared", SUCCESS),
        (False, True, "read", SUCCESS),
        (False, True, "write", st.STATUS_FILE_LOCK_CONFLICT),
        (False, False, "exclusive", st.STATUS_LOCK_NOT_GRANTED),
        (False, False, "shared", SUCCESS),
        (False, False, "read", SUCCESS),
        (False, False, "write", st.STATUS_FILE_LOCK_CONFLICT),
    ],
)
@pytest.mark.parametrize("stranger", ["file object", "process", "key"])
def test_who_is_kept_from_what(held_exclusive: bool, by_owner: bool, wanted: str, expected: int, stranger: str) -> None:
    scene = Scene()
    scene.lock(scene.a, 4, 4, exclusive=held_exclusive)
    handle, process, key = scene.a, scene.process, 0
    if not by_owner and stranger == "file object":
        handle = scene.b
    elif not by_owner and stranger == "process":
        process = scene.drive.new_process()
        handle = scene.duplicate(scene.a, process)
    elif not by_owner:
        key = 7
    acts: dict[str, Callable[[], int]] = {
        "exclusive": lambda: status_of(lambda: scene.lock(handle, 6, 4, key=key, process=process)),
        "shared": lambda: status_of(lambda: scene.lock(handle, 6, 4, exclusive=False, key=key, process=process)),
        "read": lambda: scene.read(handle, 6, 4, key, process),
        "write": lambda: scene.write(handle, 6, 4, key, process),
    }
    assert acts[wanted]() == expected


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (1 << 70, 0, st.STATUS_INVALID_PARAMETER),
        (0, 1 << 64, st.STATUS_INVALID_PARAMETER),
        (-1 << 64, 1, st.STATUS_INVALID_PARAMETER),
        (END - 1, 2, st.STATUS_INVALID_LOCK_RANGE),
        (-1, 2, st.STATUS_INVALID_LOCK_RANGE),
        (2, -1, st.STATUS_INVALID_LOCK_RANGE),
        (1, END - 1, SUCCESS),
        (END - 1, 1, SUCCESS),
        (END - 1, 0, SUCCESS),
        (-1, 1, SUCCESS),
        (0, -1, SUCCESS),
        (1000, 10, SUCCESS),
        (0, 0, SUCCESS),
    ],
)
def test_ranges(offset: int, length: int, expected: int) -> None:
    scene = Scene()
    assert status_of(lambda: scene.lock(scene.a, offset, length)) == expected
    assert status_of(lambda: scene.unlock(scene.a, offset, length)) == expected


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (READ, SUCCESS),
        (WRITE, SUCCESS),
        (READ | WRITE, SUCCESS),
        (APPEND, st.STATUS_ACCESS_DENIED),
        (EXECUTE, st.STATUS_ACCESS_DENIED),
        (READ_ATTRIBUTES, st.STATUS_ACCESS_DENIED),
    ],
)
def test_rights(access: int, expected: int) -> None:
    scene = Scene()
    handle = scene.drive.open("x", access)
    assert status_of(lambda: scene.lock(handle, 0, 1)) == expected
    assert status_of(lambda: scene.unlock(handle, 0, 1)) == expected


def test_what_has_no_bytes_has_no_locks() -> None:
    scene = Scene()
    scene.drive.make_directory("dir")
    directory = scene.drive.open("dir")
    assert status_of(lambda: scene.lock(directory, 0, 1)) == st.STATUS_INVALID_PARAMETER
    assert status_of(lambda: scene.unlock(directory, 0, 1)) == st.STATUS_INVALID_PARAMETER
    stream = scene.drive.create("dir:stream", READ, disposition=io.FILE_CREATE).handle
    assert scene.lock(stream, 0, 1).status == SUCCESS
    event = scene.nt.NtCreateEvent(scene.process, 0x1F0003, None, NOTIFICATION_EVENT).handle
    assert status_of(lambda: scene.lock(event, 0, 1)) == st.STATUS_OBJECT_TYPE_MISMATCH
    host_only = scene.process.handles.insert(File(), READ)
    assert status_of(lambda: scene.lock(host_only, 0, 1)) == st.STATUS_INVALID_DEVICE_REQUEST
    no_locks = scene.process.handles.insert(File(device=Device()), READ)
    assert status_of(lambda: scene.lock(no_locks, 0, 1)) == st.STATUS_INVALID_DEVICE_REQUEST
    assert status_of(lambda: scene.lock(0xBAD0, 0, 1)) == st.STATUS_INVALID_HANDLE
    assert status_of(lambda: scene.lock(scene.a, 0, 1, key=-1)) == st.STATUS_INVALID_PARAMETER
    assert status_of(lambda: scene.lock(scene.a, 0, 1, key=1 << 32)) == st.STATUS_INVALID_PARAMETER
    assert status_of(lambda: scene.lock(scene.a, 0, 1, event=scene.a)) == st.STATUS_OBJECT_TYPE_MISMATCH


def test_streams_and_other_links_of_a_file() -> None:
    scene = Scene()
    stream = scene.drive.create("x:stream", READ | WRITE, disposition=io.FILE_CREATE).handle
    scene.lock(scene.a, 0, 16)
    assert scene.write(stream, 0, 4) == SUCCESS
    assert scene.lock(stream, 0, 16).status == SUCCESS
    scene.drive.link(scene.a, "y")
    assert scene.read(scene.drive.open("y"), 0, 4) == st.STATUS_FILE_LOCK_CONFLICT


def test_unlock_names_the_whole_lock() -> None:
    scene = Scene()
    scene.lock(scene.a, 4, 4, key=1)
    stranger = scene.drive.new_process()
    theirs = scene.duplicate(scene.a, stranger)
    for offset, length, key in ((4, 4, 0), (4, 3, 1), (5, 3, 1), (4, 0, 1), (0, 16, 1)):
        assert status_of(partial(scene.unlock, scene.a, offset, length, key)) == st.STATUS_RANGE_NOT_LOCKED
    assert status_of(lambda: scene.unlock(scene.b, 4, 4, 1)) == st.STATUS_RANGE_NOT_LOCKED
    assert status_of(lambda: scene.unlock(theirs, 4, 4, 1, stranger)) == st.STATUS_RANGE_NOT_LOCKED
    copy = scene.duplicate(scene.a, scene.process)
    scene.unlock(copy, 4, 4, 1)
    assert status_of(lambda: scene.unlock(scene.a, 4, 4, 1)) == st.STATUS_RANGE_NOT_LOCKED
    assert scene.read(scene.b, 0, 16) == SUCCESS


def test_the_exclusive_lock_of_a_range_goes_before_the_shared_one() -> None:
    scene = Scene()
    scene.lock(scene.a, 0, 8)
    scene.lock(scene.a, 0, 8, exclusive=False)
    scene.lock(scene.a, 0, 8, exclusive=False)
    assert scene.read(scene.b, 0, 8) == st.STATUS_FILE_LOCK_CONFLICT
    scene.unlock(scene.a, 0, 8)
    assert scene.read(scene.b, 0, 8) == SUCCESS
    assert scene.write(scene.a, 0, 8) == st.STATUS_FILE_LOCK_CONFLICT
    scene.unlock(scene.a, 0, 8)
    assert scene.write(scene.a, 0, 8) == st.STATUS_FILE_LOCK_CONFLICT
    scene.unlock(scene.a, 0, 8)
    assert scene.write(scene.a, 0, 8) == SUCCESS
    assert not scene.drive.volume.nodes.all()[0].streams[""].locks.any_held  # type: ignore[union-attr]


def test_a_duplicated_handle_shares_ownership_until_the_last_is_closed() -> None:
    scene = Scene()
    scene.lock(scene.a, 0, 8)
    copy = scene.duplicate(scene.a, scene.process)
    assert scene.write(copy, 0, 8) == SUCCESS
    scene.drive.close(scene.a)
    assert scene.read(scene.b, 0, 8) == st.STATUS_FILE_LOCK_CONFLICT
    scene.drive.close(copy)
    assert scene.read(scene.b, 0, 8) == SUCCESS


def test_reading_and_writing_ask_for_the_bytes_that_they_name() -> None:
    scene = Scene()
    scene.lock(scene.b, 100, 10)
    assert scene.read(scene.a, 90, 20) == st.STATUS_FILE_LOCK_CONFLICT
    assert scene.read(scene.a, 90, 10) == st.STATUS_END_OF_FILE
    assert scene.read(scene.a, 105, 0) == scene.write(scene.a, 105, 0) == SUCCESS
    scene.lock(scene.b, 16, 1)
    assert scene.write(scene.a, -1, 1) == st.STATUS_FILE_LOCK_CONFLICT
    append = scene.drive.open("x", APPEND)
    assert scene.write(append, 0, 1) == st.STATUS_FILE_LOCK_CONFLICT
    scene.unlock(scene.b, 16, 1)
    assert scene.write(append, 0, 1) == SUCCESS
    assert scene.drive.get(scene.a, query.FILE_STANDARD_INFORMATION).end_of_file == 17
    for length in (-1, 1 << 32, 1 << 80):
        assert scene.read(scene.a, 0, length) == st.STATUS_INVALID_PARAMETER


def test_waiting_requests_are_granted_in_their_order() -> None:
    scene = Scene()
    c = scene.drive.open("x")
    scene.lock(scene.a, 0, 8)
    told: list[str] = []

    def tell(name: str, _: object) -> None:
        told.append(name)

    waiting = {
        "exclusive": scene.lock(scene.b, 4, 8, waits=True),
        "behind it": scene.lock(c, 6, 2, exclusive=False, waits=True),
        "beside it": scene.lock(c, 0, 2, exclusive=False, waits=True),
    }
    for name, irp in waiting.items():
        assert irp.status == PENDING
        irp.when_done(partial(tell, name))
    # Who waits keeps nobody out.
    assert scene.lock(c, 10, 2).status == SUCCESS
    scene.unlock(scene.a, 0, 8)
    assert told == ["behind it", "beside it"]
    scene.unlock(c, 10, 2)
    assert told == ["behind it", "beside it"]
    scene.unlock(c, 6, 2)
    assert told == ["behind it", "beside it", "exclusive"]
    assert waiting["exclusive"].status == SUCCESS
    assert scene.read(scene.a, 4, 1) == st.STATUS_FILE_LOCK_CONFLICT


def test_the_first_of_two_that_wait_wins() -> None:
    scene = Scene()
    scene.lock(scene.a, 0, 8)
    first, second = scene.lock(scene.b, 2, 2, waits=True), scene.lock(scene.a, 2, 2, waits=True)
    scene.unlock(scene.a, 0, 8)
    assert (first.status, second.status) == (SUCCESS, PENDING)
    scene.drive.close(scene.b)
    assert second.status == SUCCESS


def test_waiting_ends_with_a_cancel_or_the_last_handle() -> None:
    scene = Scene()
    scene.lock(scene.a, 0, 8)
    cancelled = scene.lock(scene.b, 0, 8, waits=True)
    scene.nt.NtCancelIoFile(scene.process, scene.b)
    closed = scene.lock(scene.b, 0, 8, waits=True)
    scene.drive.close(scene.b)
    scene.unlock(scene.a, 0, 8)
    assert cancelled.status == closed.status == st.STATUS_CANCELLED
    assert scene.lock(scene.a, 0, 8).status == SUCCESS


def test_a_file_that_closes_is_not_granted_what_it_waits_for() -> None:
    scene = Scene()
    scene.lock(scene.a, 0, 8)
    own = scene.lock(scene.a, 0, 8, waits=True)
    theirs = scene.lock(scene.b, 0, 8, waits=True)
    scene.drive.close(scene.a)
    assert (own.status, theirs.status) == (st.STATUS_CANCELLED, SUCCESS)


def test_an_event_tells_of_the_lock() -> None:
    scene = Scene()
    event = scene.nt.NtCreateEvent(scene.process, 0x1F0003, None, NOTIFICATION_EVENT).handle

    def is_set() -> bool:
        told: Any = scene.process.handles.look_up(event).object
        return bool(told.signalled)

    scene.lock(scene.a, 0, 8, event=event)
    assert is_set()
    scene.lock(scene.b, 0, 8, waits=True, event=event)
    assert not is_set()
    scene.unlock(scene.a, 0, 8)
    assert is_set()
    weak = scene.nt.NtCreateEvent(scene.process, 0x1, None, NOTIFICATION_EVENT).handle
    assert status_of(lambda: scene.lock(scene.a, 9, 1, event=weak)) == st.STATUS_ACCESS_DENIED
    assert scene.lock(scene.b, 9, 1).status == SUCCESS


def test_who_is_told_of_a_lock_may_act_at_once() -> None:
    scene = Scene()
    scene.lock(scene.a, 0, 8)
    first = scene.lock(scene.b, 0, 4, waits=True)
    second = scene.lock(scene.b, 2, 4, waits=True)
    third = scene.lock(scene.b, 5, 1, waits=True)
    first.when_done(lambda _: scene.unlock(scene.b, 0, 4))
    first.when_done(lambda _: third.cancel())
    scene.unlock(scene.a, 0, 8)
    assert (first.status, second.status, third.status) == (SUCCESS, SUCCESS, st.STATUS_CANCELLED)


def test_the_file_may_be_cut_and_overwritten_under_a_lock() -> None:
    scene = Scene()
    scene.lock(scene.a, 0, 16)
    assert status_of(lambda: scene.drive.set(scene.b, 2, query.FILE_END_OF_FILE_INFORMATION)) == SUCCESS
    assert status_of(lambda: scene.drive.create("x", READ, disposition=io.FILE_OVERWRITE)) == SUCCESS
    assert scene.read(scene.b, 0, 1) == st.STATUS_FILE_LOCK_CONFLICT


def test_on_a_directory_of_the_host(tmp_path: Path) -> None:
    scene = Scene(Drive(HostFs(str(tmp_path))))
    scene.lock(scene.a, 4, 4)
    assert scene.read(scene.b, 0, 5) == scene.write(scene.b, 7, 1) == st.STATUS_FILE_LOCK_CONFLICT
    assert scene.write(scene.a, 4, 4) == scene.read(scene.b, 8, 4) == SUCCESS
    scene.drive.close(scene.a)
    assert scene.read(scene.b, 0, 5) == SUCCESS


class Span:
    """A range in an index."""

    def __init__(self, offset: int, length: int, number: int) -> None:
        self.offset, self.last, self.order = offset, offset + length - 1, (offset, number)


def test_the_index_finds_what_overlaps() -> None:
    chance = random.Random(5)
    for scale in (4, 40, 1 << 64):
        index: RangeIndex[Span] = RangeIndex()
        spans: list[Span] = []
        for number in range(1, 400):
            if spans and chance.random() < 0.4:
                index.remove(spans.pop(chance.randrange(len(spans))))
            else:
                length = chance.choice((0, 1, chance.randrange(1 + scale // 4), chance.randrange(scale)))
                spans.append(Span(chance.randrange(scale), length, number))
                index.add(spans[-1])
            offset = chance.randrange(scale)
            last = offset + chance.randrange(1 + scale // 8) - 1
            expected = {span for span in spans if span.offset <= last and offset <= span.last}
            assert set(index.overlapping(offset, last)) == expected


class Watched(Span):
    """A range that counts how often its end is looked at."""

    looks = 0

    @property
    def last(self) -> int:
        Watched.looks += 1
        return self._last

    @last.setter
    def last(self, last: int) -> None:
        self._last = last


def test_of_many_ranges_few_are_looked_at() -> None:
    index: RangeIndex[Watched] = RangeIndex()
    for at in range(10_000):
        index.add(Watched(100 * at, 1 + at % 90, at + 1))
    for at in range(0, 10_000, 100):
        Watched.looks = 0
        assert [span.order for span in index.overlapping(100 * at, 100 * at)] == [(100 * at, at + 1)]
        assert Watched.looks < 20


def test_ten_thousand_locks() -> None:
    scene = Scene()
    for at in range(10_000):
        scene.lock(scene.a, 10 * at, 5, exclusive=bool(at % 2))
    waiting = [scene.lock(scene.b, 10 * at, 10, waits=True) for at in range(5_000)]
    assert scene.lock(scene.b, 99_995, 5).status == SUCCESS
    assert scene.write(scene.b, 99_994, 1) == scene.write(scene.b, 99_980, 1) == st.STATUS_FILE_LOCK_CONFLICT
    assert scene.read(scene.b, 99_994, 1) == st.STATUS_FILE_LOCK_CONFLICT
    for at in range(100):
        scene.unlock(scene.a, 10 * at, 5)
    assert {irp.status for irp in waiting[:100]} == {SUCCESS}
    assert {irp.status for irp in waiting[100:]} == {PENDING}
    scene.drive.close(scene.a)
    assert {irp.status for irp in waiting} == {SUCCESS}
