"""Owns programs of the Python API under asyncio: `asyncio.subprocess` under a supervisor (offered as picobox.aio)."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from picobox.api.completed import CompletedProcess
from picobox.api.completed import run as run_to_end
from picobox.api.preparation import RUN_NAMES, Preparation
from picobox.api.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Unpack

    from picobox.api.changes import Change
    from picobox.api.events import Event
    from picobox.api.preparation import Arguments, Bound, Options, Word
    from picobox.api.supervision import Supervision
    from picobox.findings.finding import Finding

T = TypeVar("T")
# As asyncio's own: the most bytes that a line of output may have.
_LIMIT = 1 << 16


class Process:
    """A running program, as `asyncio.subprocess.Process` is one; what is not said here is as there.

    `stdin`, `stdout`, `stderr` are streams, None unless they were asked for. `pid` and the results are those of
    `picobox.Popen`.
    """

    def __init__(self, process: asyncio.subprocess.Process, preparation: Preparation) -> None:
        """For `create_subprocess_exec`."""
        self._process = process
        self._preparation = preparation
        self.stdin = process.stdin
        self.stdout = process.stdout
        self.stderr = process.stderr
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        """The program's: None while it runs, -N if signal N ended it; as Popen.returncode."""
        raw = self._process.returncode
        return None if raw is None else self._preparation.supervision.returncode(raw)

    async def wait(self) -> int:
        """Waits for the end of the program; gives `returncode`. HookError, SupervisorError as Popen.wait."""
        raw = await self._process.wait()
        self._preparation.supervision.raise_failure()
        return self._preparation.supervision.returncode(raw)

    async def communicate(self, input: bytes | None = None) -> tuple[bytes, bytes]:  # noqa: A002 - asyncio's name
        """Sends input, reads all output, waits for the end; gives what was read, None of what is no pipe."""
        read = await self._process.communicate(input)
        await self.wait()
        return read

    def send_signal(self, signal: int) -> None:
        """Sends a signal to the program; nothing is done if it is over."""
        if self._process.returncode is None:
            self._preparation.supervision.signal(int(signal))

    def terminate(self) -> None:
        """Asks the program to end: SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills the program and all that it has started."""
        if self._process.returncode is None:
            self._preparation.supervision.abandon()

    @property
    def events(self) -> tuple[Event, ...]:
        """As Popen.events."""
        return self._preparation.supervision.events()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """As Popen.findings."""
        return self._preparation.supervision.findings()

    @property
    def changes(self) -> tuple[Change, ...]:
        """As Popen.changes."""
        return self._preparation.changes()

    @property
    def limits_met(self) -> Mapping[str, int]:
        """As Popen.limits_met."""
        return self._preparation.supervision.limits_met()


async def create_subprocess_exec(
    program: Word, *args: Word, limit: int = _LIMIT, **options: Unpack[Options]
) -> Process:
    """Starts a program, as `asyncio.create_subprocess_exec` does; `options` are those of `picobox.Popen`."""
    return await _create([program, *args], limit, dict(options))


async def create_subprocess_shell(cmd: str | bytes, *, limit: int = _LIMIT, **options: Unpack[Options]) -> Process:
    """Has a shell run a line, as `asyncio.create_subprocess_shell` does; `options` are those of `picobox.Popen`."""
    return await _create(cmd, limit, {**options, "shell": True})


async def _create(args: Arguments, limit: int, options: dict[str, Any]) -> Process:
    bound = _bound(options)
    preparation = Preparation(args, {**options, "sandbox": bound})
    supervision = preparation.supervision
    try:
        process = await asyncio.create_subprocess_exec(
            *supervision.command(), pass_fds=supervision.fds, limit=limit, **preparation.start
        )
    except BaseException:
        supervision.give_up()
        raise
    try:
        await in_thread(preparation.begin)
    except BaseException:
        supervision.abandon()
        await process.wait()
        raise
    return Process(process, preparation)


async def run(args: Arguments, **options: Any) -> CompletedProcess[Any]:
    """Runs a program and waits for its end, as `picobox.run` does and with its options.

    Who is cancelled kills the program first. Hooks may be coroutine functions.
    """
    bound = _bound(options)
    running: list[Supervision] = []
    is_cancelled = threading.Event()

    def add(supervision: Supervision) -> None:
        bound.add(supervision)
        running.append(supervision)
        if is_cancelled.is_set():
            supervision.abandon()

    ended = in_thread(lambda: run_to_end(args, **options, sandbox=bound._replace(add=add)))
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        is_cancelled.set()
        for supervision in running:
            supervision.abandon()
        with suppress(Exception):
            await ended
        raise


def _bound(options: dict[str, Any]) -> Bound:
    """Takes out of the options what says how a program is run, whose hooks run in this loop."""
    run = {name: options.pop(name) for name in RUN_NAMES & options.keys()}
    sandbox = options.pop("sandbox", None)
    if sandbox is not None and run:
        raise TypeError(f"{min(run)} is the sandbox's to say: give it to picobox.Sandbox")
    return (sandbox or Sandbox(**run)).bound(asyncio.get_running_loop())


def in_thread(function: Callable[[], T]) -> asyncio.Future[T]:
    """Calls a function in a thread of its own: what waits for another program must not wait for a free thread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # it is a T where there was no error

    def call() -> None:
        result, error = None, None
        try:
            result = function()
        except BaseException as raised:  # noqa: BLE001 - it is raised where somebody waits
            error = raised
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=call, name="picobox-run", daemon=True).start()
    return future
