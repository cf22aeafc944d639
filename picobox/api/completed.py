"""Owns run(): a program from its start to its end, as `subprocess.run` has it, and what is left of it."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any, AnyStr, Literal, overload

from picobox.api.popen import Popen
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from picobox.api.changes import Change
    from picobox.api.events import Event
    from picobox.api.preparation import Arguments, Options
    from picobox.findings.finding import Finding

# Seconds that a supervisor gets to end what it supervises.
PATIENCE = 10


class CompletedProcess(subprocess.CompletedProcess[AnyStr]):
    """A program that is over: what `subprocess.CompletedProcess` tells, and the results that were asked for.

    A result that was not asked for is a NotRecordedError, which says how to ask.
    """

    def __init__(self, process: Popen[Any], stdout: Any, stderr: Any) -> None:
        """`process` is over, with nothing left in its pipes."""
        super().__init__(process.args, process.returncode, stdout, stderr)
        self._process = process
        # They are told as they are now: another run may write in the layer later, and a layer of its own goes.
        self._changes = process.changes if process.preparation.has_layer else None

    @property
    def events(self) -> tuple[Event, ...]:
        """The calls, signals and ends that `trace` asked for, in order."""
        return self._process.events

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What Windows would have answered otherwise."""
        return self._process.findings

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the layer holds after the program."""
        return self._process.changes if self._changes is None else self._changes

    @property
    def limits_met(self) -> Mapping[str, int]:
        """How often a limit of the policy was met that no single call shows, by its name."""
        return self._process.limits_met


@overload
def run(
    args: Arguments,
    *,
    input: str | None = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    text: Literal[True],
    encoding: str | None = None,
    errors: str | None = None,
    **options: Unpack[Options],
) -> CompletedProcess[str]: ...
@overload
def run(
    args: Arguments,
    *,
    input: str | None = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    text: bool | None = None,
    encoding: str,
    errors: str | None = None,
    **options: Unpack[Options],
) -> CompletedProcess[str]: ...
@overload
def run(
    args: Arguments,
    *,
    input: bytes | bytearray | memoryview | None = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    text: Literal[False] | None = None,
    encoding: None = None,
    errors: None = None,
    **options: Unpack[Options],
) -> CompletedProcess[bytes]: ...
@overload
def run(
    args: Arguments,
    *,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    **options: Unpack[Options],
) -> CompletedProcess[Any]: ...
def run(
    args: Arguments,
    *,
    input: Any = None,  # noqa: A002 - subprocess's name
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    **options: Any,
) -> CompletedProcess[Any]:
    """Runs a program under a supervisor and waits for its end; everything else is as `subprocess.run` has it.

    The options are those of `picobox.Popen`. TimeoutExpired and CalledProcessError are subprocess's; OSError if the
    program cannot be started; PicoboxError for what cannot be run so, SupervisorError if the supervisor was killed,
    HookError if a hook gave no answer.
    """
    if input is not None:
        if options.get("stdin") is not None:
            raise ValueError("stdin and input arguments may not both be used.")
        options["stdin"] = subprocess.PIPE
    if capture_output:
        if options.get("stdout") is not None or options.get("stderr") is not None:
            raise ValueError("stdout and stderr arguments may not be used with capture_output.")
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(args, text=text, encoding=encoding, errors=errors, **options) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except BaseException:
            end(process)
            raise
    process.check_supervisor()
    done = CompletedProcess(process, stdout, stderr)
    if check:
        done.check_returncode()
    return done


def end(process: Popen[Any]) -> None:
    """Kills a program, and its supervisor with it if that does not answer."""
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        with suppress(PicoboxError):  # whoever ends it does not ask why it ended
            process.wait(PATIENCE)
        return
    process.kill_supervisor()
