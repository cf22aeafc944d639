"""Jobs: who is in them, what they limit, whom they tell, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ntshim_host import TinyProvider, boot
from ntshim_ke import WaitingWorld
from ntshim_ob import status_of

from ntshim import status as st
from ntshim.ob.object import GENERIC_ALL, SYNCHRONIZE
from ntshim.ps import PicoProcessAttributes
from ntshim.ps import job as jobs
from ntshim.ps import job_services as records

if TYPE_CHECKING:
    from ntshim.ps import Process

IN, OUT = st.STATUS_PROCESS_IN_JOB, st.STATUS_PROCESS_NOT_IN_JOB
ALL_ACCESS = 0x1FFFFF
KEY = "job"
NEW, EXIT, ABNORMAL, ZERO, LIMIT = 6, 7, 8, 4, 3


class JobWorld(WaitingWorld):
    """The thread of a process that makes jobs for other processes."""

    def job(self) -> int:
        return self.nt.NtCreateJobObject(self.thread, GENERIC_ALL, None).handle

    def start(self, parent: Process | None = None) -> tuple[Process, int]:
        """Make a process; gives it with a handle."""
        process = self.executive.create_minimal_process("member", parent)
        return process, self.process.handles.insert(process, ALL_ACCESS)

    def assign(self, job: int, process: int) -> int:
        return status_of(self.nt.NtAssignProcessToJobObject, self.thread, job, process)

    def inside(self, process: int, job: int = 0) -> int:
        return self.nt.NtIsProcessInJob(self.thread, process, job)

    def set(self, job: int, information_class: int, information: Any) -> int:
        return status_of(self.nt.NtSetInformationJobObject, self.thread, job, information_class, information)

    def limit(self, job: int, flags: int, number: int = 0) -> int:
        limits = records.JobObjectBasicLimitInformation(flags, number)
        return self.set(job, 9, records.JobObjectExtendedLimitInformation(limits))

    def query(self, job: int, information_class: int) -> Any:
        return self.nt.NtQueryInformationJobObject(self.thread, job, information_class)

    def listen(self, job: int) -> int:
        """Have a job tell a port; gives the port."""
        port = self.port()
        assert self.set(job, 7, records.JobObjectAssociateCompletionPort(KEY, port)) == st.STATUS_SUCCESS
        return port

    def told(self, port: int) -> list[tuple[int, int]]:
        """Give messages and process ids of all packets."""
        packets = self.nt.NtRemoveIoCompletionEx(self.process, port, 99, 0).result or []
        assert {packet.key_context for packet in packets} <= {KEY}
        return [(packet.information, packet.apc_context) for packet in packets]


def test_a_process_and_its_children_are_in_the_job() -> None:
    world = JobWorld()
    job = world.job()
    parent, handle = world.start()
    assert world.inside(handle) == world.inside(handle, job) == OUT
    assert world.assign(job, handle) == st.STATUS_SUCCESS
    child, child_handle = world.start(parent)
    assert [world.inside(process, job) for process in (handle, child_handle)] == [IN, IN]
    assert [world.inside(process) for process in (child_handle, -1)] == [IN, OUT]
    assert world.inside(handle, world.job()) == OUT
    assert world.query(job, 1) == (2, 2, 0)
    assert world.query(job, 3) == (2, (parent.pid, child.pid))
    world.executive.terminate_process(child, 0)
    assert world.inside(child_handle, job) == IN
    assert world.query(job, 1) == (2, 1, 0)


def test_ending_a_job_ends_its_processes() -> None:
    world = JobWorld()
    job = world.job()
    members = [world.start() for _ in range(3)]
    for _, handle in members:
        world.assign(job, handle)
    world.nt.NtTerminateJobObject(world.thread, job, 42)
    assert [process.exit_status for process, _ in members] == [42] * 3
    world.nt.NtTerminateJobObject(world.thread, job, 43)
    assert world.query(job, 1) == (3, 0, 0)
    assert world.assign(job, members[0][1]) == st.STATUS_PROCESS_IS_TERMINATING


@pytest.mark.parametrize("kill", [False, True])
def test_the_last_handle_of_a_job(kill: bool) -> None:
    world = JobWorld()
    job = world.job()
    process, handle = world.start()
    world.assign(job, handle)
    assert world.limit(job, jobs.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE if kill else 0) == st.STATUS_SUCCESS
    other = world.nt.NtDuplicateObject(world.thread, -1, job, -1, options=2)
    world.close(job)
    assert not process.exited
    target = world.object(other or 0)
    world.close(other or 0)
    assert process.exit_status == (0 if kill else None)
    world.executive.terminate_process(process, 1)
    world.close(handle)
    assert target.pointer_count == 0


def test_a_pico_process_is_ended_by_its_provider() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    job = jobs.Job(executive)
    process = provider.pico.CreateProcess(PicoProcessAttributes(object()))
    job.assign(process)
    job.terminate(7)
    assert provider.log[0] == ("TerminateProcess", process.pid)
    assert process.exit_status == 7


def test_no_more_than_so_many() -> None:
    world = JobWorld()
    job = world.job()
    port = world.listen(job)
    assert world.limit(job, jobs.JOB_OBJECT_LIMIT_ACTIVE_PROCESS, 2) == st.STATUS_SUCCESS
    first, handle = world.start()
    world.assign(job, handle)
    second, _ = world.start(first)
    third, too_many = world.start()
    assert world.assign(job, too_many) == st.STATUS_QUOTA_EXCEEDED
    assert third.exit_status == st.STATUS_QUOTA_EXCEEDED
    assert status_of(world.executive.create_minimal_process, "child", first) == st.STATUS_QUOTA_EXCEEDED
    assert world.query(job, 1) == (2, 2, 1)
    assert world.told(port) == [(NEW, first.pid), (NEW, second.pid), (LIMIT, 0), (LIMIT, 0)]
    world.executive.terminate_process(second, 0)
    assert world.executive.create_minimal_process("child", first).job is world.object(job)


def test_the_port_is_told() -> None:
    world = JobWorld()
    job = world.job()
    first, handle = world.start()
    world.assign(job, handle)
    port = world.listen(job)
    second, _ = world.start(first)
    world.executive.terminate_process(second, st.STATUS_ACCESS_VIOLATION)
    world.executive.terminate_process(first, 1)
    assert world.told(port) == [
        (NEW, first.pid),
        (NEW, second.pid),
        (ABNORMAL, second.pid),
        (EXIT, first.pid),
        (ZERO, 0),
    ]
    again = records.JobObjectAssociateCompletionPort(KEY, port)
    assert world.set(job, 7, again) == st.STATUS_INVALID_PARAMETER
    assert world.object(port).pointer_count == 2
    assert world.set(job, 7, again._replace(completion_port=0)) == st.STATUS_SUCCESS
    assert world.object(port).pointer_count == 1
    weak = world.nt.NtCreateIoCompletion(world.thread, 1, None).handle
    assert world.set(job, 7, again._replace(completion_port=weak)) == st.STATUS_ACCESS_DENIED
    assert world.set(job, 7, again) == st.STATUS_SUCCESS


def test_jobs_within_jobs() -> None:
    world = JobWorld()
    outer, inner, innermost = world.job(), world.job(), world.job()
    process, handle = world.start()
    _, other = world.start()
    for job in (outer, inner, innermost):
        assert world.assign(job, handle) == st.STATUS_SUCCESS
        assert world.assign(job, handle) == st.STATUS_ACCESS_DENIED
    assert world.assign(outer, handle) == st.STATUS_ACCESS_DENIED
    assert process.job is world.object(innermost)
    assert world.assign(innermost, other) == st.STATUS_SUCCESS
    assert [world.inside(other, job) for job in (outer, inner, innermost)] == [IN] * 3
    assert [world.query(job, 1).active_processes for job in (outer, inner, innermost)] == [2, 2, 2]
    _, third = world.start()
    assert world.assign(outer, third) == st.STATUS_SUCCESS
    assert world.assign(innermost, third) == st.STATUS_SUCCESS
    assert world.query(outer, 1) == (3, 3, 0)
    full = world.job()
    _, stranger = world.start()
    assert world.assign(full, stranger) == st.STATUS_SUCCESS
    assert world.assign(full, third) == st.STATUS_ACCESS_DENIED
    assert world.assign(inner, stranger) == st.STATUS_ACCESS_DENIED
    world.nt.NtTerminateJobObject(world.thread, outer, 1)
    assert [world.query(job, 1).active_processes for job in (outer, inner, innermost, full)] == [0, 0, 0, 1]


def test_a_job_inside_is_as_narrow_as_the_one_around() -> None:
    world = JobWorld()
    outer, inner = world.job(), world.job()
    world.limit(outer, jobs.JOB_OBJECT_LIMIT_ACTIVE_PROCESS, 1)
    _, handle = world.start()
    assert [world.assign(job, handle) for job in (outer, inner)] == [st.STATUS_SUCCESS] * 2
    _, other = world.start()
    assert world.assign(inner, other) == st.STATUS_QUOTA_EXCEEDED


@pytest.mark.parametrize(
    ("outer_flags", "inner_flags", "breakaway", "expected"),
    [
        (0, 0, False, "inner"),
        (0, 0, True, None),
        (0, jobs.JOB_OBJECT_LIMIT_BREAKAWAY_OK, False, "inner"),
        (0, jobs.JOB_OBJECT_LIMIT_BREAKAWAY_OK, True, "outer"),
        (jobs.JOB_OBJECT_LIMIT_BREAKAWAY_OK, 0, True, None),
        (jobs.JOB_OBJECT_LIMIT_BREAKAWAY_OK, jobs.JOB_OBJECT_LIMIT_BREAKAWAY_OK, True, "free"),
        (0, jobs.JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, False, "outer"),
        (jobs.JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, jobs.JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, False, "free"),
    ],
)
def test_children_that_break_away(outer_flags: int, inner_flags: int, breakaway: bool, expected: str | None) -> None:
    provider = TinyProvider()
    executive = boot(provider)
    parent = provider.pico.CreateProcess(PicoProcessAttributes(object()))
    outer, inner = jobs.Job(executive), jobs.Job(executive)
    outer.assign(parent)
    inner.assign(parent)
    outer.limit_flags, inner.limit_flags = outer_flags, inner_flags
    flags = 8 if breakaway else 0
    if expected is None:
        denied = status_of(provider.pico.CreateProcess, PicoProcessAttributes(object(), parent, flags=flags))
        assert denied == st.STATUS_ACCESS_DENIED
    else:
        child = provider.pico.CreateProcess(PicoProcessAttributes(object(), parent, flags=flags))
        assert child.job is {"inner": inner, "outer": outer, "free": None}[expected]


def test_limits_that_there_are_and_that_are_kept() -> None:
    world = JobWorld()
    job = world.job()
    basic = records.JobObjectBasicLimitInformation
    assert world.limit(job, 0x2808, 5) == st.STATUS_SUCCESS
    assert world.query(job, 9) == ((0x2808, 5),)
    assert world.query(job, 2) == (8, 5)
    for flags, number in ((0x8000, 0), (-1, 0), (8, 0), (8, -1), (8, 1 << 32)):
        assert world.limit(job, flags, number) == st.STATUS_INVALID_PARAMETER
    assert world.set(job, 2, basic(0x2000)) == st.STATUS_INVALID_PARAMETER
    assert world.limit(job, 0x100) == world.set(job, 2, basic(0x2)) == st.STATUS_NOT_SUPPORTED
    assert world.query(job, 9) == ((0x2808, 5),)
    assert world.set(job, 2, basic(0, 9)) == st.STATUS_SUCCESS
    assert world.query(job, 9) == ((0, 0),)


def test_classes_rights_and_the_callers_own_job() -> None:
    world = JobWorld()
    nt, thread = world.nt, world.thread
    job = world.job()
    for information_class in (0, 4, 7, 99, -1):
        query = status_of(nt.NtQueryInformationJobObject, thread, job, information_class)
        assert query == st.STATUS_INVALID_INFO_CLASS
    assert world.set(job, 1, None) == world.set(job, 3, None) == st.STATUS_INVALID_INFO_CLASS
    assert status_of(world.query, 0, 1) == st.STATUS_ACCESS_DENIED
    world.assign(job, -1)
    assert world.query(0, 1) == (1, 1, 0)
    everything = 0x1F003F
    weak = [nt.NtCreateJobObject(thread, everything & ~right, None).handle for right in (1, 2, 4, 8)]
    _, handle = world.start()
    denied = st.STATUS_ACCESS_DENIED
    assert world.assign(weak[0], handle) == world.set(weak[1], 2, (0, 0)) == denied
    assert status_of(world.query, weak[2], 1) == status_of(world.inside, handle, weak[2]) == denied
    assert status_of(nt.NtTerminateJobObject, thread, weak[3], 0) == denied
    process = world.object(handle)
    for right in (0x1, 0x100):
        assert world.assign(job, world.process.handles.insert(process, ALL_ACCESS & ~right)) == denied
    system = world.process.handles.insert(world.system, ALL_ACCESS)
    assert world.assign(job, system) == denied
    assert world.wait(job, timeout=0) == st.STATUS_TIMEOUT
    named = world.nt.NtCreateJobObject(thread, GENERIC_ALL, None)
    assert named.status == st.STATUS_SUCCESS
    assert SYNCHRONIZE & world.process.handles.look_up(named.handle).access
