"""Rows of facts/nt.md sections 1, 2 and 6 on objects, handles and waits, asked of every type that has a name."""

from __future__ import annotations

from typing import Any

import pytest
from ntshim_ke import WaitingWorld
from ntshim_ob import BASE, World, status_of

from ntshim import status as st
from ntshim.ke.wait_services import WAIT_ALL, WAIT_ANY
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.object import GENERIC_ALL, GENERIC_EXECUTE, GENERIC_READ, GENERIC_WRITE, SYNCHRONIZE

DENIED, INVALID, MISMATCH, SYNTAX = 0xC0000022, 0xC000000D, 0xC0000024, 0xC000003B
NAME_INVALID, NO_PATH, MISSING, COLLISION, EXISTS = 0xC0000033, 0xC000003A, 0xC0000034, 0xC0000035, 0x40000000
BAD_HANDLE = 0xC0000008
OPENIF, CASE_INSENSITIVE = 0x80, 0x40
SAME_ATTRIBUTES = 4

# Section 1.5: READ, WRITE, EXECUTE, ALL, and the valid mask.
TYPES = {
    "Directory": (0x20003, 0x2000C, 0x20003, 0xF000F, 0xF000F),
    "SymbolicLink": (0x20001, 0x20000, 0x20001, 0xF0001, 0xF0001),
    "Event": (0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003),
    "Mutant": (0x20001, 0x20000, 0x120000, 0x1F0001, 0x1F0001),
    "Semaphore": (0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003),
    "Timer": (0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003),
    "KeyedEvent": (0x20001, 0x20002, 0x20000, 0xF0003, 0x1F0003),
    "IoCompletion": (0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003),
    "Section": (0x20005, 0x20002, 0x20008, 0xF001F, 0x1F001F),
    "Job": (0x20004, 0x2000B, 0x120000, 0x1F003F, 0x1F003F),
}
GENERICS = (GENERIC_READ, GENERIC_WRITE, GENERIC_EXECUTE, GENERIC_ALL)

# Section 1.1: a name, the status of opening it, then of creating it.
SYNTAXES = {
    "without a backslash": ("x", SYNTAX, SYNTAX),
    "trailing backslash": (BASE + "\\", NAME_INVALID, NAME_INVALID),
    "two in front": ("\\\\x", NAME_INVALID, NAME_INVALID),
    "two inside": (BASE + "\\\\b", NAME_INVALID, NAME_INVALID),
    "missing, trailing": (BASE + "\\missing\\", NO_PATH, NO_PATH),
    "missing parent": (BASE + "\\missing\\x", NO_PATH, NO_PATH),
    "missing parents": ("\\missing\\missing\\x", NO_PATH, NO_PATH),
    "missing": (BASE + "\\missing", MISSING, 0),
    "odd characters": (BASE + '\\/.:*?<>|"\0', MISSING, 0),
    "dots": (BASE + "\\..", MISSING, 0),
    "300 characters": (BASE + "\\" + "x" * 300, MISSING, 0),
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("row", SYNTAXES)
def test_section_1_1_syntax(kind: str, row: str) -> None:
    name, opened, created = SYNTAXES[row]
    assert World().status(kind, ObjectAttributes(name)) == (opened, created)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("flags", [0, OPENIF, CASE_INSENSITIVE, OPENIF | CASE_INSENSITIVE])
def test_section_1_1_what_is_there_already(kind: str, flags: int) -> None:
    world = World()
    handle = world.create(kind, BASE + "\\There")
    name = BASE + ("\\tHERE" if flags & CASE_INSENSITIVE else "\\There")
    # A link that is created over a link with OPENIF answers as Windows 10 since 1607.
    existing = (0 if kind == "SymbolicLink" else EXISTS) if flags & OPENIF else COLLISION
    assert world.status(kind, ObjectAttributes(name, 0, flags)) == (0, existing)
    other = "Mutant" if kind == "Event" else "Event"
    if kind != "SymbolicLink":
        assert world.status(other, ObjectAttributes(name, 0, flags)) == (MISMATCH, MISMATCH)
    below = ObjectAttributes(name + "\\x", 0, flags & CASE_INSENSITIVE)
    if kind not in ("Directory", "SymbolicLink"):
        assert world.status("Event", below) == (MISMATCH, MISMATCH)
    world.close(handle)


@pytest.mark.parametrize("kind", TYPES)
def test_section_1_1_case_counts_without_the_flag(kind: str) -> None:
    world = World()
    world.create(kind, BASE + "\\Name")
    assert world.status(kind, ObjectAttributes(BASE + "\\name")) == (MISSING, 0)


@pytest.mark.parametrize("kind", TYPES)
def test_section_1_1_access_0(kind: str) -> None:
    world = World()
    given = ObjectAttributes(BASE + "\\x")
    create, opening = world.services(kind)
    handle = create(0, given).handle
    assert world.process.handles.look_up(handle).access == 0
    assert status_of(opening, 0, given) == DENIED


@pytest.mark.parametrize("kind", TYPES)
def test_section_1_1_root_directories(kind: str) -> None:
    world = World()
    root = world.create("Directory", BASE + "\\dir")
    event = world.create("Event", None)
    empty = (0, COLLISION) if kind == "Directory" else (MISMATCH, MISMATCH)
    assert world.status(kind, ObjectAttributes("", root)) == empty
    assert world.status(kind, ObjectAttributes("\\x", root)) == (SYNTAX, SYNTAX)
    assert world.status(kind, ObjectAttributes("x", event)) == (MISMATCH, MISMATCH)
    assert world.status(kind, ObjectAttributes("x", 0x7FFC)) == (BAD_HANDLE, BAD_HANDLE)
    assert world.status(kind, ObjectAttributes("x", root)) == (MISSING, 0)


@pytest.mark.parametrize("kind", TYPES)
def test_section_1_3_the_name_goes_with_the_last_handle(kind: str) -> None:
    world = World()
    first = world.create(kind, BASE + "\\x")
    second = world.nt.NtDuplicateObject(world.thread, -1, first, -1, 0, 0, 2)
    world.close(first)
    world.close(world.open(kind, BASE + "\\x"))
    assert second is not None
    world.close(second)
    assert status_of(world.open, kind, BASE + "\\x") == MISSING


@pytest.mark.parametrize("kind", TYPES)
def test_section_1_3_permanence_needs_its_rights(kind: str) -> None:
    world = World()
    assert status_of(world.create, kind, BASE + "\\x", 0, 0x10) == st.STATUS_PRIVILEGE_NOT_HELD
    weak = world.create(kind, BASE + "\\y", access=GENERIC_READ)
    assert status_of(world.nt.NtMakeTemporaryObject, world.thread, weak) == DENIED
    strong = world.create(kind, BASE + "\\z")
    for _ in range(2):
        world.nt.NtMakeTemporaryObject(world.thread, strong)


@pytest.mark.parametrize("kind", TYPES)
def test_section_1_5_generic_rights(kind: str) -> None:
    world = World()
    *mapped, valid = TYPES[kind]
    granted = [world.process.handles.look_up(world.create(kind, None, access=right)).access for right in GENERICS]
    assert granted == mapped
    handle = world.create(kind, None)
    for bit in (1 << number for number in range(16)):
        expected = 0 if bit & valid else DENIED
        assert status_of(world.nt.NtDuplicateObject, world.thread, -1, handle, -1, bit, 0, 0) == expected


@pytest.mark.parametrize("kind", TYPES)
def test_section_2_handles(kind: str) -> None:
    world = World()
    handle = world.create(kind, None)
    assert handle % 4 == 0
    assert handle % 0x400
    duplicate: Any = world.nt.NtDuplicateObject
    assert status_of(duplicate, world.thread, -1, handle, 0, 0, 0, 2) == INVALID
    assert status_of(duplicate, world.thread, handle, handle, -1, 0, 0, 2) == MISMATCH
    assert status_of(duplicate, world.thread, -1, 0x7FFC, -1, 0, 0, 2) == BAD_HANDLE
    assert status_of(duplicate, world.thread, -1, handle, -1, 0x8000, 0, 1) == DENIED
    assert status_of(world.nt.NtClose, world.thread, handle) == BAD_HANDLE
    tagged = world.create(kind, None)
    world.nt.NtClose(world.thread, tagged | 3)
    for closed in (tagged, 0):
        assert status_of(world.nt.NtClose, world.thread, closed) == BAD_HANDLE


WAITABLE = ("Event", "Mutant", "Semaphore", "Timer", "Job")


@pytest.mark.parametrize("kind", WAITABLE)
def test_section_6_a_wait_needs_synchronize(kind: str) -> None:
    world = WaitingWorld()
    weak = world.create(kind, None, access=GENERIC_READ)
    assert status_of(world.wait, weak, None, 0) == DENIED
    assert status_of(world.wait_many, [world.event(signalled=True), weak], WAIT_ANY, None, 0) == DENIED
    assert world.wait(world.create(kind, None, access=SYNCHRONIZE), None, 0) in (0, st.STATUS_TIMEOUT)


@pytest.mark.parametrize("kind", ["Directory", "SymbolicLink", "Section", "KeyedEvent"])
def test_section_6_what_nobody_can_wait_for(kind: str) -> None:
    world = WaitingWorld()
    access = GENERIC_ALL | (SYNCHRONIZE if TYPES[kind][4] & SYNCHRONIZE else 0)
    handle = world.create(kind, None, access=access)
    expected = MISMATCH if TYPES[kind][4] & SYNCHRONIZE else (DENIED, MISMATCH)
    statuses = (
        status_of(world.wait, handle, None, 0),
        status_of(world.wait_many, [world.event(signalled=True), handle], WAIT_ANY, None, 0),
    )
    assert all(status == expected or (isinstance(expected, tuple) and status in expected) for status in statuses)


@pytest.mark.parametrize("kind", [WAIT_ALL, WAIT_ANY])
@pytest.mark.parametrize(("count", "status"), [(0, 0xC00000EF), (1, 0), (64, 0), (65, 0xC00000EF), (1000, 0xC00000EF)])
def test_section_6_from_1_to_64_objects(kind: int, count: int, status: int) -> None:
    world = WaitingWorld()
    handles = [world.event(signalled=True) for _ in range(count)]
    assert status_of(world.wait_many, handles, kind) == status
    if status == 0:
        assert world.wait_many(handles, kind) == 0
    # How many there are is looked at before what they are.
    if count > 64:
        assert status_of(world.wait_many, [0] * count, kind) == status


@pytest.mark.parametrize("place", [0, 1, 63])
def test_section_6_the_status_tells_the_place(place: int) -> None:
    world = WaitingWorld()
    events = [world.event(signalled=number == place) for number in range(64)]
    assert world.wait_many(events, WAIT_ANY, None, 0) == place
    owner = world.sibling()
    mutants = [world.mutant(owner if number == place else None) for number in range(64)]
    events[place] = mutants[place]
    world.executive.thread_exited(owner, 0)
    assert world.wait_many(events, WAIT_ANY, None, 0) == (st.STATUS_ABANDONED_WAIT_0 + place)
