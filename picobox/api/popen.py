"""Owns Popen: `subprocess.Popen` whose program runs under a supervisor."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Any, AnyStr, Literal, overload

from picobox.api.preparation import Preparation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from picobox.api.changes import Change
    from picobox.api.events import Event
    from picobox.api.preparation import Arguments, Options
    from picobox.api.supervision import Supervision
    from picobox.findings.finding import Finding


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
        self._preparation: Preparation | None = None
        self._supervisor_status: int | None = None
        preparation = Preparation(args, options)
        supervision = preparation.supervision
        try:
            super().__init__(
                supervision.command(),
                pass_fds=supervision.fds,
                text=text,
                encoding=encoding,
                errors=errors,
                **preparation.start,
            )
        except BaseException:
            supervision.give_up()
            raise
        self._preparation = preparation
        self.args = args
        try:
            preparation.begin()
        except BaseException:
            # As Popen does: a program that cannot be started leaves nothing behind.
            for stream in (self.stdin, self.stdout, self.stderr):
                if stream is not None:
                    stream.close()
            supervision.abandon()
            super().wait()
            raise

    @property
    def preparation(self) -> Preparation:
        """What it was started with."""
        if self._preparation is None:
            raise RuntimeError("the program was never started")
        return self._preparation

    @property
    def supervision(self) -> Supervision:
        """The conversation with the supervisor."""
        return self.preparation.supervision

    @property
    def returncode(self) -> int | Any:
        """The program's: None while it runs, -N if signal N ended it.

        -9 also if the supervisor was killed, since all that it supervises ends with it; then results are not known.
        """
        raw = self._supervisor_status
        return raw if raw is None or self._preparation is None else self.supervision.returncode(raw)

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
        return self.preparation.changes()

    @property
    def limits_met(self) -> Mapping[str, int]:
        """How often a limit of the policy was met that no single call shows, by its name, once the program is over."""
        return self.supervision.limits_met()
