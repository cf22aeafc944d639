"""Owns the trace in the Trace Event Format, which ui.perfetto.dev and chrome://tracing open, made of JSON's events."""

from __future__ import annotations

import json
import struct
from collections import deque
from typing import TYPE_CHECKING, Any

from picobox.abi.table import BY_NAME
from picobox.errors import Errno
from picobox.trace.event import CALL, EXEC, EXIT, LIMIT, SIGNAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.call import Call
    from picobox.trace.filters import Filters

# From these it is known which thread is whose, and what programs are called: they are recorded whatever is selected.
FAMILY = frozenset(("clone", "clone3", "fork", "vfork", "execve", "execveat"))

_CREATES = frozenset(("clone", "clone3", "fork", "vfork"))
# sched.h: struct clone_args begins with its flags.
_CLONE_ARGS = struct.Struct("=Q")
_CLONE_THREAD = 0x10000
_EXECUTES = frozenset(("execve", "execveat"))

_to_json = json.JSONEncoder(separators=(",", ":")).encode

Object = dict[str, Any]


class ChromeWriter:
    """Takes the lines of JsonRenderer and writes events of the Trace Event Format's JSON array form, one a line.

    A call is a complete event (`ph` X) whose `ts` and `dur` are microseconds; `args` has the call as strace writes it,
    the NT service and the status. One that never returned, a signal, an end and a new image are instant events (`i`).
    Metadata events (`M`) name processes and threads. Each line but the first begins with a comma, and `close` writes
    the closing bracket, without which readers of that form do: a trace that is cut short is read to its last line.

    Events of a thread are held back until the call that made it has ended, which tells its process.
    """

    def __init__(
        self, write: Callable[[str], None], program: str, shows: Callable[[str], bool], filters: Filters
    ) -> None:
        """`program`: what the first process runs. `shows`: whether to show calls of a name, if `filters` keep them."""
        self._write = write
        self._shows = shows
        self._filters = filters
        self._is_begun = False
        self._program = program
        # By thread: its process, and when its last event was over.
        self._process_of: dict[int, int] = {}
        self._over: dict[int, int] = {}
        self._program_of: dict[int, str] = {}
        self._held: dict[int, list[Object]] = {}
        # By thread, of each clone3 that it has begun: whether it makes a thread, which lies behind a pointer.
        self._makes_thread: dict[int, deque[bool]] = {}

    def entered(self, call: Call) -> None:
        """A call that is recorded begins."""
        if call.row is None or call.row.name != "clone3":
            return
        try:
            (flags,) = _CLONE_ARGS.unpack(call.memory.read(call.stop.args[0], _CLONE_ARGS.size))
        except Errno:
            flags = 0
        self._makes_thread.setdefault(call.task.vtid, deque()).append(bool(flags & _CLONE_THREAD))

    def write(self, text: str) -> None:
        """Takes whole lines of JSON."""
        for line in text.splitlines():
            self._take(json.loads(line))

    def close(self) -> None:
        """Writes what is held back, and the end."""
        for tid in [*self._held]:
            self._join(tid, tid, self._program)
        self._write("\n]\n" if self._is_begun else "[]\n")

    def _take(self, event: Object) -> None:
        tid = event["tid"]
        if not self._process_of and not self._held:
            self._join(tid, tid, self._program)
        if tid not in self._process_of:
            self._held.setdefault(tid, []).append(event)
            return
        self._show(event)

    def _show(self, event: Object) -> None:
        if event["kind"] == CALL:
            self._know(event)
            if self._shows(event["call"]) and self._is_kept(event):
                self._put(self._call(event))
            return
        self._put(self._instant(event, *_INSTANTS[event["kind"]](event)))
        if event["kind"] == EXIT:
            self._forget(event["tid"])

    def _is_kept(self, event: Object) -> bool:
        status = event["nt"] and event["nt"]["status"]
        return self._filters.keeps(event["result"], status["value"] if status else None)

    def _know(self, event: Object) -> None:
        """What a call tells of threads and programs."""
        result = event["result"]
        joins = self._joins(event) if event["call"] in _CREATES else False
        if event["call"] in _CREATES and result is not None and result > 0:
            process = self._process_of[event["tid"]]
            self._join(result, process if joins else result, self._program_of[process])
        elif event["call"] in _EXECUTES and result == 0:
            path = next(field["value"] for field in event["args"] if field["name"] in ("path", "pathname", "filename"))
            self._name(self._process_of[event["tid"]], path.rpartition("/")[2] if isinstance(path, str) else "?")

    def _joins(self, event: Object) -> bool:
        """Whether what a call makes is a thread of its caller's process."""
        begun = self._makes_thread.get(event["tid"])
        if event["call"] == "clone3" and begun:
            return begun.popleft()
        return any("CLONE_THREAD" in field["text"] for field in event["args"])

    def _join(self, tid: int, process: int, program: str) -> None:
        """A thread belongs to a process; what it did meanwhile is shown."""
        self._process_of[tid] = process
        if tid == process:
            self._name(tid, program)
        else:
            self._put(self._metadata("thread_name", process, tid, f"thread {tid}"))
        for event in self._held.pop(tid, ()):
            self._show(event)

    def _name(self, process: int, program: str) -> None:
        self._program_of[process] = program
        self._put(self._metadata("process_name", process, process, program))
        self._put(self._metadata("thread_name", process, process, program))

    def _forget(self, tid: int) -> None:
        """The kernel may give the number to another thread."""
        del self._process_of[tid]
        self._over.pop(tid, None)

    def _begin(self, event: Object) -> int:
        """When it began, in microseconds: not before the thread's last call was over, which rounding might make it."""
        begun: int = round(event["time"] * 1_000_000)
        return max(begun, self._over.get(event["tid"], 0))

    def _call(self, event: Object) -> Object:
        row = BY_NAME.get(event["call"])
        category = ",".join(("call", *sorted(row.tags))) if row is not None else "call"
        if event["duration"] is None:
            return self._instant(event, event["call"], category, "t", _details(event))
        begin, duration = self._begin(event), round(event["duration"] * 1_000_000)
        self._over[event["tid"]] = begin + duration
        return {
            "name": event["call"], "cat": category, "ph": "X", "ts": begin, "dur": duration,
            "pid": self._process_of[event["tid"]], "tid": event["tid"], "args": _details(event),
        }  # fmt: skip

    def _instant(self, event: Object, name: str, category: str, scope: str, details: Object) -> Object:
        return {
            "name": name, "cat": category, "ph": "i", "s": scope, "ts": self._begin(event),
            "pid": self._process_of[event["tid"]], "tid": event["tid"], "args": details,
        }  # fmt: skip

    @staticmethod
    def _metadata(what: str, process: int, tid: int, name: str) -> Object:
        return {"name": what, "ph": "M", "pid": process, "tid": tid, "args": {"name": name}}

    def _put(self, event: Object) -> None:
        self._write((",\n" if self._is_begun else "[\n") + _encode(event))
        self._is_begun = True


def _encode(event: Object) -> str:
    r"""The event as JSON, in which a backslash is \u005c.

    Perfetto (v52) takes the quote in `\\"` for one within the string, and loses the event that follows: all that name
    the root of a drive end so.
    """
    return _to_json(event).replace("\\\\", "\\u005c")


def _details(event: Object) -> Object:
    """What is shown of a call when it is chosen."""
    nt = event["nt"]
    details = {
        "call": f"{event['call']}({', '.join(field['text'] for field in event['args'])})",
        "result": event["result"],
        "errno": event["errno"],
        "channel": event["channel"],
        **_refusal(event),
    }
    if nt is not None:
        status = nt["status"] and f"{nt['status']['name']} ({nt['status']['value']:#010x})"
        details |= {"nt": nt["service"], "performed": nt["performed"], "status": status, "object": nt["name"]}
    return details


def _refusal(event: Object) -> Object:
    refusal = event.get("refused_by")
    return {"refused by": f"{refusal['rule']}: {refusal['what']} {refusal['target']}"} if refusal else {}


def _signal(event: Object) -> tuple[str, str, str, Object]:
    info = {field["name"]: field["text"] for field in event["info"]}
    return event["signal"], "signal", "t", {**info, **_refusal(event)}


def _exit(event: Object) -> tuple[str, str, str, Object]:
    name = f"killed by {event['signal']}" if event["signal"] else f"exited with {event['status']}"
    return name, "exit", "t", {"core": event["core"]}


def _exec(event: Object) -> tuple[str, str, str, Object]:
    return "exec", "exec", "t", {"former tid": event["former_tid"]}


def _limit(event: Object) -> tuple[str, str, str, Object]:
    return "limit met", "limit", "p", {"times": event["times"], **_refusal(event)}


_INSTANTS: dict[str, Callable[[Object], tuple[str, str, str, Object]]] = {
    SIGNAL: _signal, EXIT: _exit, EXEC: _exec, LIMIT: _limit,
}  # fmt: skip
