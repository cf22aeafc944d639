"""Events, mutants, semaphores, and waits that need not wait."""

from __future__ import annotations

import pytest
from ntshim_ob import BASE, World, status_of

from ntshim import status as st
from ntshim.ke.mutant import LOWEST_COUNT
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.object import GENERIC_ALL, SYNCHRONIZE
from ntshim.ps import PicoThreadAttributes

WAIT_0 = st.STATUS_SUCCESS
TIMEOUT = st.STATUS_TIMEOUT


def wait(world: World, handle: int, timeout: int | None = 0) -> int:
    """Wait; gives the status, a failure included."""
    try:
        status = world.nt.NtWaitForSingleObject(world.thread, handle, timeout)
    except st.NtError as error:
        return error.status
    return status if isinstance(status, int) else status.status


@pytest.mark.parametrize("synchronization", [False, True])
@pytest.mark.parametrize("initial", [False, True])
def test_events(synchronization: bool, initial: bool) -> None:
    world = World()
    nt, thread = world.nt, world.thread
    handle = nt.NtCreateEvent(thread, GENERIC_ALL, None, int(synchronization), initial).handle
    assert nt.NtQueryEvent(thread, handle) == (int(synchronization), initial)
    assert wait(world, handle) == (WAIT_0 if initial else TIMEOUT)
    assert nt.NtQueryEvent(thread, handle).event_state == (initial and not synchronization)
    assert nt.NtResetEvent(thread, handle) == (initial and not synchronization)
    assert nt.NtSetEvent(thread, handle) is False
    assert nt.NtSetEvent(thread, handle) is True
    assert wait(world, handle, None) == WAIT_0
    assert wait(world, handle) == (TIMEOUT if synchronization else WAIT_0)


def test_an_event_of_no_type() -> None:
    world = World()
    for wrong in (2, -1):
        create = world.nt.NtCreateEvent
        assert status_of(create, world.thread, 1, ObjectAttributes("bad"), wrong) == st.STATUS_INVALID_PARAMETER


def test_a_mutant_belongs_to_a_thread() -> None:
    world = World()
    nt, thread = world.nt, world.thread
    handle = world.create("Mutant", rf"{BASE}\mutant")
    assert nt.NtQueryMutant(thread, handle) == (1, False, False)
    assert status_of(nt.NtReleaseMutant, thread, handle) == st.STATUS_MUTANT_NOT_OWNED
    assert [wait(world, handle) for _ in range(2)] == [WAIT_0, WAIT_0]
    assert nt.NtQueryMutant(thread, handle) == (-1, True, False)
    assert world.object(handle).owner is thread
    other = world.executive.create_pico_thread(PicoThreadAttributes(world.process, object()))
    assert nt.NtWaitForSingleObject(other, handle, 0) == TIMEOUT
    assert nt.NtQueryMutant(other, handle) == (-1, False, False)
    assert status_of(nt.NtReleaseMutant, other, handle) == st.STATUS_MUTANT_NOT_OWNED
    assert status_of(nt.NtReleaseMutant, world.process, handle) == st.STATUS_MUTANT_NOT_OWNED
    assert [nt.NtReleaseMutant(thread, handle) for _ in range(2)] == [-1, 0]
    assert not thread.mutants
    assert nt.NtWaitForSingleObject(other, handle, 0) == WAIT_0


def test_a_mutant_may_be_born_owned() -> None:
    world = World()
    handle = world.nt.NtCreateMutant(world.thread, GENERIC_ALL, None, True).handle
    assert world.nt.NtQueryMutant(world.thread, handle) == (0, True, False)
    create = world.nt.NtCreateMutant
    assert status_of(create, world.process, GENERIC_ALL, None, True) == st.STATUS_INVALID_PARAMETER
    collision = ObjectAttributes(rf"{BASE}\Local")
    assert status_of(create, world.thread, GENERIC_ALL, collision, True) == st.STATUS_OBJECT_TYPE_MISMATCH
    assert world.thread.mutants == [world.object(handle)]
    world.close(handle)
    assert not world.thread.mutants


def test_the_mutants_of_a_dead_thread_are_abandoned() -> None:
    world = World()
    nt = world.nt
    other = world.executive.create_pico_thread(PicoThreadAttributes(world.process, object()))
    handles = [nt.NtCreateMutant(other, GENERIC_ALL, None, True).handle for _ in range(2)]
    assert nt.NtWaitForSingleObject(other, handles[0]) == WAIT_0
    assert wait(world, handles[0]) == TIMEOUT
    world.executive.thread_exited(other, 0)
    for handle in handles:
        assert nt.NtQueryMutant(world.thread, handle) == (1, False, True)
        assert wait(world, handle) == st.STATUS_ABANDONED_WAIT_0
        assert nt.NtQueryMutant(world.thread, handle) == (0, True, False)
        assert wait(world, handle) == WAIT_0


def test_a_mutant_can_be_had_so_many_times() -> None:
    world = World()
    handle = world.create("Mutant", None)
    assert wait(world, handle) == WAIT_0
    world.object(handle).count = LOWEST_COUNT + 1
    assert wait(world, handle) == WAIT_0
    assert wait(world, handle) == st.STATUS_MUTANT_LIMIT_EXCEEDED


def test_semaphores() -> None:
    world = World()
    nt, thread = world.nt, world.thread
    handle = nt.NtCreateSemaphore(thread, GENERIC_ALL, None, 1, 3).handle
    assert nt.NtQuerySemaphore(thread, handle) == (1, 3)
    assert [wait(world, handle) for _ in range(2)] == [WAIT_0, TIMEOUT]
    assert [nt.NtReleaseSemaphore(thread, handle, 2), nt.NtReleaseSemaphore(thread, handle)] == [0, 2]
    assert status_of(nt.NtReleaseSemaphore, thread, handle) == st.STATUS_SEMAPHORE_LIMIT_EXCEEDED
    for wrong in (0, -1):
        assert status_of(nt.NtReleaseSemaphore, thread, handle, wrong) == st.STATUS_INVALID_PARAMETER
    assert nt.NtQuerySemaphore(thread, handle) == (3, 3)


@pytest.mark.parametrize(("count", "limit"), [(0, 0), (-1, 1), (2, 1), (0, -1)])
def test_semaphores_that_cannot_be(count: int, limit: int) -> None:
    world = World()
    create = world.nt.NtCreateSemaphore
    assert status_of(create, world.thread, 1, None, count, limit) == st.STATUS_INVALID_PARAMETER


@pytest.mark.parametrize(
    ("kind", "service", "needed"),
    [
        ("Event", "NtSetEvent", 2),
        ("Event", "NtResetEvent", 2),
        ("Event", "NtQueryEvent", 1),
        ("Mutant", "NtQueryMutant", 1),
        ("Semaphore", "NtReleaseSemaphore", 2),
        ("Semaphore", "NtQuerySemaphore", 1),
        ("Event", "NtWaitForSingleObject", SYNCHRONIZE),
    ],
)
def test_rights_and_types_of_handles(kind: str, service: str, needed: int) -> None:
    world = World()
    routine = getattr(world.nt, service)
    everything = world.process.handles.look_up(world.create(kind, None)).access
    arguments = (0,) if service == "NtWaitForSingleObject" else ()
    weak = world.create(kind, None, access=everything & ~needed)
    assert status_of(routine, world.thread, weak, *arguments) == st.STATUS_ACCESS_DENIED
    enough = world.create(kind, None, access=needed)
    assert status_of(routine, world.thread, enough, *arguments) == st.STATUS_SUCCESS
    assert status_of(routine, world.thread, 0xBAD0, *arguments) == st.STATUS_INVALID_HANDLE
    if not arguments:
        wrong = world.create("KeyedEvent", None)
        assert status_of(routine, world.thread, wrong) == st.STATUS_OBJECT_TYPE_MISMATCH


def test_what_can_be_waited_for() -> None:
    world = World()
    stranger = world.new_thread()
    table = world.process.handles
    process, thread = table.insert(stranger.process, SYNCHRONIZE), table.insert(stranger, SYNCHRONIZE)
    assert (wait(world, process), wait(world, thread)) == (TIMEOUT, TIMEOUT)
    assert wait(world, process, None) == st.STATUS_PENDING
    world.executive.thread_exited(stranger, 0)
    assert (wait(world, process), wait(world, thread)) == (WAIT_0, WAIT_0)
    keyed = world.create("KeyedEvent", None, access=SYNCHRONIZE)
    assert wait(world, keyed) == st.STATUS_OBJECT_TYPE_MISMATCH
    assert wait(world, -1) == TIMEOUT
