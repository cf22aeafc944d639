"""Keyed events: who meets whom, and where."""

from __future__ import annotations

from typing import Any

import pytest
from ntshim_ke import PENDING, SECOND, WaitingWorld, statuses
from ntshim_ob import status_of

from ntshim import status as st

WAIT_0 = st.STATUS_SUCCESS
SIDES = ["NtWaitForKeyedEvent", "NtReleaseKeyedEvent"]


class KeyedWorld(WaitingWorld):
    """One keyed event, and one side that comes first."""

    def __init__(self, first: str) -> None:
        super().__init__()
        self.handle = self.create("KeyedEvent", None)
        self.first = getattr(self.nt, first)
        self.second = getattr(self.nt, next(side for side in SIDES if side != first))

    def line(self, keys: list[int]) -> list[Any]:
        """Have a thread stand in line for each key."""
        return [self.first(self.sibling(), self.handle, key) for key in keys]


@pytest.mark.parametrize("first", SIDES)
def test_the_oldest_of_a_key_is_met(first: str) -> None:
    world = KeyedWorld(first)
    waits = world.line([2, 4, 2])
    assert world.second(world.thread, world.handle, 2) == WAIT_0
    assert statuses(waits) == [WAIT_0, PENDING, PENDING]
    assert world.second(world.thread, world.handle, 4) == WAIT_0
    assert world.second(world.thread, world.handle, 2, 0) == WAIT_0
    assert statuses(waits) == [WAIT_0] * 3
    assert world.second(world.thread, world.handle, 2, 0) == st.STATUS_TIMEOUT
    assert world.object(world.handle).queues is None


@pytest.mark.parametrize("first", SIDES)
def test_two_of_one_side_do_not_meet(first: str) -> None:
    world = KeyedWorld(first)
    assert statuses(world.line([0, 0])) == [PENDING, PENDING]


@pytest.mark.parametrize("first", SIDES)
def test_who_gave_up_is_not_met(first: str) -> None:
    world = KeyedWorld(first)
    wait = world.first(world.thread, world.handle, 8, -SECOND)
    world.pass_time(SECOND)
    assert wait.status == st.STATUS_TIMEOUT
    alerted = world.first(world.thread, world.handle, 8, alertable=True)
    world.nt.NtAlertThread(world.thread, -2)
    assert alerted.status == st.STATUS_ALERTED
    assert world.second(world.thread, world.handle, 8, 0) == st.STATUS_TIMEOUT


@pytest.mark.parametrize("first", SIDES)
def test_processes_do_not_meet(first: str) -> None:
    world = KeyedWorld(first)
    stranger = world.new_thread()
    other = stranger.process.handles.insert(world.object(world.handle), 3)
    wait = world.first(stranger, other, 2)
    assert world.second(world.thread, world.handle, 2, 0) == st.STATUS_TIMEOUT
    assert world.second(stranger, other, 2) == WAIT_0
    assert wait.status == WAIT_0


@pytest.mark.parametrize("first", SIDES)
def test_no_handle_is_the_event_that_all_share(first: str) -> None:
    world = KeyedWorld(first)
    wait = world.first(world.sibling(), 0, 2)
    assert world.second(world.thread, world.handle, 2, 0) == st.STATUS_TIMEOUT
    shared = world.open("KeyedEvent", r"\KernelObjects\CritSecOutOfMemoryEvent")
    assert world.second(world.thread, shared, 2) == WAIT_0
    assert wait.status == WAIT_0


@pytest.mark.parametrize(("side", "needed"), [(SIDES[0], 1), (SIDES[1], 2)])
def test_keys_rights_and_types(side: str, needed: int) -> None:
    world = WaitingWorld()
    service = getattr(world.nt, side)
    handle = world.create("KeyedEvent", None, access=needed)
    weak = world.create("KeyedEvent", None, access=3 & ~needed)
    assert service(world.thread, handle, 2, 0) == st.STATUS_TIMEOUT
    for odd in (1, 255, -1):
        assert status_of(service, world.thread, handle, odd, 0) == st.STATUS_INVALID_PARAMETER_1
        assert status_of(service, world.thread, 0xBAD0, odd, 0) == st.STATUS_INVALID_PARAMETER_1
    assert status_of(service, world.thread, weak, 2, 0) == st.STATUS_ACCESS_DENIED
    assert status_of(service, world.thread, 0xBAD0, 2, 0) == st.STATUS_INVALID_HANDLE
    assert status_of(service, world.thread, world.event(), 2, 0) == st.STATUS_OBJECT_TYPE_MISMATCH
