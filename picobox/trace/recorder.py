"""Owns the making of events: the supervisor's observer, which hands each one to a renderer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ntshim.status import STATUS_SUCCESS, status_of_errno
from picobox.abi import types
from picobox.abi.types import PATH_MAX
from picobox.abi.view import signal_name
from picobox.errors import Errno
from picobox.task import VirtualTid
from picobox.trace.event import CALL, DISPOSITIONS, EXEC, EXIT, LIMIT, SIGNAL, Event, Field, errno_of_result, is_restart
from picobox.trace.filters import KEEPS_ALL, Filters
from picobox.trace.siginfo import siginfo_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ntshim.ps.process import Thread
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.confine.refusals import Refusals
    from picobox.platform.base import GuestMemory, HostTid, Stop

# What the kernel writes: to be rendered once more when the call is over.
OUTPUTS = (
    types.OutBytes, types.OutString, types.OutVector, types.OutTimespec, types.OutTimeval, types.OutFdPair,
    types.OutInt, types.WaitStatus, types.OutSignalSet, types.OutSocketAddress, types.PollFds,
)  # fmt: skip


class Renderer(Protocol):
    """Makes text of an event. `wants_values`: it shows whole values, not only their text."""

    @property
    def wants_values(self) -> bool:
        """Whether `Field.value` is to hold whole strings, read from the guest."""

    def render(self, event: Event) -> str:
        """The event's text with its newlines; empty if this form does not show it."""


class _Open(NamedTuple):
    """A call between its entry and its end."""

    call: Call
    tid: VirtualTid
    time: float
    clock: float
    fields: list[Field]


class Recorder:
    """Makes an event of each call at its end, of each signal and death, and of each exec (supervisor.Observer).

    `write` takes the rendered text; `selects` says of a row, or of None for an unknown number, whether to record it;
    `channel` is the platform's name. `filters`: what is kept of those.
    """

    def __init__(
        self,
        renderer: Renderer,
        write: Callable[[str], None],
        selects: Callable[[Row | None], bool],
        channel: str,
        refusals: Refusals | None = None,
        filters: Filters = KEEPS_ALL,
    ) -> None:
        """Nothing is recorded before the supervisor runs. `refusals` tells which rule of a policy refused a call."""
        self._refusals = refusals
        self._renderer = renderer
        self._write = write
        self._selects = selects
        self._filters = filters
        # Is told of each call that is recorded when it begins.
        self.on_entered: Callable[[Call], None] | None = None
        self._channel = channel
        self._open: dict[HostTid, _Open] = {}
        self._started = False
        self._program = VirtualTid(1)

    def wants(self, call: Call) -> bool:
        """Whether a call that stands at its entry is to be recorded, as far as can be told there."""
        if not self._selects(call.row) or (self._filters.paths is not None and not self._filters.paths.names(call)):
            return False
        if self.on_entered is not None:
            self.on_entered(call)
        return True

    def entered(self, call: Call) -> bool:
        """A call begins: what the guest passes is read now, since it may change while the call runs."""
        row = call.row
        if not self.wants(call):
            return False
        raw = call.stop.args
        fields = self.fields_at_entry(row, raw, call.memory) if row is not None else _registers(raw)
        if self._refusals is not None:
            self._refusals.entered(call)
        self._open[call.stop.tid] = _Open(call, call.task.vtid, time.time(), time.perf_counter(), fields)
        return True

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None:
        """A call is over; None: it never returned, or nobody can tell."""
        if call is None:
            return
        opened = self._open.pop(call.stop.tid, None)
        if opened is not None:
            self._end(opened, stop, result)

    def signalled(self, stop: Stop, thread: Thread | None) -> None:
        """A signal is about to be delivered."""
        event = Event(SIGNAL, time.time(), _vtid(stop, thread), signal_name(stop.signal), self._channel)
        event.fields = siginfo_fields(stop.signal, stop.code, stop.args)
        if self._refusals is not None:
            event.refused_by = self._refusals.told_by_signal(stop.signal)
        self._emit(event)

    def died(self, stop: Stop, thread: Thread | None) -> None:
        """A thread is gone, perhaps inside a call."""
        opened = self._open.pop(stop.tid, None)
        if opened is not None:
            self._end(opened, stop, None)
        if not self._started:
            # The program never ran: the command line tells why.
            return
        event = Event(EXIT, time.time(), _vtid(stop, thread), "exit", self._channel)
        event.result = stop.status
        self._emit(event)

    def executed(self, stop: Stop, thread: Thread | None) -> None:
        """A thread runs a new image, under the leader's tid."""
        if not self._started:
            self._started, self._program = True, _vtid(stop, thread)
        event = Event(EXEC, time.time(), _vtid(stop, thread), "exec", self._channel)
        event.result = event.tid if stop.other == stop.tid else stop.other
        self._emit(event)

    def limits_met(self, times: Mapping[str, int]) -> None:
        """The run is over: how often it met limits that no call shows, by their names in Limits."""
        if self._refusals is None:
            return
        for refusal in self._refusals.met(times):
            event = Event(LIMIT, time.time(), self._program, refusal.target, self._channel)
            event.refused_by = refusal
            event.result = self._refusals.counts[refusal]
            self._emit(event)

    def flush(self) -> None:
        """What was recorded is to be written: here it is already."""

    def _end(self, opened: _Open, stop: Stop, result: int | None) -> None:
        call, row = opened.call, opened.call.row
        event = Event(CALL, opened.time, opened.tid, _name(call), self._channel)
        event.nr = call.stop.nr
        event.result = result
        event.fields = tuple(opened.fields)
        if result is not None:
            event.duration = time.perf_counter() - opened.clock
            if row is not None and result >= 0 and call.on_exec is None:
                event.fields = self.fields_at_exit(
                    row, call.stop.args, opened.fields, call.platform.memory(stop.tid), result
                )
        if self._refusals is not None:
            event.refused_by = self._refusals.ended(call, stop, result)
        event.result_text = result_text(row, result)
        event.disposition = "unknown" if row is None else DISPOSITIONS[row.do.action]
        if row is not None and row.nt is not None:
            event.nt = row.nt
            event.performed = call.performed
            event.object_name = call.object_name
            event.status = status_of(result) if call.refused is None else call.refused
        if self._filters.keeps(result, event.status):
            self._emit(event)

    def fields_at_entry(self, row: Row, raw: tuple[int, ...], memory: GuestMemory) -> list[Field]:
        """The arguments of a call that begins."""
        # What a call does not look at comes last in its row and has no text.
        texts = row.render(raw, memory, None)
        return [
            Field(argument.name, self._value(argument, value, memory), text)
            for argument, value, text in zip(row.args, raw, texts, strict=False)
        ]

    def fields_at_exit(
        self, row: Row, raw: tuple[int, ...], fields: list[Field], memory: GuestMemory, result: int
    ) -> tuple[Field, ...]:
        """The arguments of a call that has succeeded, with what the kernel has written."""
        siblings: dict[str, int] | None = None
        for index, argument in enumerate(row.args[: len(fields)]):
            if isinstance(argument, OUTPUTS):
                if siblings is None:
                    siblings = {each.name: value for each, value in zip(row.args, raw, strict=False)}
                text = argument.render(raw[index], memory, result, siblings)
                value = fields[index].value
                if self._renderer.wants_values and isinstance(argument, types.OutString):
                    value = _written_string(raw[index], memory, result)
                fields[index] = Field(argument.name, value, text)
        return tuple(fields)

    def _value(self, argument: types.Argument, raw: int, memory: GuestMemory) -> int | bytes:
        if self._renderer.wants_values and isinstance(argument, types.UserString):
            try:
                return memory.read_string(raw, PATH_MAX)
            except Errno:
                return argument.value(raw)
        return argument.value(raw)

    def _emit(self, event: Event) -> None:
        text = self._renderer.render(event)
        if text:
            self._put(text)

    def _put(self, text: str) -> None:
        """Whole lines are to be written after all that was recorded before."""
        self._write(text)


def _vtid(stop: Stop, thread: Thread | None) -> VirtualTid:
    """The guest's id of a task; a stranger, which the provider has not made, is known by the host's alone."""
    vtid: VirtualTid | None = thread.context.vtid if thread is not None else None
    return vtid if vtid is not None else VirtualTid(stop.tid)


def _name(call: Call) -> str:
    return call.row.name if call.row is not None else f"syscall_{call.stop.nr & 0xFFFF_FFFF:#x}"


def _registers(raw: tuple[int, ...]) -> list[Field]:
    return [Field(f"arg{index}", value, hex(value)) for index, value in enumerate(raw)]


def result_text(row: Row | None, result: int | None) -> str:
    """What stands after the = sign. A number without a row is always answered ENOSYS (design: never pass-through)."""
    if result is None:
        return "?"
    return "-1 ENOSYS (Function not implemented)" if row is None else row.render_result(result)


def status_of(result: int | None) -> int | None:
    """The NTSTATUS that stands for a Linux result; none while the call has no answer or starts anew."""
    if result is None or is_restart(result):
        return None
    errno = errno_of_result(result)
    return status_of_errno(errno) if errno else STATUS_SUCCESS


def _written_string(address: int, memory: GuestMemory, result: int) -> int | bytes:
    """What the kernel wrote, without a NUL at its end; the address if it cannot be read, or cannot be a path."""
    if result > PATH_MAX:
        return address
    try:
        return memory.read(address, result).removesuffix(b"\0")
    except Errno:
        return address
