"""Python's frames read from memory that we have made: the layout that 3.14 publishes, and what nobody would trust."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picobox.check.pages import PAGE, Pages
from picobox.check.python_frames import PythonRuntime
from picobox.check.python_layouts import TABLE_SIZE, Layout, fields, known, offsets, published
from picobox.findings.finding import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.platform.base import FramesForm

BASE = 0x7F0000000000
SIZE = 8 * PAGE
THREAD_ID = 0x7F1234567840
RUNTIME, INTERPRETER, THREAD, CODE, FRAMES = (BASE + offset for offset in (0, 0x1000, 0x2000, 0x3000, 0x4000))
TEXTS, TABLE, CODE_TYPE = BASE + 0x5000, BASE + 0x6000, BASE + 0x7000
# The published tables of 3.13 and 3.14, as far as they count (Include/internal/pycore_debug_offsets.h).
OFFSETS = {
    0x030D00F0: {
        "runtime": [0x800, 0, 632], "interpreter": [0x900, 0, 24, 72, *[0] * 9],
        "thread": [400, 0, 8, 16, 72, 152, 160, 232, 32], "frame": [80, 8, 0, 56, 72, 70],
        "code": [208, 112, 120, 128, 136, 68, 52, 96, 104, 200], "object": [16, 8], "type": [400, 24, 88, 168],
        "rest": [0] * 14, "bytes": [40, 16, 32], "unicode": [64, 32, 16, 40],
    },
    0x030E00F0: {
        "runtime": [0x800, 0, 640], "interpreter": [0x900, 0, 24, 72, *[0] * 12],
        "thread": [400, 0, 8, 16, 72, 152, 160, 232, 32], "frame": [88, 8, 0, 56, 80, 74, 64, 0],
        "code": [216, 112, 120, 128, 136, 68, 52, 96, 104, 208, 0], "object": [16, 8], "type": [400, 24, 88, 168],
        "rest": [0] * 18, "bytes": [40, 16, 32], "unicode": [64, 32, 16, 40],
    },
}  # fmt: skip


class Memory:
    """Memory that is mapped from BASE on, as a guest's is read."""

    def __init__(self, data: bytes | None = None) -> None:
        self.data = bytearray(SIZE) if data is None else bytearray(data)
        self.reads = 0

    def put(self, address: int, form: str, *values: int) -> None:
        struct.pack_into("<" + form, self.data, address - BASE, *values)

    def write(self, address: int, data: bytes) -> None:
        self.data[address - BASE : address - BASE + len(data)] = data

    def read(self, address: int, size: int) -> bytes:
        raise NotImplementedError

    def read_string(self, address: int, limit: int) -> bytes:
        raise NotImplementedError

    def read_frames(self, form: FramesForm, innermost: int, limit: int) -> None:
        """All is read number by number."""

    def read_blocks(self, addresses: Sequence[int], size: int) -> bytes:
        self.reads += len(addresses)
        blocks = [bytes(self.data[max(0, each - BASE) : max(0, each - BASE + size)]) for each in addresses]
        return b"".join(
            block if len(block) == size and each >= BASE else bytes(size)
            for block, each in zip(blocks, addresses, strict=True)
        )


def table_of(version: int, **changes: tuple[int, int]) -> bytes:
    """A published table; `changes` gives another value for one number of a group."""
    groups = {name: list(numbers) for name, numbers in OFFSETS[version].items()}
    for name, (index, value) in changes.items():
        groups[name][index] = value
    numbers = [number for group in groups.values() for number in group]
    return struct.pack(f"<8sQQ{len(numbers)}Q", b"xdebugpy", version, 0, *numbers).ljust(TABLE_SIZE, b"\0")


def text(memory: Memory, address: int, value: str, version: int) -> None:
    """A compact string."""
    width, encoding = next(
        (width, encoding)
        for width, encoding, last in ((1, "latin-1", 0xFF), (2, "utf-16-le", 0xFFFF), (4, "utf-32-le", 0x10FFFF))
        if max(map(ord, value)) <= last
    )
    shift = 16 if version >> 16 >= 0x030E else 2
    memory.put(address + 16, "q", len(value))
    memory.put(address + 32, "I", (1 if shift == 16 else 3) | (width | 8 | (16 if value.isascii() else 0)) << shift)
    memory.write(address + (40 if value.isascii() else 56), value.encode(encoding, "surrogatepass"))


def world(version: int, file: str = "/project/test.py", function: str = "Class.method") -> tuple[Memory, PythonRuntime]:
    """A thread with two frames of one code object, the innermost entered from C."""
    memory = Memory()
    layout = published(table_of(version))
    assert layout is not None
    memory.put(RUNTIME + layout.interpreters_head, "Q", INTERPRETER)
    memory.put(INTERPRETER + layout.threads_head, "Q", THREAD)
    memory.put(THREAD + 16, "Q", INTERPRETER)
    memory.put(THREAD + 72, "Q", FRAMES)
    memory.put(THREAD + 152, "Q", THREAD_ID)
    for number, (unit, owner, code) in enumerate([(6, 0, CODE | 1), (0, 3, 0), (5, 1, CODE)]):
        frame = FRAMES + 256 * number
        memory.put(frame, "QQ", code, FRAMES + 256 * (number + 1) if number < 2 else 0)
        memory.put(frame + 56, "Q", CODE + layout.instructions + 2 * unit)
        memory.put(frame + (74 if version >> 16 == 0x030E else 70), "b", owner)
    memory.put(CODE + 8, "QQ", CODE_TYPE, 8)
    memory.put(CODE + 68, "i", 40)
    memory.put(CODE + 112, "QQQQ", TEXTS, TEXTS, TEXTS + 0x800, TABLE)
    memory.put(CODE + layout.instructions - 16, "i", 1)
    memory.put(CODE_TYPE + 24, "Q", CODE_TYPE + 64)
    memory.write(CODE_TYPE + 64, b"code\0")
    text(memory, TEXTS, file, version)
    text(memory, TEXTS + 0x800, function, version)
    # Six units of line 41, two of line 43: entries without columns, whose deltas are 1 and 2.
    memory.put(TABLE + 16, "q", 4)
    memory.write(TABLE + 32, bytes((0x80 | 13 << 3 | 5, 2, 0x80 | 13 << 3 | 1, 4)))
    return memory, PythonRuntime(RUNTIME, layout)


@pytest.mark.parametrize("version", OFFSETS, ids=hex)
@pytest.mark.parametrize("name", ["plain.py", "\u00e9t\u00e9.py", "\u0436.py", "\U00020000.py", "\udcff.py"])
def test_frames_of_what_publishes_its_layout(version: int, name: str) -> None:
    memory, runtime = world(version, file=name)
    found = runtime.frames(Pages(memory), THREAD_ID, 30)
    assert found == (Frame(name, "Class.method", 43), Frame(name, "Class.method", 41))
    assert runtime.frames(Pages(memory), THREAD_ID, 1) == found[:1]
    assert runtime.frames(Pages(memory), THREAD_ID + 8, 30) == ()


def test_what_is_known_is_not_read_again() -> None:
    memory, runtime = world(0x030E00F0)
    first = runtime.frames(Pages(memory), THREAD_ID, 30)
    cold, memory.reads = memory.reads, 0
    pages = Pages(memory, runtime.expected(THREAD_ID))
    assert runtime.frames(pages, THREAD_ID, 30) == first
    # The pages of the last walk at once, and the heads of the code objects.
    assert memory.reads == len(tuple(pages.known())) + 2 < cold


def test_another_code_object_at_the_same_place_is_another_one() -> None:
    memory, runtime = world(0x030E00F0)
    runtime.frames(Pages(memory), THREAD_ID, 30)
    memory.put(CODE + 68, "i", 50)
    assert [frame.line for frame in runtime.frames(Pages(memory), THREAD_ID, 30)] == [53, 51]
    text(memory, TEXTS + 0x400, "/other.py", 0x030E00F0)
    memory.put(CODE + 112, "Q", TEXTS + 0x400)
    assert {frame.file for frame in runtime.frames(Pages(memory), THREAD_ID, 30)} == {"/other.py"}


def test_a_code_object_that_comes_back_is_read_again() -> None:
    memory, runtime = world(0x030E00F0)
    runtime.frames(Pages(memory), THREAD_ID, 30)
    memory.put(CODE + 68, "i", 50)
    runtime.frames(Pages(memory), THREAD_ID, 30)
    memory.put(CODE + 68, "i", 40)
    text(memory, TEXTS, "/project/more.py", 0x030E00F0)
    assert {frame.file for frame in runtime.frames(Pages(memory), THREAD_ID, 30)} == {"/project/more.py"}


def test_a_frame_that_has_not_begun_is_not_shown() -> None:
    memory, runtime = world(0x030E00F0)
    memory.put(FRAMES + 56, "Q", CODE + 208)
    assert [frame.line for frame in runtime.frames(Pages(memory), THREAD_ID, 30)] == [41]


def test_instructions_outside_the_code_object_have_no_line() -> None:
    memory, runtime = world(0x030E00F0)
    memory.put(FRAMES + 56, "Q", CODE + 208 + 2 * 8)
    assert [frame.line for frame in runtime.frames(Pages(memory), THREAD_ID, 30)] == [None, 41]


def test_what_is_no_code_object_is_passed_over() -> None:
    memory, runtime = world(0x030E00F0)
    memory.write(CODE_TYPE + 64, b"coder")
    assert runtime.frames(Pages(memory), THREAD_ID, 30) == ()


@pytest.mark.parametrize("word", [THREAD + 8, INTERPRETER + 24, FRAMES + 8])
def test_rings_have_an_end(word: int) -> None:
    memory, runtime = world(0x030E00F0)
    memory.put(word, "Q", {THREAD + 8: THREAD, INTERPRETER + 24: INTERPRETER, FRAMES + 8: FRAMES}[word])
    assert len(runtime.frames(Pages(memory), THREAD_ID, 30)) <= 30
    assert runtime.frames(Pages(memory), THREAD_ID + 8, 30) == ()


@pytest.mark.parametrize(
    "table",
    [
        bytes(TABLE_SIZE),
        table_of(0x030E00F0).replace(b"xdebugpy", b"ydebugpy"),
        struct.pack("<8sQ", b"xdebugpy", 0x030F00F0) + table_of(0x030E00F0)[16:],
        struct.pack("<8sQ", b"xdebugpy", 0x030E00A1) + table_of(0x030E00F0)[16:],
        table_of(0x030E00F0, frame=(3, 1)),
        table_of(0x030E00F0, code=(9, 1 << 40)),
        table_of(0x030E00F0, code=(4, 1 << 63)),
        table_of(0x030E00F0, runtime=(2, 1 << 63)),
        table_of(0x030E00F0, thread=(2, (1 << 64) - 8)),
    ],
    ids=["empty", "cookie", "3.15", "alpha", "overlap", "far", "farther", "runtime", "negative"],
)
def test_a_table_that_cannot_be_right_is_none(table: bytes) -> None:
    assert published(table) is None


def test_versions_without_a_table_are_known_once_they_were_released() -> None:
    for version in (0x030B00F0, 0x030B0BF0, 0x030C00C1, 0x030C0CF0):
        assert isinstance(known(version), Layout)
    for version in (0x030A00F0, 0x030B00A7, 0x030C00B4, 0x030D00F0, 0):
        assert known(version) is None


def test_offsets_are_those_that_fields_were_given() -> None:
    wanted = ((8, "Q"), (16, "i"), (40, "b"))
    assert offsets(fields(*wanted)) == wanted


def test_fields_are_ascending_and_apart() -> None:
    assert fields((8, "Q"), (20, "i")).size == 24
    for wrong in ([(8, "Q"), (12, "i")], [(-8, "Q")], [(1 << 20, "Q")]):
        with pytest.raises(ValueError, match="no structure"):
            fields(*wrong)


@given(st.data())
def test_whatever_a_guest_writes_there_is_an_answer(data: st.DataObject) -> None:
    memory, runtime = world(data.draw(st.sampled_from(sorted(OFFSETS))))
    interesting = st.sampled_from(
        [
            0,
            1,
            7,
            RUNTIME,
            INTERPRETER,
            THREAD,
            CODE,
            FRAMES,
            TEXTS,
            TABLE,
            CODE_TYPE,
            BASE + SIZE - 4,
            1 << 47,
            (1 << 64) - 1,
        ]
    )
    places = [RUNTIME + 632, RUNTIME + 640, *range(INTERPRETER, INTERPRETER + 80, 8), *range(THREAD, THREAD + 160, 8)]
    places += [*range(CODE, CODE + 216, 8), *range(FRAMES, FRAMES + 600, 8), *range(TABLE, TABLE + 40, 8)]
    places += [*range(TEXTS, TEXTS + 60, 4), *range(CODE_TYPE, CODE_TYPE + 70, 8)]
    for _ in range(data.draw(st.integers(1, 8))):
        memory.put(data.draw(st.sampled_from(places)), "Q", data.draw(interesting | st.integers(0, (1 << 64) - 1)))
    for frame in runtime.frames(Pages(memory), THREAD_ID, 30):
        assert frame.line is None or frame.line > 0
        assert len(frame.file) <= 4096
    assert memory.reads < 5000
