"""Call frame information of ELF files: how the registers of a function's caller are found, at each of its instructions.

Exception handling frames as the x86-64 psABI and the Linux Standard Base (Core, "Exception Frames") describe them, and
DWARF's call frame instructions (DWARF 5 section 6.4.2). Files are a guest's: what is damaged or unknown is no rule.
"""

from __future__ import annotations

from array import array
from contextlib import suppress
from struct import Struct, error
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.platform.elf import ElfFile

RBP, RSP, RETURN = 6, 7, 16
"""DWARF's numbers of registers; 16 is the return address."""
_REGISTERS = 17

# How a register is found (its own value where no rule is): by an offset from the CFA, as that, by expressions.
AT_OFFSET, IS_OFFSET, AT_EXPRESSION, IS_EXPRESSION, IN_REGISTER, UNDEFINED = range(6)

_MOST_TABLE = 1 << 23
_MOST_ENTRY = 1 << 16
_MOST_STATES = 16
_MOST_RULES = 1 << 14
_HEADER = Struct("<4Bii")
_TABLE_ENCODINGS = (0x03, 0x3B)  # count as udata4; addresses as sdata4 from the header's own place
_U32, _I32, _U64, _I64, _U16, _I16 = Struct("<I"), Struct("<i"), Struct("<Q"), Struct("<q"), Struct("<H"), Struct("<h")
_FORMATS = {0x00: _U64, 0x02: _U16, 0x03: _U32, 0x04: _U64, 0x0A: _I16, 0x0B: _I32, 0x0C: _I64}
_FORMAT_OF_4 = 0x0B
_PC_RELATIVE = 0x10
_FARTHEST = 1 << 31
_OMITTED = 0xFF


class Rule(NamedTuple):
    """How the caller's registers are found: `cfa` is a register and an offset, or an expression.

    `registers`: those that have a rule, with its kind and its offset, register or expression. `interrupted`: the caller
    did not call, it was interrupted by a signal.
    """

    cfa: tuple[int, int] | bytes
    registers: tuple[tuple[int, int, int | bytes], ...]
    interrupted: bool


class Unwinding:
    """The rules of one file."""

    def __init__(self, file: ElfFile) -> None:
        """Read the table that tells which function has which entry."""
        self._file = file
        self._rules: dict[int, Rule | None] = {}
        self._base, self._table = _read_table(file) or _make_table(file)

    def rule_at(self, address: int) -> Rule | None:
        """The rule at an address of the file; None if there is none."""
        if address not in self._rules:
            if len(self._rules) >= _MOST_RULES:
                self._rules.clear()
            try:
                self._rules[address] = self._find(address)
            except (error, IndexError, ValueError):
                self._rules[address] = None
        return self._rules[address]

    def _find(self, address: int) -> Rule | None:
        wanted, low, high = address - self._base, 0, len(self._table) // 2
        while low < high:
            middle = (low + high) // 2
            if self._table[2 * middle] <= wanted:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return None
        return self._rule_of(self._base + self._table[2 * low - 1], address)

    def _rule_of(self, place: int, address: int) -> Rule | None:
        """The rule that a frame description entry gives for an address, if it is about that at all."""
        entry = _Entry(self._entry(place), place, self._entry)
        if not entry.start <= address < entry.start + entry.size:
            return None
        common = entry.common
        state = _State(common)
        state.run(_Reader(common.data, common.instructions, 0), 0, None)
        state.initial = dict(state.rules)
        state.run(entry.reader, entry.start, address)
        return Rule(state.cfa, tuple((register, *rule) for register, rule in state.rules.items()), common.interrupted)

    def _entry(self, address: int) -> bytes:
        """An entry with its length before it."""
        size = _U32.unpack(self._file.read(address, 4))[0]
        if not 8 <= size <= _MOST_ENTRY:
            raise ValueError("no entry is as long")
        return self._file.read(address, 4 + size)


class _Common(NamedTuple):
    """A common information entry: what its `instructions` say of the start holds for all entries that name it."""

    data: bytes
    instructions: int
    code_factor: int
    data_factor: int
    return_register: int
    encoding: int
    is_augmented: bool
    interrupted: bool


class _Reader:
    """Reads numbers one after another; IndexError or struct.error behind the end."""

    def __init__(self, data: bytes, at: int, address: int) -> None:
        """`address` is where the data begin in the file's addresses."""
        self.data = data
        self.at = at
        self._address = address

    def unsigned(self) -> int:
        return self._number()[0]

    def signed(self) -> int:
        value, bits, is_negative = self._number()
        return value - (1 << bits) if is_negative else value

    def _number(self) -> tuple[int, int, bool]:
        """A LEB128 number, its bits, and whether its last byte has the sign."""
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return value, shift, bool(byte & 64)
            if shift > 70:
                raise ValueError("a number of more than 64 bits")

    def fixed(self, form: Struct) -> int:
        value: int = form.unpack_from(self.data, self.at)[0]
        self.at += form.size
        return value

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def block(self) -> bytes:
        size = self.unsigned()
        self.at += size
        return self.data[self.at - size : self.at]

    def skip(self, size: int) -> None:
        self.at += size

    def pointer(self, encoding: int) -> int:
        form = _FORMATS.get(encoding & 15)
        if form is None or encoding & 0x70 not in (0, _PC_RELATIVE):
            raise ValueError("a pointer in a form that compilers do not write")
        here = self._address + self.at if encoding & _PC_RELATIVE else 0
        return self.fixed(form) + here


class _Entry:
    """A frame description entry: a function's `start` and `size`; `reader` stands before its instructions."""

    def __init__(self, data: bytes, place: int, others: Callable[[int], bytes]) -> None:
        """Read the entry at an address of the file; `others` gives the common one that it names."""
        self.common = _read_common(others(place + 4 - _U32.unpack_from(data, 4)[0]))
        self.reader = _Reader(data, 8, place)
        self.start = self.reader.pointer(self.common.encoding)
        self.size = self.reader.pointer(self.common.encoding & 15)
        if self.common.is_augmented:
            self.reader.skip(self.reader.unsigned())


def _read_table(file: ElfFile) -> tuple[int, memoryview[int]] | None:
    """The table that the linker has made: from an address on, pairs of a function's and its entry's; None if none."""
    base = file.unwinding
    head = b"" if base is None else file.read(base, _HEADER.size)
    if base is None or len(head) < _HEADER.size:
        return None
    version, pointer, count_encoding, encoding, _, count = _HEADER.unpack(head)
    if version != 1 or (count_encoding, encoding) != _TABLE_ENCODINGS or pointer & 15 != _FORMAT_OF_4:
        return None
    data = file.read(base + _HEADER.size, min(max(count, 0) * 8, _MOST_TABLE))
    return base, memoryview(data[: len(data) // 8 * 8]).cast("i")


def _make_table(file: ElfFile) -> tuple[int, memoryview[int]]:
    """The same table, made of the entries: files that are linked statically have none."""
    section = file.section(b".eh_frame")
    if section is None:
        return 0, memoryview(b"").cast("i")
    data, base, at = file.contents(section), section.address, 0
    pairs: list[tuple[int, int]] = []

    def entry_at(address: int) -> bytes:
        start = address - base
        return data[start : start + 4 + _U32.unpack_from(data, start)[0]] if start >= 0 else b""

    with suppress(error, IndexError, ValueError):
        while at + 8 <= len(data) and len(pairs) < _MOST_TABLE // 8:
            size, common = _U32.unpack_from(data, at)[0], _U32.unpack_from(data, at + 4)[0]
            if common and 8 <= size <= _MOST_ENTRY:
                pairs.append((_Entry(entry_at(base + at), base + at, entry_at).start - base, at))
            at += 4 + size
    numbers = array("i", (number for pair in sorted(pairs) if abs(pair[0]) < _FARTHEST for number in pair))
    return base, memoryview(numbers)


def _read_common(data: bytes) -> _Common:
    if _U32.unpack_from(data, 4)[0] != 0 or data[8] not in (1, 3):
        raise ValueError("no common entry")
    augmentation, _, _ = data[9:32].partition(b"\0")
    reader = _Reader(data, 10 + len(augmentation), 0)
    code_factor, data_factor = reader.unsigned(), reader.signed()
    return_register = reader.byte() if data[8] == 1 else reader.unsigned()
    encoding, interrupted = 0, False
    end = reader.at
    if augmentation.startswith(b"z"):
        size = reader.unsigned()
        end = reader.at + size
        for letter in augmentation[1:]:
            if letter == ord("R"):
                encoding = reader.byte()
            elif letter == ord("S"):
                interrupted = True
            elif letter == ord("L"):
                reader.byte()
            elif letter == ord("P"):
                reader.pointer(reader.byte() & 15)
            else:
                raise ValueError("an augmentation of which we do not know how long it is")
    elif augmentation:
        raise ValueError("an augmentation without a size")
    if encoding == _OMITTED or return_register >= _REGISTERS:
        raise ValueError("no entry could name its function, or its return address")
    return _Common(
        data, end, code_factor, data_factor, return_register, encoding, bool(augmentation), interrupted
    )  # fmt: skip


class _State:
    """A row of the table that call frame instructions build."""

    def __init__(self, common: _Common) -> None:
        self._common = common
        self.cfa: tuple[int, int] | bytes = (RSP, 8)
        self.rules: dict[int, tuple[int, int | bytes]] = {}
        self.initial: dict[int, tuple[int, int | bytes]] = {}
        self._saved: list[tuple[tuple[int, int] | bytes, dict[int, tuple[int, int | bytes]]]] = []

    def run(self, reader: _Reader, place: int, address: int | None) -> None:
        """Follow instructions from a place in the code up to an address; None: all of them."""
        while reader.at < len(reader.data):
            byte = reader.byte()
            kind, low = byte >> 6, byte & 63
            if kind == 1:
                place += low * self._common.code_factor
            elif kind == 2:
                self._set(low, AT_OFFSET, reader.unsigned() * self._common.data_factor)
            elif kind == 3:
                self._restore(low)
            elif low in _ADVANCES:
                place += reader.fixed(_ADVANCES[low]) * self._common.code_factor
            else:
                self._extended(low, reader)
            if address is not None and place > address:
                return

    def _extended(self, code: int, reader: _Reader) -> None:
        instruction = _INSTRUCTIONS.get(code)
        if instruction is None:
            raise ValueError("an instruction that we do not know")
        instruction(self, reader)

    def _set(self, register: int, kind: int, value: int | bytes) -> None:
        if register < _REGISTERS:
            self.rules[register] = (kind, value)

    def _restore(self, register: int) -> None:
        if register in self.initial:
            self.rules[register] = self.initial[register]
        else:
            self.rules.pop(register, None)

    def offset_extended(self, reader: _Reader) -> None:
        self._set(reader.unsigned(), AT_OFFSET, reader.unsigned() * self._common.data_factor)

    def offset_extended_signed(self, reader: _Reader) -> None:
        self._set(reader.unsigned(), AT_OFFSET, reader.signed() * self._common.data_factor)

    def value_offset(self, reader: _Reader) -> None:
        self._set(reader.unsigned(), IS_OFFSET, reader.unsigned() * self._common.data_factor)

    def value_offset_signed(self, reader: _Reader) -> None:
        self._set(reader.unsigned(), IS_OFFSET, reader.signed() * self._common.data_factor)

    def restore_extended(self, reader: _Reader) -> None:
        self._restore(reader.unsigned())

    def undefined(self, reader: _Reader) -> None:
        self._set(reader.unsigned(), UNDEFINED, 0)

    def same_value(self, reader: _Reader) -> None:
        self.rules.pop(reader.unsigned(), None)

    def register(self, reader: _Reader) -> None:
        self._set(reader.unsigned(), IN_REGISTER, reader.unsigned())

    def expression(self, reader: _Reader) -> None:
        self._set(reader.unsigned(), AT_EXPRESSION, reader.block())

    def value_expression(self, reader: _Reader) -> None:
        self._set(reader.unsigned(), IS_EXPRESSION, reader.block())

    def remember(self, _reader: _Reader) -> None:
        if len(self._saved) >= _MOST_STATES:
            raise ValueError("too many states to remember")
        self._saved.append((self.cfa, dict(self.rules)))

    def restore(self, _reader: _Reader) -> None:
        self.cfa, self.rules = self._saved.pop()

    def define_cfa(self, reader: _Reader) -> None:
        self.cfa = (reader.unsigned(), reader.unsigned())

    def define_cfa_signed(self, reader: _Reader) -> None:
        self.cfa = (reader.unsigned(), reader.signed() * self._common.data_factor)

    def define_cfa_register(self, reader: _Reader) -> None:
        self.cfa = (reader.unsigned(), self._cfa_pair()[1])

    def define_cfa_offset(self, reader: _Reader) -> None:
        self.cfa = (self._cfa_pair()[0], reader.unsigned())

    def define_cfa_offset_signed(self, reader: _Reader) -> None:
        self.cfa = (self._cfa_pair()[0], reader.signed() * self._common.data_factor)

    def define_cfa_expression(self, reader: _Reader) -> None:
        self.cfa = reader.block()

    def _cfa_pair(self) -> tuple[int, int]:
        if isinstance(self.cfa, bytes):
            raise ValueError("the CFA is an expression")  # noqa: TRY004 - the file is wrong, not our caller
        return self.cfa

    def nothing(self, _reader: _Reader) -> None:
        """Padding."""

    def arguments_size(self, reader: _Reader) -> None:
        reader.unsigned()


_ADVANCES = {0x02: Struct("<B"), 0x03: _U16, 0x04: _U32}
_INSTRUCTIONS = {
    0x00: _State.nothing,
    0x05: _State.offset_extended,
    0x06: _State.restore_extended,
    0x07: _State.undefined,
    0x08: _State.same_value,
    0x09: _State.register,
    0x0A: _State.remember,
    0x0B: _State.restore,
    0x0C: _State.define_cfa,
    0x0D: _State.define_cfa_register,
    0x0E: _State.define_cfa_offset,
    0x0F: _State.define_cfa_expression,
    0x10: _State.expression,
    0x11: _State.offset_extended_signed,
    0x12: _State.define_cfa_signed,
    0x13: _State.define_cfa_offset_signed,
    0x14: _State.value_offset,
    0x15: _State.value_offset_signed,
    0x16: _State.value_expression,
    0x2E: _State.arguments_size,
}
