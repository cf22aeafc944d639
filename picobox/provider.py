"""PicoProvider: what we register with the executive, the provider's half of the pico contract."""

from __future__ import annotations

from errno import EFAULT, ENOSYS, EPERM
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ntshim.io.file import File
from ntshim.nt import NtServices
from ntshim.ob.handles import (
    CURRENT_PROCESS,
    DUPLICATE_SAME_ACCESS,
    DUPLICATE_SAME_ATTRIBUTES,
    HandleTable,
    index_number,
    index_to_handle,
)
from ntshim.ps.pico import PicoProcessAttributes, PicoThreadAttributes, PsPicoProviderRoutines, PsRegisterPicoProvider
from ntshim.se.token import SE_CHANGE_NOTIFY_PRIVILEGE, Token
from ntshim.status import STATUS_UNSUCCESSFUL, NtError, errno_of
from picobox.abi.row import (
    ACTION_CALL,
    ACTION_ERRNO,
    ACTION_NATIVE,
    CHECK,
    FAKE_ROOT,
    LOCKS,
    NATIVE,
    READ_BACK,
    SEEN,
    SUPERVISED,
    WALLS,
    WINDOWS,
    WSL,
)
from picobox.abi.table import BY_NAME, BY_NR
from picobox.check.judgement import AGAIN, REFUSE
from picobox.errors import Errno
from picobox.profile import LINUX
from picobox.syscalls import FAMILY_OF
from picobox.task import FIRST_HANDLE_INDEX, AddressSpace, FdTable, OpenFiles, Task, ThreadGroup, fd_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ntshim.ob.object import Object
    from ntshim.ps.executive import Executive
    from ntshim.ps.process import Process, Thread
    from picobox.abi.row import Disposition, Row
    from picobox.call import Call, Creation, Interposer
    from picobox.changes import Changes
    from picobox.check.judge import Judge
    from picobox.confine.guard import Guard
    from picobox.debugging.tracees import Debuggers
    from picobox.named_objects import NamedObjects
    from picobox.names import Names
    from picobox.opens import Opens
    from picobox.platform.base import Birth, HostTid, Platform
    from picobox.platform.unopposed import UnopposedChanges
    from picobox.session.fakeroot.root import FakeRoot
    from picobox.windows import WindowsRules

    _Then = Callable[[int], int | None]
    _Rows = tuple["_Dispositions", "_Handlers"]

_UNREADABLE = (1 << 64) - 4096  # an address of the kernel's
# linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME, and INTO_CGROUP
_CLONE_NEW = 0x2_7E02_0080


class PicoProvider:
    """Serves the system calls of Linux threads; one for each executive."""

    def __init__(
        self,
        platform: Platform,
        executive: Executive,
        names: Names | None = None,
        features: frozenset[str] | None = None,
    ) -> None:
        """Registers with the executive, which must not have booted. Without `names` the guests' are taken as given.

        `features`: those of the table that are active, if they are others than those of `names`.
        """
        self.platform = platform
        self.executive = executive
        self.nt = NtServices(executive)
        self.open_files = OpenFiles(platform)
        self.processes = 0
        self.threads = 0
        self.names = names
        self.profile = LINUX if names is None else names.profile
        self.opens = None if names is None else _make_opens(self, names)
        self.changes: Changes | None = None
        self.judge: Judge | None = None
        self.interposer: Interposer | None = None
        # What decides where no namespaces keep guests in.
        self.guard: Guard | None = None
        # Who the tasks of an instance are to each other.
        self.fake_root: FakeRoot | None = None
        if names is not None and names.windows is not None and self.opens is not None:
            self.changes = _make_changes(self, names, names.windows, self.opens)
        if names is not None:
            executive.namespace.named_objects.connect = _make_named_objects
        platform.on_changed(self.descriptor_changed)
        if features is None:
            features = frozenset[str]() if names is None else names.features
        self._features = features
        self.walled = WALLS in features
        # How many tasks there may be at a time.
        self.most_tasks: int | None = None
        # Makes us know the tasks that a task has made.
        self.meet_children: Callable[[int], None] = lambda _creator: None
        # Who traces whom among the guests.
        self.debuggers: Callable[[], Debuggers] = _no_debuggers
        self._rows: dict[frozenset[str], _Rows] = {}
        self._dispositions, self._handlers = self._rows_with(features)
        self.pico = PsRegisterPicoProvider(
            executive,
            PsPicoProviderRoutines(
                DispatchSystemCall=self.DispatchSystemCall,
                ExitThread=self.ExitThread,
                ExitProcess=self.ExitProcess,
                DispatchException=self.DispatchException,
                TerminateProcess=self.TerminateProcess,
                WalkUserStack=self.WalkUserStack,
            ),
        )

    def DispatchSystemCall(self, frame: Call) -> None:
        """Answers a call in its frame, as its row says; the disposition array of the C core is this method compiled."""
        row = frame.row = BY_NR.get(frame.stop.nr)
        if row is None:
            frame.result = -ENOSYS
            return
        if frame.stop.code:
            frame.result = -frame.stop.code
            return
        do = self._dispositions[row.nr]
        if do.action == ACTION_ERRNO:
            frame.result = -do.errno
        elif do.action == ACTION_CALL and self.interposer is None:
            self._serve(frame, row, self.judge)
        elif do.action == ACTION_CALL and self.interposer is not None:
            self._serve_met(self.interposer, frame, row)

    def _serve_met(self, interposer: Interposer, frame: Call, row: Row) -> None:
        """The same where somebody may let a call fail; one that is seen for that alone goes on to the kernel."""
        is_ours = interposer.runs(frame.stop.tid)
        try:
            if not is_ours:
                interposer.meet(frame, row)
        except (NtError, Errno) as error:
            _refuse(frame, error)
        is_served = row.disposition(self._features - interposer.features).action == ACTION_CALL
        if is_served and frame.result is None and frame.wait is None:
            self._serve(frame, row, None if is_ours else self.judge)
        if is_ours:
            interposer.served(frame, row)
        elif frame.restart or frame.wait is not None:
            interposer.begins_anew(frame, row)

    def check_transfers(self, *, wanted: bool) -> None:
        """Calls that read or write come to the executive's byte-range locks, or no more."""
        self._switch(LOCKS, wanted=wanted)

    def check_looks(self, *, wanted: bool, files: Mapping[bytes, int | None] | None = None) -> None:
        """Calls that look at files come to a check, or no more: at these files, or at all if there is none.

        `files`: as for `Platform.leave_looks`.
        """
        others = self._features - {READ_BACK}
        is_alone = all(row.disposition(others).action == ACTION_NATIVE for row in _looks())
        self.platform.leave_looks(files if files and is_alone else {})
        self._switch(READ_BACK, wanted=wanted)

    def leave_rest(self, roots: Iterable[bytes]) -> None:
        """A check that only observes is not shown what lies outside of the drives with these directories."""
        if SUPERVISED in self._features:
            return  # whether a file may be opened is decided here
        if not self._asking("open", "openat"):
            self.platform.leave_opens(roots)
        if self._asking("mmap") <= {WINDOWS}:
            self.platform.leave_anonymous()
        if self._asking("rt_sigaction") <= {CHECK}:
            self.platform.leave_handlers()
        if not self._asking("dup", "dup2", "dup3", "fcntl"):
            self.platform.leave_copies()

    def unopposed(self, *names: str) -> UnopposedChanges | None:
        """Who is told which calls of some rows a check that only observes need not be shown; None if all come here."""
        is_asked = SUPERVISED in self._features or self._asking(*names)
        return None if is_asked or self.interposer is not None else self.platform.unopposed()

    def _asking(self, *names: str) -> frozenset[str]:
        """The active features for whose sake some rows are calls."""
        return self._features & {each for name in names for each in (SEEN + name, *BY_NAME[name].when)}

    def _switch(self, feature: str, *, wanted: bool) -> None:
        """Turn a feature of the table on or off."""
        features = self._features | {feature} if wanted else self._features - {feature}
        if features == self._features:
            return
        self._features = features
        self._dispositions, self._handlers = self._rows_with(features)
        self.platform.intercept(features)

    def _rows_with(self, features: frozenset[str]) -> _Rows:
        """How each row is served with these features."""
        known = self._rows.get(features)
        if known is None:
            known = self._rows[features] = _Dispositions(features), _Handlers(features, self._is_decided)
        return known

    def _is_decided(self, row: Row, features: frozenset[str]) -> bool:
        """Whether a call without a handler is served nevertheless: as a change, by a check or by the guard."""
        if self.changes is not None and row.name in self.changes.decided:
            return True
        if CHECK in features:
            from picobox.check.posix_calls import watchers

            if row.name in watchers():
                return True
        if FAKE_ROOT in features:
            from picobox.session.fakeroot.root import is_decided

            return is_decided(row.name)
        if SUPERVISED not in features:
            return False
        from picobox.confine.guard import guarded

        return row.name in guarded()

    def _serve(self, frame: Call, row: Row, judge: Judge | None) -> None:
        arguments = None
        try:
            arguments = self._decode(frame, row)
            if arguments is None:
                return
            if judge is not None:
                judge.look(frame, row, arguments)
            if self.names is not None and row.paths():
                arguments = self.names.approve(frame, row, arguments)
            if judge is None:
                self._decide(frame, row, arguments)
            else:
                self._decide_judged(judge, frame, row, arguments)
        except (NtError, Errno) as error:
            _refuse(frame, error)
        if judge is not None:
            judge.conclude(frame, arguments)

    def _decide(self, frame: Call, row: Row, arguments: Sequence[object]) -> None:
        """Have the row's handler serve a call, and the executive decide what it changes. Raises NtError, Errno."""
        if self.guard is not None and self.guard.serve(frame, row, arguments):
            return
        if self.fake_root is not None and self.fake_root.serve(frame, row, arguments):
            return
        guarded = frame.then
        # What looked at the call may have changed which rows are served: then this one is the kernel's.
        handler = self._handlers[row.name]
        if handler is not None and not frame.restart and frame.wait is None:
            frame.result = handler(self, frame, *arguments)
        if self.changes is not None and frame.result is None and not frame.restart and frame.wait is None:
            self.changes.decide(frame, row.name, arguments)
        if guarded is not None and frame.then is not guarded:
            frame.then = _both(guarded, frame.then)

    def _decide_judged(self, judge: Judge, frame: Call, row: Row, arguments: Sequence[object]) -> None:
        """The same under a check, which may let a call go that NT refuses."""
        while True:
            try:
                self._decide(frame, row, arguments)
            except NtError as error:
                outcome = judge.overrules(frame, error.status)
                if outcome == REFUSE:
                    raise
                frame.finish()
                frame.then = None
                if outcome == AGAIN:
                    continue
            return

    def _decode(self, frame: Call, row: Row) -> Sequence[object] | None:
        """The arguments of a call; None if it goes on to the kernel without us.

        Which of several bad arguments counts, the kernel alone knows. A row that is a call for its names alone goes
        there, with paths that nobody can read: ours could not be read, and another thread may be about to mend it.
        """
        try:
            return row.decode(frame.stop.args, frame.memory)
        except Errno as error:
            if error.errno != EFAULT or row.do is not NATIVE or not row.paths():
                raise
        for argument in row.paths():
            frame.rewrite(argument.position, _UNREADABLE)
        return None

    def DispatchException(self, record: int, frame: Any, chance: int) -> bool:
        """A hardware fault of a guest becomes the Linux signal that the host kernel has made of it already."""
        del record, chance
        if self.names is not None and self.names.wsl is not None:
            from picobox.faults.memory import change_signal

            change_signal(self.names.wsl.faults, frame)
        return True

    def TerminateProcess(self, process: Process, status: int) -> None:
        """Somebody who is not of ours ends a process: it gets what SIGKILL gives."""
        self.pico.TerminateProcess(process, status)

    def ExitThread(self, thread: Thread) -> None:
        self.threads -= 1
        if thread.context.thread is thread:
            thread.context.exit()

    def ExitProcess(self, process: Process) -> None:
        self.processes -= 1
        if process.context.process is process:
            process.context.process = None
        if not self.processes and self.opens is not None:
            self.opens.unopened.let_go()

    def WalkUserStack(self, frame: Call, count: int) -> list[int]:
        """Return addresses along the frame pointers, the instruction itself first."""
        addresses = [frame.stop.ip]
        registers = self.platform.registers(frame.stop.tid)
        from picobox.abi.x86_64 import USER_REGS

        frame_pointer = registers[USER_REGS.index("rbp")]
        while len(addresses) < count:
            try:
                pair = frame.memory.read(frame_pointer, 16)
            except Errno:
                break
            caller = int.from_bytes(pair[:8], "little")
            addresses.append(int.from_bytes(pair[8:], "little"))
            if caller <= frame_pointer:
                break
            frame_pointer = caller
        return addresses[:count]

    def descriptor_changed(self, table: int, fd: int, source: int) -> None:
        """A descriptor with a handle was closed without a stop, or is a copy of one (Platform.on_changed)."""
        files = self.open_files.table(table)
        thread = files.any_thread() if files is not None else None
        if files is None or thread is None:
            return
        if source < 0:
            self.nt.NtClose(thread, index_to_handle(fd_index(fd)), host_decides=True)
        else:
            self.duplicate(thread, files, source, fd)

    def duplicate(self, thread: Thread, files: FdTable, source: int, fd: int) -> bool:
        """Make the handle of a descriptor that is a copy; false if the source was closed since.

        Then it is made when somebody looks.
        """
        index = fd_index(fd)
        try:
            self.nt.NtDuplicateObject(
                thread,
                CURRENT_PROCESS,
                index_to_handle(fd_index(source)),
                CURRENT_PROCESS,
                options=DUPLICATE_SAME_ACCESS | DUPLICATE_SAME_ATTRIBUTES,
                target_index=index,
            )
        except NtError:
            return False
        entry = thread.process.handles.peek(index)
        if entry is not None and isinstance(entry.object, File):
            self.open_files.note(entry.object, files, fd)
        return True

    def refuse_namespaces(self, flags: int) -> None:
        """Behind walls nobody makes namespaces: in one of users he had all rights. Errno(EPERM) for such flags.

        Nor does anybody choose a cgroup, whose limits are others' to set.
        """
        if self.walled and flags & _CLONE_NEW:
            raise Errno(EPERM)

    def credentials_may_change(self) -> None:
        """A guest's credentials are about to change, or its tid belongs to another task from now on."""
        if self.names is not None:
            self.names.credentials_may_change()

    def make_process(
        self,
        group: ThreadGroup,
        files: FdTable,
        parent: Process | None,
        flags: int = 0,
        shared: HandleTable | None = None,
        token: Object | None = None,
    ) -> Process:
        """An NT process for a thread group whose descriptors are `files`; NtError if the executive refuses."""
        table = shared.share() if shared is not None else HandleTable(first_index=FIRST_HANDLE_INDEX, backing=files)
        attributes = PicoProcessAttributes(context=group, parent=parent, flags=flags, handle_table=table, token=token)
        process = self.pico.CreateProcess(attributes)
        self.processes += 1
        group.process = process
        return process

    def make_thread(self, process: Process, task: Task) -> Thread:
        """A suspended NT thread for a task; NtError if the executive refuses."""
        thread = self.pico.CreateThread(PicoThreadAttributes(process, task))
        self.threads += 1
        task.thread = thread
        return thread

    def retire(self, thread: Thread) -> None:
        """Ends a thread that the kernel never made."""
        self.executive.thread_exited(thread, STATUS_UNSUCCESSFUL)

    def exec(self, task: Task, old: Thread) -> Thread:
        """A new NT process and thread for a task that runs a new image; the old ones end."""
        self.credentials_may_change()
        files = FdTable(self.platform, self.open_files)
        parent = old.process if not old.process.terminating else None
        process = self.make_process(task.group, files, parent)
        thread = self.pico.CreateThread(PicoThreadAttributes(process, task))
        self.threads += 1
        self.pico.ResumeThread(thread)
        task.exec(files)
        task.thread = thread
        if self.profile.windows:
            self._inherit(process, old.process.handle_table, files)
        if self.fake_root is not None:
            self.fake_root.executed(task)
        return thread

    def _inherit(self, process: Process, former: HandleTable | None, files: FdTable) -> None:
        """A new image has what it has inherited open: the share rule counts it, so each file of a rule gets its handle.

        The description that the former image's handle stood for may be open nowhere else any more.
        """
        known = () if former is None else tuple(former.made_indices(1, FIRST_HANDLE_INDEX - 1))
        there = frozenset(files.indices()) if known else frozenset()
        for index in there.intersection(known):
            entry = None if former is None else former.peek(index)
            if entry is not None and isinstance(entry.object, File):
                process.handles.insert_at(index, entry.object, entry.access, entry.attributes)
                self.open_files.note(entry.object, files, index_number(index))
        if self.open_files.unopened is not None:
            self.open_files.unopened.look_at(process)

    def copy_files(self, handles: HandleTable, former: HandleTable | None, files: FdTable) -> None:
        """A forked child has what its parent has opened: its program inherits that, though the parent closes it first.

        Until it runs one whoever judges leaves it out. What was not opened under the rules is nobody's business.
        """
        for index in () if former is None else former.made_indices(1, FIRST_HANDLE_INDEX - 1):
            entry = None if former is None else former.peek(index)
            if entry is not None and isinstance(entry.object, File) and entry.object.context is not None:
                handles.insert_at(index, entry.object, entry.access, entry.attributes)
                self.open_files.note(entry.object, files, index_number(index))

    def renew(self, thread: Thread) -> Thread:
        """The thread of a task whose exec was not told, and whose new image runs now."""
        thread.context.group.has_image = True
        return self.exec(thread.context, thread)

    def introduce(self, creator: Thread, birth: Birth) -> Creation:
        """What a task is to us that another one has made without our seeing it; NtError if the executive refuses."""
        from picobox.creations import creation_of

        return creation_of(self, creator, birth.flags, is_made=True, has_image=birth.has_image)

    def unshare_files(self, task: Task) -> None:
        """The task has a descriptor table of its own from now on (CLONE_FILES of unshare, CLOSE_RANGE_UNSHARE).

        NT knows one handle table a process: it follows the task only if the task is alone in its thread group.
        """
        process = task.group.process
        if process is None or len(process.threads) > 1:
            return
        task.files.remove(task)
        task.files = FdTable(self.platform, self.open_files)
        task.files.add(task)
        if task.tid:
            self.platform.set_table(task.tid, 0)
        process.replace_handle_table(HandleTable(first_index=FIRST_HANDLE_INDEX, backing=task.files))

    def first_thread(self, tid: HostTid) -> Thread:
        """The thread of a program that the platform has spawned."""
        group = ThreadGroup()
        group.has_image = True
        files = FdTable(self.platform, self.open_files)
        task = Task(self.platform, group, AddressSpace(), files)
        task.bind(tid)
        # One token for all: what setuid and its kin change is Linux's alone (facts/nt.md section 6).
        token = Token((SE_CHANGE_NOTIFY_PRIVILEGE,))
        thread = self.make_thread(self.make_process(group, files, None, token=token), task)
        self.pico.ResumeThread(thread)
        return thread


def _no_debuggers() -> Debuggers:
    raise Errno(EPERM)


def _refuse(frame: Call, error: NtError | Errno) -> None:
    """The guest gets an error number, or sees a status as its runtime shows it."""
    if isinstance(error, Errno):
        frame.result = -error.errno
        return
    frame.refused, shown_by = error.status, frame.shown_by
    frame.result = -(errno_of(error.status) if shown_by is None else shown_by.errno_of(error.status))


def _make_opens(provider: PicoProvider, names: Names) -> Opens:
    from picobox.opens import Opens

    return Opens(provider, names.drives, names.pseudo)


def _make_changes(provider: PicoProvider, names: Names, windows: WindowsRules, opens: Opens) -> Changes:
    from picobox.changes import Changes

    return Changes(provider, names, windows, opens)


def _make_named_objects() -> NamedObjects:
    from picobox.named_objects import NamedObjects

    return NamedObjects()


def _both(
    first: Callable[[int], int | None], second: Callable[[int], int | None] | None
) -> Callable[[int], int | None]:
    """What is to be done with a call's result, one after the other."""

    def then(result: int) -> int | None:
        first(result)
        return None if second is None else second(result)

    return then


@cache
def _looks() -> tuple[Row, ...]:
    """The rows of calls by which a program sees what was set of a file."""
    return tuple([row for row in BY_NAME.values() if READ_BACK in row.when])


class _Dispositions(dict[int, "Disposition"]):
    """What happens to each call with some features, found out when it is first made."""

    def __init__(self, features: frozenset[str]) -> None:
        super().__init__()
        self._features = features

    def __missing__(self, nr: int) -> Disposition:
        found = self[nr] = BY_NR[nr].disposition(self._features)
        return found


class _Handlers(dict[str, "Callable[..., int | None] | None"]):
    """The handler of each CALL row: the function of the row's name in picobox.syscalls, and what features add to it.

    It is looked for when the call is first made. A row that is a CALL for its names alone needs none, nor does one that
    is decided otherwise; one that is no CALL has none.
    """

    def __init__(self, features: frozenset[str], is_decided: Callable[[Row, frozenset[str]], bool]) -> None:
        super().__init__()
        self._features = features
        self._is_decided = is_decided

    def __missing__(self, name: str) -> Callable[..., int | None] | None:
        row = BY_NAME[name]
        handler = self._find(row) if row.disposition(self._features).action == ACTION_CALL else None
        self[name] = handler
        return handler

    def _find(self, row: Row) -> Callable[..., int | None] | None:
        handler = _find_handler(row.name)
        if WSL in self._features:
            from picobox.layers import with_wsl

            handler = with_wsl(row.name, handler, self._features)
        is_seen = bool(row.paths()) or SEEN + row.name in self._features
        if handler is None and not is_seen and not self._is_decided(row, self._features):
            raise LookupError(f"row {row.name} is CALL and no module of picobox.syscalls defines {row.name}()")
        return handler


def _find_handler(name: str) -> Callable[..., int | None] | None:
    """The function of that name; a family that nobody asks for is not imported."""
    family = FAMILY_OF.get(name)
    if family is None:
        return None
    found: Callable[..., int | None] = getattr(import_module(f"picobox.syscalls.{family}"), name)
    return found
