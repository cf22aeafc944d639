"""Owns a client's side of one supervised program: the supervisor's start, the conversation with it, the results."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

from picobox.api import forks
from picobox.api.errors import NotRecordedError, SupervisorError
from picobox.api.wire import ABANDON, ANSWER, ASKED, BEGAN, ENDED, FAILED, SIGNAL, UNSTARTED, Channel, Message
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picobox.api.events import Event
    from picobox.api.hooks import ProgramHooks
    from picobox.api.settings import Settings
    from picobox.findings.finding import Finding

# Where this package is; the supervisor is to be of the same.
_PLACE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
# -E, -P: neither the environment nor the working directory, which the program may write, say what this process runs.
_START = "import sys; sys.path += {paths!r}; from picobox.start.serving import command; command()"


class Supervision:
    """One program. What it says of the supervisor's process is for who has started that by `command` and `fds`."""

    def __init__(
        self,
        arguments: Sequence[str | bytes],
        environment: Mapping[str, str] | Mapping[bytes, bytes] | None,
        settings: Settings,
        layer: str | None = None,
        hooks: ProgramHooks | None = None,
        program: str | bytes | None = None,
        kept: tuple[int, ...] = (),
    ) -> None:
        """`environment`: the program's, None for this process's. `layer`: takes what it writes.

        `program`: what is run, None for the first of `arguments`. `kept`: descriptors that the program gets.
        """
        self._settings = settings
        self._kept = kept
        variables = os.environ if environment is None else environment
        self._request: Message = {
            "program": None if program is None else os.fsdecode(program),
            "arguments": [os.fsdecode(word) for word in arguments],
            "environment": [f"{os.fsdecode(key)}={os.fsdecode(value)}" for key, value in variables.items()],
            "place": _PLACE,
            "overlay": layer,
            "hooks": [] if hooks is None else sorted(hooks.names()),
            **settings.request(),
        }
        self._hooks = hooks
        with forks.none():
            mine, self._others = socket.socketpair()
            forks.keep_out(mine)
            forks.keep_out(self._others)
        self._channel = Channel(mine)
        self._record = os.memfd_create("picobox-events", os.MFD_CLOEXEC)
        self._lock = threading.Lock()
        self._has_begun = threading.Event()
        self._first: Message | None = None
        self._last: Message | None = None
        self._hook_failure: BaseException | None = None
        self._listener = threading.Thread(target=self._listen, name="picobox", daemon=True)
        self._text: bytes | None = None
        self._events: tuple[Event, ...] | None = None

    def command(self) -> list[str]:
        """What starts the supervisor, with the descriptors `fds` and the program's standard descriptors."""
        named = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(path)]
        return [sys.executable, "-E", "-P", "-c", _START.format(paths=[_PLACE, *named]), *map(str, self.fds)]

    @property
    def fds(self) -> tuple[int, ...]:
        """The descriptors that the supervisor inherits: two of its own, which no program gets, and the program's."""
        return self._others.fileno(), self._record, *self._kept

    def begin(self) -> None:
        """Has the program run, once the supervisor's process has been started; waits until it runs its own image.

        OSError as `subprocess` raises it, PicoboxError for what cannot be run so.
        """
        self._others.close()
        self._listener.start()
        self._channel.send(self._request)
        self._has_begun.wait()
        first = self._first
        if first is None:
            raise SupervisorError("the supervisor ended before the program began; `picobox doctor` may tell why.")
        if first["kind"] == UNSTARTED and first["errno"]:
            name = self._request["program"] or self._request["arguments"][0]
            raise OSError(first["errno"], os.strerror(first["errno"]), name)
        if first["kind"] in (UNSTARTED, FAILED):
            raise _error_of(first)

    def give_up(self) -> None:
        """The supervisor's process was not started."""
        self._others.close()
        self._channel.close()
        self._close_record()

    def signal(self, number: int) -> None:
        """Sends a signal to the program, if it still runs."""
        self._say({"kind": SIGNAL, "number": number})

    def abandon(self) -> None:
        """Has the program and all that it has started killed."""
        self._say({"kind": ABANDON})

    def returncode(self, raw: int) -> int:
        """The program's, once the supervisor's process is gone, whose own is `raw`.

        Where nobody can tell the program was killed with its supervisor, -9.
        """
        self._wait()
        last = self._last
        if last is None or last["kind"] != ENDED:
            return raw if raw < 0 else -int(signal.SIGKILL)
        return os.waitstatus_to_exitcode(last["status"])

    def close(self, patience: float) -> None:
        """Has the program killed if it still runs, and waits for that; PicoboxError after so many seconds."""
        self.abandon()
        self._listener.join(patience)
        if self._listener.is_alive():
            raise PicoboxError("the supervisor of a program does not end: kill it (SIGKILL), and report it.")

    def raise_failure(self) -> None:
        """HookError if a hook gave no answer, SupervisorError if the supervisor failed: once the program is over."""
        self._wait()
        if self._hook_failure is not None:
            raise self._hook_failure
        if self._last is not None and self._last["kind"] == FAILED:
            raise _error_of(self._last)

    def check(self) -> None:
        """The same, and SupervisorError if the supervisor was killed."""
        self.raise_failure()
        if self._last is None:
            raise SupervisorError(
                "the supervisor was killed, and its program with it: what became of the program is not known."
            )

    def events(self) -> tuple[Event, ...]:
        """What was recorded by now; all, once the program is over. NotRecordedError, SupervisorError."""
        if self._settings.selection() is None:
            raise NotRecordedError("events were not recorded: give trace=True, or the calls that you want, as '%file'.")
        if self._events is not None:
            return self._events
        is_over = not self._listener.is_alive()
        if is_over:
            self.check()
        from picobox.api.events import events_of

        events = events_of(self._recorded())
        if is_over:
            self._events = events
        return events

    def findings(self) -> tuple[Finding, ...]:
        """What Windows would have answered otherwise. NotRecordedError, SupervisorError."""
        if not self._settings.findings:
            raise NotRecordedError("the program was not judged: give findings=True.")
        report = self._ended("findings")["report"]
        from picobox.findings.record import loads

        return loads(report).findings

    def limits_met(self) -> Mapping[str, int]:
        """How often a limit of the policy was met that no single call shows, by its name in policies."""
        limits: Mapping[str, int] = self._ended("limits")["limits"]
        return {name.replace("_", "-"): count for name, count in limits.items()}

    def _wait(self) -> None:
        """Until the supervisor has said all that it will say."""
        if self._listener.ident is not None:
            self._listener.join()

    def _ended(self, what: str) -> Message:
        if self._listener.is_alive():
            raise PicoboxError(f"{what} are there once the program is over: wait for it first.")
        self.check()
        if self._last is None:
            raise SupervisorError(f"{what} are not known.")
        return self._last

    def _recorded(self) -> bytes:
        """What the supervisor has written by now, whole lines."""
        with self._lock:
            return self._read() if self._text is None else self._text

    def _read(self) -> bytes:
        size = os.fstat(self._record).st_size
        text = b""
        while len(text) < size:
            block = os.pread(self._record, size - len(text), len(text))
            if not block:
                break
            text += block
        return text[: text.rfind(b"\n") + 1]

    def _say(self, message: Message) -> None:
        with self._lock:
            if self._channel.end.fileno() >= 0:
                self._channel.send(message)

    def _listen(self) -> None:
        """Hears the supervisor to its end; hooks are called elsewhere, so that nobody waits for them here."""
        try:
            while True:
                message = self._channel.receive()
                if message is None:
                    break
                self._hear(message)
        finally:
            with self._lock:
                self._channel.close()
                # Somebody may keep results of many programs: a descriptor each would be too much.
                self._text = self._read()
                self._close_record()
            if self._hooks is not None:
                self._hooks.over()
            self._has_begun.set()

    def _hear(self, message: Message) -> None:
        kind = message["kind"]
        if kind in (BEGAN, UNSTARTED, FAILED) and self._first is None:
            self._first = message
            self._has_begun.set()
        if kind in (ENDED, FAILED, UNSTARTED):
            self._last = message
        elif kind == ASKED and self._hooks is not None:
            self._hooks.ask(self, message)

    def answer(self, number: int, errno: int | None, value: int | None) -> None:
        """Says how a call goes on that a hook was asked about: fails, returns, or is made if both are None."""
        self._say({"kind": ANSWER, "id": number, "errno": errno, "value": value})

    def hook_failed(self, error: BaseException) -> None:
        """A hook gave no answer: the call is not made, nothing else is, and whoever waits is told."""
        if self._hook_failure is None:
            self._hook_failure = error
        self.abandon()

    def _close_record(self) -> None:
        os.close(self._record)
        self._record = -1


def _error_of(message: Message) -> PicoboxError:
    if message.get("is_refused", True):
        return PicoboxError(message["text"])
    return SupervisorError(
        f"the supervisor failed, which is a fault of picobox's: please report it.\n{message['text']}"
    )
