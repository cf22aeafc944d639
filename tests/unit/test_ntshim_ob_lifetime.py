"""How long names and objects live, and what is told of them: facts/nt.md sections 1.3 and 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ntshim_ob import BASE, World, status_of

from ntshim import status as st
from ntshim.ob import attributes as oa
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.handles import INDEX_LIMIT
from ntshim.ob.object import GENERIC_ALL, OBJ_EXCLUSIVE, OBJ_PERMANENT
from ntshim.ob.services import ObjectBasicInformation, ObjectHandleFlagInformation
from ntshim.se.token import SE_CREATE_PERMANENT_PRIVILEGE, Token
from ntshim.service import TooSmall

if TYPE_CHECKING:
    from ntshim.ob.name_services import DirectoryListing

NOT_FOUND = st.STATUS_OBJECT_NAME_NOT_FOUND
NAME = rf"{BASE}\name"


def found(world: World, kind: str, name: str = NAME) -> bool:
    """Whether an object is found by its name."""
    status = status_of(world.services(kind)[1], GENERIC_ALL, ObjectAttributes(name))
    assert status in (st.STATUS_SUCCESS, NOT_FOUND)
    return status == st.STATUS_SUCCESS


@pytest.mark.parametrize(
    "kind",
    [
        "Event",
        "Mutant",
        "Semaphore",
        "KeyedEvent",
        "Timer",
        "IoCompletion",
        "Job",
        "Section",
        "Directory",
        "SymbolicLink",
    ],
)
def test_the_last_handle_takes_the_name_along(kind: str) -> None:
    world = World()
    first = world.create(kind, NAME)
    target = world.object(first)
    second = world.open(kind, NAME)
    assert (target.handle_count, target.pointer_count) == (2, 3)
    world.close(first)
    third = world.open(kind, NAME)
    world.close(second)
    world.close(third)
    assert not found(world, kind)
    assert (target.handle_count, target.pointer_count, target.name) == (0, 0, None)
    assert world.create(kind, NAME)


def test_a_reference_keeps_the_object_but_not_the_name() -> None:
    world = World()
    handle = world.create("Event", NAME)
    target = world.object(handle)
    target.reference()
    world.close(handle)
    assert not found(world, "Event")
    assert target.pointer_count == 1


def test_a_directory_keeps_its_name_while_something_is_in_it() -> None:
    world = World()
    outer = world.create("Directory", NAME)
    inner = world.create("Directory", "inner", outer)
    event = world.create("Event", "event", inner)
    outer_object = world.object(outer)
    world.close(outer)
    world.close(inner)
    assert world.open("Event", rf"{NAME}\inner\event")
    for handle in [handle for handle, entry in world.process.handles.handles() if handle != event]:
        world.close(handle)
    assert outer_object.entries()
    world.close(event)
    assert not found(world, "Directory")
    assert outer_object.pointer_count == 0


def test_a_directory_that_is_open_keeps_its_name_without_children() -> None:
    world = World()
    directory = world.create("Directory", NAME)
    world.close(world.create("Event", "event", directory))
    world.close(world.open("Directory", NAME))
    assert world.open("Directory", NAME)


def test_a_deep_tree_goes_with_its_last_object() -> None:
    world = World()
    depth = 3000
    handles = [world.create("Directory", NAME)]
    for _ in range(depth):
        handles.append(world.create("Directory", "d", handles[-1]))
    for handle in handles[:-1]:
        world.close(handle)
    assert world.open("Directory", "\\".join([NAME, *"d" * depth]))
    world.executive.thread_exited(world.thread, 0)
    assert "name" not in world.executive.namespace.directory(BASE).entries()


def test_permanent_objects_need_a_privilege() -> None:
    world = World()
    given = ObjectAttributes(NAME, 0, OBJ_PERMANENT)
    assert world.status("Event", given)[1] == st.STATUS_PRIVILEGE_NOT_HELD
    assert not found(world, "Event")
    handle = world.create("Event", NAME)
    for handle_or_not in (handle, 0xBAD0):
        refused = status_of(world.nt.NtMakePermanentObject, world.thread, handle_or_not)
        assert refused == st.STATUS_PRIVILEGE_NOT_HELD
    world.process.token = Token([SE_CREATE_PERMANENT_PRIVILEGE])
    assert status_of(world.nt.NtMakePermanentObject, world.thread, 0xBAD0) == st.STATUS_INVALID_HANDLE
    world.nt.NtMakePermanentObject(world.thread, handle)
    world.nt.NtMakePermanentObject(world.thread, handle)
    world.close(handle)
    assert found(world, "Event")


def test_the_system_process_makes_permanent_objects_by_name() -> None:
    world = World()
    handle, _ = world.nt.NtCreateEvent(world.system, GENERIC_ALL, ObjectAttributes(NAME, 0, OBJ_PERMANENT), 0)
    world.nt.NtClose(world.system, handle)
    weak = world.open("Event", NAME, access=0xFFFF & 3)
    assert status_of(world.nt.NtMakeTemporaryObject, world.thread, weak) == st.STATUS_ACCESS_DENIED
    strong = world.open("Event", NAME, access=0x10000)
    world.close(weak)
    assert basic(world, strong).attributes == OBJ_PERMANENT
    world.nt.NtMakeTemporaryObject(world.thread, strong)
    world.nt.NtMakeTemporaryObject(world.thread, strong)
    assert basic(world, strong).attributes == 0
    assert status_of(world.open, "Event", NAME) == st.STATUS_SUCCESS
    for name, _ in list(world.process.handles.handles()):
        world.close(name)
    assert not found(world, "Event")


def test_a_permanent_directory_outlives_its_children() -> None:
    world = World()
    handle, _ = world.nt.NtCreateDirectoryObject(world.system, 3, ObjectAttributes(NAME, 0, OBJ_PERMANENT))
    world.nt.NtClose(world.system, handle)
    world.close(world.create("Event", rf"{NAME}\event"))
    assert found(world, "Directory")


def test_a_name_without_a_handle_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.nt.NtCreateEvent(world.thread, 0, None, 0)
    monkeypatch.setattr(world.process.handles._indices, "_next", INDEX_LIMIT)
    full = status_of(world.services("Event")[0], 1, ObjectAttributes(NAME))
    assert full == st.STATUS_INSUFFICIENT_RESOURCES
    assert "name" not in world.executive.namespace.directory(BASE).entries()
    assert status_of(world.services("Directory")[1], 1, ObjectAttributes(BASE)) == st.STATUS_INSUFFICIENT_RESOURCES


def basic(world: World, handle: int) -> ObjectBasicInformation:
    told = world.nt.NtQueryObject(world.thread, handle, 0)
    assert isinstance(told, ObjectBasicInformation)
    return told


def test_names_are_told() -> None:
    world = World()
    directory = world.create("Directory", NAME)
    event = world.create("Event", "Event", directory)
    names = {
        directory: NAME,
        event: rf"{NAME}\Event",
        world.open("Directory", "\\"): "\\",
        world.open("Event", r"\basenamedobjects\NAME\EVENT", flags=oa.OBJ_CASE_INSENSITIVE): rf"{NAME}\Event",
        world.create("Event", None): "",
        world.create("Event", "inner", world.create("Directory", None)): r"...\inner",
        world.create("Event", r"\...inner"): r"\...inner",
        world.create("Event", rf"{BASE}\Global\linked"): rf"{BASE}\linked",
        -1: rf"\Sessions\0\Processes\{world.process.pid}",
        -2: rf"\Sessions\0\Threads\{world.thread.tid}",
    }
    assert {handle: world.nt.NtQueryObject(world.thread, handle, 1) for handle in names} == names


def test_handle_flags() -> None:
    world = World()
    handle = world.create("Event", None, flags=oa.OBJ_INHERIT)
    assert world.nt.NtQueryObject(world.thread, handle, 4) == (True, False)
    both = ObjectHandleFlagInformation(inherit=False, protect_from_close=True)
    world.nt.NtSetInformationObject(world.thread, handle, 4, both)
    assert world.nt.NtQueryObject(world.thread, handle, 4) == both
    assert basic(world, handle).attributes == 1
    assert status_of(world.close, handle) == st.STATUS_HANDLE_NOT_CLOSABLE
    world.nt.NtSetInformationObject(world.thread, handle, 4, ObjectHandleFlagInformation(True, False))
    assert basic(world, handle).attributes == 2
    world.close(handle)
    for wrong, information_class, expected in [
        (handle, 4, st.STATUS_INVALID_HANDLE),
        (-1, 4, st.STATUS_INVALID_HANDLE),
        (handle, 2, st.STATUS_INVALID_INFO_CLASS),
    ]:
        assert status_of(world.nt.NtSetInformationObject, world.thread, wrong, information_class, both) == expected


def test_every_type_is_told() -> None:
    told: Any = World().nt.NtQueryObject(World().thread, 0, 3)
    assert len(told) == 22
    assert ("Directory", (0x20003, 0x2000C, 0x20003, 0xF000F), 0xF000F) in told


def listing(world: World, handle: int, length: int, **more: Any) -> DirectoryListing:
    return world.nt.NtQueryDirectoryObject(world.thread, handle, length, **more)


def test_a_directory_is_listed() -> None:
    world = World()
    directory = world.create("Directory", NAME)
    assert status_of(listing, world, directory, 1000) == st.STATUS_NO_MORE_ENTRIES
    for kind, name in [("Event", "a"), ("Mutant", "bc"), ("SymbolicLink", "\N{OLD ITALIC LETTER A}")]:
        world.create(kind, name, directory)
    entries = [("a", "Event"), ("bc", "Mutant"), ("\N{OLD ITALIC LETTER A}", "SymbolicLink")]
    # Each record is 32 bytes and its strings end in a NUL; one empty record ends the list.
    sizes = [32 + 4 + 12, 32 + 6 + 14, 32 + 6 + 26]
    everything = 32 + sum(sizes)
    assert listing(world, directory, everything) == (entries, 3, everything, st.STATUS_SUCCESS)
    two = 32 + sum(sizes[:2])
    assert listing(world, directory, everything - 1) == (entries[:2], 2, two, st.STATUS_MORE_ENTRIES)
    assert listing(world, directory, everything, context=2) == (entries[2:], 3, 32 + sizes[2], st.STATUS_SUCCESS)
    assert listing(world, directory, everything, context=2, restart_scan=True).entries == entries
    assert status_of(listing, world, directory, everything, context=3) == st.STATUS_NO_MORE_ENTRIES
    single = [listing(world, directory, 1000, return_single_entry=True, context=index) for index in range(3)]
    assert [answer.entries for answer in single] == [[entry] for entry in entries]
    assert [(answer.context, answer.return_length, answer.status) for answer in single] == [
        (index + 1, 32 + size, st.STATUS_SUCCESS) for index, size in enumerate(sizes)
    ]
    for more in ({}, {"return_single_entry": True}):
        with pytest.raises(TooSmall) as small:
            listing(world, directory, 32 + sizes[0] - 1, **more)
        assert (small.value.status, small.value.needed) == (st.STATUS_BUFFER_TOO_SMALL, 32 + sizes[0])


def test_listing_needs_a_directory_and_the_right() -> None:
    world = World()
    weak = world.open("Directory", BASE, access=2)
    assert status_of(listing, world, weak, 1000) == st.STATUS_ACCESS_DENIED
    assert status_of(listing, world, world.create("Event", None), 1000) == st.STATUS_OBJECT_TYPE_MISMATCH


def test_a_link_tells_its_target() -> None:
    world = World()
    handle = world.link(NAME, "\\target")
    ask = world.nt.NtQuerySymbolicLinkObject
    assert ask(world.thread, handle) == ("\\target", 16)
    assert ask(world.thread, handle, 16) == ("\\target", 16)
    for length in (0, 14, 15):
        with pytest.raises(TooSmall) as small:
            ask(world.thread, handle, length)
        assert (small.value.status, small.value.needed) == (st.STATUS_BUFFER_TOO_SMALL, 16)
    weak = world.open("SymbolicLink", NAME, access=0x20000)
    assert status_of(ask, world.thread, weak) == st.STATUS_ACCESS_DENIED
    assert status_of(ask, world.thread, world.create("Event", None)) == st.STATUS_OBJECT_TYPE_MISMATCH


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (None, st.STATUS_ACCESS_VIOLATION),
        (oa.UNREADABLE, st.STATUS_ACCESS_VIOLATION),
        (oa.MISALIGNED, st.STATUS_DATATYPE_MISALIGNMENT),
        (oa.UnicodeString("", 0), st.STATUS_INVALID_PARAMETER),
        (oa.UnicodeString("\\x", 3), st.STATUS_OBJECT_NAME_INVALID),
        (oa.UnicodeString("\\x", 4), st.STATUS_SUCCESS),
        ("", st.STATUS_SUCCESS),
        ("anywhere", st.STATUS_SUCCESS),
    ],
)
def test_targets_of_links(target: Any, expected: int) -> None:
    world = World()
    create = world.nt.NtCreateSymbolicLinkObject
    for given in (None, ObjectAttributes(NAME)):
        assert status_of(create, world.thread, 1, given, target) == expected


def test_an_exclusive_object_has_handles_of_one_process_only() -> None:
    world = World()
    stranger = world.new_thread()
    handle = world.create("Event", NAME, flags=OBJ_EXCLUSIVE)
    assert basic(world, handle).attributes == OBJ_EXCLUSIVE
    exclusive, plain = ObjectAttributes(NAME, 0, OBJ_EXCLUSIVE), ObjectAttributes(NAME)
    assert status_of(world.nt.NtOpenEvent, stranger, 1, exclusive) == st.STATUS_ACCESS_DENIED
    assert status_of(world.nt.NtOpenEvent, stranger, 1, plain) == st.STATUS_ACCESS_DENIED
    assert status_of(world.nt.NtOpenEvent, world.thread, 1, plain) == st.STATUS_ACCESS_DENIED
    assert world.nt.NtOpenEvent(world.thread, 1, exclusive)
    inherited = ObjectAttributes(NAME, 0, OBJ_EXCLUSIVE | oa.OBJ_INHERIT)
    assert status_of(world.nt.NtOpenEvent, world.thread, 1, inherited) == st.STATUS_INVALID_PARAMETER
    new = inherited._replace(name=rf"{BASE}\new")
    assert status_of(world.nt.NtCreateEvent, world.thread, 1, new, 0) == st.STATUS_INVALID_PARAMETER
    assert not found(world, "Event", rf"{BASE}\new")
    duplicate = world.nt.NtDuplicateObject
    assert status_of(duplicate, world.thread, -1, handle, -1, 0, 0, 2) == st.STATUS_ACCESS_DENIED
    shared = world.create("Event", rf"{BASE}\shared")
    wanted = ObjectAttributes(rf"{BASE}\shared", 0, OBJ_EXCLUSIVE)
    assert status_of(world.nt.NtOpenEvent, world.thread, 1, wanted) == st.STATUS_INVALID_PARAMETER
    assert basic(world, shared).handle_count == 1
