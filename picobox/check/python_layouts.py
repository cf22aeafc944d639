"""Where the versions of CPython keep what tells who called: offsets of fields in its structures.

3.13 and later publish their own at the start of _PyRuntime (Include/internal/pycore_debug_offsets.h); those of 3.11 and
3.12 are facts of their headers (pycore_runtime.h, pycore_frame.h, cpython/pystate.h, cpython/code.h), on x86-64.
"""

from __future__ import annotations

import re
from struct import Struct, calcsize
from typing import NamedTuple

_COOKIE = b"xdebugpy"
_HEADER = Struct("<8sQQ")
# Alphas and betas have other structures: 0xC0 in PY_VERSION_HEX is the first release candidate.
_FIRST_CANDIDATE = 0xC0
# No structure is as big as that, but for that of an interpreter.
_FARTHEST = 1 << 12
_FARTHEST_OF_ALL = 1 << 24
# From here on the instructions of a free-threaded build have a copy for each thread...
_HAS_COPIES = 0x030E
# ...and 16 bits of a string's state tell whether it is interned.
_HAS_WIDE_INTERNED = 0x030E

# The published table: its groups of 64-bit numbers in order, and how many each has.
_GROUPS = {
    0x030D: (
        ("runtime", 3), ("interpreter", 13), ("thread", 9), ("frame", 6), ("code", 10), ("object", 2), ("type", 4),
        ("tuple", 3), ("list", 3), ("dict", 3), ("float", 2), ("long", 3), ("bytes", 3), ("unicode", 4),
    ),
    0x030E: (
        ("runtime", 3), ("interpreter", 16), ("thread", 9), ("frame", 8), ("code", 11), ("object", 2), ("type", 4),
        ("tuple", 3), ("list", 3), ("set", 4), ("dict", 3), ("float", 2), ("long", 3), ("bytes", 3), ("unicode", 4),
    ),
}  # fmt: skip
TABLE_SIZE = _HEADER.size + 8 * max(sum(count for _, count in groups) for groups in _GROUPS.values())
"""How many bytes of _PyRuntime have to be read for its table."""


class Layout(NamedTuple):
    """Offsets in bytes, and structures whose fields are given in the order that is told here.

    `thread`: next thread, interpreter, current frame or what holds it, thread id (pthread_self). `frame_holder`: at
    which offset of that the current frame is, None if it is the frame. `frame`: code, previous frame, instruction,
    owner. `code`: type, code units, first line, file name, qualified name, line table, index of the first instruction
    that is traced. `first_shim`: owners from there on have no code. `text`: length, state; `kind_shift` is where in the
    state the width of a character begins, ASCII text begins at `ascii`, other text at `wide`.
    """

    interpreters_head: int
    next_interpreter: int
    threads_head: int
    thread: Struct
    frame_holder: int | None
    frame: Struct
    first_shim: int
    code: Struct
    instructions: int
    type_name: int
    text: Struct
    kind_shift: int
    ascii: int
    wide: int
    bytes_size: int
    bytes_data: int


def fields(*wanted: tuple[int, str]) -> Struct:
    """A structure of the fields at these offsets, ascending, of these formats. ValueError if they overlap."""
    form, at = "<", 0
    for offset, letter in wanted:
        form += f"{offset - at}x{letter}"
        at = offset + calcsize("<" + letter)
        if not 0 <= offset < _FARTHEST or "-" in form:
            raise ValueError(f"no structure has a field at {offset}")
    return Struct(form)


def offsets(form: Struct) -> tuple[tuple[int, str], ...]:
    """The offsets and formats of the fields that `fields` was given."""
    found, at = [], 0
    for gap, letter in re.findall(r"(\d+)x(\w)", form.format):
        at += int(gap)
        found.append((at, letter))
        at += calcsize("<" + letter)
    return tuple(found)


_WORD = "Q"
_KNOWN = {
    0x030B: Layout(
        interpreters_head=40,
        next_interpreter=0,
        threads_head=16,
        thread=fields((8, _WORD), (16, _WORD), (56, _WORD), (152, _WORD)),
        frame_holder=8,
        frame=fields((32, _WORD), (48, _WORD), (56, _WORD), (69, "b")),
        first_shim=3,
        code=fields(
            (8, _WORD), (16, _WORD), (72, "i"), (112, _WORD), (128, _WORD), (136, _WORD), (168, "i")
        ),
        instructions=184,
        type_name=24,
        text=fields((16, "q"), (32, "I")),
        kind_shift=2,
        ascii=48,
        wide=72,
        bytes_size=16,
        bytes_data=32,
    ),
    0x030C: Layout(
        interpreters_head=40,
        next_interpreter=0,
        threads_head=72,
        thread=fields((8, _WORD), (16, _WORD), (56, _WORD), (136, _WORD)),
        frame_holder=0,
        frame=fields((0, _WORD), (8, _WORD), (56, _WORD), (70, "b")),
        first_shim=3,
        code=fields(
            (8, _WORD), (16, _WORD), (68, "i"), (112, _WORD), (128, _WORD), (136, _WORD), (176, "i")
        ),
        instructions=192,
        type_name=24,
        text=fields((16, "q"), (32, "I")),
        kind_shift=2,
        ascii=40,
        wide=56,
        bytes_size=16,
        bytes_data=32,
    ),
}  # fmt: skip


def known(version: int) -> Layout | None:
    """The layout of a version that publishes none, by Py_Version; None if nobody knows it."""
    return _KNOWN.get(version >> 16) if version & 0xFF >= _FIRST_CANDIDATE else None


def published(table: bytes) -> Layout | None:
    """The layout that _PyRuntime begins with; None if it does not, or with one that cannot be right."""
    cookie, version, free_threaded = _HEADER.unpack_from(table)
    groups = _GROUPS.get(version >> 16)
    if cookie != _COOKIE or groups is None or version & 0xFF < _FIRST_CANDIDATE:
        return None
    offsets, at = {}, _HEADER.size
    for name, count in groups:
        offsets[name] = Struct(f"<{count}Q").unpack_from(table, at)
        at += 8 * count
    try:
        return _layout(offsets, version >> 16, is_free_threaded=bool(free_threaded))
    except ValueError:
        return None


def _layout(of: dict[str, tuple[int, ...]], version: int, *, is_free_threaded: bool) -> Layout:
    thread, frame, code = of["thread"], of["frame"], of["code"]
    farthest = (of["runtime"][2], *of["interpreter"][2:4])
    near = (of["bytes"][1], of["bytes"][2], of["unicode"][3], of["type"][1], code[9])
    if max(farthest) >= _FARTHEST_OF_ALL or max(near) >= _FARTHEST:
        raise ValueError("an offset is beyond every structure")
    # PyCodeObject ends so: int _co_firsttraceable, void *co_extra, in 3.14t also co_tlbc, the instructions.
    first_traced = code[9] - (24 if is_free_threaded and version >= _HAS_COPIES else 16)
    return Layout(
        interpreters_head=of["runtime"][2],
        next_interpreter=of["interpreter"][2],
        threads_head=of["interpreter"][3],
        thread=fields(*((offset, _WORD) for offset in thread[2:6])),
        frame_holder=None,
        frame=fields((frame[2], _WORD), (frame[1], _WORD), (frame[3], _WORD), (frame[5], "b")),
        first_shim=3,
        code=fields(
            (of["object"][1], _WORD), (of["object"][0], _WORD), (code[5], "i"), (code[1], _WORD), (code[3], _WORD),
            (code[4], _WORD), (first_traced, "i"),
        ),
        instructions=code[9],
        type_name=of["type"][1],
        text=fields((of["unicode"][2], "q"), (of["unicode"][1], "I")),
        kind_shift=16 if version >= _HAS_WIDE_INTERNED else 2,
        ascii=of["unicode"][3],
        wide=of["unicode"][3] + 16,
        bytes_size=of["bytes"][1],
        bytes_data=of["bytes"][2],
    )  # fmt: skip
