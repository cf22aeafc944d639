"""The pico contract: registration, creation, dispatch, suspension, and every way to end."""

from __future__ import annotations

import gc
import sys
from itertools import product
from typing import Any

import pytest
from ntshim_host import FakeHost, TinyProvider, boot, open_process, status_of

from ntshim import status as st
from ntshim.nt import NtServices
from ntshim.ob.handles import CURRENT_PROCESS, CURRENT_THREAD, OBJ_INHERIT, HandleTable
from ntshim.ob.object import MAXIMUM_ALLOWED, Object
from ntshim.ob.types import make_type
from ntshim.ps import Executive, PicoProcessAttributes, PicoThreadAttributes, Process, PsRegisterPicoProvider
from ntshim.ps import pico as contract
from ntshim.ps.job import JOB_OBJECT_LIMIT_BREAKAWAY_OK, Job
from ntshim.ps.process import PROCESS_ALL_ACCESS, PROCESS_TERMINATE
from ntshim.se.token import SE_CHANGE_NOTIFY_PRIVILEGE, TOKEN, Token

EVENT = make_type("Event")
TOKEN_QUERY = 8


def start(provider: TinyProvider, parent: Process | None = None, **attributes: Any) -> Process:
    """Make a pico process with one running thread."""
    process = provider.pico.CreateProcess(PicoProcessAttributes(object(), parent, **attributes))
    thread = provider.pico.CreateThread(PicoThreadAttributes(process, object()))
    provider.pico.ResumeThread(thread)
    return process


@pytest.mark.parametrize("defects", list(product([False, True], repeat=3)))
def test_registration_sizes_then_masks_then_window(defects: tuple[bool, bool, bool]) -> None:
    size, mask, window = defects
    executive = Executive(FakeHost())
    routines = TinyProvider().routines()
    if size:
        routines = routines._replace(size=routines.size - 8)
    if mask:
        routines = routines._replace(OpenProcess=0x80000000)
    if window:
        executive.boot()
    expected = st.STATUS_SUCCESS
    if size:
        expected = st.STATUS_INFO_LENGTH_MISMATCH
    elif mask:
        expected = st.STATUS_INVALID_PARAMETER
    elif window:
        expected = st.STATUS_TOO_LATE
    assert status_of(lambda: PsRegisterPicoProvider(executive, routines)) == expected
    assert (executive.provider is routines) == (expected == st.STATUS_SUCCESS)


def test_second_registration_and_the_other_size_are_refused() -> None:
    executive = Executive(FakeHost())
    first = TinyProvider().routines()
    assert status_of(lambda: PsRegisterPicoProvider(executive, first, 88)) == st.STATUS_INFO_LENGTH_MISMATCH
    PsRegisterPicoProvider(executive, first)
    assert status_of(lambda: PsRegisterPicoProvider(executive, TinyProvider().routines())) == st.STATUS_TOO_LATE
    assert executive.provider is first
    thread_mask = TinyProvider().routines()._replace(OpenThread=1 << 24)
    assert status_of(lambda: PsRegisterPicoProvider(Executive(FakeHost()), thread_mask)) == st.STATUS_INVALID_PARAMETER


def test_every_slot_of_both_tables_is_filled() -> None:
    provider = TinyProvider()
    boot(provider)
    assert len(provider.pico) == 12
    assert all(callable(slot) for slot in provider.pico[:-1])
    assert provider.pico.size == 96
    assert provider.routines().size == 64


def test_system_process_is_minimal() -> None:
    executive = boot(TinyProvider())
    system = executive.system_process
    assert (system.pid, system.provider, system.context, system.image_name) == (4, None, None, "System")
    assert executive.processes == {4: system}
    other = executive.create_minimal_process("Memory Compression")
    assert (other.provider, other.parent_pid) == (None, 4)


@pytest.mark.parametrize(("flags", "with_context"), list(product(range(32), [True, False])))
def test_create_process_flags(flags: int, with_context: bool) -> None:
    provider = TinyProvider()
    executive = boot(provider)
    parent = start(provider)
    good = with_context and flags < 16 and not (flags & 6 and not flags & 1)
    attributes = PicoProcessAttributes(object() if with_context else None, parent, flags=flags)
    expected = st.STATUS_SUCCESS if good else st.STATUS_INVALID_PARAMETER
    assert status_of(lambda: provider.pico.CreateProcess(attributes)) == expected
    assert len(executive.processes) == (3 if good else 2)


def test_clone_needs_a_parent_that_lives() -> None:
    provider = TinyProvider()
    boot(provider)
    orphan = PicoProcessAttributes(object(), flags=contract.PS_PICO_CREATE_PROCESS_CLONE_PARENT)
    assert status_of(lambda: provider.pico.CreateProcess(orphan)) == st.STATUS_INVALID_PARAMETER
    parent = start(provider)
    provider.pico.TerminateProcess(parent, 1)
    child = PicoProcessAttributes(object(), parent)
    assert status_of(lambda: provider.pico.CreateProcess(child)) == st.STATUS_PROCESS_IS_TERMINATING
    thread = PicoThreadAttributes(parent, object())
    assert status_of(lambda: provider.pico.CreateThread(thread)) == st.STATUS_PROCESS_IS_TERMINATING


def test_child_gets_token_job_and_inheritable_handles() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    parent = start(provider)
    parent.token = Object(make_type("Token"))
    job = Job(executive)
    job.limit_flags = JOB_OBJECT_LIMIT_BREAKAWAY_OK
    job.assign(parent)
    event = Object(EVENT)
    kept = parent.handles.insert(event, 2, OBJ_INHERIT)
    parent.handles.insert(event, 3)
    plain = start(provider, parent)
    assert (len(plain.handles), plain.token, plain.job) == (0, parent.token, job)
    assert plain.parent_pid == parent.pid
    clone = start(provider, parent, flags=1 | 2 | 8)
    assert [(handle, entry.access) for handle, entry in clone.handles.handles()] == [(kept, 2)]
    assert clone.job is None
    token = Object(make_type("Token"))
    assert start(provider, parent, token=token).token is token
    assert event.handle_count == 3


def test_tokens_are_opened_by_process() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    nt = NtServices(executive)
    token = Token((SE_CHANGE_NOTIFY_PRIVILEGE,))
    one, other = start(provider, token=token), start(provider)
    handle = nt.NtOpenProcessToken(one, CURRENT_PROCESS, TOKEN_QUERY)
    assert one.handles.look_up(handle, TOKEN, TOKEN_QUERY).object is token
    assert token.handle_count == 1
    assert status_of(lambda: nt.NtOpenProcessToken(other, CURRENT_PROCESS, TOKEN_QUERY)) == st.STATUS_NO_TOKEN
    weak = other.handles.insert(one, PROCESS_TERMINATE)
    assert status_of(lambda: nt.NtOpenProcessToken(other, weak, TOKEN_QUERY)) == st.STATUS_ACCESS_DENIED
    assert status_of(lambda: nt.NtOpenProcessToken(one, CURRENT_PROCESS, 0)) == st.STATUS_ACCESS_DENIED
    thread = next(iter(one.threads.values()))
    assert status_of(lambda: nt.NtOpenThreadToken(thread, CURRENT_THREAD, TOKEN_QUERY)) == st.STATUS_NO_TOKEN
    bare = other.handles.insert(thread, 1)
    assert status_of(lambda: nt.NtOpenThreadToken(other, bare, TOKEN_QUERY)) == st.STATUS_ACCESS_DENIED


def test_processes_may_share_a_handle_table() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    parent = start(provider, handle_table=HandleTable(first_index=1 << 21))
    child = start(provider, parent, flags=1 | 2, handle_table=parent.handles.share())
    event = Object(EVENT)
    handle = child.handles.insert(event, 3, OBJ_INHERIT)
    assert parent.handles.look_up(handle).object is event
    for thread in list(parent.threads.values()):
        executive.thread_exited(thread, 0)
    assert event.handle_count == 1
    own = HandleTable()
    child.replace_handle_table(own)
    assert (child.handles is own, event.handle_count) == (True, 0)


def test_thread_starts_suspended_with_the_registers_given() -> None:
    host = FakeHost()
    provider = TinyProvider()
    executive = boot(provider, host)
    process = provider.pico.CreateProcess(PicoProcessAttributes("process context"))
    thread = provider.pico.CreateThread(PicoThreadAttributes(process, "thread context", {"rax": 0}))
    assert (thread.suspend_count, host.log) == (1, [("set_context", thread.tid)])
    assert provider.pico.GetProcessContext(process) == "process context"
    assert provider.pico.GetThreadContext(thread) == "thread context"
    assert provider.pico.GetContextThread(thread) == {"rax": 0}
    assert provider.pico.ResumeThread(thread) == 1
    assert host.log[-1] == ("resume_thread", thread.tid)
    assert provider.pico.ResumeThread(thread) == 0
    assert host.log.count(("resume_thread", thread.tid)) == 1
    assert status_of(lambda: provider.pico.GetContextThread(thread)) == st.STATUS_UNSUCCESSFUL
    assert status_of(lambda: provider.pico.SetContextThread(thread, {})) == st.STATUS_UNSUCCESSFUL
    provider.on_call = lambda frame: frame.update(seen=provider.pico.GetContextThread(thread))
    frame: dict[str, Any] = {}
    executive.dispatch_system_call(thread, frame)
    assert frame["seen"] == {"rax": 0}
    assert executive.current_thread is None
    no_context = PicoThreadAttributes(process, None)
    assert status_of(lambda: provider.pico.CreateThread(no_context)) == st.STATUS_INVALID_PARAMETER


def test_thread_whose_registers_the_host_refuses_leaves_nothing() -> None:
    host = FakeHost()
    provider = TinyProvider()
    boot(provider, host)
    process = start(provider)
    before = (len(process.threads), process.pointer_count)
    host.refuse_context = True
    bad = PicoThreadAttributes(process, object(), {})
    assert status_of(lambda: provider.pico.CreateThread(bad)) == st.STATUS_INVALID_PARAMETER
    assert (len(process.threads), process.pointer_count) == before


def test_suspend_counts() -> None:
    host = FakeHost()
    provider = TinyProvider()
    boot(provider, host)
    process = start(provider)
    thread = next(iter(process.threads.values()))
    assert [provider.pico.SuspendThread(thread) for _ in range(127)] == list(range(127))
    assert host.log.count(("suspend_thread", thread.tid)) == 1
    assert status_of(lambda: provider.pico.SuspendThread(thread)) == st.STATUS_SUSPEND_COUNT_EXCEEDED
    assert [provider.pico.ResumeThread(thread) for _ in range(128)] == [*range(127, 0, -1), 0]
    assert host.log.count(("resume_thread", thread.tid)) == 2
    provider.pico.TerminateThread(thread, 5)
    assert status_of(lambda: provider.pico.SuspendThread(thread)) == st.STATUS_THREAD_IS_TERMINATING


def test_descriptor_base() -> None:
    host = FakeHost()
    provider = TinyProvider()
    boot(provider, host)
    process = provider.pico.CreateProcess(PicoProcessAttributes(object()))
    thread = provider.pico.CreateThread(PicoThreadAttributes(process, object()))
    provider.pico.SetThreadDescriptorBase(thread, contract.PICO_DESCRIPTOR_GS, 0x7000)
    assert host.bases == {(thread.tid, 1): 0x7000}
    assert status_of(lambda: provider.pico.SetThreadDescriptorBase(thread, 2, 0)) == st.STATUS_INVALID_PARAMETER


def test_only_pico_threads_have_their_calls_dispatched() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    thread = next(iter(start(provider).threads.values()))
    frame: dict[str, Any] = {"nr": 39}
    provider.on_call = lambda given: given.update(answer=given["nr"] + 1)
    executive.dispatch_system_call(thread, frame)
    assert frame["answer"] == 40
    provider.handles_exceptions = True
    assert executive.dispatch_exception(thread, "fault", frame, 1)
    provider.handles_exceptions = False
    assert not executive.dispatch_exception(thread, "fault", frame, 2)
    assert provider.exceptions == [("fault", 1), ("fault", 2)]
    assert executive.walk_user_stack(thread, frame, 2) == [0x1000, 0x2000]
    called = {"DispatchSystemCall": 1, "DispatchException": 2, "WalkUserStack": 1}
    assert executive.counters == dict.fromkeys(("ExitThread", "ExitProcess", "TerminateProcess"), 0) | called
    minimal = executive.create_minimal_process("Secure System")
    stranger = executive.create_pico_thread(PicoThreadAttributes(minimal, object()))
    assert status_of(lambda: executive.dispatch_system_call(stranger, frame)) == st.STATUS_INVALID_SYSTEM_SERVICE
    assert not executive.dispatch_exception(stranger, "fault", frame, 1)
    assert executive.walk_user_stack(stranger, frame, 2) == []


def test_failing_dispatch_leaves_no_current_thread() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    thread = next(iter(start(provider).threads.values()))

    def fail(_frame: object) -> None:
        raise st.NtError(st.STATUS_UNSUCCESSFUL)

    provider.on_call = fail
    assert status_of(lambda: executive.dispatch_system_call(thread, {})) == st.STATUS_UNSUCCESSFUL
    assert executive.current_thread is None


def test_exit_calls_back_once_threads_before_process() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    process = start(provider)
    first = next(iter(process.threads.values()))
    second = provider.pico.CreateThread(PicoThreadAttributes(process, object()))
    executive.thread_exited(first, 3)
    executive.thread_exited(first, 4)
    assert provider.log == [("ExitThread", first.tid)]
    assert not process.exited
    executive.thread_exited(second, 7)
    executive.thread_exited(second, 7)
    assert provider.log == [("ExitThread", first.tid), ("ExitThread", second.tid), ("ExitProcess", process.pid)]
    assert (first.exit_status, process.exit_status, process.context, second.context) == (3, 7, None, None)
    assert process.pid not in executive.processes
    assert status_of(lambda: process.handles) == st.STATUS_PROCESS_IS_TERMINATING


def test_failing_callback_does_not_stop_the_rundown() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    process = start(provider)
    event = Object(EVENT)
    process.handles.insert(event, 3)
    provider.fail_exit = True
    thread = next(iter(process.threads.values()))
    assert status_of(lambda: executive.thread_exited(thread, 0)) == st.STATUS_INTERNAL_ERROR
    assert (process.exited, event.handle_count, process.pointer_count) == (True, 0, 0)


def test_kill_by_the_provider_never_calls_it_back_and_first_status_wins() -> None:
    host = FakeHost()
    provider = TinyProvider()
    executive = boot(provider, host)
    process = start(provider)
    assert provider.pico.TerminateProcess(process, 11) == st.STATUS_SUCCESS
    assert provider.pico.TerminateProcess(process, 12) == st.STATUS_SUCCESS
    assert host.log.count(("terminate_process", process.pid, 11)) == 1
    assert provider.log == []
    for thread in list(process.threads.values()):
        executive.thread_exited(thread, 99)
    assert process.exit_status == 11
    assert provider.pico.TerminateProcess(process, 13) == st.STATUS_NOTHING_TO_TERMINATE
    assert [name for name, _ in provider.log] == ["ExitThread", "ExitProcess"]


def test_process_without_threads_ends_at_once() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    process = provider.pico.CreateProcess(PicoProcessAttributes(object()))
    assert provider.pico.TerminateProcess(process, 1) == st.STATUS_NOTHING_TO_TERMINATE
    assert provider.log == [("ExitProcess", process.pid)]
    assert process.pid not in executive.processes


def test_kill_from_outside_goes_through_the_provider_first_status_wins() -> None:
    host = FakeHost()
    provider = TinyProvider()
    executive = boot(provider, host)
    process = start(provider)
    killers = [executive.create_minimal_process(f"killer {n}") for n in range(2)]
    nt = NtServices(executive)
    handles = [open_process(executive, killer, process.pid, 1) for killer in killers]
    nt.NtTerminateProcess(killers[0], handles[0], 21)
    assert provider.log == [("TerminateProcess", process.pid)]
    again = status_of(lambda: nt.NtTerminateProcess(killers[1], handles[1], 22))
    assert again == st.STATUS_PROCESS_IS_TERMINATING
    assert host.log[-1] == ("terminate_process", process.pid, 21)
    for thread in list(process.threads.values()):
        executive.thread_exited(thread, 9)
    assert [name for name, _ in provider.log] == ["TerminateProcess", "ExitThread", "ExitProcess"]
    assert process.exit_status == 21
    called = {name: count for name, count in executive.counters.items() if count}
    assert called == {"TerminateProcess": 1, "ExitThread": 1, "ExitProcess": 1}


def test_own_provider_kills_through_the_service_without_callback() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    first, second = start(provider), start(provider)
    handle = open_process(executive, first, second.pid, PROCESS_ALL_ACCESS)
    NtServices(executive).NtTerminateProcess(first, handle, 5)
    assert provider.log == []
    assert second.exit_status == 5


def test_system_process_is_outside_too_and_minimal_processes_need_no_provider() -> None:
    host = FakeHost()
    provider = TinyProvider()
    executive = boot(provider, host)
    process = start(provider)
    nt = NtServices(executive)
    system = executive.system_process
    nt.NtTerminateProcess(system, open_process(executive, system, process.pid, PROCESS_ALL_ACCESS), 8)
    assert provider.log == [("TerminateProcess", process.pid)]
    minimal = executive.create_minimal_process("Secure System")
    nt.NtTerminateProcess(process, open_process(executive, process, minimal.pid, 1), 8)
    assert (minimal.exited, minimal.exit_status) == (True, 8)


@pytest.mark.parametrize(
    ("desired", "granted"),
    [(0x1000, 0x1000), (0x101001, 0x101001), (MAXIMUM_ALLOWED, 0x101001), (0x10, None), (PROCESS_ALL_ACCESS, None)],
)
def test_ceiling_for_outsiders(desired: int, granted: int | None) -> None:
    provider = TinyProvider()
    executive = boot(provider)
    target = start(provider)
    outsider = executive.create_minimal_process("outsider")
    if granted is None:
        denied = status_of(lambda: open_process(executive, outsider, target.pid, desired))
        assert denied == st.STATUS_ACCESS_DENIED
    else:
        handle = open_process(executive, outsider, target.pid, desired)
        assert outsider.handles.look_up(handle).access == granted
    inside = open_process(executive, start(provider), target.pid, PROCESS_ALL_ACCESS)
    assert inside
    assert open_process(executive, executive.system_process, target.pid, PROCESS_ALL_ACCESS)
    assert open_process(executive, target, outsider.pid, PROCESS_ALL_ACCESS)


def test_open_process_by_an_id_that_is_none() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    process = start(provider)
    tid = next(iter(process.threads))
    for wrong in (0, tid, 4096):
        assert status_of(lambda pid=wrong: open_process(executive, process, pid, 1)) == st.STATUS_INVALID_CID  # type: ignore[misc]


def test_id_is_kept_while_a_handle_knows_the_process() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    process = start(provider)
    tid = next(iter(process.threads))
    handle = open_process(executive, executive.system_process, process.pid, 0x1000)
    executive.thread_exited(process.threads[tid], 0)
    assert process.pointer_count == 1
    later = [start(provider) for _ in range(3)]
    assert process.pid not in {fresh.pid for fresh in later}
    executive.system_process.handles.close(handle)
    assert process.pointer_count == 0
    assert start(provider).pid == process.pid


def test_ids_are_multiples_of_four_and_distinct_over_both_kinds() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    made = [start(provider) for _ in range(300)]
    ids = [process.pid for process in made] + [tid for process in made for tid in process.threads]
    assert len(set(ids)) == 600
    assert all(value % 4 == 0 and value % 0x400 for value in ids)
    assert len(executive.processes) == 301


def test_hundred_thousand_processes_leave_nothing() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    parent = start(provider)
    event = Object(EVENT)
    parent.handles.insert(event, 3, OBJ_INHERIT)

    def live_and_die(count: int) -> int:
        for _ in range(count):
            child = start(provider, parent, flags=3)
            executive.thread_exited(next(iter(child.threads.values())), 0)
        provider.log.clear()
        provider.executive_host.log.clear()
        gc.collect()
        return sys.getallocatedblocks()

    gc.disable()
    try:
        before = live_and_die(1_000)
        after = live_and_die(99_000)
    finally:
        gc.enable()
    assert after - before < 200
    assert len(executive.processes) == 2
    assert (event.handle_count, parent.pointer_count) == (1, 2)
