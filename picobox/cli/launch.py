"""One run of a program for the command line: platform, executive, provider and supervisor, wired to the terminal."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

from picobox.abi.row import UNSEEN
from picobox.cli import collector
from picobox.cli.naming import Naming
from picobox.cli.parts import (
    hold_forms,
    hold_plans,
    make_chaos,
    make_judge,
    make_nt_files,
    make_platform,
    make_walls,
    served_by,
)  # fmt: skip
from picobox.errors import PicoboxError, SpawnError
from picobox.inspection.door import Door
from picobox.platform import host, init
from picobox.platform.base import SpawnRequest, Stop
from picobox.supervisor import Observer, Served, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import SimpleNamespace, TracebackType

    from ntshim.ps.executive import Executive
    from picobox.call import Interposer
    from picobox.check.chaos import ChaosSettings
    from picobox.check.judge import Settings as CheckSettings
    from picobox.confine.overlay import LayerMount
    from picobox.confine.policy import Policy
    from picobox.provider import PicoProvider
    from picobox.trace.core_recorder import CoreRecorder

EXIT_TIMEOUT = 124
_STAGE_CHDIR = 3
_STAGE_EXEC = 5

# What reaches us instead of, or besides, the program. The terminal's own signals go to its whole foreground group.
_FORWARDED = (
    signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGCONT,
)  # fmt: skip
_JOB_CONTROL = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_SI_KERNEL = 0x80


class Bell(NamedTuple):
    """A signal to this process that is not for the program: `rung` is told of it, once `ready` has been called."""

    number: int
    ready: Callable[[], None]
    rung: Callable[[], None]


class Launch:
    """A program about to run. As a context manager it ends whatever is left of it."""

    def __init__(
        self,
        options: SimpleNamespace,
        command: list[bytes],
        observer: Observer | None = None,
        calls: frozenset[int] | None = None,
        check: CheckSettings | None = None,
        chaos: ChaosSettings | None = None,
        policy: Policy | None = None,
        kept: Mapping[bytes, LayerMount] | None = None,
        recorder: CoreRecorder | None = None,
        interposer: Interposer | None = None,
    ) -> None:
        """`observer` is told of every signal and end, and of the calls with the numbers `calls`, None being all.

        `check`: how the run is judged, None if it is not; `chaos`: how it is disturbed besides. `policy`: what the
        program may reach, None being all; this process goes behind the same walls. `kept`: see walls_of. `recorder`: an
        observer for whom the core records. `interposer`: meets calls first, where nothing is disturbed.
        """
        self._policy = policy
        # Behind the walls the path of the user's caches leads to a layer that is dropped.
        gate = 0 if options.no_gate or options.no_fast or options.platform != "trace" else options.gate
        sites = hold_plans() if gate else None
        # Of what users select there is too much to be kept.
        is_selected = getattr(options, "is_selected", False)
        forms = hold_forms() if options.platform == "trace" and not is_selected else None
        self._door = Door()
        self._nt_files = make_nt_files(options, policy)
        # What keeps guests to the policy, which may be limits and no walls.
        self._keeper = None if policy is None else make_walls(options, policy, kept, self._nt_files)
        self._walls = self._keeper if self._keeper is not None and self._keeper.confines else None
        self._naming = Naming(options, self._nt_files)
        self._naming.is_walled = self._walls is not None
        features = self._features_for(check, chaos, interposer)
        is_told = observer is not None and (recorder is None or recorder.is_asked)
        is_met = chaos is not None or interposer is not None
        is_permissive = not is_told and check is None and not is_met and self._decides_nothing()
        if is_permissive:
            features |= {UNSEEN}
        subscription: dict[str, Any] = {"subscribe": observer is not None, "features": features, "calls": calls}
        self.platform = make_platform(
            options.platform,
            subscription,
            notify=not options.no_fast,
            gate=gate,
            enter=options.enter_gate,
            sites=sites,
            walls=self._keeper,
            recorder=recorder,
            forms=forms,
        )
        if options.platform == "trace":
            self._naming.bind(self.platform, resolves=options.gate)
        self._features = features
        self._provider: PicoProvider | None = None
        self.supervisor = Supervisor(self.platform, self._serve, observer)
        self._judge_and_meet(check, chaos, interposer, leaves_rest=not is_met and observer is None)
        if is_permissive:
            self.supervisor.leave_unseen((None if policy is None else policy.limits.processes) or 0)
        if is_permissive and recorder is not None:
            recorder.leave_unseen(features)
        if not is_permissive or recorder is not None:
            self.supervisor.served()
        if recorder is not None and self.provider.opens is not None:
            recorder.name_opens(self.provider.opens.drives)
        self.supervisor.interrupted = self._on_interrupt
        self.supervisor.main_stopped = _stop_with_program
        self.bell: Bell | None = None
        self._options = options
        self._command = command
        # What runs may have another name than the one that it is told.
        self._program = getattr(options, "program", None) or command[0]
        self._timed_out = False

    def _features_for(
        self, check: CheckSettings | None, chaos: ChaosSettings | None, interposer: Interposer | None
    ) -> frozenset[str]:
        """Which features of the rows of the table this run has; what guests write is shown as a check wants it."""
        names = self._naming.made
        if names is not None and check is not None:
            names.checked, names.as_written = True, not check.enforces
        if names is not None and chaos is not None:
            names.seen = chaos.features()
        features = self._naming.features
        if self._walls is not None:
            features |= self._walls.features
        return features if interposer is None else features | interposer.features

    def _judge_and_meet(
        self,
        check: CheckSettings | None,
        chaos: ChaosSettings | None,
        interposer: Interposer | None,
        *,
        leaves_rest: bool,
    ) -> None:
        """Who looks at calls besides those that serve them. `leaves_rest`: a check sees what it is about alone."""
        if check is not None:
            judge = self.provider.judge = make_judge(self.provider, check)
            if leaves_rest and judge.observes:
                self.provider.leave_rest(judge.windows.roots)
        if chaos is not None:
            self.provider.interposer = make_chaos(self.provider, chaos)
        elif interposer is not None:
            self.provider.interposer = interposer
        elif check is not None and leaves_rest:
            judge.leave_changes()

    @property
    def provider(self) -> PicoProvider:
        """Who serves the calls that come to Python; made when the first one does, or here."""
        self.supervisor.served()
        return cast("PicoProvider", self._provider)

    @property
    def executive(self) -> Executive:
        """The executive that the provider has registered with."""
        return self.provider.executive

    def _serve(self) -> Served:
        from ntshim.ps.executive import Executive
        from picobox.platform.executive_host import ExecutiveHost
        from picobox.provider import PicoProvider

        executive_host = ExecutiveHost(self.platform)
        executive = Executive(executive_host)
        provider = self._provider = PicoProvider(self.platform, executive, self._naming.names(), self._features)
        provider.most_tasks = None if self._policy is None else self._policy.limits.processes
        if self._walls is not None and self._walls.broker is not None:
            from picobox.confine.guard import Guard

            provider.guard = Guard(self._walls.policy, self._walls.broker)
        executive.boot()
        return served_by(provider, executive_host, self.supervisor)

    def _decides_nothing(self) -> bool:
        """Whether nothing is decided about a task that makes no call for us: what it makes, runs and leaves."""
        names = self._naming.made
        decides = names is not None and (names.windows is not None or names.wsl is not None)
        return not decides and (self._walls is None or self._walls.broker is None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supervisor.end()
        self.platform.close()
        if self._keeper is not None:
            self._keeper.close()
        if self._provider is not None and self._provider.interposer is not None:
            self._provider.interposer.close()

    def run(self) -> int:
        """Runs the program to its end; gives the exit status of this process. SpawnError if it cannot start."""
        init.adopt_orphans()
        bells = {*_FORWARDED, *_JOB_CONTROL, signal.SIGALRM, signal.SIGIO, *self._own()}
        ignored = self.platform.open_doorbell(sorted(bells))
        if self.bell is not None:
            self.bell.ready()
        request = self._request(ignored)
        try:
            self._door.open(self.supervisor)
            if self._nt_files is not None:
                self._door.take_in(self._nt_files.taken(), self.supervisor)
            if self._keeper is not None:
                self._keeper.raise_up()
            if self._provider is not None and self._provider.interposer is not None:
                self._provider.interposer.start(self._provider, self.supervisor.spawn_helper, self._on_helper_lost)
            self.supervisor.spawn(request)
            if self._walls is not None:
                from picobox.confine.hardening import harden

                harden(getattr(self.platform, "hardening", None))
            collector.go_on()
            limit = self._time_limit()
            if limit:
                signal.setitimer(signal.ITIMER_REAL, limit)
            status = self.supervisor.run(wait_all=self._options.wait_all)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._door.close()
            self.platform.close_doorbell()
        self._tell_kills()
        failure = self.platform.spawn_failure()
        if failure is not None:
            raise _spawn_error(self._program, self._options.workdir, *failure)
        if self._timed_out:
            return EXIT_TIMEOUT
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def _tell_kills(self) -> None:
        """A task that we killed has done nothing for it, so nobody could tell why it ended."""
        kills, strangers = self.platform.kills(), self.supervisor.strangers
        if kills.total:
            sys.stderr.write(
                f"picobox: tasks killed because they stood where they could not be served: {kills.total}, the first "
                f"being {kills.tid} with wait status {kills.status:#x}. Please report this.\n"
            )
        if strangers:
            sys.stderr.write(
                f"picobox: tasks killed because their making was not seen: {len(strangers)}, "
                f"the first being {strangers[0]}. Please report this.\n"
            )

    def limits_met(self) -> dict[str, int]:
        """How often a limit was met that no single call shows, by its name in Limits. To be asked after the run."""
        group = None if self._keeper is None else self._keeper.group
        found = {} if group is None else group.met()
        return found | ({"wall_time": 1} if self._timed_out and self._is_policys_time() else {})

    def _is_policys_time(self) -> bool:
        """Whether the time that ends the run is the policy's, and not --timeout's."""
        of_policy = None if self._policy is None else self._policy.limits.wall_time
        return bool(of_policy) and of_policy == self._time_limit()

    def _time_limit(self) -> float | None:
        """After how many seconds the run ends, in the words of the user or of the policy."""
        of_policy = None if self._policy is None else self._policy.limits.wall_time
        return min((limit for limit in (self._options.timeout, of_policy) if limit), default=None)

    def _request(self, ignored: int) -> SpawnRequest:
        settings = [os.fsencode(setting) for setting in self._options.env]
        for setting in settings:
            if setting.find(b"=") < 1:
                raise PicoboxError(f"-E {os.fsdecode(setting)}: write it as NAME=VALUE")
        given = getattr(self._options, "environment", None)
        given = host.initial_environment() if given is None else given
        kept = given if self._policy is None else self._policy.variables(given)
        if self._walls is not None and self._walls.temporary is not None:
            settings.append(b"TMPDIR=" + self._walls.temporary)
        environment = changed_environment(kept, [*settings, b"PICOBOX=1"])
        workdir = self._naming.stored(os.fsencode(self._options.workdir or b"."), b"")
        paths = candidates(self._program, variable(environment, b"PATH"))
        never_ignored = (signal.SIGALRM, signal.SIGCONT, *self._own())
        return SpawnRequest(
            argv=tuple(self._command),
            environment=environment,
            paths=tuple(self._naming.stored(path, workdir) for path in paths),
            cwd=self._start_directory(workdir),
            fds=getattr(self._options, "fds", ()),
            kept=getattr(self._options, "kept", ()),
            ignored_signals=ignored & ~sum(1 << number - 1 for number in never_ignored),
        )

    def _own(self) -> tuple[int, ...]:
        """Signals that are neither for the program nor the time limit's."""
        return () if self.bell is None else (self.bell.number,)

    def _start_directory(self, workdir: bytes) -> bytes | None:
        """Where the program starts: a path, since guests behind walls come from elsewhere; None: here."""
        if self._walls is not None:
            return os.path.join(os.getcwdb(), workdir)
        return workdir if self._options.workdir else None

    def _on_interrupt(self, stop: Stop) -> None:
        """A signal to this process: what the terminal sends to its foreground group has reached the program too."""
        main = self.supervisor.main
        if stop.signal == signal.SIGIO or (self.bell is not None and stop.signal == self.bell.number):
            if self.bell is not None:
                self.bell.rung()
            self._door.rung()
        elif stop.signal == signal.SIGALRM:
            self._timed_out = True
            self.platform.kill_all()
        elif main is not None and not self._program_got_it(stop):
            try:
                os.kill(main, stop.signal)
            except ProcessLookupError:
                return

    def _on_helper_lost(self) -> None:
        if not self._timed_out:
            sys.stderr.write("picobox: the virus scanner has ended: the check goes on without it.\n")

    def _program_got_it(self, stop: Stop) -> bool:
        main = self.supervisor.main
        if stop.code == _SI_KERNEL:
            # A terminal that hangs up tells the session's leader alone, which the program would have been.
            return stop.signal != signal.SIGHUP or os.getsid(0) != os.getpid()
        try:
            same_group = main is not None and os.getpgid(main) == os.getpgrp()
        except ProcessLookupError:
            return True
        # A program of ours that signals its whole group reaches us as well.
        return same_group and stop.other in self.supervisor.threads()


def changed_environment(environment: Iterable[bytes], settings: list[bytes]) -> tuple[bytes, ...]:
    """An environment with some variables set anew; every other entry stays as it is, well formed or not."""
    last = {setting.partition(b"=")[0]: setting for setting in settings}
    return (*(entry for entry in environment if entry.partition(b"=")[0] not in last), *last.values())


def variable(environment: Iterable[bytes], name: bytes) -> bytes | None:
    """The value of a variable, None if it is not set."""
    prefix = name + b"="
    return next((entry[len(prefix) :] for entry in environment if entry.startswith(prefix)), None)


def candidates(command: bytes, search_path: bytes | None) -> tuple[bytes, ...]:
    """The files a shell would try for a command word, in order (execvp(3))."""
    if b"/" in command or not command:
        return (command,)
    path = search_path if search_path is not None else b"/bin:/usr/bin"
    return tuple((directory or b".") + b"/" + command for directory in path.split(b":"))


def _stop_with_program(number: int) -> None:
    """The terminal stopped the program: the shell that waits for us is to see us stopped."""
    if number in _JOB_CONTROL:
        os.kill(os.getpid(), signal.SIGSTOP)


def _spawn_error(command: bytes, workdir: str | None, stage: int, error: int) -> SpawnError:
    name = os.fsdecode(command)
    if stage == _STAGE_CHDIR:
        return SpawnError(
            f"cannot enter {workdir}: {os.strerror(error)}. Give -w a directory that you may enter.", 125, error
        )
    import errno

    if stage != _STAGE_EXEC and error == errno.EISDIR:
        return SpawnError(
            f"cannot start {name}: a descriptor that it is to have is of a directory, which leads out of its walls. "
            "Pass files, and name the directory (--read, --write).",
            125,
        )
    if stage != _STAGE_EXEC:
        remedy = "there is a picobox around this one; leave it first."
        if not host.is_inside():
            remedy = "`picobox doctor` tells what is missing."
        return SpawnError(f"cannot start {name}: {os.strerror(error)}; {remedy}", 125, error)

    if error == errno.ENOENT:
        hint = "Check the path." if b"/" in command else "No directory of PATH holds it."
        return SpawnError(f"{name}: command not found. {hint}", 127, error)
    hints = {
        errno.EACCES: "Is it a file with execute permission?",
        errno.ENOEXEC: "Is it a 64-bit program or a script?",
    }
    return SpawnError(f"{name}: cannot run: {os.strerror(error)}. {hints.get(error, '')}".rstrip(), 126, error)
