"""Runs guests in this process, with platform, executive and provider at hand."""

from __future__ import annotations

import os
import tempfile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol

from ntshim.ps.executive import Executive
from picobox.abi.row import ACTION_CALL, ACTION_ERRNO, ACTION_NATIVE, ACTION_UNKNOWN
from picobox.abi.table import ROWS
from picobox.cli.naming import make_names
from picobox.cli.parts import served_by
from picobox.platform.base import SpawnRequest
from picobox.platform.executive_host import ExecutiveHost
from picobox.platform.trace import TracePlatform
from picobox.provider import PicoProvider
from picobox.supervisor import Observer, Served, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ntshim.ps.process import Thread
    from picobox.call import Call
    from picobox.platform.base import HostTid, Platform, Stop

ACTIONS = (ACTION_UNKNOWN, ACTION_NATIVE, ACTION_CALL, ACTION_ERRNO)

# The argument of getpriority by which a guest asks to be looked at.
CHECKPOINT = 0x7BAD


class Provider(Protocol):
    """Who serves the guests: ours or another one."""

    def first_thread(self, tid: HostTid) -> Thread: ...


class Watcher:
    """An observer that does nothing; the tests override what they look at."""

    def entered(self, call: Call) -> bool:
        del call
        return True

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None: ...

    def signalled(self, stop: Stop, thread: Thread | None) -> None: ...

    def died(self, stop: Stop, thread: Thread | None) -> None: ...

    def executed(self, stop: Stop, thread: Thread | None) -> None: ...


def is_checkpoint(call: Call) -> bool:
    """Whether the guest asks to be looked at."""
    return call.row is not None and call.row.name == "getpriority" and call.stop.args[0] == CHECKPOINT


class Sandbox:
    """What `cli.launch` puts together, for one guest. `platform` is the trace platform unless one is given."""

    features: frozenset[str] = frozenset()
    """Those of the table that are active besides the profile's."""

    def __init__(
        self,
        *,
        subscribe: bool = False,
        calls: frozenset[int] | None = None,
        platform: Platform | None = None,
        profile: str = "linux",
        drive: tuple[str, ...] = (),
        case: str = "insensitive",
        workdir: str | None = None,
        share: tuple[str, ...] = (),
        gate: int = 0,
    ) -> None:
        self.names = make_names(
            SimpleNamespace(
                profile=profile,
                drive=drive,
                case=case,
                workdir=workdir,
                share=list(share),
                windows_prefix=None,
                faithful=[],
            )
        )
        features = self.features if self.names is None else self.features | self.names.features
        self.platform = (
            platform
            if platform is not None
            else TracePlatform(ROWS, subscribe=subscribe, calls=calls, features=features, gate=gate)
        )
        self.host = ExecutiveHost(self.platform)
        self.executive = Executive(self.host)
        # Called with the supervisor before it starts the command.
        self.prepare: Callable[[Supervisor], None] = lambda _supervisor: None

    def run(self, provider: Provider, *command: Path | str, observer: Observer | None = None) -> tuple[int, str]:
        """Run a command to the end under a provider that has registered: wait status and standard error."""
        self.executive.boot()
        supervisor = Supervisor(self.platform, lambda: self._served(provider), observer)
        self.supervisor = supervisor
        self.prepare(supervisor)
        null = os.open(os.devnull, os.O_RDWR)
        with tempfile.TemporaryFile() as errors, tempfile.TemporaryDirectory() as directory:
            argv = tuple(os.fsencode(word) for word in command)
            try:
                supervisor.spawn(
                    SpawnRequest(
                        argv=argv,
                        environment=(b"PATH=/bin:/usr/bin", b"LC_ALL=C"),
                        paths=argv[:1],
                        cwd=os.fsencode(directory),
                        fds=(null, null, errors.fileno()),
                    )
                )
                status = supervisor.run()
            finally:
                supervisor.end()
                self.tasks_left = self.platform.task_count()
                self.counters = {action: self.platform.counters(action) for action in ACTIONS}
                self.platform.close()
                os.close(null)
            assert self.platform.spawn_failure() is None
            errors.seek(0)
            return status, errors.read().decode(errors="backslashreplace")

    def _served(self, provider: Provider) -> Served:
        if isinstance(provider, PicoProvider):
            return served_by(provider, self.host, self.supervisor)
        return Served(self.executive, self.host, provider.first_thread)

    def run_ours(self, *command: Path | str, observer: Observer | None = None) -> PicoProvider:
        """Run a command that must end well under our own provider, which is given back."""
        provider = PicoProvider(self.platform, self.executive, self.names)
        status, errors = self.run(provider, *command, observer=observer)
        assert (status, errors) == (0, ""), (hex(status), errors)
        return provider
