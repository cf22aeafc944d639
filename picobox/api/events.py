"""Owns the events of a program as records: what docs/event.schema.json describes, typed."""

from __future__ import annotations

import errno as errnos
import json
import os
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Arguments that are paths, by their names in the table; the first of a call is its `path`.
_PATH_NAMES = ("path", "pathname", "filename", "oldpath", "oldname", "target", "linkpath")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: its value as a number, or as a string (as os.fsdecode makes it), and as strace writes it."""

    name: str
    value: int | str
    text: str


@dataclass(frozen=True, slots=True)
class NtAnswer:
    """The NT side of a call.

    `service`: its name; `performed`: it really ran, else it is only the counterpart; `status`: its NTSTATUS with its
    name, None without an answer; `object_name`: the NT name of what was opened, None if it is not known.
    """

    service: str
    performed: bool
    status: int | None
    status_name: str | None
    object_name: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule of a policy that refused: who says so, what was refused (read, write, network, ...), and of what."""

    rule: str
    what: str
    target: str


@dataclass(frozen=True, slots=True)
class Happening:
    """What every event has: when it began, in seconds since the epoch, and the program's own id of the task."""

    time: float
    tid: int


@dataclass(frozen=True, slots=True)
class CallEvent(Happening):
    """A system call that is over.

    `result`: the raw value, None if it never returned; `errno`: its error number, 0 if it has none; `duration`:
    seconds, None without a return. `disposition`: native, call, errno or unknown. `refused_by`: None if no rule did.
    """

    name: str
    nr: int
    arguments: tuple[Argument, ...]
    result: int | None
    errno: int
    duration: float | None
    disposition: str
    nt: NtAnswer | None
    refused_by: Refusal | None

    def __getitem__(self, name: str) -> int | str:
        """The value of an argument; KeyError if the call has none of that name."""
        return value_of(self.arguments, name)

    @property
    def path(self) -> str | None:
        """The first path among its arguments, None if it has none that could be read."""
        return path_in(self.arguments)


@dataclass(frozen=True, slots=True)
class SignalEvent(Happening):
    """A signal about to be delivered: its name, and its siginfo."""

    name: str
    info: tuple[Argument, ...]
    refused_by: Refusal | None


@dataclass(frozen=True, slots=True)
class ExitEvent(Happening):
    """The end of a task: `status`, or the name of the `signal` that ended it; the other is None."""

    status: int | None
    signal: str | None
    core: bool


@dataclass(frozen=True, slots=True)
class ExecEvent(Happening):
    """A task runs a new image; `former_tid` is another than its own if a thread took its leader's place."""

    former_tid: int


@dataclass(frozen=True, slots=True)
class LimitEvent(Happening):
    """A limit of the policy that the run has met, and how often."""

    times: int
    refused_by: Refusal | None


Event = CallEvent | SignalEvent | ExitEvent | ExecEvent | LimitEvent


def value_of(arguments: tuple[Argument, ...], name: str) -> int | str:
    """The value of the argument of a name; KeyError if there is none."""
    for argument in arguments:
        if argument.name == name:
            return argument.value
    raise KeyError(f"no argument {name}; there are {', '.join(each.name for each in arguments) or 'none'}")


def path_in(arguments: tuple[Argument, ...]) -> str | None:
    """The first of them that is a path."""
    for argument in arguments:
        if argument.name in _PATH_NAMES and isinstance(argument.value, str):
            return argument.value
    return None


def events_of(text: bytes) -> tuple[Event, ...]:
    """The events that JSON Lines hold."""
    try:
        return tuple([_READERS[line["kind"]](line) for line in map(json.loads, text.splitlines())])
    except (KeyError, ValueError, TypeError) as error:
        raise PicoboxError(f"the record of events cannot be read: {error!r}. Please report this.") from None


def arguments_of(fields: list[dict[str, Any]]) -> tuple[Argument, ...]:
    """Arguments as JSON has them."""
    return tuple([Argument(field["name"], _value(field["value"]), field["text"]) for field in fields])


def _value(value: Any) -> int | str:
    """A string that is no UTF-8 comes as its bytes."""
    if isinstance(value, dict):
        return os.fsdecode(b64decode(value["b64"]))
    if isinstance(value, int | str):
        return value
    raise TypeError(f"{value!r} is no value of an argument")


def _call(line: dict[str, Any]) -> Event:
    name = line["errno"]
    return CallEvent(
        line["time"], line["tid"], line["call"], line["nr"], arguments_of(line["args"]), line["result"],
        _errno(name), line["duration"], line["disposition"], _nt(line["nt"]), _refusal(line),
    )  # fmt: skip


def _errno(name: str | None) -> int:
    if name is None:
        return 0
    return int(name) if name.isdecimal() else int(getattr(errnos, name))


def _nt(answer: dict[str, Any] | None) -> NtAnswer | None:
    if answer is None:
        return None
    status: Mapping[str, Any] = answer["status"] or {}
    return NtAnswer(answer["service"], answer["performed"], status.get("value"), status.get("name"), answer["name"])


def _refusal(line: dict[str, Any]) -> Refusal | None:
    refusal = line.get("refused_by")
    return None if refusal is None else Refusal(refusal["rule"], refusal["what"], refusal["target"])


def _signal(line: dict[str, Any]) -> Event:
    return SignalEvent(line["time"], line["tid"], line["signal"], arguments_of(line["info"]), _refusal(line))


def _exit(line: dict[str, Any]) -> Event:
    return ExitEvent(line["time"], line["tid"], line["status"], line["signal"], line["core"])


def _exec(line: dict[str, Any]) -> Event:
    return ExecEvent(line["time"], line["tid"], line["former_tid"])


def _limit(line: dict[str, Any]) -> Event:
    return LimitEvent(line["time"], line["tid"], line["times"], _refusal(line))


_READERS = {"call": _call, "signal": _signal, "exit": _exit, "exec": _exec, "limit": _limit}
