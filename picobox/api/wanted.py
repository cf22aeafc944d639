"""Owns what a request of the Python API means in the terms of a run: options, policy, recorder, check, hooks."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

from picobox.cli.options import run_options
from picobox.cli.policies import chosen_policy, policy_options
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

    from picobox.api.asking import Asking
    from picobox.api.wire import Channel, Message
    from picobox.check.judge import Settings
    from picobox.cli.launch import Launch
    from picobox.confine.overlay import LayerMount
    from picobox.confine.policy import Policy
    from picobox.trace.core_recorder import CoreRecorder

# As picobox.cli.trace has it: a call that is recorded costs so much more as a stop that a gate is worth it sooner.
_PATIENCE = 4


class Wanted:
    """A request, read. Whatever it asks for is there, or PicoboxError says why not."""

    def __init__(self, request: Message, fds: tuple[int, int, int], kept: tuple[int, ...]) -> None:
        """`fds` become the program's standard descriptors, `kept` are its too."""
        self._request = request
        self.command = [os.fsencode(word) for word in request["arguments"]]
        defaults = (*run_options(), *policy_options())
        self.options = SimpleNamespace(**{option.attribute(): option.default() for option in defaults})
        vars(self.options).update(
            {
                "profile": request["profile"],
                "policy": request["policy"],
                "drive": list(request["drives"]),
                "platform": "trace",
                "timeout": None,
                "quiet": True,
                "verbose": False,
                "color": "never",
                "is_selected": request["trace"] is not None,
                "enforce": request["enforce"],
                "environment": tuple(map(os.fsencode, request["environment"])),
                "fds": fds,
                "kept": kept,
                "program": None if request["program"] is None else os.fsencode(request["program"]),
                **request["additions"],
            }
        )
        self._started = time.time()

    def policy(self, stack: ExitStack) -> tuple[Policy | None, Mapping[bytes, LayerMount]]:
        """What the program may reach, and what layer takes what it writes, which is ours until `stack` is closed."""
        policy = chosen_policy(self.options, self._request["policy"], of_files=False)
        if self._request["overlay"] is None:
            return policy, {}
        from picobox.cli.layers import layer_of_run
        from picobox.confine.overlay import layered

        if policy is None:
            raise PicoboxError("overlay: policy open lets it write past every layer. Take policy default or strict.")
        return layered(policy, stack.enter_context(layer_of_run(self._request["overlay"], None)))

    def recorder(self, record: int, policy: Policy | None) -> CoreRecorder | None:
        """Who writes events to the file `record`; None if they are not wanted."""
        if self._request["trace"] is None:
            return None
        from picobox.cli.selection import UnknownCallError, parse_selection
        from picobox.trace.core_recorder import CoreRecorder
        from picobox.trace.jsonl import JsonRenderer

        try:
            selection = parse_selection(self._request["trace"])
        except UnknownCallError as error:
            raise PicoboxError(f"trace: {error}") from None
        refusals = None
        if policy is not None and policy.refuses:
            from picobox.confine.refusals import Refusals

            refusals = Refusals(policy)
        self.options.gate = min(self.options.gate, _PATIENCE)
        self._refusals = refusals
        return CoreRecorder(
            JsonRenderer(),
            lambda text: _write(record, text.encode()),
            selection.includes,
            self.options.platform,
            refusals,
            numbers=selection.numbers(),
            fd=record,
        )

    def supervised(self, launch: Launch, recorder: CoreRecorder | None) -> None:
        """The walls that there are tell the recorder whose refusals it sees."""
        if recorder is not None and self._refusals is not None and launch.provider.guard is not None:
            self._refusals.supervised_by(launch.provider.guard.policy)

    def check_settings(self) -> Settings | None:
        """How the program is judged; None if it is not."""
        if not self._request["findings"]:
            return None
        from picobox.check.judge import Settings
        from picobox.cli.check import directories

        return Settings(self.options.enforce, *directories(self.options))

    def report(self, launch: Launch) -> str | None:
        """What a check has found, in the form of docs/findings.schema.json; None without one."""
        judge = launch.provider.judge if self._request["findings"] else None
        if judge is None:
            return None
        from picobox.cli.check import report_of
        from picobox.findings.record import dumps

        return dumps(report_of(self.options, self.command, judge, self._started, judge.findings()))

    def asking(self, channel: Channel) -> Asking | None:
        """Who asks the client's hooks; None if there are none."""
        if not self._request["hooks"]:
            return None
        from picobox.api.asking import Asking

        return Asking(frozenset(self._request["hooks"]), channel)


def _write(fd: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError as error:
        raise PicoboxError(f"the events cannot be kept: {error.strerror}. Record fewer calls.") from None
