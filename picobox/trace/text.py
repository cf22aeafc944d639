"""Owns the trace as text, in the form of `strace -f -ttt -T`, with the NT call and its status on an indented line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ntshim.status import name_of
from picobox.abi.view import signal_name
from picobox.findings.visible import visible
from picobox.trace.event import CALL, EXEC, EXIT, LIMIT, SIGNAL, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.confine.refusals import Refusal
    from picobox.task import VirtualTid

# strace(1), -a: the column of the result
_RESULT_COLUMN = 40


class TextRenderer:
    """Renders events as strace does; `to_file` chooses the prefix that strace writes with -o."""

    wants_values = False

    def __init__(self, *, to_file: bool) -> None:
        """`to_file`: the pid stands bare before the time, as in a file that strace wrote."""
        self._prefix: Callable[[VirtualTid], str] = _file_prefix if to_file else _terminal_prefix

    def render(self, event: Event) -> str:
        """The event's lines; empty for a kind that strace does not show."""
        text = _TEXTS[event.kind](self._prefix(event.tid) + f"{event.time:.6f} ", event)
        return text + "\n" if text else ""


def _file_prefix(tid: VirtualTid) -> str:
    return f"{tid:<5} "


def _terminal_prefix(tid: VirtualTid) -> str:
    return f"[pid {tid:5}] "


def _call(leader: str, event: Event) -> str:
    call = f"{leader}{event.name}({', '.join([field.text for field in event.fields])})"
    # strace measures no time for a call without a return, and would call one that it cannot measure unavailable.
    took = "" if event.duration is None else f" <{event.duration:.6f}>"
    line = f"{call.ljust(_RESULT_COLUMN - 1)} = {event.result_text}{took}"
    more = [_nt_line(event)] if event.nt else []
    more += [_refused_line(event.refused_by)] if event.refused_by is not None else []
    return "\n".join((line, *more))


def _nt_line(event: Event) -> str:
    """The service with `~` if it is only the counterpart, the name that it opens, and the status with its name."""
    status = "?" if event.status is None else status_form(event.status)
    name = "" if event.object_name is None else name_form(event.object_name)
    return f"    {'' if event.performed else '~'}{event.nt}{name} -> {status}"


def _refused_line(refusal: Refusal) -> str:
    return f"    refused by {visible(refusal.rule)}: {refusal.what} {visible(refusal.target)}"


def _printable(name: str) -> str:
    r"""An NT name with what no terminal shows as \uXXXX."""
    return name if name.isprintable() else "".join(_unit(unit) for unit in name)


def _unit(unit: str) -> str:
    return unit if unit.isprintable() else f"\\u{ord(unit):04x}"


def _signal(leader: str, event: Event) -> str:
    members = ", ".join([f"{field.name}={field.text}" for field in event.fields])
    more = "" if event.refused_by is None else "\n" + _refused_line(event.refused_by)
    return f"{leader}--- {event.name} {{{members}}} ---{more}"


def _exit(leader: str, event: Event) -> str:
    status = event.result or 0
    if os.WIFEXITED(status):
        return f"{leader}+++ exited with {os.WEXITSTATUS(status)} +++"
    core = " (core dumped)" if os.WCOREDUMP(status) else ""
    return f"{leader}+++ killed by {signal_name(os.WTERMSIG(status))}{core} +++"


def _exec(leader: str, event: Event) -> str:
    """An exec has a line of its own only if another thread than the leader made it and took the leader's place."""
    return f"{leader}+++ superseded by execve in pid {event.result} +++" if event.result != event.tid else ""


def _limit(leader: str, event: Event) -> str:
    """In the form of what strace says of a process; it knows no limits of a run."""
    more = "" if event.refused_by is None else "\n" + _refused_line(event.refused_by)
    return f"{leader}+++ limit {event.name} met, times: {event.result} +++{more}"


def name_form(name: str) -> str:
    """An NT name as it stands behind its service."""
    return " " + _printable(name)


def status_form(status: int) -> str:
    """A status with its name."""
    return f"{name_of(status)} ({status:#010x})"


def refusal_form(refusal: Refusal) -> str:
    """The line about a refusal."""
    return _refused_line(refusal) + "\n"


_TEXTS: dict[str, Callable[[str, Event], str]] = {
    CALL: _call, SIGNAL: _signal, EXIT: _exit, EXEC: _exec, LIMIT: _limit,
}  # fmt: skip
