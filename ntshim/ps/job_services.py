"""The services on jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.ob.open import Created, insert_object, open_by_name
from ntshim.ps.job import (
    JOB,
    JOB_OBJECT_ASSIGN_PROCESS,
    JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
    JOB_OBJECT_LIMIT_BREAKAWAY_OK,
    JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK,
    JOB_OBJECT_QUERY,
    JOB_OBJECT_SET_ATTRIBUTES,
    JOB_OBJECT_TERMINATE,
    Job,
)
from ntshim.ps.process import PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SET_QUOTA, PROCESS_TERMINATE
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.ob.attributes import GivenAttributes
    from ntshim.ps.process import Process, Thread

JOB_OBJECT_BASIC_ACCOUNTING_INFORMATION = 1  # JOBOBJECTINFOCLASS
JOB_OBJECT_BASIC_LIMIT_INFORMATION = 2
JOB_OBJECT_BASIC_PROCESS_ID_LIST = 3
JOB_OBJECT_ASSOCIATE_COMPLETION_PORT_INFORMATION = 7
JOB_OBJECT_EXTENDED_LIMIT_INFORMATION = 9
_QUERY_CLASSES = (
    JOB_OBJECT_BASIC_ACCOUNTING_INFORMATION,
    JOB_OBJECT_BASIC_LIMIT_INFORMATION,
    JOB_OBJECT_BASIC_PROCESS_ID_LIST,
    JOB_OBJECT_EXTENDED_LIMIT_INFORMATION,
)
_SET_CLASSES = (
    JOB_OBJECT_BASIC_LIMIT_INFORMATION,
    JOB_OBJECT_ASSOCIATE_COMPLETION_PORT_INFORMATION,
    JOB_OBJECT_EXTENDED_LIMIT_INFORMATION,
)

# The flags that there are, by the class that takes them, and those that are kept here.
_BASIC_FLAGS = 0xFF
_EXTENDED_FLAGS = 0x7FFF
_KEPT_FLAGS = (
    JOB_OBJECT_LIMIT_ACTIVE_PROCESS
    | JOB_OBJECT_LIMIT_BREAKAWAY_OK
    | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK
    | JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
)


class JobObjectBasicAccountingInformation(NamedTuple):
    """How many processes a job has had, has, and has ended because of a limit; times are the host's, not told here."""

    total_processes: int
    active_processes: int
    total_terminated_processes: int


class JobObjectBasicLimitInformation(NamedTuple):
    """The limits of a job, JOB_OBJECT_LIMIT_*; the number counts with its flag only."""

    limit_flags: int = 0
    active_process_limit: int = 0


class JobObjectExtendedLimitInformation(NamedTuple):
    """The limits of a job, with the flags that only this record may have."""

    basic_limit_information: JobObjectBasicLimitInformation


class JobObjectBasicProcessIdList(NamedTuple):
    """The processes that run in a job, the oldest first."""

    number_of_assigned_processes: int
    process_id_list: tuple[int, ...]


class JobObjectAssociateCompletionPort(NamedTuple):
    """Whom a job tells what happens: the handle of a port, 0 for nobody, and the job's key there."""

    completion_key: Any
    completion_port: int


JobInformation = (
    JobObjectBasicAccountingInformation
    | JobObjectBasicLimitInformation
    | JobObjectExtendedLimitInformation
    | JobObjectBasicProcessIdList
)


class JobServices(ServiceFamily):
    """Jobs (facts/nt.md section 6)."""

    __slots__ = ()

    @service
    def NtCreateJobObject(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> Created:
        """Make a job without processes and limits."""
        return insert_object(self.executive.namespace, caller, Job(self.executive), attributes, desired_access)

    @service
    def NtOpenJobObject(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open a job."""
        return open_by_name(self.executive.namespace, caller, attributes, JOB, desired_access)

    @service
    def NtAssignProcessToJobObject(self, caller: Process | Thread, job_handle: int, process_handle: int) -> None:
        """Put a process into a job; `Job.assign` has the rules.

        Needs JOB_OBJECT_ASSIGN_PROCESS, and PROCESS_SET_QUOTA and PROCESS_TERMINATE. STATUS_PROCESS_IS_TERMINATING,
        STATUS_ACCESS_DENIED, STATUS_QUOTA_EXCEEDED.
        """
        job = self._object(caller, job_handle, Job, JOB, JOB_OBJECT_ASSIGN_PROCESS)
        job.assign(self._process(caller, process_handle, PROCESS_SET_QUOTA | PROCESS_TERMINATE))

    @service
    def NtIsProcessInJob(self, caller: Process | Thread, process_handle: int, job_handle: int = 0) -> int:
        """Give STATUS_PROCESS_IN_JOB or STATUS_PROCESS_NOT_IN_JOB; job 0 is any job.

        Needs PROCESS_QUERY_LIMITED_INFORMATION and JOB_OBJECT_QUERY.
        """
        process = self._process(caller, process_handle, PROCESS_QUERY_LIMITED_INFORMATION)
        inside = process.job is not None
        if job_handle:
            job = self._object(caller, job_handle, Job, JOB, JOB_OBJECT_QUERY)
            inside = process.job is not None and job in process.job.chain()
        return st.STATUS_PROCESS_IN_JOB if inside else st.STATUS_PROCESS_NOT_IN_JOB

    @service
    def NtTerminateJobObject(self, caller: Process | Thread, handle: int, exit_status: int) -> None:
        """End all processes of a job and of the jobs within it; needs JOB_OBJECT_TERMINATE."""
        self._object(caller, handle, Job, JOB, JOB_OBJECT_TERMINATE).terminate(exit_status)

    @service
    def NtQueryInformationJobObject(
        self, caller: Process | Thread, handle: int, information_class: int
    ) -> JobInformation:
        """Tell of a job, the record of the class asked for; needs JOB_OBJECT_QUERY.

        Handle 0 is the job of the calling process, STATUS_ACCESS_DENIED if it has none. STATUS_INVALID_INFO_CLASS for
        other classes than basic accounting, limits, extended limits, list of process ids.
        """
        if information_class not in _QUERY_CLASSES:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        job = caller.process.job
        if handle:
            job = self._object(caller, handle, Job, JOB, JOB_OBJECT_QUERY)
        if job is None:
            raise st.NtError(st.STATUS_ACCESS_DENIED)
        if information_class == JOB_OBJECT_BASIC_ACCOUNTING_INFORMATION:
            return JobObjectBasicAccountingInformation(
                job.total_processes, len(job.processes), job.total_terminated_processes
            )
        if information_class == JOB_OBJECT_BASIC_PROCESS_ID_LIST:
            return JobObjectBasicProcessIdList(len(job.processes), tuple(job.processes))
        limits = JobObjectBasicLimitInformation(job.limit_flags, job.active_process_limit)
        if information_class == JOB_OBJECT_EXTENDED_LIMIT_INFORMATION:
            return JobObjectExtendedLimitInformation(limits)
        return limits._replace(limit_flags=limits.limit_flags & _BASIC_FLAGS)

    @service
    def NtSetInformationJobObject(
        self, caller: Process | Thread, handle: int, information_class: int, information: Any
    ) -> None:
        """Set limits, or the port that is told what happens; needs JOB_OBJECT_SET_ATTRIBUTES.

        STATUS_INVALID_INFO_CLASS for other classes. Limits: STATUS_INVALID_PARAMETER for flags that there are not, or
        not in this record, and for an active process limit of 0; STATUS_NOT_SUPPORTED for limits of time, memory,
        priority and processors. Port: STATUS_INVALID_PARAMETER if there is one already; it needs
        IO_COMPLETION_MODIFY_STATE.
        """
        if information_class not in _SET_CLASSES:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        job = self._object(caller, handle, Job, JOB, JOB_OBJECT_SET_ATTRIBUTES)
        if information_class == JOB_OBJECT_BASIC_LIMIT_INFORMATION:
            _set_limits(job, information, _BASIC_FLAGS)
        elif information_class == JOB_OBJECT_EXTENDED_LIMIT_INFORMATION:
            _set_limits(job, information.basic_limit_information, _EXTENDED_FLAGS)
        elif not information.completion_port:
            job.set_port(None, None)
        else:
            from ntshim.io.completion import IO_COMPLETION, IO_COMPLETION_MODIFY_STATE, IoCompletion

            if job.has_port:
                raise st.NtError(st.STATUS_INVALID_PARAMETER)
            access = IO_COMPLETION_MODIFY_STATE
            port = self._object(caller, information.completion_port, IoCompletion, IO_COMPLETION, access)
            job.set_port(port, information.completion_key)


def _set_limits(job: Job, limits: JobObjectBasicLimitInformation, valid: int) -> None:
    """Replace the limits of a job; they bind who comes from now on."""
    flags, number = limits
    if flags & ~valid or (flags & JOB_OBJECT_LIMIT_ACTIVE_PROCESS and not 0 < number < 1 << 32):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if flags & ~_KEPT_FLAGS:
        raise st.NtError(st.STATUS_NOT_SUPPORTED)
    job.limit_flags = flags
    job.active_process_limit = number if flags & JOB_OBJECT_LIMIT_ACTIVE_PROCESS else 0
