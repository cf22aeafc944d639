"""Owns Popen: `subprocess.Popen` whose program runs under a supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import IO, TYPE_CHECKING, Any, AnyStr, Literal, TypedDict, overload

from picobox.api.changes import Layered
from picobox.api.errors import NotRecordedError
from picobox.api.settings import Settings
from picobox.api.supervision import Supervision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias, Unpack

    from picobox.api.changes import Change
    from picobox.api.events import Event
    from picobox.api.sandbox import Sandbox
    from picobox.api.settings import Path, Policy, Profile
    from picobox.findings.finding import Finding

    Word: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
    Arguments: TypeAlias = Word | Sequence[Word]
    Stream: TypeAlias = int | IO[Any] | None
    Environment: TypeAlias = Mapping[str, str] | Mapping[bytes, bytes]

_SHELL = "/bin/sh"


class Start(TypedDict, total=False):
    """What `subprocess` lets one say of a program's start, with its meaning there."""

    bufsize: int
    stdin: Stream
    stdout: Stream
    stderr: Stream
    shell: bool
    cwd: Path | bytes | None
    env: Environment | None
    start_new_session: bool
    process_group: int | None
    umask: int
    pipesize: int


class Run(TypedDict, total=False):
    """How the program is run: the members of `Settings`."""

    profile: Profile | None
    policy: Path | Policy
    drives: Mapping[str, Path]
    overlay: bool | str
    trace: bool | str | Iterable[str]
    findings: bool
    enforce: bool


class Options(Start, Run, total=False):
    """Both; or a sandbox, which says how the program is run."""

    sandbox: Sandbox | None


_START_NAMES = frozenset(Start.__annotations__)
_RUN_NAMES = frozenset(Run.__annotations__)


class Popen(subprocess.Popen[AnyStr]):
    """A program that runs under a supervisor of its own; what is not said here is as in `subprocess.Popen`.

    `pid` is the supervisor's process: signals that are sent to it reach the program, except for SIGKILL and SIGSTOP,
    and by SIGKILL both end. `kill()` kills the program and all that it has started; so does the end of this process.
    `events`, `findings` and `changes` are what was asked for: `trace`, `findings`, `overlay` (see `picobox.Settings`).

    OSError if the program cannot be started; PicoboxError, with cause and remedy, for what cannot be run so.
    """

    @overload
    def __init__(
        self: Popen[str],
        args: Arguments,
        *,
        text: Literal[True],
        encoding: str | None = None,
        errors: str | None = None,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[str],
        args: Arguments,
        *,
        text: bool | None = None,
        encoding: str,
        errors: str | None = None,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[bytes],
        args: Arguments,
        *,
        text: Literal[False] | None = None,
        encoding: None = None,
        errors: None = None,
        **options: Unpack[Options],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[Any],
        args: Arguments,
        *,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        **options: Unpack[Options],
    ) -> None: ...
    def __init__(
        self,
        args: Arguments,
        *,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        **options: Any,
    ) -> None:
        """`args` and `options` as `subprocess.Popen` takes them, and those of `picobox.Settings`."""
        self._supervision: Supervision | None = None
        self._layered: Layered | None = None
        self._supervisor_status: int | None = None
        start, settings, sandbox = split(options)
        words = words_of(args, shell=bool(start.pop("shell", False)))
        self._layered = Layered.of(settings) if sandbox is None else sandbox.layered
        hooks = None if sandbox is None else sandbox.hooks.of_program(None)
        layer = None if self._layered is None else self._layered.name
        self._supervision = Supervision(words, start.pop("env", None), settings, layer, hooks)
        try:
            super().__init__(
                self._supervision.command(),
                pass_fds=self._supervision.fds,
                text=text,
                encoding=encoding,
                errors=errors,
                **start,
            )
        except BaseException:
            self._supervision.give_up()
            raise
        self.args = args
        self._begin()
        if sandbox is not None:
            sandbox.programs.append(self)

    def _begin(self) -> None:
        """As Popen does: a program that cannot be started leaves nothing behind."""
        try:
            self.supervision.begin()
        except BaseException:
            for stream in (self.stdin, self.stdout, self.stderr):
                if stream is not None:
                    stream.close()
            self.supervision.abandon()
            super().wait()
            raise

    @property
    def supervision(self) -> Supervision:
        """The conversation with the supervisor."""
        if self._supervision is None:
            raise RuntimeError("the program was never started")
        return self._supervision

    @property
    def returncode(self) -> int | Any:
        """The program's: None while it runs, -N if signal N ended it.

        -9 also if the supervisor was killed, since all that it supervises ends with it; then results are not known.
        """
        raw = self._supervisor_status
        if raw is None or self._supervision is None:
            return raw
        status = self._supervision.status()
        if status is None:
            return raw if raw < 0 else -int(signal.SIGKILL)
        return os.waitstatus_to_exitcode(status)

    @returncode.setter
    def returncode(self, value: int | None) -> None:
        """What `subprocess` knows: the end of the supervisor's process."""
        self._supervisor_status = value

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end of the program; gives `returncode`.

        HookError if a hook gave no answer, for which the program was killed; SupervisorError if the supervisor failed.
        """
        status = super().wait(timeout)
        self.supervision.raise_failure()
        return status

    def send_signal(self, sig: int) -> None:
        """Sends a signal to the program; nothing is done if it is over."""
        if self.poll() is None:
            self.supervision.signal(int(sig))

    def kill(self) -> None:
        """Kills the program and all that it has started."""
        if self.poll() is None:
            self.supervision.abandon()

    def kill_supervisor(self) -> None:
        """Kills the supervisor's process, with which everything ends at once: results are lost."""
        super().send_signal(signal.SIGKILL)

    def check_supervisor(self) -> None:
        """SupervisorError or HookError if the program, which is over, did not end by itself or by its signals."""
        self.supervision.check()

    @property
    def events(self) -> tuple[Event, ...]:
        """What was recorded by now: all of it once the program is over.

        NotRecordedError without `trace`; SupervisorError if the supervisor was killed.
        """
        return self.supervision.events()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What Windows would have answered otherwise, once the program is over; NotRecordedError without `findings`."""
        return self.supervision.findings()

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is written in the layer; NotRecordedError without `overlay`."""
        if self._layered is None:
            raise NotRecordedError("what it wrote was not kept apart: give overlay=True, or the name of a layer.")
        return self._layered.changes()

    @property
    def has_layer(self) -> bool:
        """Whether a layer takes what it writes."""
        return self._layered is not None

    @property
    def limits_met(self) -> Mapping[str, int]:
        """How often a limit of the policy was met that no single call shows, by its name, once the program is over."""
        return self.supervision.limits_met()


def split(options: dict[str, Any]) -> tuple[dict[str, Any], Settings, Sandbox | None]:
    """The options of a program by whom they are for; TypeError, as for any function, for those that are nobody's."""
    start = {name: value for name, value in options.items() if name in _START_NAMES}
    run = {name: value for name, value in options.items() if name in _RUN_NAMES}
    sandbox: Sandbox | None = options.get("sandbox")
    unknown = options.keys() - start.keys() - run.keys() - {"sandbox"}
    if unknown:
        known = ", ".join(sorted(_START_NAMES | _RUN_NAMES))
        raise TypeError(f"unexpected keyword argument {min(unknown)!r}; there are text, encoding, errors, {known}")
    if sandbox is None:
        return start, Settings(**run), None
    if run:
        raise TypeError(f"{min(run)} is the sandbox's to say: give it to picobox.Sandbox")
    return start, sandbox.settings, sandbox


def words_of(args: Arguments, *, shell: bool) -> list[str | bytes]:
    """The command line that `args` stands for, as in `subprocess`."""
    words = [args] if isinstance(args, str | bytes | os.PathLike) else list(args)
    if not words:
        raise ValueError("args: a program is needed")
    texts = [os.fspath(word) for word in words]
    for text in texts:
        if (b"\0" if isinstance(text, bytes) else "\0") in text:  # type: ignore[operator]
            raise ValueError("embedded null byte")
    return [_SHELL, "-c", *texts] if shell else texts
