"""Process and thread objects, their types, and what the host does for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ntshim import status as st
from ntshim.ke.header import DispatcherObject
from ntshim.ob.object import ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ke.mutant import Mutant
    from ntshim.ke.wait_state import WaitState
    from ntshim.mm.views import Views
    from ntshim.ob.handles import HandleTable
    from ntshim.ob.object import Object
    from ntshim.ps.job import Job
    from ntshim.ps.pico import PsPicoProviderRoutines

PROCESS_TERMINATE = 0x1
PROCESS_VM_OPERATION = 0x8
PROCESS_VM_READ = 0x10
PROCESS_VM_WRITE = 0x20
PROCESS_DUP_HANDLE = 0x40
PROCESS_SET_QUOTA = 0x100
PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
PROCESS_ALL_ACCESS = 0x1FFFFF

THREAD_TERMINATE = 0x1
THREAD_SUSPEND_RESUME = 0x2
THREAD_ALERT = 0x4
THREAD_SET_CONTEXT = 0x10
THREAD_SET_INFORMATION = 0x20
THREAD_QUERY_INFORMATION = 0x40
THREAD_SET_THREAD_TOKEN = 0x80
THREAD_IMPERSONATE = 0x100
THREAD_DIRECT_IMPERSONATION = 0x200
THREAD_QUERY_LIMITED_INFORMATION = 0x800
THREAD_ALL_ACCESS = 0x1FFFFF

MAXIMUM_SUSPEND_COUNT = 0x7F

# The first id an executive gives is that of its system process.
SYSTEM_PROCESS_ID = 4

# Where running processes and threads are found by name: the executive's own choice, since NT gives them none.
PROCESS_DIRECTORY = r"\Sessions\0\Processes"
THREAD_DIRECTORY = r"\Sessions\0\Threads"

# Neither a saved register file nor a stopped call means anything to NT: it only carries them between host and provider.
Registers: TypeAlias = Any
Frame: TypeAlias = Any


class Host(Protocol):
    """What stays with the kernel below: running, stopping and ending the threads, and their registers."""

    def get_context(self, thread: Thread) -> Registers:
        """Give the registers of a thread that is suspended or stopped in a call."""

    def set_context(self, thread: Thread, registers: Registers) -> None:
        """Replace the registers of a thread that is suspended or stopped in a call."""

    def suspend_thread(self, thread: Thread) -> None:
        """Keep a thread from running: its suspend count became 1."""

    def resume_thread(self, thread: Thread) -> None:
        """Let a thread run: its suspend count became 0."""

    def terminate_thread(self, thread: Thread, status: int) -> None:
        """End a thread; `Executive.thread_exited` is called once it is gone."""

    def terminate_process(self, process: Process, status: int) -> None:
        """End every thread of a process; `Executive.thread_exited` is called for each once it is gone."""

    def set_descriptor_base(self, thread: Thread, which: int, base: int) -> None:
        """Set the base address of FS or GS of a thread."""

    def get_affinity(self, thread: Thread) -> int:
        """Give the processors a thread may run on, bit n for processor n."""

    def set_affinity(self, thread: Thread, mask: int) -> None:
        """Restrict a thread to processors; raises NtError if none of them can be used."""


class ClientIds(Protocol):
    """Where a process or thread gives its client id back when it is deleted."""

    def free_client_id(self, client_id: int) -> None:
        """Make a client id available again."""


class ProcessType(ObjectType):
    """The type Process."""

    __slots__ = ()

    def maximum_access(self, target: Object, opener: Object | None) -> int:
        """Give what an opener may have: outsiders get no more on a pico process than its provider's ceiling."""
        if isinstance(target, Process) and target.provider is not None and is_outsider(opener, target):
            return target.provider.OpenProcess
        return self.valid_mask

    def query_name(self, target: Object) -> str:
        """Give the name under which a process is found while it runs."""
        if isinstance(target, Process) and not target.exited:
            return f"{PROCESS_DIRECTORY}\\{target.pid}"
        return ""

    def delete(self, target: Object) -> None:
        """Give the process id back: no handle and no thread knows the process any more."""
        if isinstance(target, Process):
            if target.job is not None:
                target.job.dereference()
            target.client_ids.free_client_id(target.pid)


class ThreadType(ObjectType):
    """The type Thread."""

    __slots__ = ()

    def maximum_access(self, target: Object, opener: Object | None) -> int:
        """Give what an opener may have: outsiders get no more on a pico thread than its provider's ceiling."""
        if isinstance(target, Thread) and is_outsider(opener, target.process):
            provider = target.process.provider
            if provider is not None:
                return provider.OpenThread
        return self.valid_mask

    def query_name(self, target: Object) -> str:
        """Give the name under which a thread is found while it runs."""
        if isinstance(target, Thread) and not target.exited:
            return f"{THREAD_DIRECTORY}\\{target.tid}"
        return ""

    def delete(self, target: Object) -> None:
        """Give the thread id and the reference on the process back."""
        if isinstance(target, Thread):
            target.process.client_ids.free_client_id(target.tid)
            target.process.dereference()


PROCESS = make_type("Process", ProcessType)
THREAD = make_type("Thread", ThreadType)


class Process(DispatcherObject):
    """A minimal process: an address space of the host's, a handle table, a token. With a provider, a pico process.

    `exit_status` is None while it runs, then the status of whoever ended it first. `context` is the provider's own
    and freed with its ExitProcess. Ids are NT's, not those of the provider's personality or of the host.
    """

    __slots__ = (
        "client_ids",
        "context",
        "exit_status",
        "exited",
        "handle_table",
        "image_name",
        "job",
        "kill_requested",
        "parent_pid",
        "pid",
        "provider",
        "threads",
        "token",
        "views",
        "waits",
    )

    def __init__(
        self,
        client_ids: ClientIds,
        pid: int,
        handle_table: HandleTable,
        parent: Process | None = None,
        provider: PsPicoProviderRoutines | None = None,
        context: Any = None,
        image_name: str = "",
    ) -> None:
        """Make a process without threads that has its parent's token, and no job yet."""
        super().__init__(PROCESS)
        self.client_ids = client_ids
        self.pid = pid
        self.handle_table: HandleTable | None = handle_table
        self.parent_pid = parent.pid if parent is not None else 0
        self.token: Object | None = parent.token if parent is not None else None
        self.job: Job | None = None  # the innermost
        self.provider = provider
        self.context = context
        self.image_name = image_name
        self.threads: dict[int, Thread] = {}
        self.views: Views | None = None  # made with the first view
        self.waits: WaitState | None = None  # made when the process first has to wait
        self.exit_status: int | None = None
        self.kill_requested = False
        self.exited = False

    @property
    def process(self) -> Process:
        """The process itself, so that it can call a service (ob.handles.Caller)."""
        return self

    @property
    def thread(self) -> Thread | None:
        """No thread: the process calls as a whole (ob.handles.Caller)."""
        return None

    @property
    def effective_token(self) -> Object | None:
        """The process's own token (ob.handles.Caller)."""
        return self.token

    @property
    def handles(self) -> HandleTable:
        """The handle table; raises STATUS_PROCESS_IS_TERMINATING once it is gone."""
        if self.handle_table is None:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        return self.handle_table

    @property
    def terminating(self) -> bool:
        """Whether somebody has ended it; it may still have threads."""
        return self.exit_status is not None

    def is_signalled(self, thread: Thread | None) -> bool:  # noqa: ARG002 - anyone may wait
        """Whether the process has ended."""
        return self.exited

    def replace_handle_table(self, table: HandleTable) -> None:
        """Use another table from now on, of which the process becomes a user, and leave the old one."""
        old = self.handles
        self.handle_table = table
        old.release()


class Thread(DispatcherObject):
    """A minimal thread: no TEB, no stack of NT's making. `suspend_count` above 0 keeps it from running.

    `impersonation` is the token in whose name it acts instead of its process's; the thread holds a reference on it.
    """

    __slots__ = (
        "context",
        "exit_status",
        "exited",
        "impersonation",
        "mutants",
        "process",
        "suspend_count",
        "tid",
        "waits",
    )

    def __init__(self, process: Process, tid: int, context: Any) -> None:
        """Make a suspended thread, which holds a reference on its process."""
        super().__init__(THREAD)
        process.reference()
        self.process = process
        self.tid = tid
        self.context = context
        self.suspend_count = 1
        self.mutants: list[Mutant] = []
        self.waits: WaitState | None = None  # made when it first has to wait, is alerted or gets an APC
        self.impersonation: Object | None = None
        self.exit_status: int | None = None
        self.exited = False

    @property
    def thread(self) -> Thread:
        """The thread itself, so that it can call a service (ob.handles.Caller)."""
        return self

    @property
    def token(self) -> Object | None:
        """The token of its process (ob.handles.Caller)."""
        return self.process.token

    def is_signalled(self, thread: Thread | None) -> bool:  # noqa: ARG002 - anyone may wait
        """Whether the thread has ended."""
        return self.exited

    @property
    def effective_token(self) -> Object | None:
        """The token in whose name it acts (ob.handles.Caller)."""
        return self.process.token if self.impersonation is None else self.impersonation

    def impersonate(self, token: Object | None) -> None:
        """Act in the name of a token from now on; None is the process's again."""
        old, self.impersonation = self.impersonation, token
        if token is not None:
            token.reference()
        if old is not None:
            old.dereference()


def is_outsider(opener: Object | None, target: Process) -> bool:
    """Whether an opener is no process of the target's own provider; the executive and its system process are none."""
    return isinstance(opener, Process) and opener.provider is not target.provider and opener.pid != SYSTEM_PROCESS_ID
