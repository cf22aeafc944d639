"""Owns the compilation of the table into its two kernel-side forms: the seccomp filter and the disposition array."""

from __future__ import annotations

import struct
from array import array
from errno import ENOSYS
from typing import TYPE_CHECKING

from picobox.abi.row import ACTION_CALL
from picobox.abi.x86_64 import AUDIT_ARCH_X86_64, SYSCALL_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.abi.row import Row

# linux/seccomp.h
SECCOMP_RET_ERRNO = 0x0005_0000
SECCOMP_RET_TRACE = 0x7FF0_0000
SECCOMP_RET_DATA = 0x0000_FFFF

# Data of the RET_TRACE verdict for a number the table cannot hold; the C core answers it ENOSYS.
UNKNOWN_NUMBER = 0xFFFF

# Bits of a word of the disposition array.
DISPOSITION_ACTION = 0xFF
DISPOSITION_GUARD = 1 << 8
DISPOSITION_REAP = 1 << 9
DISPOSITION_ERRNO_SHIFT = 16

# Children that are dead for the tracer have to be dead for the caller of these (wait(2)).
WAITING_CALLS = frozenset(("wait4", "waitid"))

# linux/bpf_common.h and linux/filter.h; offsets are those of struct seccomp_data.
_LD_W_ABS = 0x20
_JMP_JEQ_K = 0x15
_JMP_JGE_K = 0x35
_ALU_OR_K = 0x44
_RET_K = 0x06
_RET_A = 0x16
_NR_OFFSET = 0
_ARCH_OFFSET = 4

_instruction = struct.Struct("<HBBI")


def compile_filter(rows: Iterable[Row]) -> bytes:
    """The seccomp filter for `rows` as an array of little-endian `struct sock_filter` (8 bytes each).

    Every number is RET_TRACE with the number as its data, so that nothing runs without being seen and a missing tracer
    fails closed. Numbers of x32, negative ones and unknown ones share the data 0xFFFF. A foreign architecture is
    refused with ENOSYS. Rows are checked to fit the range the program can express.
    """
    for entry in rows:
        if not 0 <= entry.nr < SYSCALL_LIMIT:
            raise ValueError(f"{entry.name}: system call number {entry.nr} is outside 0..{SYSCALL_LIMIT - 1}")
    program = (
        (_LD_W_ABS, 0, 0, _ARCH_OFFSET),
        (_JMP_JEQ_K, 1, 0, AUDIT_ARCH_X86_64),
        (_RET_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS),
        (_LD_W_ABS, 0, 0, _NR_OFFSET),
        (_JMP_JGE_K, 2, 0, SYSCALL_LIMIT),
        (_ALU_OR_K, 0, 0, SECCOMP_RET_TRACE),
        (_RET_A, 0, 0, 0),
        (_RET_K, 0, 0, SECCOMP_RET_TRACE | UNKNOWN_NUMBER),
    )
    return b"".join(_instruction.pack(*instruction) for instruction in program)


def compile_dispositions(
    rows: Iterable[Row], subscribe: bool = False, features: frozenset[str] = frozenset()
) -> array[int]:
    """The C core's disposition array: one 32-bit word for each number below SYSCALL_LIMIT.

    Bits 0 to 7 are the action (0 unknown, 1 NATIVE, 2 CALL, 3 ERRNO), bit 8 marks a row with guarded address ranges,
    bit 9 one that waits for children, bits 16 to 31 hold the error number of a refusal. With `subscribe` every row is a
    CALL and so is every other number, so that Python sees each call; the error number stays in its bits.
    """
    words = array("I", [ACTION_CALL if subscribe else 0]) * SYSCALL_LIMIT
    for entry in rows:
        disposition = entry.disposition(features)
        word = ACTION_CALL if subscribe else disposition.action
        if entry.guards:
            word |= DISPOSITION_GUARD
        if entry.name in WAITING_CALLS:
            word |= DISPOSITION_REAP
        words[entry.nr] = word | disposition.errno << DISPOSITION_ERRNO_SHIFT
    return words


def compile_guards(rows: Iterable[Row]) -> tuple[array[int], int]:
    """The C core's guards, a word for each number, and the number of mmap.

    A word holds up to two (address, length) pairs of argument indices plus one, a byte each. mmap covers what is
    already mapped only with MAP_FIXED, so the core must know it.
    """
    words = array("I", bytes(4 * SYSCALL_LIMIT))
    mmap_nr = -1
    for entry in rows:
        for place, (address, length) in enumerate(entry.guards):
            words[entry.nr] |= ((address + 1) | (length + 1) << 8) << 16 * place
        if entry.name == "mmap":
            mmap_nr = entry.nr
    return words, mmap_nr
