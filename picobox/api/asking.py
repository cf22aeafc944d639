"""Owns the supervisor's side of hooks: a call of a name that is hooked waits, before anybody serves it, for an answer.

What waits is the task alone: the supervisor goes on, and so do all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from picobox.abi.row import SEEN
from picobox.api.wire import ASKED
from picobox.errors import Errno
from picobox.trace.jsonl import JsonRenderer, json_value
from picobox.trace.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.abi.row import Row
    from picobox.api.wire import Channel
    from picobox.call import Call
    from picobox.platform.base import HostTid
    from picobox.provider import PicoProvider
    from picobox.task import Task

_MOST_HELD = 1024


class _Question(NamedTuple):
    """A call as the hook is shown it: the same again is the same call, begun anew."""

    nr: int
    arguments: tuple[int, ...]
    fields: tuple[tuple[str, int | bytes, str], ...]


class _Answer(NamedTuple):
    """`errno`: what it fails with; `value`: what it returns; both None: it is made."""

    errno: int | None
    value: int | None


class Asking:
    """Asks a client's hooks (Interposer)."""

    def __init__(self, names: frozenset[str], channel: Channel) -> None:
        """`names`: of the calls that are hooked."""
        self.features = frozenset([SEEN + name for name in names])
        self._names = names
        self._channel = channel
        self._reader = Recorder(JsonRenderer(), lambda _text: None, lambda _row: False, "")
        self._count = 0
        # By the number of a question: what it is, and what goes on with its answer.
        self._waiting: dict[int, tuple[_Question, Callable[[], None]]] = {}
        # What was just answered, while its call goes on; and of tasks whose call was to be made and has to come again.
        self._answered: tuple[_Question, _Answer] | None = None
        self._held: dict[Task, tuple[_Question, _Answer]] = {}
        # What was answered of the call that is served now, if that is to be made.
        self._made: tuple[_Question, _Answer] | None = None

    def start(self, provider: PicoProvider, spawn: Any, lost: Callable[[], None]) -> None:
        """Nothing runs beside the program."""

    def close(self) -> None:
        """Nobody asks any more."""
        self._waiting.clear()
        self._held.clear()

    def runs(self, tid: HostTid) -> bool:
        """None is ours."""
        del tid
        return False

    def served(self, call: Call, row: Row) -> None:
        """None is ours."""

    def meet(self, call: Call, row: Row) -> None:
        """Has a call wait for the answer, or go on with it. Errno as the hook wants it."""
        if row.name not in self._names:
            return
        self._made = None
        question = self._question(call, row)
        asked, self._answered = self._answered or self._held.get(call.task), None
        self._held.pop(call.task, None)
        if asked is None or asked[0] != question:
            self._ask(call, row, question)
            return
        answer = asked[1]
        if answer.errno is not None:
            raise Errno(answer.errno)
        call.result = answer.value
        if answer.value is None:
            self._made = asked

    def begins_anew(self, call: Call, row: Row) -> None:
        """A call that may be made has to wait for something else: the answer holds when it comes again."""
        if self._made is not None and row.name in self._names:
            if len(self._held) >= _MOST_HELD:
                self._held.clear()  # they are asked about once more
            self._held[call.task] = self._made

    def answer(self, number: int, errno: int | None, value: int | None) -> None:
        """A hook has answered a question."""
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            question, go_on = waiting
            self._answered = question, _Answer(errno, value)
            go_on()
            self._answered = None  # the task may be gone

    def _ask(self, call: Call, row: Row, question: _Question) -> None:
        self._count += 1
        number = self._count

        def wait(routine: Callable[[], None]) -> None:
            self._waiting[number] = question, routine
            self._channel.send(
                {
                    "kind": ASKED,
                    "id": number,
                    "call": row.name,
                    "nr": row.nr,
                    "tid": call.task.vtid,
                    "args": [
                        {"name": name, "value": json_value(value), "text": text}
                        for name, value, text in question.fields
                    ],
                }
            )

        call.wait = wait

    def _question(self, call: Call, row: Row) -> _Question:
        raw = call.stop.args
        return _Question(row.nr, tuple(raw), tuple(self._reader.fields_at_entry(row, raw, call.memory)))
