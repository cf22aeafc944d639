"""Owns the proof that the reference platform's loop takes each stop for what it is, in whatever order they come."""

from __future__ import annotations

import signal
from errno import EINTR, ENOSYS, EPERM

import pytest
from fake_task import FakeTask

from picobox.abi.row import ACTION_CALL, ACTION_ERRNO, ACTION_NATIVE, ACTION_UNKNOWN
from picobox.abi.table import BY_NAME, ROWS
from picobox.abi.x86_64 import SYSCALL_LIMIT
from picobox.platform.base import (
    STOP_DEAD,
    STOP_EXEC,
    STOP_FORK,
    STOP_GROUP,
    STOP_NEW,
    STOP_SIGNAL,
    STOP_SYSCALL,
    STOP_SYSCALL_EXIT,
    Stop,
)
from picobox.platform.reference_loop import ReferenceLoop
from picobox.platform.reference_page import MAP_FIXED, PAGE_SIZE, PLACES, covers_page

GETPPID, GETPID, CLOSE = (BY_NAME[name].nr for name in ("getppid", "getpid", "close"))
AUDIT_ARCH_I386 = 0x4000_0003  # linux/audit.h
PAGE = PLACES[0]
REFUSED = next(row for row in ROWS if row.do.action == ACTION_ERRNO)


def make_loop(*tasks: FakeTask, subscribe: bool = False) -> ReferenceLoop:
    return ReferenceLoop({task.pid: task for task in tasks}, ROWS, subscribe, frozenset())


def enter(task: FakeTask, nr: int, *arguments: int, subscribe: bool = False) -> tuple[ReferenceLoop, Stop | None]:
    task.regs |= dict(zip(("orig_rax", "rdi", "rsi", "rdx", "r10", "r8", "r9"), (nr, *arguments), strict=False))
    loop = make_loop(task, subscribe=subscribe)
    return loop, loop.on_entry(task)


def test_a_native_call_runs_unseen() -> None:
    task = FakeTask()
    loop, stop = enter(task, GETPPID)
    assert stop is None
    assert (task.signals, task.regs["orig_rax"], task.calls) == ([0], GETPPID, 1)
    assert loop.counters[ACTION_NATIVE][GETPPID] == 1


def test_a_served_call_waits_for_the_supervisor() -> None:
    task = FakeTask(rsp=0x7000)
    loop, stop = enter(task, CLOSE, 5)
    assert stop is not None
    assert (stop.kind, stop.nr, stop.args, stop.ip, stop.sp) == (
        STOP_SYSCALL,
        CLOSE,
        (5, 0, 0, 0, 0, 0),
        0x1002,
        0x7000,
    )
    assert task.signals == []
    assert loop.counters[ACTION_CALL][CLOSE] == 1


def test_a_subscriber_gets_native_and_refused_calls_too() -> None:
    for nr in (GETPPID, REFUSED.nr):
        _, stop = enter(FakeTask(), nr, subscribe=True)
        assert stop is not None
        assert stop.nr == nr


@pytest.mark.parametrize(
    ("nr", "action", "index", "error"),
    [
        (REFUSED.nr, ACTION_ERRNO, REFUSED.nr, REFUSED.do.errno),
        (SYSCALL_LIMIT - 1, ACTION_UNKNOWN, SYSCALL_LIMIT - 1, ENOSYS),
        (SYSCALL_LIMIT + 88, ACTION_UNKNOWN, SYSCALL_LIMIT - 1, ENOSYS),
        (0x4000_0000 | GETPID, ACTION_UNKNOWN, SYSCALL_LIMIT - 1, ENOSYS),
        (2**64 - 1, ACTION_UNKNOWN, SYSCALL_LIMIT - 1, ENOSYS),
    ],
)
def test_a_refused_call_is_skipped_with_its_error(nr: int, action: int, index: int, error: int) -> None:
    task = FakeTask()
    loop, stop = enter(task, nr)
    assert stop is None
    assert (task.regs["orig_rax"], task.regs["rax"], task.signals) == (-1, -error, [0])
    assert loop.counters[action][index] == 1


def test_the_high_half_of_the_number_is_ignored() -> None:
    task = FakeTask()
    loop, _ = enter(task, 0xFFFF_FFFF_0000_0000 | GETPPID)
    assert loop.counters[ACTION_NATIVE][GETPPID] == 1


def test_another_entrance_to_the_kernel_is_refused_uncounted() -> None:
    task = FakeTask()
    task.architecture = AUDIT_ARCH_I386
    loop, stop = enter(task, GETPPID)
    assert stop is None
    assert (task.regs["rax"], task.calls) == (-ENOSYS, 0)
    assert sum(map(sum, loop.counters)) == 0


def test_a_guarded_page_cannot_be_unmapped() -> None:
    task = FakeTask()
    task.page = PAGE
    _, stop = enter(task, BY_NAME["munmap"].nr, PAGE + PAGE_SIZE - 1, 1)
    assert stop is None
    assert task.regs["rax"] == -EPERM
    free = FakeTask()
    enter(free, BY_NAME["munmap"].nr, PAGE + PAGE_SIZE - 1, 1)
    assert free.regs["rax"] == 0


@pytest.mark.parametrize(
    ("address", "length", "covers"),
    [
        (PAGE - 4096, 4096, False),
        (PAGE - 4096, 4097, True),
        (PAGE + PAGE_SIZE, 1, False),
        (0, 2**64 - 1, True),
    ],
)
def test_ranges_that_cover_the_page(address: int, length: int, covers: bool) -> None:
    row = BY_NAME["munmap"]
    assert covers_page(PAGE, row.guards, row.nr, (address, length, 0, 0, 0, 0)) == covers


@pytest.mark.parametrize(("flags", "covers"), [(MAP_FIXED, True), (0, False)])
def test_mmap_covers_only_where_it_is_fixed(flags: int, covers: bool) -> None:
    row = BY_NAME["mmap"]
    assert covers_page(PAGE, row.guards, row.nr, (PAGE, 4096, 0, flags, 0, 0)) == covers


def test_changed_arguments_return_at_the_exit() -> None:
    task = FakeTask(rax=2**64 - EINTR, rdi=7)
    loop = make_loop(task)
    task.in_call = task.report_exit = True
    task.saved = {"rdi": 3}
    stop = loop.on_exit(task)
    assert stop is not None
    assert (stop.kind, stop.result) == (STOP_SYSCALL_EXIT, -EINTR)
    assert (task.regs["rdi"], task.saved, task.in_call, task.report_exit) == (3, {}, False, False)


def test_an_exit_that_nobody_wants_is_answered() -> None:
    task = FakeTask()
    task.in_call = True
    assert make_loop(task).on_exit(task) is None
    assert task.signals == [0]


def test_a_child_seen_before_its_creators_event_is_told_after_it() -> None:
    parent, child = FakeTask(100), FakeTask(101, rdi=9)
    parent.announced, parent.saved, parent.page = True, {"rdi": 4}, PAGE
    loop = make_loop(parent, child)
    loop.creating.add(100)
    assert loop.on_event_stop(child, signal.SIGTRAP) is None
    assert loop.next_told() is None
    fork = loop.on_creation(parent, child)
    assert (fork.kind, fork.tid, fork.other) == (STOP_FORK, 100, 101)
    born = loop.next_told()
    assert born is not None
    assert (born.kind, born.tid, born.other) == (STOP_NEW, 101, 100)
    assert (child.regs["rdi"], child.saved, child.page) == (4, {}, PAGE)
    assert loop.next_told() is None


def test_a_child_seen_after_its_creators_event() -> None:
    parent, child = FakeTask(100), FakeTask(101, rdi=9)
    parent.saved = {"rdi": 4}
    loop = make_loop(parent, child)
    loop.on_creation(parent, child)
    assert loop.next_told() is None
    born = loop.on_event_stop(child, signal.SIGTRAP)
    assert born is not None
    assert (born.kind, born.other, child.regs["rdi"]) == (STOP_NEW, 100, 4)


@pytest.mark.parametrize("end", ["death", "exit", "call", "exec"])
def test_a_child_whose_creator_never_tells_is_released(end: str) -> None:
    parent, child = FakeTask(100, orig_rax=GETPPID), FakeTask(101)
    loop = make_loop(parent, child)
    loop.creating.add(100)
    loop.on_event_stop(child, signal.SIGTRAP)
    assert loop.next_told() is None
    if end == "death":
        loop.on_death(parent, signal.SIGKILL)
    elif end == "exec":
        loop.on_exec(parent, 100)
    else:
        {"exit": loop.on_exit, "call": loop.on_entry}[end](parent)
    born = loop.next_told()
    assert born is not None
    assert (born.kind, born.tid, born.other) == (STOP_NEW, 101, 0)


def test_nobody_hears_of_a_child_that_died_unannounced() -> None:
    child = FakeTask(101)
    loop = make_loop(child)
    loop.creating.add(100)
    loop.on_event_stop(child, signal.SIGTRAP)
    assert loop.on_death(child, signal.SIGKILL) is None
    loop.creating.clear()
    assert loop.next_told() is None


def test_a_death_is_told_with_its_status() -> None:
    task = FakeTask(100)
    task.announced = True
    stop = make_loop(task).on_death(task, 3 << 8)
    assert stop is not None
    assert (stop.kind, stop.tid, stop.status) == (STOP_DEAD, 100, 3 << 8)


def test_an_exec_by_a_thread_takes_the_leaders_place() -> None:
    leader, executor = FakeTask(100), FakeTask(103)
    leader.page = PAGE
    leader.starting = leader.group_stopped = leader.report_exit = True
    loop = make_loop(leader, executor)
    loop.creating |= {100, 103}
    stop = loop.on_exec(leader, 103)
    assert (stop.kind, stop.tid, stop.other) == (STOP_EXEC, 100, 103)
    assert (leader.forgotten, executor.forgotten) == (False, True)
    assert not any((leader.page, leader.starting, leader.group_stopped, leader.report_exit))
    # The call ends in the new image.
    assert leader.in_call
    assert loop.creating == set()


def test_a_group_stop_and_its_end() -> None:
    task = FakeTask(100)
    task.born = True
    loop = make_loop(task)
    stop = loop.on_event_stop(task, signal.SIGTSTP)
    assert stop is not None
    assert (stop.kind, stop.signal, task.group_stopped, task.signals) == (STOP_GROUP, signal.SIGTSTP, True, [])
    assert loop.on_event_stop(task, signal.SIGTRAP) is None
    assert (task.group_stopped, task.signals) == (False, [0])


@pytest.mark.parametrize(
    ("number", "code", "subscribe", "told"),
    [
        (signal.SIGSEGV, 1, False, True),
        (signal.SIGSEGV, 0, False, False),
        (signal.SIGTERM, 1, False, False),
        (signal.SIGTERM, 0, True, True),
    ],
)
def test_faults_are_told_and_other_signals_on_demand(number: int, code: int, subscribe: bool, told: bool) -> None:
    task = FakeTask()
    task.si_code = code
    stop = make_loop(task, subscribe=subscribe).on_signal(task, number)
    if told:
        assert stop is not None
        assert (stop.kind, stop.signal, stop.code, task.signals) == (STOP_SIGNAL, number, code, [])
        assert stop.args == task.siginfo_words
    else:
        assert (stop, task.signals) == (None, [number])
