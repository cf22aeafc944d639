"""The Python frames of a stopped thread, read from the memory of its CPython (3.11 and later).

As debuggers outside a process do it: _PyRuntime leads to the interpreters, those to their threads, a thread to its
innermost frame, each frame to its caller. All of it is the guest's, so every number may be a lie.
"""

from __future__ import annotations

from itertools import count
from struct import Struct, calcsize
from typing import TYPE_CHECKING, NamedTuple

from picobox.check import python_layouts
from picobox.check.line_table import UNIT, line_at
from picobox.findings.finding import Frame
from picobox.platform.base import FramesForm, Guide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from picobox.check.modules import Modules
    from picobox.check.pages import Pages
    from picobox.check.python_layouts import Layout

_WORD = Struct("<Q")
_SECTION = b".PyRuntime"
_RUNTIME, _VERSION = b"_PyRuntime", b"Py_Version"
_OWNED_BY_GENERATOR = 1
# References of frames have marks in their lowest bits (pycore_stackref.h).
_REFERENCE = ~3
# A row: code object, instruction and owner of a frame, then what a code object is recognised by (Layout.code).
_FRAME = Struct("<QQq")
_KEY = Struct("<QQqQQQq")
_ADDRESS = 8
_ROW = _FRAME.size + _KEY.size
_TYPE_NAME = b"code"
_MOST_INTERPRETERS = 64
_MOST_THREADS = 4096
_MOST_CODES = 1 << 15
_MOST_STACKS = 1 << 9
_MOST_LINES = 1 << 12  # that are kept of one code object
_LONGEST_PATH = 4096
_LONGEST_NAME = 1024
_LONGEST_TABLE = 1 << 18
# Frames without code, or not begun, are passed over; so many are looked at for each that is wanted.
_STEPS_A_FRAME = 4
# Pages that a walk is likely to need again.
_MOST_EXPECTED = 16


_SPACES = count(1)


class _Thread(NamedTuple):
    """The only state of a thread, and the heads of the lists in which there is no other one."""

    state: int
    interpreters: int
    threads: int
    interpreter: int


class _Code(NamedTuple):
    """A code object: what it was recognised by, and the frames that were made of it, by instruction and owner.

    None stands for a frame that is not visible. `lines` is its table of lines.
    """

    key: bytes
    file: str
    function: str
    lines: bytes
    frames: dict[bytes, Frame | None]


class PythonRuntime:
    """The CPython of one address space, with what is already known of its threads and code objects."""

    def __init__(self, address: int, layout: Layout) -> None:
        """_PyRuntime is at `address`."""
        self._address = address
        self._layout = layout
        self._code_type = 0
        self._form = _form_of(layout)
        self._codes: dict[bytes, _Code] = {}
        # By their rows, as long as none of these codes was taken for another.
        self._stacks: dict[bytes, tuple[Frame, ...]] = {}
        self._threads: dict[int, _Thread] = {}
        self._expected: dict[int, tuple[int, ...]] = {}
        self.space = next(_SPACES)
        # Told by its address and key of each code object that is known from now on, or no more.
        self.told: Callable[[bytes, bool], None] | None = None

    def guide(self, thread_id: int) -> Guide | None:
        """How to find the frames of a thread that were found before; None where that takes more than a few words."""
        known, layout = self._threads.get(thread_id), self._layout
        if known is None:
            return None
        (_, _), (_, _), (frame, _), (owner, _) = python_layouts.offsets(layout.thread)
        guards = (
            (self._address + layout.interpreters_head, known.interpreters),
            (known.interpreter + layout.threads_head, known.threads),
            (known.state + owner, thread_id),
        )
        return Guide(self.space, guards, known.state + frame, layout.frame_holder, self._form)

    def tell(self, told: Callable[[bytes, bool], None]) -> None:
        """Have somebody told what is known, now and from now on."""
        self.told = told
        for address, code in self._codes.items():
            told(address + code.key, True)

    def rendered(self, rows: bytes) -> tuple[Frame, ...]:
        """The frames of rows that were read before (`GuestMemory.read_frames`), as far as their code is known still."""
        stack = self._stacks.get(rows)
        return self._rendered(None, rows)[0] if stack is None else stack

    def expected(self, thread_id: int) -> tuple[int, ...]:
        """The pages that the last walk of a thread has read."""
        return self._expected.get(thread_id, ())

    def frames(self, pages: Pages, thread_id: int, limit: int) -> tuple[Frame, ...]:
        """The frames of the thread whose pthread_self that is, the innermost first; none if it runs no Python."""
        state = self._state_of(pages, thread_id)
        if state is None:
            return ()
        innermost = self._innermost(pages, state)
        rows = pages.frames(self._form, innermost, limit)
        if rows is None:
            rows = self._walk(pages, innermost, limit)
        known = tuple(pages.known())
        if len(self._expected) >= _MOST_THREADS:
            self._expected.clear()
        self._expected[thread_id] = known if len(known) <= _MOST_EXPECTED else ()
        stack = self._stacks.get(rows)
        if stack is None:
            stack, is_known = self._rendered(pages, rows)
            if len(self._stacks) >= _MOST_STACKS:
                self._stacks.clear()
            if is_known:
                self._stacks[rows] = stack
        return stack

    def _state_of(self, pages: Pages, thread_id: int) -> int | None:
        """The thread state that is active in a thread."""
        layout = self._layout
        interpreters = _word(pages, self._address + layout.interpreters_head)
        known = self._threads.get(thread_id)
        if (
            known is not None
            and known.interpreters == interpreters
            and known.threads == _word(pages, known.interpreter + layout.threads_head)
            and pages.unpack(layout.thread, known.state)[3] == thread_id
        ):
            return known.state
        states = list(self._states(pages, interpreters, thread_id))
        if len(states) == 1 and not _word(pages, interpreters + layout.next_interpreter):
            if len(self._threads) >= _MOST_THREADS:
                self._threads.clear()
            self._threads[thread_id] = states[0]
        # Each interpreter has its own state for a thread: the one that was entered last stands lowest on its stack.
        running = [each.state for each in states if self._innermost(pages, each.state)]
        return min(running, key=lambda state: self._depth(pages, state), default=None)

    def _states(self, pages: Pages, interpreters: int, thread_id: int) -> Iterator[_Thread]:
        """The states of a thread, in all interpreters."""
        layout, interpreter, left = self._layout, interpreters, _MOST_THREADS
        for _ in range(_MOST_INTERPRETERS):
            if not interpreter:
                return
            state = threads = _word(pages, interpreter + layout.threads_head)
            while state and left:
                following, owner, _, found = pages.unpack(layout.thread, state)
                if found == thread_id and owner == interpreter:
                    yield _Thread(state, interpreters, threads, interpreter)
                state, left = following, left - 1
            interpreter = _word(pages, interpreter + layout.next_interpreter)

    def _innermost(self, pages: Pages, state: int) -> int:
        """The frame that a thread state runs now; 0 if it runs none."""
        frame: int = pages.unpack(self._layout.thread, state)[2]
        if self._layout.frame_holder is not None and frame:
            return _word(pages, frame + self._layout.frame_holder)
        return frame

    def _depth(self, pages: Pages, state: int) -> int:
        """Where on the native stack the innermost evaluation of a thread state has its variables."""
        place: int = pages.unpack(self._layout.thread, state)[2]
        if self._layout.frame_holder is None:
            for _ in range(_MOST_THREADS):
                _, previous, _, owner = pages.unpack(self._layout.frame, place)
                if owner >= self._layout.first_shim or not previous:
                    break
                place = previous
        return place

    def _walk(self, pages: Pages, frame: int, limit: int) -> bytes:
        """The rows of the innermost frames, where they cannot be read in one go."""
        form, first_shim = self._layout.frame, self._layout.first_shim
        found: list[tuple[int, int, int]] = []
        for _ in range(_STEPS_A_FRAME * limit):
            if not frame or len(found) >= limit:
                break
            code, frame, instruction, owner = pages.unpack(form, frame)
            if owner < first_shim:
                found.append((code & _REFERENCE, instruction, owner))
        keys = pages.structures(self._layout.code, [address for address, _, _ in found])
        return b"".join(_FRAME.pack(*frame) + _KEY.pack(*key) for frame, key in zip(found, keys, strict=True))

    def _rendered(self, pages: Pages | None, rows: bytes) -> tuple[tuple[Frame, ...], bool]:
        """The visible frames, and whether each row is that of a code object: then equal rows are an equal stack."""
        codes, found, is_known = self._codes, [], True
        for at in range(0, len(rows), _ROW):
            code, key = codes.get(rows[at : at + _ADDRESS]), rows[at + _FRAME.size : at + _ROW]
            if code is None or code.key != key:
                code = None if pages is None else self._read_code(pages, rows[at : at + _ADDRESS], key)
                if code is None:
                    is_known = False
                    continue
            place = rows[at + _ADDRESS : at + _FRAME.size]
            try:
                frame = code.frames[place]
            except KeyError:
                frame = self._new_frame(code, *_FRAME.unpack_from(rows, at))
                if len(code.frames) < _MOST_LINES:
                    code.frames[place] = frame
            if frame is not None:
                found.append(frame)
        return tuple(found), is_known

    def _read_code(self, pages: Pages, address: bytes, key: bytes) -> _Code | None:
        """A code object that was not known, or not with these contents; None if it is none."""
        type_address, _, _, path, name, table, _ = _KEY.unpack(key)
        if not self._is_code(pages, type_address):
            return None
        file = self._text(pages, path, _LONGEST_PATH)
        if not file:
            return None
        size = _word(pages, table + self._layout.bytes_size)
        lines = pages.blocks((table + self._layout.bytes_data,), min(size, _LONGEST_TABLE))[0]
        if len(self._codes) >= _MOST_CODES:
            self._forget(tuple(self._codes))
        elif address in self._codes:
            self._forget((address,))
        code = _Code(key, file, self._text(pages, name, _LONGEST_NAME) or "", lines, {})
        if self.told is not None:
            self.told(address + key, True)
        self._codes[address] = code
        return code

    def _forget(self, addresses: Iterable[bytes]) -> None:
        """Other code objects may be there."""
        self._stacks.clear()
        for address in addresses:
            if self.told is not None:
                self.told(address + self._codes[address].key, False)
            del self._codes[address]

    def _is_code(self, pages: Pages, type_address: int) -> bool:
        if type_address != self._code_type:
            name = _word(pages, type_address + self._layout.type_name)
            if pages.string(name, len(_TYPE_NAME) + 1) != _TYPE_NAME:
                return False
            self._code_type = type_address
        return True

    def _new_frame(self, code: _Code, address: int, instruction: int, owner: int) -> Frame | None:
        """A frame that was not seen before; None if it is not visible."""
        line = None
        _, units, first_line, _, _, _, first_traced = _KEY.unpack(code.key)
        offset = instruction - address - self._layout.instructions
        # A frame is visible from its first traced instruction on, a generator's always (_PyFrame_IsIncomplete).
        if owner != _OWNED_BY_GENERATOR and offset < UNIT * first_traced:
            return None
        # What lies outside is a copy of the instructions for one thread, and not told where (3.14t).
        if 0 <= offset < UNIT * units:
            line = line_at(code.lines, first_line, offset)
        return Frame(code.file, code.function, line)

    def _text(self, pages: Pages, address: int, limit: int) -> str | None:
        """A string; None if it is none, or too long."""
        length, state = pages.unpack(self._layout.text, address)
        state >>= self._layout.kind_shift
        width, is_compact, is_ascii = state & 7, state >> 3 & 1, state >> 4 & 1
        encoding = _ENCODINGS.get(width)
        if encoding is None or not is_compact or not 0 < length <= limit:
            return None
        start = address + (self._layout.ascii if is_ascii else self._layout.wide)
        try:
            return pages.blocks((start,), width * length)[0].decode(encoding, "surrogatepass")
        except ValueError:
            return None


def _form_of(layout: Layout) -> FramesForm:
    """Where frames, and what they run, keep what a row has of them."""
    (code, _), (caller, _), (instruction, _), (owner, _) = python_layouts.offsets(layout.frame)
    key = tuple((offset, calcsize("<" + letter)) for offset, letter in python_layouts.offsets(layout.code))
    return FramesForm(caller, code, instruction, owner, _REFERENCE, layout.first_shim, layout.code.size, key)


_ENCODINGS = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}


def find_runtime(modules: Modules, pages: Pages) -> PythonRuntime | None:
    """The CPython among some modules, if there is one that we can read."""
    for module in modules.all:
        if module.file is None:
            continue
        section = module.file.section(_SECTION)
        place = section.address if section is not None else module.file.data_symbol(_RUNTIME)
        if place is None:
            continue
        address = place + module.bias
        layout = python_layouts.published(pages.read(address, python_layouts.TABLE_SIZE))
        version = module.file.data_symbol(_VERSION) if layout is None else None
        if version is not None:
            layout = python_layouts.known(_word(pages, version + module.bias))
        if layout is not None:
            return PythonRuntime(address, layout)
    return None


def _word(pages: Pages, address: int) -> int:
    value: int = pages.unpack(_WORD, address)[0]
    return value
