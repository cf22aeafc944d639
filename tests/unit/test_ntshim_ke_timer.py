"""Timers: when they are signalled, how often, and whom they call."""

from __future__ import annotations

from typing import Any

import pytest
from ntshim_ke import PENDING, SECOND, WaitingWorld, statuses
from ntshim_ob import status_of

from ntshim import status as st
from ntshim.ke.wait_state import deliver_user_apcs
from ntshim.ob.object import GENERIC_ALL

WAIT_0 = st.STATUS_SUCCESS
MAXIMUM_PERIOD = (1 << 31) - 1


@pytest.mark.parametrize("kind", [0, 1])
def test_a_timer_is_signalled_once(kind: int) -> None:
    world = WaitingWorld()
    nt, thread, handle = world.nt, world.thread, world.timer(kind)
    waits = [world.wait(handle, world.sibling()) for _ in range(2)]
    assert nt.NtSetTimer(thread, handle, -SECOND) is False
    assert nt.NtQueryTimer(thread, handle) == (SECOND, False)
    world.pass_time(SECOND - 1)
    assert statuses(waits) == [PENDING, PENDING]
    world.pass_time(3)
    assert statuses(waits) == [WAIT_0, PENDING if kind else WAIT_0]
    assert nt.NtQueryTimer(thread, handle) == (-2, not kind)
    assert world.pass_time(100 * SECOND) == 0


def test_an_absolute_timer_follows_the_time_of_day() -> None:
    world = WaitingWorld()
    nt, thread, handle = world.nt, world.thread, world.timer()
    nt.NtSetTimer(thread, handle, world.clock.system_time() + SECOND)
    assert nt.NtQueryTimer(thread, handle).remaining_time == SECOND
    world.clock.set_system_time(world.clock.system_time() + SECOND)
    assert world.pass_time(0) == 1
    assert nt.NtQueryTimer(thread, handle).timer_state is True
    for past in (0, 1, world.clock.system_time()):
        assert nt.NtSetTimer(thread, handle, past) is True
        assert nt.NtQueryTimer(thread, handle).timer_state is True


def test_a_timer_that_was_never_set() -> None:
    world = WaitingWorld()
    handle = world.timer()
    world.pass_time(7)
    assert world.nt.NtQueryTimer(world.thread, handle) == (-7, False)
    assert world.nt.NtCancelTimer(world.thread, handle) is False


def test_periods_that_nobody_looked_at_count_once() -> None:
    world = WaitingWorld()
    nt, thread, handle = world.nt, world.thread, world.timer(1)
    nt.NtSetTimer(thread, handle, -SECOND, period=10)
    assert world.pass_time(SECOND) == 1
    assert world.wait(handle, timeout=0) == WAIT_0
    assert nt.NtQueryTimer(thread, handle) == (SECOND // 100, False)
    assert world.pass_time(1_000_000 * SECOND + 1) == 1
    assert [world.wait(handle, timeout=0) for _ in range(2)] == [WAIT_0, st.STATUS_TIMEOUT]
    assert nt.NtQueryTimer(thread, handle).remaining_time == SECOND // 100 - 1
    nt.NtCancelTimer(thread, handle)
    assert world.pass_time(SECOND) == 0


def test_setting_again_resets_and_cancelling_does_not() -> None:
    world = WaitingWorld()
    nt, thread, handle = world.nt, world.thread, world.timer()
    nt.NtSetTimer(thread, handle, 0)
    assert nt.NtCancelTimer(thread, handle) is True
    assert nt.NtSetTimer(thread, handle, -SECOND) is True
    assert nt.NtQueryTimer(thread, handle).timer_state is False
    nt.NtSetTimer(thread, handle, -2 * SECOND)
    assert world.pass_time(SECOND) == 0
    assert nt.NtCancelTimer(thread, handle) is False
    assert world.pass_time(SECOND) == 0


def test_a_timer_calls_who_set_it() -> None:
    world = WaitingWorld()
    nt, thread, handle = world.nt, world.sibling(), world.timer()
    calls: list[Any] = []
    due_time = world.clock.system_time() + SECOND
    nt.NtSetTimer(thread, handle, due_time, lambda *told: calls.append(told), "context", 1000)
    waits = [world.wait(handle, thread, alertable=True), world.wait(handle)]
    world.pass_time(SECOND)
    assert statuses(waits) == [st.STATUS_USER_APC, WAIT_0]
    deliver_user_apcs(thread)
    assert calls == [("context", due_time & 0xFFFFFFFF, due_time >> 32)]
    world.pass_time(SECOND)
    nt.NtCancelTimer(world.thread, handle)
    nt.NtTestAlert(thread)
    assert deliver_user_apcs(thread) == 0


def test_the_end_of_who_is_called_cancels_the_timer() -> None:
    world = WaitingWorld()
    nt, thread = world.nt, world.sibling()
    called, plain = world.timer(), world.timer()
    nt.NtSetTimer(thread, called, -SECOND, lambda *_: None)
    nt.NtSetTimer(thread, plain, -SECOND)
    references = thread.pointer_count
    world.executive.thread_exited(thread, 0)
    assert thread.pointer_count == references - 2
    assert world.pass_time(SECOND) == 1
    assert [world.wait(handle, timeout=0) for handle in (called, plain)] == [st.STATUS_TIMEOUT, WAIT_0]


def test_a_timer_nobody_knows_does_nothing() -> None:
    world = WaitingWorld()
    handle = world.timer()
    world.nt.NtSetTimer(world.thread, handle, -SECOND, print, period=1)
    world.close(handle)
    assert world.pass_time(SECOND) == 0
    assert world.executive.dispatcher.due.next_due() is None


def test_timers_that_cannot_be() -> None:
    world = WaitingWorld()
    nt, thread, handle = world.nt, world.thread, world.timer()
    for kind in (2, -1):
        assert status_of(nt.NtCreateTimer, thread, GENERIC_ALL, None, kind) == st.STATUS_INVALID_PARAMETER_4
    for period in (-1, MAXIMUM_PERIOD + 1):
        assert status_of(nt.NtSetTimer, thread, handle, -1, period=period) == st.STATUS_INVALID_PARAMETER_6
    assert status_of(nt.NtSetTimer, thread, handle, -1, period=MAXIMUM_PERIOD) == st.STATUS_SUCCESS
    assert status_of(nt.NtSetTimer, world.process, handle, -1, print) == st.STATUS_INVALID_PARAMETER
    weak = nt.NtCreateTimer(thread, 1, None, 0).handle
    assert status_of(nt.NtSetTimer, thread, weak, -1) == st.STATUS_ACCESS_DENIED
    assert status_of(nt.NtCancelTimer, thread, weak) == st.STATUS_ACCESS_DENIED
    assert nt.NtQueryTimer(thread, weak).timer_state is False
    blind = nt.NtCreateTimer(thread, 2, None, 0).handle
    assert status_of(nt.NtQueryTimer, thread, blind) == st.STATUS_ACCESS_DENIED
