"""Call frame information: rules of entries that we write, of this machine's own files, and of damaged ones."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picobox._native import _core
from picobox.check import cfi
from picobox.check.cfi import RBP, RETURN, RSP, Rule, Unwinding
from picobox.check.expressions import evaluate
from picobox.check.native_frames import follows_call
from picobox.check.pages import Pages
from picobox.platform.elf import ElfFile, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

START = 0x1000
# A common entry as compilers write it: "zR", factors 1 and -8, register 16, pcrel sdata4; CFA is rsp+8, rip at -8.
COMMON = struct.pack("<I4sBBB", 0, b"\x01zR\0", 1, 0x78, 16) + bytes((1, 0x1B, 0x0C, 7, 8, 0x90, 1, 0))


class File(ElfFile):
    """A file of nothing but a section .eh_frame, at address 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.unwinding = None
        self.sections = []
        self.segments = []

    def read(self, address: int, size: int) -> bytes:
        return self._data[address : address + size] if address >= 0 else b""

    def section(self, name: bytes):  # type: ignore[no-untyped-def] # noqa: ANN201
        from picobox.platform.elf import Section

        return Section(name, 0, 0, 0, len(self._data), 0)

    def contents(self, section: object) -> bytes:
        return self._data


def entries(instructions: bytes, common: bytes = COMMON) -> bytes:
    """A common entry, and one for the 256 bytes from START on."""
    first = struct.pack("<I", len(common)) + common
    place = len(first) + 8
    body = struct.pack("<IiI", len(first) + 4, START - place, 256) + b"\0" + instructions
    return first + struct.pack("<I", len(body)) + body


def rule(instructions: bytes, address: int = START + 100) -> Rule | None:
    return Unwinding(File(entries(instructions))).rule_at(address)


SAVED_RETURN = (RETURN, cfi.AT_OFFSET, -8)


def plain(register: int, offset: int, *registers: tuple[int, int, int | bytes]) -> Rule:
    return Rule((register, offset), (SAVED_RETURN, *registers), interrupted=False)


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        (b"", plain(RSP, 8)),
        (b"\x41\x0e\x10\x86\x02", plain(RSP, 16, (RBP, cfi.AT_OFFSET, -16))),
        (b"\x41\x0e\x10\x86\x02\x43\x0d\x06", plain(RBP, 16, (RBP, cfi.AT_OFFSET, -16))),
        # What comes after the address does not count: advances in the line, of one byte, of two.
        (b"\x41\x0e\x10\x7f\x7f\x0e\x40", plain(RSP, 16)),
        (b"\x02\xc8\x0e\x10", plain(RSP, 8)),
        (b"\x03\x64\x00\x0e\x10", plain(RSP, 16)),
        (b"\x04\x65\x00\x00\x00\x0e\x10", plain(RSP, 8)),
        # Remembered and restored; a register's own rule restored.
        (b"\x0a\x0e\x30\x86\x02\x0b", plain(RSP, 8)),
        (b"\x90\x03\xd0", plain(RSP, 8)),
        (b"\x86\x02\xc6", plain(RSP, 8)),
        (b"\x86\x02\x08\x06", plain(RSP, 8)),
        (b"\x0f\x03\x76\x78\x06", Rule(b"\x76\x78\x06", (SAVED_RETURN,), interrupted=False)),
        (b"\x10\x06\x02\x76\x00", plain(RSP, 8, (RBP, cfi.AT_EXPRESSION, b"\x76\x00"))),
        (b"\x07\x10", Rule((RSP, 8), ((RETURN, cfi.UNDEFINED, 0),), interrupted=False)),
        (b"\x11\x06\x7e", plain(RSP, 8, (RBP, cfi.AT_OFFSET, 16))),
        (b"\x09\x06\x03", plain(RSP, 8, (RBP, cfi.IN_REGISTER, 3))),
        (b"\x0b", None),
        (b"\x3f", None),
        (b"\x0f\x03\x76\x78\x06\x0e\x10", None),
        (b"\x0e", None),
    ],
)
def test_what_instructions_say(instructions: bytes, expected: Rule | None) -> None:
    assert rule(instructions) == expected


def test_an_address_belongs_to_one_function_or_none() -> None:
    unwinding = Unwinding(File(entries(b"")))
    known = [address for address in range(START - 300, START + 600) if unwinding.rule_at(address) is not None]
    assert known == list(range(START, START + 256))


def test_a_signal_frame_is_one() -> None:
    common = COMMON.replace(b"zR\0", b"zRS\0")
    found = Unwinding(File(entries(b"", common))).rule_at(START)
    assert found is not None
    assert found.interrupted


@given(st.binary(max_size=60), st.integers(0, 300))
def test_any_instructions_are_a_rule_or_none(instructions: bytes, offset: int) -> None:
    rule(instructions, START + offset)


@given(st.data())
def test_a_damaged_section_gives_rules_or_none(data: st.DataObject) -> None:
    section = bytearray(entries(b"\x41\x0e\x10\x86\x02"))
    for _ in range(data.draw(st.integers(1, 6))):
        section[data.draw(st.integers(0, len(section) - 1))] = data.draw(st.integers(0, 255))
    unwinding = Unwinding(File(bytes(section)))
    for address in (0, START, START + 255, 1 << 63):
        unwinding.rule_at(address)


def own_file() -> ElfFile:
    path = os.fsencode(str(_core.__file__))
    key = key_of(path)
    assert key is not None
    return ElfFile(path, key)


def test_the_linkers_table_and_the_one_made_of_the_entries_agree(request: pytest.FixtureRequest) -> None:
    file, bare = own_file(), own_file()
    bare.unwinding = None
    section = file.section(b".text")
    assert section is not None
    with_table, without = Unwinding(file), Unwinding(bare)
    step = 7 if request.config.getoption("--full") else 49
    addresses = range(section.address, section.address + section.size, step)
    found = [with_table.rule_at(address) for address in addresses]
    assert found == [without.rule_at(address) for address in addresses]
    assert sum(each is not None for each in found) > len(found) * 0.8


@given(st.data())
def test_a_damaged_file_is_read_without_harm(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(Path(str(_core.__file__)).read_bytes())
    end = len(content)
    places = st.integers(0, 0x800) | st.integers(end - 0x1000, end - 1) | st.integers(0, end - 1)
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(places)] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.so"
    path.write_bytes(content[: data.draw(st.integers(0, end) | st.just(end))])
    key = key_of(os.fsencode(path))
    assert key is not None
    file = ElfFile(os.fsencode(path), key)
    unwinding = Unwinding(file)
    for address in (0, 0x2000, 0x5000, 0x10000):
        unwinding.rule_at(address)
        file.function_at(address)
        file.function_range(address)
        file.data_symbol(b"_PyRuntime")


def test_a_file_that_has_become_another_one_is_read_no_more(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(Path(str(_core.__file__)).read_bytes())
    key = key_of(os.fsencode(path))
    assert key is not None
    file = ElfFile(os.fsencode(path), key)
    assert file.read_at(0, 4) == b"\x7fELF"
    path.write_bytes(b"\x7fELF other")
    assert file.read_at(0, 4) == b""


class Nothing:
    """A guest's memory in which every word is one that was chosen."""

    def __init__(self, word: int) -> None:
        self.word = word

    def read_blocks(self, addresses: Sequence[int], size: int) -> bytes:
        return struct.pack("<Q", self.word) * (size // 8 * len(addresses))


@pytest.mark.parametrize(
    ("code", "first", "expected"),
    [
        (b"\x77\x08", None, 7008),
        (b"\x77\x78", None, 6992),
        (b"\x77\x08\x06", None, 0x1234),
        (b"\x31\x22", 5, 6),
        (b"\x23\x80\x01", 5, 133),
        (b"\x80\x00\x3f\x1a\x3b\x2a\x33\x24", None, 8),  # as in a procedure linkage table: rip & 15 >= 11, shifted
        (b"\x80\x05\x3f\x1a\x3b\x2a\x33\x24", None, 0),
        (b"\x08", None, None),
        (b"\x22", 5, None),
        (b"\xff", None, None),
        (b"", None, None),
        (b"\x77" + b"\xff" * 20, None, None),
        (b"\x30" * 200, None, None),
    ],
)
def test_expressions(code: bytes, first: int | None, expected: int | None) -> None:
    registers = [1000 * number for number in range(16)] + [27 + 16 * 3]
    pages = Pages(Nothing(0x1234))  # type: ignore[arg-type] # it is read in blocks alone
    assert evaluate(code, registers, pages, first) == expected


@given(st.binary(max_size=100))
def test_any_bytes_are_an_expression(code: bytes) -> None:
    value = evaluate(code, [0] * 17, Pages(Nothing(1)), None)  # type: ignore[arg-type] # as above
    assert value is None or 0 <= value < 1 << 64


@pytest.mark.parametrize(
    ("code", "is_call"),
    [
        ("e8 00000000", True), ("ffd0", True), ("41ffd3", True), ("ff10", True), ("ff5008", True), ("ff542408", True),
        ("ff9000010000", True), ("ff1500010000", True), ("ff942400010000", True), ("ff14c500000000", True),
        ("ffe0", False), ("ff30", False), ("90909090", False), ("e900000000", False), ("c3", False),
    ],
)  # fmt: skip
def test_calls_are_known_by_the_bytes_before_what_they_return_to(code: str, is_call: bool) -> None:
    assert follows_call(bytes.fromhex(code).rjust(8, b"\x90")) is is_call
