"""Owns the recording of calls by the C core: Python adds what it decided, and writes the text by the block."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib
from picobox.abi.filter import IOCTL
from picobox.abi.row import NATIVE
from picobox.abi.table import ROWS
from picobox.platform import host
from picobox.trace.compiled import CompiledTable, form_module
from picobox.trace.filters import KEEPS_ALL
from picobox.trace.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.confine.refusals import Refusal, Refusals
    from picobox.platform.base import Stop
    from picobox.platform.drives import Drives
    from picobox.trace.filters import Filters
    from picobox.trace.recorder import Renderer

# So much text is written at once; to a terminal each line is.
_BLOCK = 1 << 18
# Around a path in the text: no byte of UTF-8.
_MARK = bytes((lib.PB_TRACE_PATH,))
# What fails has done nothing. Of these, some mean to Python nothing but that they may be refused.
_PLAIN = frozenset(("mmap", "brk", "pipe", "pipe2", "prlimit64"))
_FAILING = frozenset(row.nr for row in ROWS if row.paths() or row.nr == IOCTL or row.name in _PLAIN)


class CoreRecorder(Recorder):
    """The same for a platform whose core records calls: what Python never sees is recorded there alone."""

    def __init__(
        self,
        renderer: Renderer,
        write: Callable[[str], None],
        selects: Callable[[Row | None], bool],
        channel: str,
        refusals: Refusals | None = None,
        filters: Filters = KEEPS_ALL,
        *,
        numbers: frozenset[int],
        fd: int | None,
        is_written_here: bool = False,
    ) -> None:
        """`numbers`: of the calls to be recorded. `fd`: of the file that `write` writes to; None: it is a terminal.

        `is_written_here`: `write` changes the text, so that nobody else may write it.
        """
        to_file = fd is not None  # a terminal gets each line at once
        super().__init__(renderer, write, selects, channel, refusals, filters)
        self._form = form_module(as_json=renderer.wants_values)
        self._fd = None if is_written_here else fd
        self._limit = _BLOCK if to_file else 0
        self.table = CompiledTable(ROWS, channel, as_json=renderer.wants_values, to_file=to_file)
        seen = frozenset[int]() if refusals is None else refusals.watched()
        # Those that Python has to see; of them those that guests record if they succeed, as what is refused fails and
        # has done nothing; and, a byte for each number, those that the core records without Python.
        # Which path a descriptor is of can be told at a call's entry alone, and Python tells it.
        self.is_asked = filters.paths is not None
        self.shown = numbers if self.is_asked else numbers & (seen | self.table.unknown)
        self.judged = frozenset() if self.is_asked else numbers & seen - self.table.unknown & _FAILING
        self.calls = bytes(
            nr in numbers and (nr not in self.shown or nr in self.judged) for nr in range(lib.PB_NR_COUNT)
        )
        self.table.filter(filters)
        if refusals is not None:
            self.table.judge(refusals.policy, self.judged)
        self._numbers, self._watched = numbers, seen
        # Where calls are counted instead of shown (`CompiledTable.count`).
        self.counts: Any = None
        self.in_guests = False
        self._name_of: Callable[[bytes], str] = os.fsdecode
        self._core: Any = ffi.NULL
        self._verdict = ffi.new("struct pb_trace_verdict *")
        self._text = ffi.new("char **")
        self._statuses: dict[int, Any] = {}

    def opened(self, core: Any, *, in_guests: bool) -> None:
        """The core of the run; what was recorded is taken before it is closed (`flush`).

        `in_guests`: the gate is there, in which guests may record; of a terminal's lines none may be late.
        """
        self._core = core
        lib.pb_trace_set_limit(core, self._limit)
        if self._fd is not None:
            lib.pb_trace_write_to(core, self._fd)
        self.in_guests = in_guests and self._limit > 0 and lib.pb_trace_in_guests(core) == 0

    def leave_unseen(self, features: frozenset[str]) -> None:
        """There may be tasks that Python does not know: the core records what these make, become and leave.

        And what any task calls under these features that the kernel serves as it is, as long as it does not fail.
        """
        plain = {row.nr for row in ROWS if row.name in _PLAIN and row.disposition(features) is NATIVE} & self.judged
        lib.pb_trace_unseen(
            self._core,
            *(bytes(nr in each for nr in range(lib.PB_NR_COUNT)) for each in (self._numbers, self._watched, plain)),
        )

    def flush(self) -> None:
        """Writes what the core has recorded."""
        # What the core could not write comes before the rest.
        for _ in range(2 if self._core else 0):
            length = lib.pb_trace_take(self._core, self._text)
            if length:
                super()._put(self._with_names(ffi.unpack(self._text[0], length)).decode())

    def name_opens(self, drives: Drives) -> None:
        """Opens are NT's, which names their files so; before the run."""
        self._name_of = drives.nt_name
        self.table.know_volumes(drives.volumes)

    def _with_names(self, text: bytes) -> bytes:
        """The text with the names that the core has left to us."""
        if _MARK not in text:
            return text
        parts = text.split(_MARK)
        for place in range(1, len(parts), 2):
            parts[place] = self._form.name_form(self._name_of(bytes.fromhex(parts[place].decode()))).encode()
        return b"".join(parts)

    def executed(self, stop: Stop, thread: Any) -> None:
        if not self._started and host.processes_are_others():
            lib.pb_trace_others(self._core)
        super().executed(stop, thread)

    def entered(self, call: Call) -> bool:
        if not self.wants(call):
            return False
        if self._refusals is not None:
            self._refusals.entered(call)
        keep = self._fill(call, None, None)
        lib.pb_trace_begin(self._core, call.stop.tid, call.task.vtid, self._verdict)
        del keep
        return True

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None:
        if call is None:
            return
        refusal = None if self._refusals is None else self._refusals.ended(call, stop, result)
        keep = self._fill(call, call.refused, refusal)
        lib.pb_trace_end(self._core, stop.tid, result is not None, result or 0, self._verdict)
        del keep

    def _fill(self, call: Call, refused: int | None, refusal: Refusal | None) -> list[Any]:
        """The verdict on a call; what is given must be kept until it has been read."""
        verdict, keep = self._verdict, []
        verdict.performed, verdict.answered = call.performed, call.result is not None
        verdict.name = verdict.refusal = verdict.status = ffi.NULL
        if call.object_name is not None:
            keep.append(ffi.new("char[]", self._form.name_form(call.object_name).encode()))
            verdict.name = keep[-1]
        if refused is not None:
            verdict.status = self._status(refused)
        if refusal is not None:
            keep.append(ffi.new("char[]", self._form.refusal_form(refusal).encode()))
            verdict.refusal = keep[-1]
        return keep

    def _status(self, status: int) -> Any:
        known = self._statuses.get(status)
        if known is None:
            known = self._statuses[status] = ffi.new("char[]", self._form.status_form(status).encode())
        return known

    def _put(self, text: str) -> None:
        data = text.encode()
        lib.pb_trace_add(self._core, data, len(data))
