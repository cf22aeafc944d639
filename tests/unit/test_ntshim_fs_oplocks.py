"""Oplocks: what is granted beside what, what breaks them and to what, answers, and who waits (facts/nt.md 3.10)."""

from __future__ import annotations

import struct
from nt.drive import APPEND, DELETE, READ, READ_ATTRIBUTES, SYNCHRONIZE, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING, Any

import pytest

from ntshim import status as st
from ntshim.io import control, oplock, query
from ntshim.io import create as io
from ntshim.io.irp import OplockBreaking

if TYPE_CHECKING:
    from collections.abc import Callable

LEVEL_1, LEVEL_2 = control.FSCTL_REQUEST_OPLOCK_LEVEL_1, control.FSCTL_REQUEST_OPLOCK_LEVEL_2
BATCH, FILTER = control.FSCTL_REQUEST_BATCH_OPLOCK, control.FSCTL_REQUEST_FILTER_OPLOCK
ACKNOWLEDGE, NO_2 = control.FSCTL_OPLOCK_BREAK_ACKNOWLEDGE, control.FSCTL_OPLOCK_BREAK_ACK_NO_2
CLOSE_PENDING, NOTIFY = control.FSCTL_OPBATCH_ACK_CLOSE_PENDING, control.FSCTL_OPLOCK_BREAK_NOTIFY
R, RH, RW, RWH = 1, 3, 5, 7
GRANTED, NOT_GRANTED = st.STATUS_PENDING, st.STATUS_OPLOCK_NOT_GRANTED
PROTOCOL, INVALID = st.STATUS_INVALID_OPLOCK_PROTOCOL, st.STATUS_INVALID_PARAMETER
WAITS, VIOLATION = st.STATUS_RETRY, st.STATUS_SHARING_VIOLATION
TO_2, TO_NONE = oplock.FILE_OPLOCK_BROKEN_TO_LEVEL_2, oplock.FILE_OPLOCK_BROKEN_TO_NONE
KINDS = {"1": LEVEL_1, "2": LEVEL_2, "batch": BATCH, "filter": FILTER, "R": R, "RH": RH, "RW": RW, "RWH": RWH}


def send(drive: Drive, handle: int, code: int, data: bytes = b"", length: int = 24) -> Any:
    return drive.nt.NtFsControlFile(drive.process, handle, code, data, length)


def request(drive: Drive, handle: int, kind: str) -> Any:
    code = KINDS[kind]
    if code > RWH:
        return send(drive, handle, code)
    return send(drive, handle, control.FSCTL_REQUEST_OPLOCK, oplock.build_request(code))


def acknowledge(drive: Drive, handle: int, caching: int, flags: int = 2) -> Any:
    return send(drive, handle, control.FSCTL_REQUEST_OPLOCK, oplock.build_request(caching, flags))


def granted(drive: Drive, handle: int, kind: str) -> int:
    """Give the status of asking, STATUS_PENDING if it is granted."""
    return status_of(lambda: request(drive, handle, kind)) or GRANTED


def broken_to(irp: Any) -> Any:
    """Give to what an oplock was broken: a level, caching flags, or None if it is still held."""
    if irp.status == st.STATUS_PENDING:
        return None
    assert irp.status == 0
    if irp.result is None:
        return {TO_2: "2", TO_NONE: "none"}[irp.information]
    assert irp.information == len(irp.result) == 24
    return struct.unpack_from("<HHIII", irp.result)[3]


def must_answer(irp: Any) -> bool:
    return bool(struct.unpack_from("<HHIII", irp.result)[4] & 1)


@pytest.fixture
def drive() -> Drive:
    drive = Drive()
    drive.make("x")
    return drive


@pytest.mark.parametrize("kind", KINDS)
def test_alone_every_kind_is_granted(drive: Drive, kind: str) -> None:
    handle = drive.open("x", READ | WRITE)
    irp = request(drive, handle, kind)
    assert (irp.status, broken_to(irp)) == (GRANTED, None)
    assert status_of(lambda: drive.nt.NtReadFile(drive.process, handle, 1, 0)) == st.STATUS_END_OF_FILE
    assert broken_to(irp) is None


@pytest.mark.parametrize("kind", KINDS)
def test_none_on_synchronous_handles_locked_files_and_directories(drive: Drive, kind: str) -> None:
    drive.make_directory("dir")
    synchronous = drive.open("x", READ | SYNCHRONIZE, options=io.FILE_SYNCHRONOUS_IO_NONALERT)
    assert granted(drive, synchronous, kind) == NOT_GRANTED
    drive.close(synchronous)
    handle = drive.open("x", READ | WRITE)
    drive.nt.NtLockFile(drive.process, handle, 0, 1)
    assert granted(drive, handle, kind) == NOT_GRANTED
    drive.nt.NtUnlockFile(drive.process, handle, 0, 1)
    assert granted(drive, handle, kind) == GRANTED
    assert granted(drive, drive.open("dir"), kind) == INVALID


@pytest.mark.parametrize("kind", KINDS)
def test_exclusive_ones_want_to_be_the_only_open(drive: Drive, kind: str) -> None:
    handle = drive.open("x")
    drive.open("x", READ_ATTRIBUTES)
    assert granted(drive, handle, kind) == (GRANTED if kind in ("2", "R", "RH") else NOT_GRANTED)
    drive.make("y")
    other = drive.create("y:s", disposition=io.FILE_CREATE).handle
    drive.open("y")
    assert granted(drive, other, kind) == GRANTED


@pytest.mark.parametrize("held", ["2", "R", "RH"])
@pytest.mark.parametrize("wanted", KINDS)
def test_what_is_granted_beside_shared_ones(drive: Drive, held: str, wanted: str) -> None:
    first, second = drive.open("x"), drive.open("x")
    request(drive, first, held)
    beside = {"2": ("2", "R"), "R": ("2", "R", "RH"), "RH": ("R", "RH")}
    assert granted(drive, second, wanted) == (GRANTED if wanted in beside[held] else NOT_GRANTED)


@pytest.mark.parametrize("held", KINDS)
@pytest.mark.parametrize("wanted", KINDS)
def test_one_open_exchanges_its_own(drive: Drive, held: str, wanted: str) -> None:
    handle = drive.open("x")
    irp = request(drive, handle, held)
    exchanges = {
        "2": ("1", "2", "batch", "filter"),
        "R": ("R", "RH", "RW", "RWH"),
        "RH": ("RH", "RWH"),
        "RW": ("RW", "RWH"),
        "RWH": ("RWH",),
    }
    fits = wanted in exchanges.get(held, ())
    assert granted(drive, handle, wanted) == (GRANTED if fits else NOT_GRANTED)
    if not fits:
        assert irp.status == GRANTED
    elif held == "2":
        assert (irp.status, irp.information) == (0, TO_NONE)
    else:
        assert irp.status == st.STATUS_OPLOCK_SWITCHED_TO_NEW_HANDLE


def a_plain_open(drive: Drive, _: int) -> object:
    return drive.open("x", READ)


def an_overwrite(drive: Drive, _: int) -> object:
    return drive.create("x", READ, disposition=io.FILE_OVERWRITE)


def an_open_of_attributes(drive: Drive, _: int) -> object:
    return drive.open("x", READ_ATTRIBUTES | WRITE_ATTRIBUTES | SYNCHRONIZE)


def an_open_to_write(drive: Drive, _: int) -> object:
    return drive.open("x", WRITE)


OPENS: list[tuple[Callable[[Drive, int], object], dict[str, tuple[Any, int]]]] = [
    (an_open_of_attributes, dict.fromkeys(KINDS, (None, 0))),
    (
        a_plain_open,
        {
            "1": ("2", WAITS),
            "2": (None, 0),
            "batch": ("2", WAITS),
            "filter": (None, 0),
            "R": (None, 0),
            "RH": (None, 0),
            "RW": (R, WAITS),
            "RWH": (RH, WAITS),
        },
    ),
    (
        an_open_to_write,
        {
            "1": ("2", WAITS),
            "2": (None, 0),
            "batch": ("2", WAITS),
            "filter": ("none", WAITS),
            "R": (None, 0),
            "RH": (None, 0),
            "RW": (R, WAITS),
            "RWH": (RH, WAITS),
        },
    ),
    (
        an_overwrite,
        {
            "1": ("none", WAITS),
            "2": ("none", 0),
            "batch": ("none", WAITS),
            "filter": ("none", WAITS),
            "R": (0, 0),
            "RH": (0, 0),
            "RW": (0, WAITS),
            "RWH": (0, WAITS),
        },
    ),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("act", "expected"), OPENS)
def test_what_opens_break(
    drive: Drive, act: Callable[[Drive, int], object], expected: dict[str, tuple[Any, int]], kind: str
) -> None:
    irp = request(drive, drive.open("x", READ), kind)
    status = status_of(lambda: act(drive, 0))
    assert (broken_to(irp), status) == expected[kind]


@pytest.mark.parametrize(
    ("kind", "left", "status"),
    [
        ("1", None, VIOLATION),
        ("2", None, VIOLATION),
        ("batch", "2", WAITS),
        ("filter", "none", WAITS),
        ("R", None, VIOLATION),
        ("RH", R, WAITS),
        ("RW", None, VIOLATION),
        ("RWH", RW, WAITS),
    ],
)
def test_an_open_that_the_share_rule_refuses(drive: Drive, kind: str, left: Any, status: int) -> None:
    irp = request(drive, drive.open("x", READ, 0), kind)
    assert status_of(lambda: drive.open("x", WRITE, 7)) == status
    assert broken_to(irp) == left
    if kind in ("RH", "RWH"):
        original, new, flags, access, share = struct.unpack_from("<4xIIIIH", irp.result)
        assert (original, new, flags, access, share) == (KINDS[kind], left, 3, WRITE, 7)


OPERATIONS: dict[str, Callable[[Drive, int], object]] = {
    "read": lambda drive, handle: drive.nt.NtReadFile(drive.process, handle, 1, 0),
    "write": lambda drive, handle: drive.nt.NtWriteFile(drive.process, handle, b"x", 0),
    "lock": lambda drive, handle: drive.nt.NtLockFile(drive.process, handle, 0, 1),
    "resize": lambda drive, handle: drive.set(handle, 0, query.FILE_END_OF_FILE_INFORMATION),
    "allocate": lambda drive, handle: drive.set(handle, 4096, query.FILE_ALLOCATION_INFORMATION),
    "rename": lambda drive, handle: drive.rename(handle, "y"),
    "link": lambda drive, handle: drive.link(handle, "y"),
    "delete": lambda drive, handle: drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION),
    "undelete": lambda drive, handle: drive.set(handle, False, query.FILE_DISPOSITION_INFORMATION),
    "delete ex": lambda drive, handle: drive.set(handle, 1, query.FILE_DISPOSITION_INFORMATION_EX),
    "query": lambda drive, handle: drive.get(handle, query.FILE_STANDARD_INFORMATION),
}
CHANGES = ("write", "lock", "resize", "allocate")
NAMES = ("rename", "link", "delete", "delete ex")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", ["2", "R", "RH"])
def test_what_other_handles_break(drive: Drive, operation: str, kind: str) -> None:
    holder, other = drive.open("x"), drive.open("x", READ | WRITE | DELETE | WRITE_ATTRIBUTES)
    drive.nt.NtWriteFile(drive.process, other, b"text", 0)
    irp = request(drive, holder, kind)
    status = status_of(lambda: OPERATIONS[operation](drive, other))
    if operation in CHANGES:
        assert (broken_to(irp), status) == ("none" if kind == "2" else 0, 0)
    elif operation in NAMES and kind == "RH":
        assert (broken_to(irp), status) == (R, WAITS)
        acknowledge(drive, holder, 0)
        assert status_of(lambda: OPERATIONS[operation](drive, other)) == 0
    else:
        assert (broken_to(irp), status) == (None, 0)
    if kind != "2" and irp.status == 0:
        assert must_answer(irp) == (kind == "RH")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_only_level_2_is_broken_by_its_holder(drive: Drive, operation: str, kind: str) -> None:
    handle = drive.open("x", READ | WRITE | DELETE | WRITE_ATTRIBUTES)
    drive.nt.NtWriteFile(drive.process, handle, b"text", 0)
    irp = request(drive, handle, kind)
    assert status_of(lambda: OPERATIONS[operation](drive, handle)) == 0
    assert broken_to(irp) == ("none" if kind == "2" and operation in CHANGES else None)


def attributes_opened_first(drive: Drive, kind: str) -> tuple[int, Any, int]:
    """Let one hold an oplock beside an open that came later, and may delete without having broken it."""
    holder = drive.open("x", READ | WRITE)
    irp = request(drive, holder, kind)
    quiet = drive.open("x", READ_ATTRIBUTES)
    return holder, irp, quiet


@pytest.mark.parametrize("kind", ["1", "batch", "filter", "RW", "RWH"])
def test_links_break_what_keeps_handles(drive: Drive, kind: str) -> None:
    _, irp, quiet = attributes_opened_first(drive, kind)
    status = status_of(lambda: drive.link(quiet, "y"))
    expected = {"batch": ("none", WAITS), "filter": ("none", WAITS), "RWH": (RW, WAITS)}
    assert (broken_to(irp), status) == expected.get(kind, (None, 0))


def test_what_is_replaced_or_lies_below_loses_its_kept_handle(drive: Drive) -> None:
    drive.make_directory("dir")
    drive.make("dir\\below")
    drive.make("target")
    below, target = request(drive, drive.open("dir\\below"), "RH"), request(drive, drive.open("target"), "RH")
    directory, source = drive.open("dir", DELETE), drive.open("x", DELETE)
    assert status_of(lambda: drive.rename(directory, "moved")) == WAITS
    assert status_of(lambda: drive.rename(source, "target", 1)) == WAITS
    assert (broken_to(below), broken_to(target)) == (R, R)


def test_an_open_goes_on_when_the_holder_has_answered(drive: Drive) -> None:
    holder = drive.open("x", READ | WRITE)
    irp = request(drive, holder, "batch")
    with pytest.raises(OplockBreaking) as breaking:
        drive.open("x")
    asked_again: list[int] = []
    breaking.value.irp.when_done(lambda _: asked_again.append(drive.open("x")))
    assert (broken_to(irp), asked_again) == ("2", [])
    assert status_of(lambda: drive.open("x")) == WAITS
    level_2 = send(drive, holder, ACKNOWLEDGE)
    assert len(asked_again) == 1
    assert broken_to(level_2) is None
    drive.nt.NtWriteFile(drive.process, drive.open("x", WRITE), b"x", 0)
    assert broken_to(level_2) == "none"
    assert status_of(lambda: send(drive, holder, ACKNOWLEDGE)) == PROTOCOL


@pytest.mark.parametrize("shared", [True, False])
def test_closing_is_an_answer(drive: Drive, shared: bool) -> None:
    holder = drive.open("x", READ, 7 if shared else 0)
    request(drive, holder, "batch")
    with pytest.raises(OplockBreaking) as breaking:
        drive.open("x", WRITE)
    opened: list[int] = []
    breaking.value.irp.when_done(lambda _: opened.append(drive.open("x", WRITE)))
    send(drive, holder, CLOSE_PENDING)
    assert status_of(lambda: send(drive, holder, ACKNOWLEDGE)) == PROTOCOL
    assert not opened
    drive.close(holder)
    assert len(opened) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_closed_handle_held(drive: Drive, kind: str) -> None:
    holder = drive.open("x")
    irp = request(drive, holder, kind)
    drive.close(holder)
    if KINDS[kind] > RWH:
        assert (irp.status, irp.information) == (0, TO_NONE)
    else:
        assert (irp.status, irp.information) == (st.STATUS_OPLOCK_HANDLE_CLOSED, 24)
    assert granted(drive, drive.open("x"), "batch") == GRANTED


def test_a_cancelled_request_gives_its_oplock_back(drive: Drive) -> None:
    holder = drive.open("x")
    irp = request(drive, holder, "RWH")
    drive.nt.NtCancelIoFile(drive.process, holder)
    assert irp.status == st.STATUS_CANCELLED
    assert status_of(lambda: drive.open("x", WRITE)) == 0


def test_without_waiting_an_open_is_told_of_the_break(drive: Drive) -> None:
    holder = drive.open("x", READ | WRITE)
    irp = request(drive, holder, "1")
    answer = drive.create("x", READ | WRITE, options=io.FILE_COMPLETE_IF_OPLOCKED)
    assert (answer.status, answer.information) == (st.STATUS_OPLOCK_BREAK_IN_PROGRESS, io.FILE_OPENED)
    assert broken_to(irp) == "2"
    waiting = send(drive, answer.handle, NOTIFY)
    assert waiting.status == st.STATUS_PENDING
    assert status_of(lambda: drive.nt.NtWriteFile(drive.process, answer.handle, b"x", 0)) == WAITS
    assert status_of(lambda: drive.nt.NtWriteFile(drive.process, holder, b"x", 0)) == 0
    assert send(drive, holder, NO_2) == b""
    assert waiting.status == 0
    assert send(drive, holder, NOTIFY) == b""
    assert drive.nt.NtWriteFile(drive.process, answer.handle, b"x", 0) == 1
    assert drive.create("x", options=io.FILE_COMPLETE_IF_OPLOCKED).status == 0


def test_a_violation_without_waiting_fails_at_once(drive: Drive) -> None:
    irp = request(drive, drive.open("x", READ, 0), "RH")
    assert status_of(lambda: drive.open("x", READ, 7, io.FILE_COMPLETE_IF_OPLOCKED)) == VIOLATION
    assert broken_to(irp) == R


@pytest.mark.parametrize(("kind", "expected"), [("2", 0), ("RH", 0), ("1", 1), ("batch", 1), ("RW", 1)])
def test_an_open_that_must_not_break(drive: Drive, kind: str, expected: int) -> None:
    holder = drive.open("x", READ)
    irp = request(drive, holder, kind)
    status = st.STATUS_CANNOT_BREAK_OPLOCK if expected else 0
    assert status_of(lambda: drive.open("x", READ, 7, io.FILE_OPEN_REQUIRING_OPLOCK)) == status
    assert broken_to(irp) is None
    if expected:
        assert status_of(lambda: drive.open("x")) == WAITS
        assert status_of(lambda: drive.open("x", READ, 7, io.FILE_OPEN_REQUIRING_OPLOCK)) == status


def test_a_reserved_filter_wants_a_closed_file(drive: Drive) -> None:
    first = drive.open("x", READ, 7, io.FILE_RESERVE_OPFILTER)
    assert granted(drive, first, "filter") == GRANTED
    assert status_of(lambda: drive.open("x", READ_ATTRIBUTES, 7, io.FILE_RESERVE_OPFILTER)) == NOT_GRANTED


def test_answers_that_fit_no_break(drive: Drive) -> None:
    holder = drive.open("x", READ | WRITE)
    for code in (ACKNOWLEDGE, NO_2, CLOSE_PENDING):
        assert status_of(lambda code=code: send(drive, holder, code)) == PROTOCOL  # type: ignore[misc]
    assert status_of(lambda: acknowledge(drive, holder, R)) == PROTOCOL
    request(drive, holder, "RWH")
    assert status_of(lambda: acknowledge(drive, holder, R)) == PROTOCOL
    assert status_of(lambda: drive.open("x")) == WAITS
    for code in (ACKNOWLEDGE, NO_2, CLOSE_PENDING):
        assert status_of(lambda code=code: send(drive, holder, code)) == PROTOCOL  # type: ignore[misc]
    assert status_of(lambda: acknowledge(drive, holder, RW)) == PROTOCOL
    assert granted(drive, holder, "R") == NOT_GRANTED
    assert broken_to(acknowledge(drive, holder, RH)) is None
    assert status_of(lambda: acknowledge(drive, holder, RH)) == PROTOCOL


def test_level_1_has_no_close_pending(drive: Drive) -> None:
    holder = drive.open("x", READ | WRITE)
    request(drive, holder, "1")
    assert status_of(lambda: drive.open("x")) == WAITS
    assert status_of(lambda: send(drive, holder, CLOSE_PENDING)) == PROTOCOL
    assert status_of(lambda: drive.open("x")) == WAITS
    send(drive, holder, NO_2)
    assert status_of(lambda: drive.open("x")) == 0


def test_a_further_operation_lowers_what_may_be_kept(drive: Drive) -> None:
    holder, other = drive.open("x", READ), drive.open("x", WRITE | DELETE)
    request(drive, holder, "RH")
    assert status_of(lambda: drive.rename(other, "y")) == WAITS
    assert drive.nt.NtWriteFile(drive.process, other, b"x", 0) == 1
    assert status_of(lambda: acknowledge(drive, holder, R)) == PROTOCOL
    assert acknowledge(drive, holder, 0) == b""
    drive.rename(other, "y")


def test_an_answer_may_promise_to_close(drive: Drive) -> None:
    holder = drive.open("x", READ, 0)
    request(drive, holder, "RWH")
    assert status_of(lambda: drive.open("x")) == WAITS
    assert acknowledge(drive, holder, 0, 6) == b""
    assert status_of(lambda: drive.open("x")) == WAITS
    drive.close(holder)
    assert status_of(lambda: drive.open("x")) == 0


@pytest.mark.parametrize(
    ("buffer", "expected"),
    [
        (b"", st.STATUS_BUFFER_TOO_SMALL),
        (oplock.build_request(R)[:11], st.STATUS_BUFFER_TOO_SMALL),
        (oplock.build_request(0), INVALID),
        (oplock.build_request(2), INVALID),
        (oplock.build_request(4), INVALID),
        (oplock.build_request(6), INVALID),
        (oplock.build_request(8), INVALID),
        (oplock.build_request(R, 0), INVALID),
        (oplock.build_request(R, 3), INVALID),
        (oplock.build_request(R, 8), INVALID),
        (b"\2" + oplock.build_request(R)[1:], INVALID),
        (oplock.build_request(R)[:2] + b"\x0b" + oplock.build_request(R)[3:], INVALID),
        (oplock.build_request(R), GRANTED),
    ],
)
def test_malformed_requests(drive: Drive, buffer: bytes, expected: int) -> None:
    handle = drive.open("x", READ)
    code = control.FSCTL_REQUEST_OPLOCK
    assert status_of(lambda: send(drive, handle, code, buffer, 23)) == (
        st.STATUS_BUFFER_TOO_SMALL if expected == GRANTED else expected
    )
    assert (status_of(lambda: send(drive, handle, code, buffer)) or GRANTED) == expected


def test_streams_have_oplocks_of_their_own(drive: Drive) -> None:
    stream = drive.create("x:s", READ | WRITE, disposition=io.FILE_CREATE).handle
    irp = request(drive, stream, "RWH")
    handle = drive.open("x", READ | WRITE | APPEND)
    drive.nt.NtWriteFile(drive.process, handle, b"x", 0)
    assert broken_to(irp) is None
    assert status_of(lambda: drive.open("x:s", READ)) == WAITS


def test_hard_links_are_one_file(drive: Drive) -> None:
    holder = drive.open("x", READ)
    drive.link(holder, "y")
    irp = request(drive, holder, "1")
    assert status_of(lambda: drive.open("y")) == WAITS
    assert broken_to(irp) == "2"


def test_nothing_is_left_of_files_that_are_closed(drive: Drive) -> None:
    holder = drive.open("x", READ)
    request(drive, holder, "batch")
    assert status_of(lambda: drive.open("x")) == WAITS
    assert len(drive.volume.nodes) == 1
    drive.close(holder)
    assert not len(drive.volume.nodes)
