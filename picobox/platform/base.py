"""The contract between the supervisor and whatever runs and stops its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NewType, Protocol

from picobox.abi.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from picobox.platform.debug_calls import DebugCalls
    from picobox.platform.readings import Readings
    from picobox.platform.unopposed import UnopposedChanges

HostTid = NewType("HostTid", int)
"""A thread id as this host's kernel gives it to us; a guest sees a `VirtualTid`."""

(
    STOP_EMPTY,
    STOP_INTERRUPT,
    STOP_SYSCALL,
    STOP_SYSCALL_EXIT,
    STOP_FORK,
    STOP_NEW,
    STOP_EXEC,
    STOP_SIGNAL,
    STOP_GROUP,
    STOP_DEAD,
    STOP_TRACE,
    STOP_PARTING,
    STOP_DEBUGGED,
    STOP_WAIT,
) = range(14)

ERESTARTSYS = 512
ERESTART_RESTARTBLOCK = 516


class Repeated(NamedTuple):
    """Calls that are alike: those of one descriptor table with the same number, path and arguments.

    `compared`: the indices of the arguments that count. `path_index`: where the path is; -1 for a call on a descriptor,
    which is alike only while that is not watched.
    """

    table: int
    nr: int
    compared: tuple[int, ...]
    args: tuple[int, ...]
    path_index: int
    path: bytes


class Birth(NamedTuple):
    """How an unseen task was made: by whom, with which flags of clone(2), and whether it has run a program since."""

    creator: HostTid
    flags: int
    has_image: bool


class Stop:
    """One stop of one task, consumed by exactly one resume or answer; EMPTY, INTERRUPT, DEAD and PARTING need none.

    kind: STOP_*; tid: the task. nr, args, ip, sp: the call at its entry, with `code` the errno it must get or 0.
    result: at its exit (-512 to -516: the kernel runs it again). signal, code: of a signal, with its si_code and the
    first 48 bytes of its siginfo in `args`, or of an interrupt, with `other` its sender. status: the wait status of a
    death. other: the child of a FORK, the creator of a NEW (0: it died first), the former tid of an EXEC.
    PARTING: the task with unseen children will be told dead. It, or the former leader of an EXEC's tid, is gone inside
    a call that makes an unseen task if `code` is not 0; `args[0]` are the flags then. nr of an EXEC: 1 if its call was
    not told.
    """

    __slots__ = ("args", "code", "ip", "kind", "nr", "other", "result", "signal", "sp", "status", "tid", "used")

    def __init__(self, kind: int, tid: int) -> None:
        self.kind = kind
        self.tid = HostTid(tid)
        self.used = False
        self.nr = self.ip = self.sp = self.result = self.signal = self.code = self.status = self.other = 0
        self.args: tuple[int, ...] = ()

    def use(self) -> HostTid:
        """The stop is being answered; answering it twice would resume a task that runs."""
        if self.used:
            raise RuntimeError(f"stop {self.kind} of task {self.tid} is answered twice")
        self.used = True
        return self.tid


class SpawnRequest(NamedTuple):
    """A program to start: argv and environment byte for byte, candidate files in the order of the search path.

    fds are the descriptors that become 0, 1, 2...; empty: those of this process. kept: others that the program has too,
    under their numbers, which are above those and close-on-exec here. terminal: which of fds becomes the controlling
    terminal of a session of its own. ignored_signals: bit signal-1.
    """

    argv: tuple[bytes, ...]
    environment: tuple[bytes, ...]
    paths: tuple[bytes, ...]
    cwd: bytes | None = None
    shell: bytes | None = b"/bin/sh"
    fds: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
    terminal: int | None = None
    ignored_signals: int = 0


class FramesForm(NamedTuple):
    """Where in a frame, in bytes, its caller's, its target, its instruction and a byte for its owner are.

    Of the target's address the bits of `mask` count; frames whose owner is `first_shim` or more are passed over.
    `fields`: offset and width (8, or 4 with a sign) of what is wanted of a target of that many bytes.
    """

    caller: int
    target: int
    instruction: int
    owner: int
    mask: int
    first_shim: int
    target_size: int
    fields: tuple[tuple[int, int], ...]


class Guide(NamedTuple):
    """How the stack of a task is found, in an address space that has the number `space`.

    `head` is the address of a word that leads to the innermost frame, or to what has the frame's address at `holder`;
    so it is as long as each word of `guards`, by address, is what it was.
    """

    space: int
    guards: tuple[tuple[int, int], ...]
    head: int
    holder: int | None
    form: FramesForm


class GuestMemory(Memory, Protocol):
    """A guest's memory, readable and writable; Errno(EFAULT) where nothing is mapped.

    Errno(EPERM): the kernel can read it and we may not, as with a program that its user may execute but not read.
    """

    def write(self, address: int, data: bytes) -> None: ...

    def read_blocks(self, addresses: Sequence[int], size: int) -> bytes:
        """Blocks of `size` bytes, one after another; of a block that cannot be read whole, zeros."""

    def read_frames(self, form: FramesForm, innermost: int, limit: int) -> bytes | None:
        """A row of 64-bit numbers for each frame of a list, at most so many; None if that cannot be read in one go.

        A row has the frame's target, instruction and owner, and the target's fields; what cannot be read is zero.
        """


class ArgumentPage(Protocol):
    """Memory of ours that a guest's calls can read and no guest can write (design section 5)."""

    def put(self, tid: HostTid, offset: int, data: bytes) -> int:
        """Copies into the task's slot; the guest's address of it. Errno(ENOMEM) if every slot is taken."""

    def release(self, tid: HostTid) -> None: ...

    def close(self) -> None: ...


class Descriptor(NamedTuple):
    """What the kernel says of a descriptor: fstat's device, inode and mode, the open flags of fdinfo."""

    device: int
    inode: int
    mode: int
    flags: int


class Kills(NamedTuple):
    """Tasks that a platform killed since it could not serve them: how many, and the first one with its wait status."""

    total: int
    tid: HostTid
    status: int


class Platform(Protocol):
    """Runs programs and stops them at every system call. Every method is for the thread that made the platform."""

    def spawn(self, request: SpawnRequest) -> HostTid:
        """Starts a program, which then stops like any other. PlatformError where this machine forbids it."""

    def spawn_failure(self) -> tuple[int, int] | None:
        """Why the spawned task died before its program ran: (stage, errno); None if it did run."""

    def next(self) -> Stop:
        """Waits for the next stop that has to be answered."""

    def resume(self, stop: Stop, *, signal: int = 0, want_exit: bool = False) -> None:
        """Lets the task run on, with a signal, and back to us at the call's exit if wanted."""

    def answer(self, stop: Stop, result: int) -> None:
        """Ends the call at its entry with a result (negative: -errno); the kernel does not run it."""

    def rewrite(self, stop: Stop, index: int, value: int) -> None:
        """Changes an argument at the call's entry; the platform puts it back at the exit."""

    def set_result(self, stop: Stop, result: int) -> None:
        """Replaces the result at the call's exit."""

    def set_creating(self, stop: Stop) -> None:
        """The call will make a task, whose first stop may come before this task's FORK."""

    def leave_unseen(self, most_tasks: int) -> None:
        """Tasks that make no call for us need not be told from now on, if the platform can tell at little cost.

        `most_tasks`: how many there may be at a time, 0 for any number.
        """

    def meet(self, tid: HostTid) -> Birth | None:
        """An unseen task is told like any other from now on; None if there is none of this number."""

    def unseen(self, creator: int) -> list[HostTid]:
        """The unseen tasks that a task has made, 0: all."""

    def memory(self, tid: HostTid) -> GuestMemory: ...

    def new_page(self, stop: Stop) -> ArgumentPage:
        """Maps an argument page into the task's address space; Errno if the guest has no room for it.

        It consumes the call: resume the stop, and the call stops at its entry anew.
        """

    def registers(self, tid: HostTid) -> list[int]:
        """The registers of a stopped task, in the order of abi.x86_64.USER_REGS."""

    def set_registers(self, tid: HostTid, registers: list[int]) -> None: ...

    def descriptors(self, tid: HostTid) -> list[int]: ...

    def open_files(self, tid: HostTid, known: Sequence[int]) -> list[int]:
        """The descriptors of a task that stand for regular files or directories, but not those that are known."""

    def has_open(self, tid: HostTid, file: tuple[int, int]) -> bool:
        """Whether a task may have a file open, which is given by device and inode: true if nobody can tell."""

    def original(self, device: int, inode: int) -> int:
        """The inode of the image that guests have mapped where a file is mapped: a copy stands for another one."""

    def describe(self, tid: HostTid, fd: int) -> Descriptor | None: ...

    def same_description(self, tid: HostTid, fd: int, other_tid: HostTid, other_fd: int) -> bool:
        """Whether two descriptors share one open file description (kcmp)."""

    def kill_all(self) -> None: ...

    def kills(self) -> Kills:
        """The tasks that were killed because they stood where they cannot be served."""

    def task_count(self) -> int: ...

    def is_task(self, tid: int) -> bool:
        """Whether a task of this number is one of those that it runs."""

    def calls_entered(self, tid: HostTid) -> int:
        """How many calls the task has entered: tells whether one that it was in is over."""

    def calls_of(self, tids: Sequence[HostTid]) -> int:
        """How many calls the threads of a process have made; those of threads that have ended are not among them."""

    def refusals(self) -> dict[tuple[str, str], int]:
        """How often rules about arguments have refused calls: by the call's name and the rule's."""

    def intercept(self, features: frozenset[str]) -> None:
        """The table is compiled anew with these features. A row that goes off the notify channel must be off it now."""

    def on_changed(self, routine: Callable[[int, int, int], None]) -> None:
        """Calls a routine before the next stop is given, of each watched descriptor to which something was done unseen.

        With table, descriptor, and -1 if it was closed, else the one that it is a copy of, watched as well (see
        `leave_copies`). Only a call without a stop is told so; the others are calls like all.
        """

    def set_table(self, tid: HostTid, table: int) -> None:
        """The task has a descriptor table of which some are watched; 0: of which none is."""

    def watch(self, table: int, fd: int) -> None:
        """The next close of a descriptor is told."""

    def unwatch(self, table: int, fd: int = -1) -> None:
        """The next close of a descriptor is not told; -1: of none, since no task has the table any more."""

    def closing(self, tid: HostTid) -> int:
        """The descriptor that the last call of a task closes, if that is a close without a stop; else -1."""

    def receivers(self) -> list[HostTid] | None:
        """The tasks that may have received descriptors which they have not opened, since this was asked last.

        None: any task may have.
        """

    def expect(self, tid: HostTid) -> bool:
        """The call that a task has entered may give it a descriptor of which nobody is told (`receivers`).

        False: the platform cannot tell what becomes of it, and the call is to be seen to its end.
        """

    def ignore(self, call: Repeated) -> None:
        """A call like this is not given any more, if the platform can tell at little cost, until `forget_ignored`.

        One with a path counts as one that may give descriptors (`receivers`).
        """

    def forget_ignored(self) -> None:
        """Every call is given again."""

    def leave_looks(self, files: Mapping[bytes, int | None]) -> None:
        """Of calls that only look, those at other files than these need not be given; all are if there is none.

        `files`: paths without links, each with the number of the file's inode, None if there is none.

        Here and below a platform leaves out what it can tell at little cost. MemoryError.
        """

    def leave_opens(self, directories: Iterable[bytes]) -> None:
        """Opens that make nothing and lie in none of these directories, without links on the way, need not be given.

        Nor need those of files as directories be, wherever they lie.
        """

    def readings(self) -> Readings | None:
        """Who has opened files for reading that need not be given, if the platform leaves such opens out."""

    def unopposed(self) -> UnopposedChanges | None:
        """Who is told which changes of names need not be given, if the platform leaves such changes out."""

    def spare_instance(self) -> None:
        """A guest is about to make an inotify instance: if the user has none left, those of the platform are let go."""

    def leave_anonymous(self) -> None:
        """Mappings of no file need not be given, nor those of files outside of what `leave_opens` was told."""

    def leave_handlers(self) -> None:
        """Calls for signals that set no handler need not be given."""

    def leave_copies(self) -> None:
        """Calls that copy a descriptor need not be given where it is told of watched ones afterwards (`on_changed`)."""

    def leaves_handles(self, nr: int) -> bool:
        """Whether handles of what a call of this number opens or copies are made when somebody looks.

        So it is where opens may happen that nobody is told of; who has asked for these calls is shown what they do.
        """

    def leaves_opens(self) -> bool:
        """Whether there may be opens that nobody is told of, and closes of what has no handle."""

    def counters(self, action: int) -> list[int]:
        """How many calls of each number were answered with an action (abi.row); the last one: unknown numbers."""

    def hidden_affinity(self, tid: HostTid) -> bytes | None:
        """The CPU mask that the guest has given a task while the platform uses another one; None if it does not."""

    def own_affinity(self, tid: HostTid) -> None:
        """The guest is about to choose the task's CPU mask: the platform keeps away from it."""

    def open_doorbell(self, signals: Iterable[int]) -> int:
        """These signals wake `next` with STOP_INTERRUPT; gives which of them were ignored before, bit signal-1."""

    def debugging(self) -> DebugCalls | None:
        """What lets guests trace guests; None where they may not."""

    def close_doorbell(self) -> None:
        """The signals act as before `open_doorbell`."""

    def close(self) -> None: ...
