"""Waits that have to go on: what ends them, in which order, and what that changes."""

from __future__ import annotations

from typing import Any

import pytest
from ntshim_ke import PENDING, SECOND, WaitingWorld, statuses
from ntshim_ob import status_of

from ntshim import status as st
from ntshim.io.file import File
from ntshim.ke.mutant import LOWEST_COUNT
from ntshim.ke.run import DeadlockError, run_until
from ntshim.ke.wait_services import WAIT_ALL, WAIT_ANY
from ntshim.ke.wait_state import deliver_user_apcs
from ntshim.ob.object import GENERIC_ALL, SYNCHRONIZE

WAIT_0 = st.STATUS_SUCCESS
ABANDONED = st.STATUS_ABANDONED_WAIT_0


@pytest.mark.parametrize(("kind", "released"), [(0, 3), (1, 1)])
@pytest.mark.parametrize("service", ["NtSetEvent", "NtPulseEvent"])
def test_an_event_releases_all_or_the_oldest(kind: int, released: int, service: str) -> None:
    world = WaitingWorld()
    handle = world.event(kind)
    waits = [world.wait(handle, world.sibling()) for _ in range(3)]
    assert statuses(waits) == [PENDING] * 3
    assert getattr(world.nt, service)(world.thread, handle) is False
    assert statuses(waits) == [WAIT_0] * released + [PENDING] * (3 - released)
    assert world.nt.NtQueryEvent(world.thread, handle).event_state == (service == "NtSetEvent" and kind == 0)


def test_a_pulse_of_a_set_event_resets_it() -> None:
    world = WaitingWorld()
    handle = world.event(signalled=True)
    assert world.nt.NtPulseEvent(world.thread, handle) is True
    assert world.nt.NtQueryEvent(world.thread, handle).event_state is False


def test_clearing_resets_and_says_nothing() -> None:
    world = WaitingWorld()
    handle = world.event(signalled=True)
    world.nt.NtClearEvent(world.thread, handle)
    assert world.nt.NtResetEvent(world.thread, handle) is False


def test_a_semaphore_releases_as_many_as_it_has() -> None:
    world = WaitingWorld()
    handle = world.semaphore()
    waits = [world.wait(handle, world.sibling()) for _ in range(3)]
    assert world.nt.NtReleaseSemaphore(world.thread, handle, 2) == 0
    assert statuses(waits) == [WAIT_0, WAIT_0, PENDING]
    assert world.nt.NtQuerySemaphore(world.thread, handle).current_count == 0


def test_a_mutant_goes_to_the_oldest_and_is_abandoned_once() -> None:
    world = WaitingWorld()
    owner, second, third = world.sibling(), world.sibling(), world.sibling()
    handle = world.mutant(owner)
    waits = [world.wait(handle, thread) for thread in (second, third)]
    world.nt.NtReleaseMutant(owner, handle)
    assert statuses(waits) == [WAIT_0, PENDING]
    assert world.object(handle).owner is second
    world.executive.thread_exited(second, 0)
    assert statuses(waits) == [WAIT_0, ABANDONED]
    assert world.object(handle).owner is third
    world.nt.NtReleaseMutant(third, handle)
    assert world.wait(handle) == WAIT_0


def test_the_place_of_what_ended_the_wait_is_told() -> None:
    world = WaitingWorld()
    owner = world.sibling()
    event, mutant, semaphore = world.event(1), world.mutant(owner), world.semaphore()
    handles = [event, mutant, semaphore, semaphore]
    wait = world.wait_many(handles, WAIT_ANY)
    world.nt.NtReleaseSemaphore(world.thread, semaphore)
    assert wait.status == WAIT_0 + 2
    wait = world.wait_many(handles, WAIT_ANY)
    world.executive.thread_exited(owner, 0)
    assert wait.status == ABANDONED + 1
    world.nt.NtSetEvent(world.thread, event)
    assert world.wait_many(handles, WAIT_ANY) == WAIT_0
    assert world.wait_many(handles, WAIT_ANY) == WAIT_0 + 1


def test_all_are_taken_at_once_or_not_at_all() -> None:
    world = WaitingWorld()
    first, second = world.event(1), world.semaphore()
    wait = world.wait_many([first, second], WAIT_ALL)
    world.nt.NtSetEvent(world.thread, first)
    assert wait.status == PENDING
    assert world.nt.NtQueryEvent(world.thread, first).event_state is True
    thief = world.wait(first, world.sibling())
    assert thief == WAIT_0
    world.nt.NtReleaseSemaphore(world.thread, second)
    assert wait.status == PENDING
    assert world.nt.NtQuerySemaphore(world.thread, second).current_count == 1
    world.nt.NtSetEvent(world.thread, first)
    assert wait.status == WAIT_0
    assert world.nt.NtQuerySemaphore(world.thread, second).current_count == 0
    assert world.nt.NtQueryEvent(world.thread, first).event_state is False


def test_a_wait_for_all_that_cannot_end_lets_the_next_one_pass() -> None:
    world = WaitingWorld()
    first, second = world.event(1), world.event(1)
    both = world.wait_many([first, second], WAIT_ALL)
    single = world.wait(first, world.sibling())
    world.nt.NtSetEvent(world.thread, first)
    assert statuses([both, single]) == [PENDING, WAIT_0]


def test_all_with_an_abandoned_mutant() -> None:
    world = WaitingWorld()
    owner = world.sibling()
    event, mutant = world.event(signalled=True), world.mutant(owner)
    wait = world.wait_many([event, mutant], WAIT_ALL)
    world.executive.thread_exited(owner, 0)
    assert wait.status == ABANDONED
    assert world.object(mutant).owner is world.thread


@pytest.mark.parametrize("kind", [WAIT_ALL, WAIT_ANY])
def test_what_many_waits_may_be(kind: int) -> None:
    world = WaitingWorld()
    event = world.event(signalled=True)
    weak = world.nt.NtCreateEvent(world.thread, 1, None, 0).handle
    keyed = world.create("KeyedEvent", None, access=SYNCHRONIZE)
    events = [world.event(signalled=True) for _ in range(65)]

    def status(handles: list[int], kind: int = kind) -> int:
        return status_of(world.nt.NtWaitForMultipleObjects, world.thread, handles, kind, 0)

    assert status([]) == status(events) == st.STATUS_INVALID_PARAMETER_1
    assert status(events[:64]) == WAIT_0
    assert status([event], 2) == status([event], -1) == st.STATUS_INVALID_PARAMETER_3
    assert status([event, 0xBAD0]) == st.STATUS_INVALID_HANDLE
    assert status([event, weak]) == st.STATUS_ACCESS_DENIED
    assert status([event, keyed]) == st.STATUS_OBJECT_TYPE_MISMATCH
    assert status([weak, 0xBAD0]) == st.STATUS_ACCESS_DENIED
    twice = st.STATUS_INVALID_PARAMETER_MIX if kind == WAIT_ALL else WAIT_0
    copy = world.nt.NtDuplicateObject(world.thread, -1, event, -1, options=2)
    assert status([event, event]) == status([event, copy or 0]) == twice


@pytest.mark.parametrize("absolute", [False, True])
def test_timeouts(absolute: bool) -> None:
    world = WaitingWorld()
    handle = world.event()
    due = world.executive.dispatcher.due
    wait = world.wait(handle, timeout=world.clock.system_time() + SECOND if absolute else -SECOND)
    assert due.next_due() == SECOND
    assert world.pass_time(SECOND - 1) == 0
    assert (wait.status, due.next_due()) == (PENDING, 1)
    assert world.pass_time(1) == 1
    assert wait.status == st.STATUS_TIMEOUT
    world.nt.NtSetEvent(world.thread, handle)
    assert (wait.status, due.next_due()) == (st.STATUS_TIMEOUT, None)


def test_only_absolute_timeouts_follow_the_time_of_day() -> None:
    world = WaitingWorld()
    handle = world.event()
    now = world.clock.system_time()
    waits = [world.wait(handle, world.sibling(), timeout) for timeout in (now + 10 * SECOND, -10 * SECOND)]
    world.clock.set_system_time(now + 10 * SECOND)
    assert world.executive.dispatcher.due.run_due() == 1
    assert statuses(waits) == [st.STATUS_TIMEOUT, PENDING]
    world.clock.set_system_time(0)
    assert world.pass_time(10 * SECOND) == 1
    assert statuses(waits) == [st.STATUS_TIMEOUT, st.STATUS_TIMEOUT]


@pytest.mark.parametrize("timeout", [0, 1])
def test_a_timeout_that_has_passed_does_not_wait(timeout: int) -> None:
    world = WaitingWorld()
    assert world.wait(world.event(), timeout=timeout) == st.STATUS_TIMEOUT
    assert world.wait(world.event(signalled=True), timeout=timeout) == WAIT_0
    assert world.nt.NtDelayExecution(world.thread, timeout) == st.STATUS_SUCCESS


def test_waits_that_ended_leave_nothing_behind() -> None:
    world = WaitingWorld()
    handle, other = world.event(1), world.event()
    for _ in range(1000):
        wait = world.wait_many([handle, other], WAIT_ANY, timeout=-SECOND)
        world.nt.NtSetEvent(world.thread, handle)
        assert wait.status == WAIT_0
    assert world.object(handle).waiters is None
    assert world.object(other).waiters is None
    assert world.object(handle).pointer_count == 1
    assert len(world.executive.dispatcher.due._relative.entries) < 200


def test_an_object_lives_as_long_as_somebody_waits_for_it() -> None:
    world = WaitingWorld()
    handle = world.event()
    event = world.object(handle)
    wait = world.wait(handle)
    world.close(handle)
    assert event.pointer_count == 1
    event.set(signalled=True)
    assert (wait.status, event.pointer_count) == (WAIT_0, 0)


def test_ends_of_threads_and_processes_end_waits_for_them() -> None:
    world = WaitingWorld()
    stranger = world.new_thread()
    table = world.process.handles
    handles = [table.insert(target, SYNCHRONIZE) for target in (stranger, stranger.process)]
    waits = [world.wait(handle, world.sibling()) for handle in handles]
    world.executive.thread_exited(stranger, 0)
    assert statuses(waits) == [WAIT_0, WAIT_0]
    empty = world.executive.create_minimal_process("empty")
    wait = world.wait(table.insert(empty, SYNCHRONIZE))
    world.executive.terminate_process(empty, 0)
    assert wait.status == WAIT_0


def test_who_ends_waits_no_longer() -> None:
    world = WaitingWorld()
    handle = world.event()
    for end in (
        lambda thread: world.executive.terminate_thread(thread, 1),
        lambda thread: world.executive.thread_exited(thread, 1),
        lambda thread: world.executive.terminate_process(thread.process, 1),
    ):
        thread = world.new_thread()
        other = thread.process.handles.insert(world.object(handle), SYNCHRONIZE)
        wait = world.nt.NtWaitForSingleObject(thread, other)
        assert not isinstance(wait, int)
        end(thread)
        assert wait.status == st.STATUS_CANCELLED
    assert world.object(handle).waiters is None
    gone = world.sibling()
    world.executive.thread_exited(gone, 0)
    free = world.mutant()
    assert status_of(world.wait, free, gone) == st.STATUS_THREAD_IS_TERMINATING
    assert status_of(world.nt.NtDelayExecution, gone, -1) == st.STATUS_THREAD_IS_TERMINATING
    assert status_of(world.mutant, gone) == st.STATUS_THREAD_IS_TERMINATING
    assert world.object(free).owner is None


def test_a_process_may_wait_as_a_whole() -> None:
    world = WaitingWorld()
    handle, mutant = world.event(1), world.mutant()
    waits = [world.wait(handle, world.process), world.wait(mutant, world.process)]
    world.nt.NtSetEvent(world.thread, handle)
    assert statuses(waits) == [WAIT_0, PENDING]
    world.executive.thread_exited(world.thread, 0)
    assert statuses(waits) == [WAIT_0, st.STATUS_CANCELLED]


def test_a_file_is_signalled_by_its_requests() -> None:
    world = WaitingWorld()
    file = File()
    handle = world.process.handles.insert(file, SYNCHRONIZE)
    assert world.wait(handle) == WAIT_0
    file.set(signalled=False)
    wait = world.wait(handle)
    assert wait.status == PENDING
    file.set(signalled=True)
    assert wait.status == WAIT_0


def test_signal_and_wait_is_one_step() -> None:
    world = WaitingWorld()
    nt = world.nt
    start, answer = world.event(1), world.event(1)
    partner = world.wait(start, world.sibling())
    partner.when_done(lambda _: nt.NtPulseEvent(world.thread, answer))
    assert statuses([nt.NtSignalAndWaitForSingleObject(world.thread, start, answer)]) == [WAIT_0]
    assert partner.status == WAIT_0
    same = world.event(1)
    assert nt.NtSignalAndWaitForSingleObject(world.thread, same, same) == WAIT_0


def test_who_was_released_is_told_even_if_the_wait_is_refused() -> None:
    world = WaitingWorld()
    start, mutant = world.event(1), world.mutant(world.thread)
    world.object(mutant).count = LOWEST_COUNT
    told: list[int] = []
    world.wait(start, world.sibling()).when_done(lambda wait: told.append(wait.status))
    refused = status_of(world.nt.NtSignalAndWaitForSingleObject, world.thread, start, mutant)
    assert (refused, told) == (st.STATUS_MUTANT_LIMIT_EXCEEDED, [WAIT_0])


def test_what_can_be_signalled_before_a_wait() -> None:
    world = WaitingWorld()
    nt, thread, event = world.nt, world.thread, world.event()

    def status(signal: int, wait: int = event) -> int:
        try:
            answer = nt.NtSignalAndWaitForSingleObject(thread, signal, wait, 0)
        except st.NtError as error:
            return error.status
        return answer if isinstance(answer, int) else answer.status

    assert status(world.semaphore()) == st.STATUS_TIMEOUT
    assert status(world.semaphore(10)) == st.STATUS_SEMAPHORE_LIMIT_EXCEEDED
    assert status(world.mutant(thread)) == st.STATUS_TIMEOUT
    assert status(world.mutant()) == st.STATUS_MUTANT_NOT_OWNED
    assert status(world.timer()) == status(-1) == st.STATUS_OBJECT_TYPE_MISMATCH
    assert status(nt.NtCreateEvent(thread, SYNCHRONIZE, None, 0).handle) == st.STATUS_ACCESS_DENIED
    assert status(nt.NtCreateSemaphore(thread, SYNCHRONIZE, None, 0, 1).handle) == st.STATUS_ACCESS_DENIED
    unset = world.event()
    assert status(unset, nt.NtCreateEvent(thread, 1, None, 0).handle) == st.STATUS_ACCESS_DENIED
    assert status(unset, 0xBAD0) == status(0xBAD0) == st.STATUS_INVALID_HANDLE
    assert nt.NtQueryEvent(thread, unset).event_state is False


def test_routines_are_called_one_after_the_other() -> None:
    world = WaitingWorld()
    handles = [world.event(1) for _ in range(3000)]
    order: list[int] = []

    def pass_on(place: int) -> Any:
        def told(_: Any) -> None:
            order.append(place)
            if place + 1 < len(handles):
                world.nt.NtSetEvent(world.thread, handles[place + 1])

        return told

    thread = world.sibling()
    for place, handle in enumerate(handles):
        world.wait(handle, thread).when_done(pass_on(place))
    world.nt.NtSetEvent(world.thread, handles[0])
    assert order == list(range(3000))


def test_alerts() -> None:
    world = WaitingWorld()
    nt, thread, handle = world.nt, world.thread, world.event()
    deaf = world.wait(handle)
    waits = [world.wait(handle, alertable=True), nt.NtDelayExecution(thread, -SECOND, alertable=True)]
    nt.NtAlertThread(thread, -2)
    nt.NtAlertThread(thread, -2)
    assert statuses([deaf, *waits]) == [PENDING, st.STATUS_ALERTED, st.STATUS_ALERTED]
    nt.NtAlertThread(thread, -2)
    assert world.wait(handle, timeout=0, alertable=False) == st.STATUS_TIMEOUT
    assert world.wait(world.event(signalled=True), alertable=True) == WAIT_0
    assert world.wait(handle, timeout=0, alertable=True) == st.STATUS_ALERTED
    assert world.wait(handle, timeout=0, alertable=True) == st.STATUS_TIMEOUT
    nt.NtAlertThread(thread, -2)
    assert [nt.NtTestAlert(thread) for _ in range(2)] == [st.STATUS_ALERTED, st.STATUS_SUCCESS]
    assert nt.NtAlertResumeThread(thread, -2) == 1
    assert (thread.suspend_count, nt.NtTestAlert(thread)) == (0, st.STATUS_ALERTED)
    assert nt.NtTestAlert(world.process) == st.STATUS_SUCCESS


def test_user_apcs() -> None:
    world = WaitingWorld()
    nt, thread, handle = world.nt, world.thread, world.event()
    calls: list[Any] = []

    def routine(*arguments: Any) -> None:
        calls.append(arguments)

    nt.NtQueueApcThread(thread, -2, routine, 1, 2, 3)
    assert world.wait(handle, timeout=0) == st.STATUS_TIMEOUT
    assert (deliver_user_apcs(thread), calls) == (0, [])
    assert world.wait(handle, alertable=True) == st.STATUS_USER_APC
    assert (deliver_user_apcs(thread), calls) == (1, [(1, 2, 3)])
    wait = world.wait(handle, alertable=True)
    nt.NtQueueApcThread(thread, -2, lambda *_: nt.NtQueueApcThread(thread, -2, routine, 5))
    assert wait.status == st.STATUS_USER_APC
    assert world.wait(handle) == st.STATUS_USER_APC
    assert (deliver_user_apcs(thread), calls[1:]) == (2, [(5, None, None)])
    nt.NtQueueApcThread(thread, -2, routine)
    assert nt.NtTestAlert(thread) == st.STATUS_SUCCESS
    assert deliver_user_apcs(thread) == 1


def test_whom_an_apc_cannot_reach() -> None:
    world = WaitingWorld()
    nt, thread = world.nt, world.thread
    sibling = world.sibling()
    handle = world.process.handles.insert(sibling, 0x1FFFFF)
    weak = world.process.handles.insert(sibling, 0x1FFFFF & ~0x10)
    queue = nt.NtQueueApcThread
    assert status_of(queue, thread, weak, print) == st.STATUS_ACCESS_DENIED
    world.executive.terminate_thread(sibling, 0)
    assert status_of(queue, thread, handle, print) == st.STATUS_UNSUCCESSFUL
    for service, needed in (("NtAlertThread", 4), ("NtAlertResumeThread", 2)):
        denied = world.process.handles.insert(thread, 0x1FFFFF & ~needed)
        assert status_of(getattr(nt, service), thread, denied) == st.STATUS_ACCESS_DENIED


def test_waiting_in_earnest() -> None:
    world = WaitingWorld()
    handle = world.event()
    assert run_until(world.executive, st.STATUS_TIMEOUT) == st.STATUS_TIMEOUT
    assert run_until(world.executive, world.wait(handle, timeout=-SECOND)) == st.STATUS_TIMEOUT
    assert world.clock.interrupt_time() == SECOND
    timer = world.timer()
    world.nt.NtSetTimer(world.thread, timer, -5 * SECOND)
    assert run_until(world.executive, world.wait(timer)) == WAIT_0
    assert world.clock.interrupt_time() == 6 * SECOND
    with pytest.raises(DeadlockError):
        run_until(world.executive, world.wait(handle))


def test_access_to_what_is_waited_for() -> None:
    world = WaitingWorld()
    for create in (world.nt.NtCreateTimer, world.nt.NtCreateIoCompletion):
        weak = create(world.thread, 3, None, 0).handle
        assert status_of(world.wait, weak) == st.STATUS_ACCESS_DENIED
        assert statuses([world.wait(create(world.thread, GENERIC_ALL, None, 0).handle, timeout=0)]) == [
            st.STATUS_TIMEOUT
        ]
