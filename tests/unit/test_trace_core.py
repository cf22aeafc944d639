"""Owns the proof that the C core writes of every call what Python would: the same bytes, whatever the arguments are."""

from __future__ import annotations

import os
import random
import signal
import struct
from errno import EFAULT
from typing import TYPE_CHECKING, Any

import pytest

from picobox._native._core import ffi, lib
from picobox.abi.rendering import RENDERERS
from picobox.abi.row import FULL, NATIVE, Row
from picobox.abi.table import BY_NAME, BY_NR, ROWS
from picobox.abi.types import PATH_MAX, Argument, Int, UserId
from picobox.abi.view import SIGNALS
from picobox.errors import Errno
from picobox.syscalls.files import F_DUPFD, F_DUPFD_CLOEXEC, FD_LIMIT
from picobox.task import VirtualTid
from picobox.trace.compiled import CompiledTable, kind_of
from picobox.trace.event import CALL, DISPOSITIONS, EXIT, SIGNAL, Event, Field
from picobox.trace.jsonl import JsonRenderer
from picobox.trace.recorder import OUTPUTS, Recorder, result_text, status_of
from picobox.trace.siginfo import siginfo_fields
from picobox.trace.text import TextRenderer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NUMBER = 7
FD = BY_NAME["close"].args[0]
TIME, DURATION = 1_795_812_790_670_549_000, 38_000
RECORD = struct.Struct("<IHH6QQQq")
PIECE = struct.Struct("<QII")
FORMS = {
    "text in a file": (False, True),
    "text on a terminal": (False, False),
    "JSON": (True, True),
}
PLACES = (0x1000, 0x2000, 0x7FFF_0000_0000)


class Pieces:
    """A guest's memory as a record holds it."""

    def __init__(self, pieces: Iterable[tuple[int, bytes]]) -> None:
        self.pieces = tuple(pieces)

    def _find(self, address: int) -> bytes:
        """What is there, of several pieces the one that has most."""
        found = [data[address - start :] for start, data in self.pieces if start <= address < start + len(data)]
        if not found:
            raise Errno(EFAULT)
        return max(found, key=len)

    def read(self, address: int, size: int) -> bytes:
        if size == 0:
            return b""
        found = self._find(address)[:size]
        if len(found) < size:
            raise Errno(EFAULT)
        return found

    def read_string(self, address: int, limit: int) -> bytes:
        text, end, _ = self._find(address)[:limit].partition(b"\0")
        if not end:
            raise Errno(EFAULT)
        return text


def is_performed(row: Row, args: tuple[int, ...], result: int | None) -> bool:
    """What picobox.syscalls.files does of a call that the kernel has made."""
    first, second = FD.value(args[0]), FD.value(args[1])
    copied = result is not None and result >= 0
    copies = {
        "dup": True,
        "dup2": second != first,
        "dup3": second != first,
        "fcntl": second in (F_DUPFD, F_DUPFD_CLOEXEC),
    }
    closes = row.name == "close" and 0 <= first < FD_LIMIT
    return closes or (copied and copies.get(row.name, False))


def by_python(form: str, row: Row, args: tuple[int, ...], result: int | None, before: Pieces, after: Pieces) -> str:
    """The event's lines, made as picobox.trace.recorder makes them on a platform without the core."""
    as_json, to_file = FORMS[form]
    renderer = JsonRenderer() if as_json else TextRenderer(to_file=to_file)
    recorder = Recorder(renderer, lambda _text: None, lambda _row: True, "trace")
    event = Event(CALL, TIME / 1e9, VirtualTid(NUMBER), row.name, "trace")
    event.nr, event.result, event.result_text = row.nr, result, result_text(row, result)
    memory: Any = before
    fields = recorder.fields_at_entry(row, args, memory)
    event.fields = tuple(fields)
    if result is not None:
        event.duration = DURATION / 1e9
        if result >= 0:
            written: Any = after
            event.fields = recorder.fields_at_exit(row, args, fields, written, result)
    event.disposition = DISPOSITIONS[row.do.action]
    if row.nt is not None:
        event.nt, event.status = row.nt, status_of(result)
        event.performed = is_performed(row, args, result)
    return renderer.render(event)


def pieces_of(memory: Pieces, when: int) -> bytes:
    return b"".join(
        PIECE.pack(start, len(data), when) + data.ljust(-(-len(data) // 8) * 8, b"\0") for start, data in memory.pieces
    )


def record_of(row: Row, args: tuple[int, ...], result: int | None, before: Pieces, after: Pieces) -> bytes:
    pieces = pieces_of(before, lib.PB_AT_ENTRY) + pieces_of(after, lib.PB_AT_EXIT)
    size = RECORD.size + len(pieces)
    return RECORD.pack(size, row.nr, result is not None, *args, TIME, TIME + DURATION, result or 0) + pieces


def by_core(table: CompiledTable, record: bytes) -> str:
    room = 1 << 18
    out = ffi.new("char[]", room)
    length = lib.pb_trace_show(table.native, NUMBER, record, len(record), ffi.NULL, out, room)
    assert length <= room
    return bytes(ffi.buffer(out, length)).decode("ascii")


@pytest.fixture(scope="module")
def tables() -> dict[str, CompiledTable]:
    return {form: CompiledTable(ROWS, "trace", as_json=js, to_file=to_file) for form, (js, to_file) in FORMS.items()}


def some_bytes(chance: random.Random) -> bytes:
    """What a program may have in its memory: text, pointers, structures, noise."""
    kind = chance.randrange(6)
    if kind == 0:
        return bytes(chance.choices(b'abc/\\"\n09 \xff\xc3\xa9\0', k=chance.randrange(1, 60)))
    if kind == 1:
        words = [chance.choice((0, 1, *PLACES, 8, 33, chance.getrandbits(64))) for _ in range(chance.randrange(1, 80))]
        return struct.pack(f"<{len(words)}Q", *words)
    if kind == 2:
        family = chance.choice((0, 1, 2, 10, 16, 77))
        return struct.pack("<H", family) + chance.randbytes(chance.randrange(130))
    if kind == 3:
        return "café \U0001f600 ÿ".encode()[: chance.randrange(14)] + b"\0"
    if kind == 4:
        return b"x" * chance.choice((31, 32, 33, PATH_MAX - 1, PATH_MAX, PATH_MAX + 1)) + b"\0"
    return struct.pack("<4q", *(chance.choice((0, 3, 0x3FFFFFFF, 0x3FFFFFFE, 0x7F, 0xFFFF, -1)) for _ in range(4)))


def some_argument(chance: random.Random) -> int:
    kind = chance.randrange(5)
    if kind == 0:
        return chance.randrange(40)
    if kind == 1:
        return 1 << chance.randrange(64)
    if kind == 2:
        return chance.choice(PLACES)
    if kind == 3:
        return (1 << chance.choice((32, 64))) - chance.randrange(1, 200)
    return chance.getrandbits(chance.choice((8, 16, 32, 64)))


def some_result(chance: random.Random) -> int | None:
    """What a call may return; a negative mode is none."""
    return chance.choice((None, 0, 0, 1, 5, 33, chance.randrange(5000), -chance.randrange(1, 4200), 1 << 40))


def some_memory(chance: random.Random) -> Pieces:
    return Pieces((place, some_bytes(chance)) for place in PLACES if chance.random() < 0.8)


@pytest.mark.parametrize("form", FORMS)
def test_the_core_writes_what_python_writes(tables: dict[str, CompiledTable], form: str) -> None:
    chance = random.Random(form)
    for row in ROWS:
        for _ in range(8):
            args = tuple(some_argument(chance) for _ in range(6))
            before, after, result = some_memory(chance), some_memory(chance), some_result(chance)
            ours = by_core(tables[form], record_of(row, args, result, before, after))
            assert ours == by_python(form, row, args, result, before, after), (row, args, result)


def test_every_kind_of_argument_is_known_to_the_core() -> None:
    assert [kind for kind in RENDERERS if kind_of(kind) == lib.PB_KIND_UNKNOWN] == []
    kinds = [kind_of(kind) for kind in RENDERERS]
    assert len(set(kinds)) == len(kinds)


def test_what_the_core_cannot_show_is_left_to_python(monkeypatch: pytest.MonkeyPatch) -> None:
    class Strange(Argument):
        __slots__ = ()

    monkeypatch.setitem(RENDERERS, Strange, lambda _argument, _view: "strange")
    row = Row("strange", x86_64=3, args=(Strange("what"),), returns=Int, do=NATIVE, support=FULL)
    table = CompiledTable((row, BY_NAME["read"]), "trace", as_json=False, to_file=True)
    assert table.unknown == {3}


@pytest.mark.parametrize("form", FORMS)
def test_every_error_and_every_time(tables: dict[str, CompiledTable], form: str) -> None:
    row, nothing = BY_NAME["close"], Pieces(())
    for result in (*range(-4100, 3), None):
        ours = by_core(tables[form], record_of(row, (3,) * 6, result, nothing, nothing))
        assert ours == by_python(form, row, (3,) * 6, result, nothing, nothing)


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0.0"), (5, "5e-06"), (12, "1.2e-05"), (100, "0.0001"), (1_500_000, "1.5")]
)
def test_durations_as_json(tables: dict[str, CompiledTable], micros: int, text: str) -> None:
    record = RECORD.pack(RECORD.size, BY_NAME["close"].nr, 1, *(0,) * 6, TIME, TIME + micros * 1000, 0)
    assert f'"duration":{text},' in by_core(tables["JSON"], record)


@pytest.mark.parametrize(
    "name",
    [
        b"\xed\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xf0\x9f\x98\x80", b"\xc3", b"\x80",
        b"\x7f\x01\x08\x1f", "\uffff/é".encode(),
    ],
)  # fmt: skip
def test_bytes_that_are_no_utf8(tables: dict[str, CompiledTable], name: bytes) -> None:
    row, args, memory = BY_NAME["chdir"], (0x1000,) * 6, Pieces([(0x1000, name + b"\0")])
    ours = by_core(tables["JSON"], record_of(row, args, 0, memory, memory))
    assert ours == by_python("JSON", row, args, 0, memory, memory)


def in_a_process(routine: Callable[[], None]) -> int:
    """The wait status of a child that has run a routine, which may end it in any way."""
    child = os.fork()
    if not child:
        status = 1
        try:
            routine()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def check_hostile_records(table: CompiledTable) -> None:
    chance = random.Random(7)
    good = record_of(BY_NAME["writev"], (1, 0x1000, 3, 0, 0, 0), 9, Pieces([(0x1000, bytes(64))]), Pieces(()))
    for _ in range(4000):
        data = bytearray(good if chance.random() < 0.7 else chance.randbytes(chance.randrange(400)))
        for _ in range(chance.randrange(1, 20)):
            if data:
                data[chance.randrange(len(data))] = chance.getrandbits(8)
        lines = by_core(table, bytes(data[: chance.randrange(len(data) + 1)]))
        assert lines.count("\n") in (0, 1, 2)
        assert not lines or lines.startswith(f"{NUMBER}     ")


def test_records_of_a_hostile_guest(tables: dict[str, CompiledTable]) -> None:
    """Whatever stands in a record, its line is one of that guest, and reading it ends, without a fault."""
    assert in_a_process(lambda: check_hostile_records(tables["text in a file"])) == 0


def test_the_numbers_that_a_record_may_have(tables: dict[str, CompiledTable]) -> None:
    for nr in (*range(600), 0xFFFF):
        record = RECORD.pack(RECORD.size, nr, 1, *(0,) * 6, TIME, TIME, 0)
        assert bool(by_core(tables["JSON"], record)) == (nr in BY_NR)


def test_ids_and_fields_are_compared_at_all() -> None:
    """The comparison would not see a field that neither side writes."""
    row = BY_NAME["setuid"]
    assert isinstance(row.args[0], UserId)
    assert Field("uid", 2**32 - 1, "-1").text in by_python("JSON", row, (2**32 - 1,) * 6, 0, Pieces(()), Pieces(()))
    assert OUTPUTS


def shown(call: Callable[..., int], *arguments: Any) -> str:
    out = ffi.new("char[]", 1 << 12)
    return bytes(ffi.buffer(out, call(*arguments, out, 1 << 12))).decode()


def event_by_python(form: str, event: Event) -> str:
    as_json, to_file = FORMS[form]
    return (JsonRenderer() if as_json else TextRenderer(to_file=to_file)).render(event)


@pytest.mark.parametrize("form", FORMS)
def test_every_end(tables: dict[str, CompiledTable], form: str) -> None:
    for status in [code << 8 for code in range(256)] + [
        number | core for number in range(1, SIGNALS + 1) for core in (0, 0x80)
    ]:
        event = Event(EXIT, TIME / 1e9, VirtualTid(NUMBER), "exit", "trace")
        event.result = status
        assert shown(lib.pb_trace_show_end, tables[form].native, NUMBER, TIME, status) == event_by_python(form, event)


@pytest.mark.parametrize("form", FORMS)
def test_every_signal_about_a_child(tables: dict[str, CompiledTable], form: str) -> None:
    for code in range(1, 7):
        for status in range(-1, 130):
            for error in (0, 5):
                info = struct.pack("<iii4xiIi4xqq", signal.SIGCHLD, error, code, 3, 0xFFFF_FFFE, status, 7, -2)
                words = struct.unpack("<6Q", info)
                event = Event(SIGNAL, TIME / 1e9, VirtualTid(NUMBER), "SIGCHLD", "trace")
                event.fields = siginfo_fields(signal.SIGCHLD, code, words)
                assert shown(lib.pb_trace_show_child, tables[form].native, NUMBER, TIME, words) == event_by_python(
                    form, event
                )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGCHLD, 0), (signal.SIGCHLD, 7), (signal.SIGURG, 1)])
def test_what_is_no_signal_about_a_child_is_pythons(tables: dict[str, CompiledTable], number: int, code: int) -> None:
    words = struct.unpack("<6Q", struct.pack("<iii36x", number, 0, code))
    assert not shown(lib.pb_trace_show_child, tables["JSON"].native, NUMBER, TIME, words)
