"""Jobs: groups of processes, one within the other, with limits, a count, and a port that is told what happens."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.ke.header import DispatcherObject
from ntshim.ob.object import ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.io.completion import IoCompletion
    from ntshim.ob.object import Object
    from ntshim.ps.executive import Executive
    from ntshim.ps.process import Process, Thread

JOB_OBJECT_ASSIGN_PROCESS = 0x1
JOB_OBJECT_SET_ATTRIBUTES = 0x2
JOB_OBJECT_QUERY = 0x4
JOB_OBJECT_TERMINATE = 0x8

JOB_OBJECT_LIMIT_ACTIVE_PROCESS = 0x8
JOB_OBJECT_LIMIT_BREAKAWAY_OK = 0x800
JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK = 0x1000
JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000

JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT = 3
JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO = 4
JOB_OBJECT_MSG_NEW_PROCESS = 6
JOB_OBJECT_MSG_EXIT_PROCESS = 7
JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS = 8

# The exit statuses that a job is told of as abnormal (Win32, JOBOBJECT_ASSOCIATE_COMPLETION_PORT).
_ABNORMAL = frozenset(
    {
        st.STATUS_ACCESS_VIOLATION,
        0xC000008C,  # STATUS_ARRAY_BOUNDS_EXCEEDED
        st.STATUS_BREAKPOINT,
        st.STATUS_CONTROL_C_EXIT,
        st.STATUS_DATATYPE_MISALIGNMENT,
        *range(0xC000008D, 0xC0000094),  # STATUS_FLOAT_*
        st.STATUS_ILLEGAL_INSTRUCTION,
        st.STATUS_IN_PAGE_ERROR,
        st.STATUS_INTEGER_DIVIDE_BY_ZERO,
        st.STATUS_INTEGER_OVERFLOW,
        0xC0000025,  # STATUS_NONCONTINUABLE_EXCEPTION
        st.STATUS_PRIVILEGED_INSTRUCTION,
        0x80000004,  # STATUS_SINGLE_STEP
        0xC00000FD,  # STATUS_STACK_OVERFLOW
    }
)


class JobType(ObjectType):
    """The type Job."""

    __slots__ = ()

    def close(self, target: Object) -> None:
        """End the processes of a job that asked for that when its last handle closes."""
        if isinstance(target, Job) and target.limit_flags & JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE:
            target.terminate(st.STATUS_SUCCESS)

    def delete(self, target: Object) -> None:
        """Let go of the port and of the job around."""
        if isinstance(target, Job):
            target.set_port(None, None)
            if target.parent is not None:
                target.parent.dereference()


JOB = make_type("Job", JobType)


class Job(DispatcherObject):
    """A job. `processes` are those that run in it and in the jobs within it, by id; `parent` is the job around it.

    Only the end of a time limit would signal it, and there is none here. A process holds a reference on the
    innermost job that it is in.
    """

    __slots__ = (
        "_completion",
        "_executive",
        "active_process_limit",
        "limit_flags",
        "parent",
        "processes",
        "total_processes",
        "total_terminated_processes",
    )

    def __init__(self, executive: Executive) -> None:
        """Make a job without processes and limits."""
        super().__init__(JOB)
        self._executive = executive
        self._completion: tuple[IoCompletion, Any] | None = None
        self.parent: Job | None = None
        self.processes: dict[int, Process] = {}
        self.limit_flags = 0
        self.active_process_limit = 0
        self.total_processes = 0
        self.total_terminated_processes = 0

    def is_signalled(self, thread: Thread | None) -> bool:  # noqa: ARG002 - anyone may wait
        """Whether a time limit has ended the job."""
        return False

    def chain(self) -> Iterator[Job]:
        """Give this job and those around it, from the inside out."""
        job: Job | None = self
        while job is not None:
            yield job
            job = job.parent

    def job_of_child(self, *, breakaway: bool) -> Job | None:
        """Give the job in which a child of one of its processes begins: the innermost that does not let it go.

        STATUS_ACCESS_DENIED for a child that is to break away from a job that does not allow it (Win32, nested jobs).
        """
        leave = JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK
        if breakaway:
            leave |= JOB_OBJECT_LIMIT_BREAKAWAY_OK
            if not self.limit_flags & leave:
                raise st.NtError(st.STATUS_ACCESS_DENIED)
        return next((job for job in self.chain() if not job.limit_flags & leave), None)

    def check_room(self, inside: Job | None = None) -> None:
        """Raise STATUS_QUOTA_EXCEEDED if one more process is more than a limit allows; that job's port is told.

        `inside` is the job in which the process is already, and so are the jobs around that.
        """
        already = set() if inside is None else set(inside.chain())
        for job in self.chain():
            limited = job.limit_flags & JOB_OBJECT_LIMIT_ACTIVE_PROCESS and job not in already
            if limited and len(job.processes) >= job.active_process_limit:
                job.tell(JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT, 0)
                raise st.NtError(st.STATUS_QUOTA_EXCEEDED)

    def add(self, process: Process) -> None:
        """Take a process in, here and in the jobs around in which it is not yet."""
        old, process.job = process.job, self
        self.reference()
        for job in self.chain():
            if process.pid not in job.processes:
                job.processes[process.pid] = process
                job.total_processes += 1
                job.tell(JOB_OBJECT_MSG_NEW_PROCESS, process.pid)
        if old is not None:
            old.dereference()

    def remove(self, process: Process) -> None:
        """Note that a process has ended."""
        abnormal = process.exit_status in _ABNORMAL
        message = JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS if abnormal else JOB_OBJECT_MSG_EXIT_PROCESS
        for job in self.chain():
            if job.processes.pop(process.pid, None) is not None:
                job.tell(message, process.pid)
                if not job.processes:
                    job.tell(JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO, 0)

    def assign(self, process: Process) -> None:
        """Put a process that runs into this job, in which its children will be too.

        A process that has a job may go further inside it: into a job within, or into an empty one, which thereby
        comes to be within. Anything else is STATUS_ACCESS_DENIED (Win32, nested jobs). A process that is one too many
        is ended: STATUS_QUOTA_EXCEEDED.
        """
        if process.terminating:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        current = process.job
        nests = False
        if process is self._executive.system_process or (current is not None and self in current.chain()):
            raise st.NtError(st.STATUS_ACCESS_DENIED)
        if current is not None and current not in self.chain():
            nests = self.parent is None and not self.processes
            if not nests:
                raise st.NtError(st.STATUS_ACCESS_DENIED)
        try:
            self.check_room(current)
        except st.NtError as error:
            self.total_terminated_processes += 1
            self._executive.terminate_from_outside(process, error.status)
            raise
        if nests and current is not None:
            current.reference()
            self.parent = current
        self.add(process)

    def terminate(self, status: int) -> None:
        """End all processes, each by its provider; who is ending already keeps its status."""
        for process in list(self.processes.values()):
            with suppress(st.NtError):
                self._executive.terminate_from_outside(process, status)

    def set_port(self, port: IoCompletion | None, key: Any) -> None:
        """Tell a port what happens from now on, or nobody, and at once which processes there are."""
        old = self._completion
        self._completion = None
        if port is not None:
            port.reference()
            self._completion = (port, key)
            for pid in list(self.processes):
                self.tell(JOB_OBJECT_MSG_NEW_PROCESS, pid)
        if old is not None:
            old[0].dereference()

    @property
    def has_port(self) -> bool:
        """Whether a port is told what happens."""
        return self._completion is not None

    def tell(self, message: int, pid: int) -> None:
        """Give the port a packet: its number is the message, its context the id of the process meant, or 0."""
        if self._completion is None:
            return
        from ntshim.io.completion import FileIoCompletionInformation

        port, key = self._completion
        port.post(FileIoCompletionInformation(key, pid, st.STATUS_SUCCESS, message))
