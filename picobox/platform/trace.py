"""The default platform: seccomp RET_TRACE and one ptrace stop a call, through the C core."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EINVAL, ESRCH
from functools import cached_property
from struct import Struct
from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib
from picobox.abi.row import ACTION_NATIVE, CHECK
from picobox.errors import Errno, PlatformError
from picobox.platform import host
from picobox.platform.base import STOP_INTERRUPT, STOP_TRACE, Birth, Descriptor, HostTid, Kills, SpawnRequest, Stop
from picobox.platform.readings import Readings
from picobox.platform.trace_memory import BUFFER, TraceMemory, TracePage
from picobox.platform.unopposed import UnopposedChanges
from picobox.platform.unshown import Unshown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from picobox.abi.arguments import ArgumentRule
    from picobox.abi.row import Row
    from picobox.confine.instance import InstanceWalls
    from picobox.confine.limits import LimitsAlone
    from picobox.confine.namespaces import Walls
    from picobox.confine.supervised import SupervisedWalls
    from picobox.platform.base import Repeated
    from picobox.platform.debug_calls import DebugCalls
    from picobox.platform.form_compiler import FormCompiler
    from picobox.platform.forms import Forms, KeptForms
    from picobox.platform.name_table import NameTable
    from picobox.platform.site_cache import SiteCache
    from picobox.trace.core_recorder import CoreRecorder

SPAWN_STAGES = ("", "fork", "ptrace", "chdir", "seccomp", "exec", "walls")
# The System V ABI's name, AMD64 supplement, of what begins each program that is linked to libraries.
_LOADER = "/lib64/ld-linux-x86-64.so.2"
_MOST_RECEIVERS = 64
_MOST_TID = (1 << 31) - 1
# struct pb_stop, read at once: a cffi attribute access each would cost more than the stop's own answer.
_STOP = Struct("<8i8Qqq")


class TracePlatform(Unshown):
    """Tasks under ptrace with a filter that stops every call; see `Platform` for the methods."""

    def __init__(
        self,
        rows: Iterable[Row] | None,
        *,
        subscribe: bool = False,
        features: frozenset[str] = frozenset(),
        calls: frozenset[int] | None = None,
        notify: bool = True,
        gate: int = 0,
        enter: bool = False,
        sites: SiteCache | None = None,
        walls: Walls | InstanceWalls | SupervisedWalls | LimitsAlone | None = None,
        recorder: CoreRecorder | None = None,
        kept: KeptForms | None = None,
    ) -> None:
        """`rows`: the table, None for ours, of which forms may be `kept`.

        `subscribe`: every call and signal comes to Python, as tracing needs it; of calls, only `calls`.

        `notify`: where the kernel can, calls that the core answers alone arrive by the notify channel, not as stops.
        `gate`: of these calls, those that are harmless are made inside the programs, once the channel got so many from
        one place; 0: never.
        `enter`: all of them keep their registers there, not only those of calls on names.
        `sites`: where plans of call sites are kept for the gate.
        `walls`: what programs are put behind, raised before the first one. `recorder`: takes what the core records.
        """
        self._walls = walls
        self._rows = rows
        self._name_table: NameTable | None = None
        self._core = lib.pb_core_new()
        if not self._core:
            raise MemoryError
        self._stop = ffi.new("struct pb_stop *")
        self._stop_bytes = ffi.buffer(self._stop)
        self._buffer = ffi.new("char[]", BUFFER)
        self._receivers = ffi.new("int32_t[]", _MOST_RECEIVERS)
        self._tells_closes = self._watches = self._opens_unseen = False
        self._seen = calls if subscribe else frozenset[int]()  # None: every call
        self._on_changed: Callable[[int, int, int], None] = lambda _table, _fd, _source: None
        self._status_fd = -1
        self._failure: tuple[int, int] | None = None
        self._sites = sites
        self._features, self._subscribed, self._calls = features, subscribe, calls
        gated = bool(gate and notify)
        self._gated, self._recorder = gated, recorder
        self._is_traced = subscribe or recorder is not None
        self._recorded, self._judged = (
            (frozenset[int](),) * 2 if recorder is None else self._record(recorder, gated=gated)
        )
        forms = self._forms = self._found_forms(kept, notify=notify)
        lib.pb_set_dispositions(self._core, ffi.from_buffer("uint32_t[]", forms.dispositions))
        self._notify_filter = b""
        if notify and forms.notifying and lib.pb_can_notify() == 0:
            self._notify_filter = forms.notifying
            if forms.has_gates and lib.pb_open_gate(self._core, gate) == 0:
                self._lend_plans()
                by = lib.PB_GATE_ENTERED_BY_ALL if enter else lib.PB_GATE_ENTERED_BY_NAMES
                lib.pb_enter_gate(self._core, by)
                self._watches = forms.watches
                self._opens_unseen = forms.opens_unseen
            elif forms.has_gates:
                self._notify_filter = self._compiler.without_gates(features)
            self._tells_closes = forms.tells_closes
            self._watches = self._watches or self._tells_closes
        if CHECK in features:
            lib.pb_leave_copies(self._core, False)
        lib.pb_set_guards(self._core, ffi.from_buffer("uint32_t[]", forms.guards), forms.mmap_nr)
        rules = ffi.from_buffer("struct pb_rule[]", forms.rules)
        if lib.pb_set_rules(self._core, rules, len(rules)):
            raise ValueError("too many rules about arguments")
        lib.pb_set_report_signals(self._core, subscribe)
        lib.pb_set_pinning(self._core, True)

    def _found_forms(self, kept: KeptForms | None, *, notify: bool) -> Forms:
        """The forms of the table for this run; from where they are kept, or compiled and kept there."""
        shown = ""
        if self._subscribed or self._recorder is not None:
            calls = None if self._calls is None else sorted(self._calls)
            shown = repr((self._subscribed, calls, sorted(self._recorded), sorted(self._judged)))
        found = None if kept is None else kept.find(self._features, gate=self._gated, notify=notify, shown=shown)
        if found is None:
            found = self._compiler.forms(self._features)
            if kept is not None:
                kept.keep(found, self._features, gate=self._gated, notify=notify, shown=shown)
        if kept is not None:
            kept.close()
        return found

    @cached_property
    def _compiler(self) -> FormCompiler:
        from picobox.platform.form_compiler import FormCompiler

        if self._rows is None:
            from picobox.abi.table import ROWS

            self._rows = ROWS
        rules = frozenset(each.call for each in self._rules)
        return FormCompiler(
            tuple(self._rows), subscribe=self._subscribed, calls=self._calls, rules=rules,
            gate=self._gated, recorded=self._recorded, judged=self._judged,
        )  # fmt: skip

    @cached_property
    def _rules(self) -> tuple[ArgumentRule, ...]:
        from picobox.abi.arguments import active_rules

        return active_rules(self._features)

    @property
    def hardening(self) -> bytes:
        """The filter of the supervisor itself."""
        return self._forms.hardening

    def resolve_names(self, table: NameTable) -> None:
        """The core tells guests by itself what names mean that they look for: what `table` says, on all volumes."""
        self._name_table = table
        words = ffi.from_buffer("uint32_t[]", self._forms.resolvable)
        lib.pb_set_resolver(self._core, table.native, words)

    def stop_resolving(self) -> None:
        """Names may mean something else from now on, to some guest."""
        if self._name_table is not None:
            lib.pb_set_resolver(self._core, ffi.NULL, ffi.NULL)

    def resolutions(self) -> int:
        """How often the core was asked by a guest what a name means."""
        return int(lib.pb_resolutions(self._core))

    def begin_making(self, tid: HostTid, directory: int, name: bytes, *, is_any: bool) -> None:
        """A task is about to make a name in a directory of ours: guests make no other spelling of it meanwhile."""
        lib.pb_reserve(self._core, tid, directory, name, len(name), is_any)

    def end_making(self, tid: HostTid) -> None:
        """The task has made the name, or will not."""
        if self._core:
            lib.pb_release(self._core, tid)

    def spare_instance(self) -> None:
        lib.pb_spare_instance(self._core)

    def forget_credentials(self) -> None:
        """Guests may have other credentials than before."""
        if self._name_table is not None:
            lib.pb_forget_credentials(self._core)

    def spawn(self, request: SpawnRequest) -> HostTid:
        keep: list[Any] = []
        spawned = ffi.new("struct pb_spawned *")
        lib.pb_spawn(self._core, self._native_request(request, keep), spawned)
        if spawned.stage:
            raise PlatformError(host.refusal(SPAWN_STAGES[spawned.stage], spawned.error))
        if self._status_fd >= 0:
            os.close(self._status_fd)
        self._status_fd = spawned.status_fd
        return HostTid(spawned.tid)

    def open_spawner(self) -> None:
        """Another process starts programs for this one from now on, which may lose the right to. OSError."""
        keep: list[Any] = []
        _check(lib.pb_spawner_open(self._core, self._native_request(SpawnRequest((), (), ()), keep)))

    def watch_mounts(self) -> None:
        """Guests may mount file systems that they serve, in which nobody here is to look. Raises OSError."""
        _check(lib.pb_watch_mounts(self._core))

    def roots_differ(self) -> None:
        """The root of no guest is ours."""
        lib.pb_roots_differ(self._core)

    def take_status(self) -> int:
        """The descriptor that tells whether the program that was spawned last could be run; see `failure_in`."""
        fd, self._status_fd = self._status_fd, -1
        return fd

    def _native_request(self, request: SpawnRequest, keep: list[Any]) -> Any:
        """A struct pb_spawn; `keep` holds what it points to."""

        def strings(values: Iterable[bytes]) -> Any:
            pointers = [ffi.new("char[]", value) for value in values]
            vector = ffi.new("char *[]", [*pointers, ffi.NULL])
            keep.extend((pointers, vector))
            return vector

        native = ffi.new("struct pb_spawn *")
        fds = ffi.new("int32_t[]", list(request.fds))
        native.argv = strings(request.argv)
        native.envp = strings(request.environment)
        native.paths = strings(request.paths)
        cwd = ffi.NULL if request.cwd is None else ffi.new("char[]", request.cwd)
        shell = ffi.NULL if request.shell is None else ffi.new("char[]", request.shell)
        stopping = self._forms.stopping
        program = ffi.from_buffer("uint8_t[]", stopping)
        keep.append(program)
        keep += (native, fds, cwd, shell)
        native.cwd, native.shell, native.fds, native.fd_count = cwd, shell, fds, len(request.fds)
        kept = ffi.new("int32_t[]", list(request.kept))
        keep.append(kept)
        native.kept, native.kept_count = kept, len(request.kept)
        native.terminal = 0 if request.terminal is None else request.terminal + 1
        native.filter, native.filter_length = program, len(stopping) // 8
        if self._notify_filter:
            notifying = ffi.from_buffer("uint8_t[]", self._notify_filter)
            keep.append(notifying)
            native.notify_filter = notifying
            native.notify_length = len(self._notify_filter) // 8
        native.ignored_signals = request.ignored_signals
        if self._walls is not None:
            native.walls = self._walls.native(keep)
        return native

    def spawn_failure(self) -> tuple[int, int] | None:
        if self._status_fd >= 0:
            self._failure = failure_in(self.take_status())
        return self._failure

    def _record(self, recorder: CoreRecorder, *, gated: bool) -> tuple[frozenset[int], frozenset[int]]:
        """Have the core record calls; gives their numbers, and of those the ones whose failures Python judges."""
        if lib.pb_trace_open(self._core, recorder.table.native, recorder.calls):
            raise MemoryError
        recorder.opened(self._core, in_guests=gated)
        return frozenset(nr for nr, wanted in enumerate(recorder.calls) if wanted), recorder.judged

    def next(self) -> Stop:
        lib.pb_next(self._core, self._stop)
        while self._stop.kind == STOP_TRACE and self._recorder is not None:
            self._recorder.flush()
            lib.pb_next(self._core, self._stop)
        fields = _STOP.unpack(self._stop_bytes)
        stop = Stop(fields[0], fields[1])
        stop.nr, stop.signal, stop.code, stop.status, stop.other = fields[2:7]
        stop.args = fields[8:14]
        stop.ip, stop.sp, stop.result, changed = fields[14:]
        if changed:
            self._tell_changes()
        if stop.kind == STOP_INTERRUPT:
            stop.signal, stop.other = stop.nr, fields[7]
        return stop

    def resume(self, stop: Stop, *, signal: int = 0, want_exit: bool = False) -> None:
        _check(lib.pb_resume(self._core, stop.use(), signal, want_exit))

    def answer(self, stop: Stop, result: int) -> None:
        _check(lib.pb_answer(self._core, stop.use(), result))

    def rewrite(self, stop: Stop, index: int, value: int) -> None:
        _check(lib.pb_rewrite(self._core, stop.tid, index, value))

    def set_result(self, stop: Stop, result: int) -> None:
        _check(lib.pb_set_result(self._core, stop.tid, result))

    def set_creating(self, stop: Stop) -> None:
        _check(lib.pb_set_creating(self._core, stop.tid))

    def leave_unseen(self, most_tasks: int) -> None:
        lib.pb_leave_unseen(self._core, most_tasks)

    def meet(self, tid: HostTid) -> Birth | None:
        birth = ffi.new("struct pb_birth *")
        if lib.pb_meet(self._core, tid, birth):
            return None
        return Birth(HostTid(birth.creator), int(birth.flags), bool(birth.has_image))

    def unseen(self, creator: int) -> list[HostTid]:
        limit = self.task_count()
        if not limit:
            return []
        tids = ffi.new("int32_t[]", limit)
        return [HostTid(tid) for tid in tids[0 : lib.pb_unseen(self._core, creator, tids, limit)]]

    def memory(self, tid: HostTid) -> TraceMemory:
        return TraceMemory(self._core, self._buffer, tid)

    def new_page(self, stop: Stop) -> TracePage:
        error = ffi.new("int32_t *")
        page = lib.pb_page_new(self._core, stop.tid, error)
        if not page:
            raise Errno(error[0])
        return TracePage(page)

    def registers(self, tid: HostTid) -> list[int]:
        values = ffi.new("uint64_t[27]")
        error = lib.pb_get_registers(self._core, tid, values)
        if error:
            raise Errno(-error)
        return list(values)

    def set_registers(self, tid: HostTid, registers: list[int]) -> None:
        if error := lib.pb_set_registers(self._core, tid, ffi.new("uint64_t[27]", registers)):
            raise Errno(-error)

    def descriptors(self, tid: HostTid) -> list[int]:
        return host.descriptors(tid)

    def open_files(self, tid: HostTid, known: Sequence[int]) -> list[int]:
        return host.open_files(tid, known)

    def has_open(self, tid: HostTid, file: tuple[int, int]) -> bool:
        return bool(lib.pb_has_open(tid, *file))

    def original(self, device: int, inode: int) -> int:
        return int(lib.pb_original(self._core, device, inode)) or inode

    def describe(self, tid: HostTid, fd: int) -> Descriptor | None:
        return host.describe(tid, fd)

    def same_description(self, tid: HostTid, fd: int, other_tid: HostTid, other_fd: int) -> bool:
        return lib.pb_same_description(tid, fd, other_tid, other_fd) == 1

    def kill_all(self) -> None:
        lib.pb_kill_all(self._core)

    def kills(self) -> Kills:
        kills = lib.pb_kills(self._core)
        return Kills(kills.count, HostTid(kills.tid), kills.status)

    def task_count(self) -> int:
        return int(lib.pb_task_count(self._core)) if self._core else 0

    def is_task(self, tid: int) -> bool:
        return 0 < tid <= _MOST_TID and bool(lib.pb_is_task(self._core, tid))

    def calls_entered(self, tid: HostTid) -> int:
        return int(lib.pb_calls_entered(self._core, tid))

    def calls_of(self, tids: Sequence[HostTid]) -> int:
        return int(lib.pb_calls(self._core, list(tids), len(tids)))

    def intercept(self, features: frozenset[str]) -> None:
        lib.pb_set_dispositions(self._core, ffi.from_buffer("uint32_t[]", self._compiler.dispositions(features)))

    def on_changed(self, routine: Callable[[int, int, int], None]) -> None:
        self._on_changed = routine

    def _tell_changes(self) -> None:
        table, source = ffi.new("uint32_t *"), ffi.new("int32_t *")
        while (fd := lib.pb_take_change(self._core, table, source)) >= 0:
            self._on_changed(table[0], fd, source[0])

    def set_table(self, tid: HostTid, table: int) -> None:
        _check(lib.pb_set_table(self._core, tid, table))

    def watch(self, table: int, fd: int) -> None:
        if self._watches and lib.pb_watch(self._core, table, fd):
            raise MemoryError

    def unwatch(self, table: int, fd: int = -1) -> None:
        if self._core:
            lib.pb_unwatch(self._core, table, fd)

    def closing(self, tid: HostTid) -> int:
        return int(lib.pb_closing(self._core, tid))

    def receivers(self) -> list[HostTid] | None:
        count = lib.pb_take_receivers(self._core, self._receivers, _MOST_RECEIVERS)
        return None if count < 0 else [HostTid(self._receivers[place]) for place in range(count)]

    def expect(self, tid: HostTid) -> bool:
        return self._tells_closes and lib.pb_expect(self._core, tid) == 0

    def ignore(self, call: Repeated) -> None:
        if not self._tells_closes or self._is_traced:
            return  # which descriptors have handles is not known here, or the core tells nobody what it leaves out
        native = ffi.new("struct pb_repeat *")
        native.table, native.nr, native.path_index, native.length = call.table, call.nr, call.path_index, len(call.path)
        native.mask = sum(1 << index for index in call.compared)
        native.args = call.args
        error = lib.pb_add_repeat(self._core, native, call.path)
        if error and error != -EINVAL:
            raise MemoryError

    def readings(self) -> Readings | None:
        return Readings(lambda: self._core) if self._tells_closes and not self._is_traced else None

    def unopposed(self) -> UnopposedChanges | None:
        return UnopposedChanges(lambda: self._core) if self._tells_closes and not self._is_traced else None

    def leaves_handles(self, nr: int) -> bool:
        return self._opens_unseen and self._seen is not None and nr not in self._seen and nr not in self._recorded

    def leaves_opens(self) -> bool:
        return self._opens_unseen

    def forget_ignored(self) -> None:
        lib.pb_forget_repeats(self._core)

    def counters(self, action: int) -> list[int]:
        if not self._core:
            raise RuntimeError("the platform is closed")
        counts = ffi.unpack(lib.pb_counters(self._core, action), lib.PB_NR_COUNT)
        if action != ACTION_NATIVE:
            return list(counts)
        unseen = ffi.new("uint64_t[]", lib.PB_NR_COUNT)
        lib.pb_gate_counters(self._core, unseen)
        return [count + more for count, more in zip(counts, unseen, strict=True)]

    def refusals(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for index, rule in enumerate(self._rules):
            count = int(lib.pb_rule_refusals(self._core, index))
            if count:
                found[rule.call, rule.name] = found.get((rule.call, rule.name), 0) + count
        return found

    def hidden_affinity(self, tid: HostTid) -> bytes | None:
        mask = ffi.new("uint8_t[128]")
        size = lib.pb_hidden_affinity(self._core, tid, mask, 128)
        return bytes(ffi.buffer(mask, size)) if size else None

    def own_affinity(self, tid: HostTid) -> None:
        lib.pb_own_affinity(self._core, tid)

    def open_doorbell(self, signals: Iterable[int]) -> int:
        numbers = [int(number) for number in signals]
        return int(lib.pb_doorbell_open(ffi.new("int32_t[]", numbers), len(numbers)))

    def debugging(self) -> DebugCalls:
        from picobox.platform.debug_calls import DebugCalls

        return DebugCalls(self._core)

    def close_doorbell(self) -> None:
        lib.pb_doorbell_close()

    def close(self) -> None:
        if self._status_fd >= 0:
            os.close(self._status_fd)
            self._status_fd = -1
        if self._recorder is not None:
            self._recorder.flush()
        self._make_plans()
        lib.pb_core_free(self._core)
        self._core = ffi.NULL

    def _lend_plans(self) -> None:
        """The core reads the kept plans of call sites by itself."""
        with suppress(OSError):
            if self._sites:
                lib.pb_set_plans(self._core, self._sites.lend())
                lib.pb_open_copies(self._core)

    def _make_plans(self) -> None:
        """Have plans in the next run of images that had none in this one.

        A run that ends without is none the worse: memory may give out at any time, and a module of C that cannot be
        loaded for that is an ImportError.
        """
        while self._sites and (fd := lib.pb_take_unplanned(self._core)) >= 0:
            with suppress(OSError, MemoryError, ImportError):
                self._sites.make(fd)
            os.close(fd)
        if self._sites:
            with suppress(MemoryError, ImportError):
                self._sites.meet(_LOADER)
            self._sites.close()


def failure_in(status_fd: int) -> tuple[int, int] | None:
    """Why a program that has ended could not be run: (stage, errno); None: it was. Closes the descriptor."""
    error = ffi.new("int32_t *")
    stage = lib.pb_spawn_failure(status_fd, error)
    return (stage, error[0]) if stage else None


def _check(error: int) -> None:
    # ESRCH: the task was killed between its stop and our answer; its death is the next thing we hear of it.
    if error and error != -ESRCH:
        raise OSError(-error, os.strerror(-error))
