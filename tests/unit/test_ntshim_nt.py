"""The services on handles, processes and threads, also against what another implementation answered."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from ntshim_host import TinyProvider, boot, open_process, status_of

from ntshim import nt as nt_module
from ntshim import status as st
from ntshim.nt import NtServices
from ntshim.ob import handles as ob
from ntshim.ob.object import MAXIMUM_ALLOWED, Object
from ntshim.ob.services import ObjectTypeInformation
from ntshim.ob.types import make_type
from ntshim.ps import PicoProcessAttributes, PicoThreadAttributes

if TYPE_CHECKING:
    from ntshim.ps import Thread

EVENT, FILE = make_type("Event"), make_type("File")
EVENT_ALL_ACCESS = 0x1F0003
FILE_READ_DATA, FILE_WRITE_DATA = 1, 2


class World:
    """An executive with one pico process and one thread of it, which calls."""

    def __init__(self) -> None:
        self.provider = TinyProvider()
        self.executive = boot(self.provider)
        self.nt = NtServices(self.executive)
        self.thread = self.new_thread()
        self.process = self.thread.process
        self.table = self.process.handles

    def new_thread(self) -> Thread:
        """Make another process and give its thread."""
        process = self.provider.pico.CreateProcess(PicoProcessAttributes(object()))
        return self.provider.pico.CreateThread(PicoThreadAttributes(process, object()))

    def event(self, access: int = EVENT_ALL_ACCESS, attributes: int = 0) -> int:
        """Open a new event."""
        return self.table.insert(Object(EVENT), access, attributes)

    def close(self, handle: int) -> int:
        """Close a handle; gives the status."""
        return status_of(lambda: self.nt.NtClose(self.thread, handle))

    def duplicate(self, handle: int, access: int = 0, options: int = 0, **more: Any) -> int | None:
        """Duplicate within the process."""
        return self.nt.NtDuplicateObject(self.thread, -1, handle, -1, access, options=options, **more)


def foreign_source(world: World, source_process: int) -> int:
    handle = world.event()
    return status_of(lambda: world.nt.NtDuplicateObject(world.thread, source_process, handle, -1, 0, 0, 2))


def test_protected_handle() -> None:
    world = World()
    assert world.close(world.event(attributes=ob.OBJ_PROTECT_CLOSE)) == st.STATUS_HANDLE_NOT_CLOSABLE


def test_host_decides_forgets_without_asking() -> None:
    world = World()
    handle = world.event(attributes=ob.OBJ_PROTECT_CLOSE)
    world.nt.NtClose(world.thread, handle, host_decides=True)
    world.nt.NtClose(world.thread, handle, host_decides=True)
    assert len(world.table) == 0
    assert world.nt.counters == {"NtClose": 2}


@pytest.mark.parametrize("options", [0, 2, 4, 6])
def test_no_target_is_good_for_closing_only(options: int) -> None:
    world = World()
    handle = world.event()
    plain = status_of(lambda: world.nt.NtDuplicateObject(world.thread, -1, handle, 0, 0, 0, options))
    assert (plain, len(world.table)) == (st.STATUS_INVALID_PARAMETER, 1)
    assert world.nt.NtDuplicateObject(world.thread, -1, handle, 0, 0, 0, options | 1) is None
    assert len(world.table) == 0


def test_source_is_closed_even_if_the_call_fails() -> None:
    world = World()
    handle = world.table.insert(Object(FILE), FILE_READ_DATA)
    assert status_of(lambda: world.duplicate(handle, FILE_WRITE_DATA, 1)) == st.STATUS_ACCESS_DENIED
    assert world.close(handle) == st.STATUS_INVALID_HANDLE


def test_source_is_closed_before_the_new_handle_is_inserted() -> None:
    world = World()
    handle = world.event()
    assert world.duplicate(handle, options=1 | 2) == handle


def test_moving_the_last_handle_does_not_clean_the_object_up() -> None:
    world = World()
    handle = world.event()
    target = world.table.look_up(handle).object
    target.dereference()
    moved = world.duplicate(handle, options=1 | 2) or 0
    assert world.table.look_up(moved).object is target
    assert (target.handle_count, target.pointer_count) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "granted", "desired", "expected"),
    [
        (EVENT, 1, 2, 2),
        (EVENT, 1, 0x80000000, 0x20001),
        (EVENT, 1, MAXIMUM_ALLOWED, EVENT_ALL_ACCESS),
        (EVENT, 1, 4, None),
        (EVENT, 1, 0, 0),
        (FILE, 3, 1, 1),
        (FILE, 1, 2, None),
        (FILE, 3, MAXIMUM_ALLOWED, 3),
        (FILE, 0x120089, 0x80000000, 0x120089),
    ],
)
def test_access_of_a_duplicate(kind: Any, granted: int, desired: int, expected: int | None) -> None:
    world = World()
    handle = world.table.insert(Object(kind), granted)
    if expected is None:
        assert status_of(lambda: world.duplicate(handle, desired)) == st.STATUS_ACCESS_DENIED
        return
    assert world.table.look_up(world.duplicate(handle, desired) or 0).access == expected
    assert world.table.look_up(world.duplicate(handle, desired, 2) or 0).access == granted


def test_attributes_of_a_duplicate() -> None:
    world = World()
    handle = world.event(attributes=3)
    plain = world.duplicate(handle, options=2) or 0
    given = world.duplicate(handle, options=2, attributes=4) or 0
    same = world.duplicate(handle, options=2 | 4, attributes=4) or 0
    assert [world.table.look_up(new).attributes for new in (plain, given, same)] == [0, 4, 3]


def test_duplicate_at_an_index_replaces_what_is_there() -> None:
    world = World()
    handle, other = world.event(), world.event()
    replaced = world.table.look_up(other).object
    assert world.duplicate(handle, options=2, target_index=other >> 2) == other
    assert world.table.look_up(other).object is world.table.look_up(handle).object
    assert replaced.handle_count == 0


def test_duplicate_into_another_process_and_into_one_that_ends() -> None:
    world = World()
    friend = world.new_thread()
    to_friend = open_process(world.executive, world.process, friend.process.pid, 0x1FFFFF)
    handle = world.event()
    copy = world.nt.NtDuplicateObject(world.thread, -1, handle, to_friend, options=2)
    assert friend.process.handles.look_up(copy or 0).object is world.table.look_up(handle).object
    weak = open_process(world.executive, world.process, friend.process.pid, 0x1000)
    denied = status_of(lambda: world.nt.NtDuplicateObject(world.thread, -1, handle, weak, options=2))
    assert denied == st.STATUS_ACCESS_DENIED
    world.provider.pico.TerminateProcess(friend.process, 1)
    late = status_of(lambda: world.nt.NtDuplicateObject(world.thread, -1, handle, to_friend, options=2 | 1))
    assert late == st.STATUS_PROCESS_IS_TERMINATING
    assert world.close(handle) == st.STATUS_INVALID_HANDLE


def test_an_outsider_cannot_be_given_more_than_the_ceiling() -> None:
    world = World()
    outsider = world.executive.create_minimal_process("outsider")
    to_outsider = open_process(world.executive, world.process, outsider.pid, 0x1FFFFF)
    for pseudo in (-1, -2):
        denied = status_of(
            lambda which=pseudo: world.nt.NtDuplicateObject(world.thread, -1, which, to_outsider, options=2)  # type: ignore[misc]
        )
        assert denied == st.STATUS_ACCESS_DENIED
    copy = world.nt.NtDuplicateObject(world.thread, -1, -1, to_outsider, MAXIMUM_ALLOWED)
    assert outsider.handles.look_up(copy or 0).access == 0x101001


@pytest.mark.parametrize(
    ("handle", "expected"),
    [(-3, st.STATUS_INVALID_HANDLE), (-4, st.STATUS_NO_TOKEN), (-5, st.STATUS_NO_TOKEN), (-6, st.STATUS_NO_TOKEN)],
)
def test_pseudo_handles_without_an_object(handle: int, expected: int) -> None:
    world = World()
    assert status_of(lambda: world.nt.NtQueryObject(world.thread, handle, 0)) == expected


def test_pseudo_handles_name_the_caller() -> None:
    world = World()
    world.process.token = Object(make_type("Token"))
    told = [world.nt.NtQueryObject(world.thread, handle, 2) for handle in (-1, -2, -4, -6)]
    names = [kind.type_name for kind in told if isinstance(kind, ObjectTypeInformation)]
    assert names == ["Process", "Thread", "Token", "Token"]
    assert status_of(lambda: world.nt.NtQueryObject(world.process, -2, 2)) == st.STATUS_INVALID_HANDLE
    real = world.duplicate(-2, options=2) or 0
    assert world.table.look_up(real).object is world.thread
    assert foreign_source(world, -2) == st.STATUS_OBJECT_TYPE_MISMATCH


def test_query_object() -> None:
    world = World()
    handle = world.event(3, ob.OBJ_INHERIT)
    world.duplicate(handle, options=2)
    assert world.nt.NtQueryObject(world.thread, handle, 0) == (2, 3, 2, 3)
    mapping = (0x20001, 0x20002, 0x120000, 0x1F0003)
    assert world.nt.NtQueryObject(world.thread, handle, 2) == ("Event", mapping, EVENT_ALL_ACCESS)
    assert world.nt.NtQueryObject(world.thread, handle, 1) == ""
    assert status_of(lambda: world.nt.NtQueryObject(world.thread, handle, 5)) == st.STATUS_INVALID_INFO_CLASS
    assert status_of(lambda: world.nt.NtQueryObject(world.thread, handle + 400, 0)) == st.STATUS_INVALID_HANDLE


def test_terminate_thread() -> None:
    world = World()
    log = world.provider.executive_host.log
    assert status_of(lambda: world.nt.NtTerminateThread(world.thread, 0, 1)) == st.STATUS_CANT_TERMINATE_SELF
    second = world.provider.pico.CreateThread(PicoThreadAttributes(world.process, object()))
    handle = world.table.insert(second, 1)
    world.nt.NtTerminateThread(world.thread, handle, 6)
    world.nt.NtTerminateThread(world.thread, handle, 7)
    assert log.count(("terminate_thread", second.tid, 6)) == 1
    assert not log.count(("terminate_thread", second.tid, 7))
    world.executive.thread_exited(second, 0)
    assert second.exit_status == 6
    gone = status_of(lambda: world.nt.NtTerminateThread(world.thread, handle, 8))
    assert gone == st.STATUS_THREAD_IS_TERMINATING
    world.provider.pico.CreateThread(PicoThreadAttributes(world.process, object()))
    world.nt.NtTerminateThread(world.thread, 0, 9)
    assert world.thread.exit_status == 9
    weak = world.table.insert(world.thread, 0x40)
    assert status_of(lambda: world.nt.NtTerminateThread(world.thread, weak, 8)) == st.STATUS_ACCESS_DENIED
    wrong = status_of(lambda: world.nt.NtTerminateThread(world.thread, world.event(), 8))
    assert wrong == st.STATUS_OBJECT_TYPE_MISMATCH


def test_terminate_the_other_threads() -> None:
    world = World()
    others = [world.provider.pico.CreateThread(PicoThreadAttributes(world.process, object())) for _ in range(2)]
    world.nt.NtTerminateProcess(world.thread, 0, 3)
    told = [entry for entry in world.provider.executive_host.log if entry[0] == "terminate_thread"]
    assert told == [("terminate_thread", other.tid, 3) for other in others]
    assert not world.process.terminating


def test_affinity() -> None:
    world = World()
    assert world.nt.NtQueryInformationThread(world.thread, -2, 4) == 3
    world.nt.NtSetInformationThread(world.thread, -2, 4, 2)
    assert world.nt.NtQueryInformationThread(world.thread, -2, 4) == 2
    for wrong in (0, 4):
        refused = status_of(lambda mask=wrong: world.nt.NtSetInformationThread(world.thread, -2, 4, mask))  # type: ignore[misc]
        assert refused == st.STATUS_INVALID_PARAMETER
    assert status_of(lambda: world.nt.NtQueryInformationThread(world.thread, -2, 0)) == st.STATUS_INVALID_INFO_CLASS
    refused = status_of(lambda: world.nt.NtSetInformationThread(world.thread, -2, 0, 1))
    assert refused == st.STATUS_INVALID_INFO_CLASS
    weak = world.table.insert(world.thread, 0x40)
    denied = status_of(lambda: world.nt.NtSetInformationThread(world.thread, weak, 4, 1))
    assert denied == st.STATUS_ACCESS_DENIED


def test_each_service_counts_itself() -> None:
    world = World()
    handle = world.event()
    world.duplicate(handle, options=2)
    world.nt.NtQueryObject(world.thread, handle, 2)
    world.close(handle)
    world.close(handle)
    assert world.nt.counters == {"NtDuplicateObject": 1, "NtQueryObject": 1, "NtClose": 2}


def test_families_that_are_loaded_late_are_listed_whole() -> None:
    for module, family, names in nt_module._FAMILIES:  # type: ignore[attr-defined]
        services = {name for name in vars(getattr(import_module(module), family)) if name.startswith("Nt")}
        assert set(names.split()) == services
        assert services <= set(dir(World().nt))
        assert all(dir(World().nt).count(name) == 1 for name in services)
    with pytest.raises(AttributeError):
        _ = World().nt.NtUnheardOf  # type: ignore[attr-defined]
