"""Owns an interpreter of classic BPF as seccomp runs it: the check that a compiled filter means what it should."""

from __future__ import annotations

import operator
import struct
from typing import NamedTuple

# linux/bpf_common.h
_CLASS = 0x07
_JMP, _RET = 0x05, 0x06
_LOAD_WORD_ABSOLUTE = 0x20
_ALU_OR, _ALU_AND = 0x44, 0x54
_JUMP_ALWAYS = 0x05
_JUMPS = {0x15: operator.eq, 0x25: operator.gt, 0x35: operator.ge, 0x45: operator.and_}
_RETURN_CONSTANT, _RETURN_ACCUMULATOR = 0x06, 0x16

# struct seccomp_data: nr, arch, instruction_pointer, args[6]
_SECCOMP_DATA = struct.Struct("<iIQ6Q")


class Instruction(NamedTuple):
    """One struct sock_filter."""

    code: int
    jump_true: int
    jump_false: int
    k: int


class InvalidProgramError(Exception):
    """The kernel would refuse this program, or it does something this interpreter knows no meaning for."""


def disassemble(program: bytes) -> list[Instruction]:
    """The instructions of a filter; refuses what the kernel refuses (net/core/filter.c, bpf_check_classic)."""
    if not program or len(program) % 8 or len(program) // 8 > 4096:
        raise InvalidProgramError(f"{len(program)} bytes are no filter")
    instructions = [Instruction(*fields) for fields in struct.iter_unpack("<HBBI", program)]
    for position, instruction in enumerate(instructions):
        if instruction.code & _CLASS == _JMP:
            always = instruction.code == _JUMP_ALWAYS
            offsets = [instruction.k] if always else [instruction.jump_true, instruction.jump_false]
            if any(position + 1 + offset >= len(instructions) for offset in offsets):
                raise InvalidProgramError(f"instruction {position} jumps out of the program")
    if instructions[-1].code & _CLASS != _RET:
        raise InvalidProgramError("the last instruction is no return")
    return instructions


def run(program: bytes, *, nr: int, arch: int, address: int = 0, args: tuple[int, ...] = (0,) * 6) -> int:
    """The verdict (a SECCOMP_RET_* word) for a call; `nr` is taken as the kernel's signed int."""
    data = _SECCOMP_DATA.pack((nr & 0xFFFF_FFFF ^ 1 << 31) - (1 << 31), arch, address, *args)
    instructions = disassemble(program)
    accumulator = position = 0
    while True:
        code, jump_true, jump_false, k = instructions[position]
        position += 1
        if code == _LOAD_WORD_ABSOLUTE and k % 4 == 0 and k + 4 <= len(data):
            (accumulator,) = struct.unpack_from("<I", data, k)
        elif code == _ALU_OR:
            accumulator |= k
        elif code == _ALU_AND:
            accumulator &= k
        elif code == _JUMP_ALWAYS:
            position += k
        elif code in _JUMPS:
            position += jump_true if _JUMPS[code](accumulator, k) else jump_false
        elif code == _RETURN_CONSTANT:
            return k
        elif code == _RETURN_ACCUMULATOR:
            return accumulator
        else:
            raise InvalidProgramError(f"instruction {code:#x} with {k:#x}")
