"""Owns the proof that the compiled filter and disposition array say what the table says."""

from __future__ import annotations

import struct
from errno import ENOSYS

import pytest
from bpf import InvalidProgramError, disassemble, run
from hypothesis import given
from hypothesis import strategies as st

from picobox.abi import filter as filter_module
from picobox.abi.filter import (
    DISPOSITION_ACTION,
    DISPOSITION_ERRNO_SHIFT,
    DISPOSITION_GUARD,
    DISPOSITION_INTERRUPTIBLE,
    DISPOSITION_NOTIFY,
    DISPOSITION_RECEIVES,
    INTERRUPTIBLE_CALLS,
    RECEIVING_CALLS,
    SECCOMP_RET_ALLOW,
    SECCOMP_RET_DATA,
    SECCOMP_RET_ERRNO,
    SECCOMP_RET_TRACE,
    SECCOMP_RET_USER_NOTIF,
    UNKNOWN_NUMBER,
    UNSEEN_CALLS,
    compile_dispositions,
    compile_filter,
    compile_guards,
)
from picobox.abi.row import (
    ACTION_CALL,
    ACTION_ERRNO,
    ACTION_NATIVE,
    ACTION_UNKNOWN,
    CALL,
    NAMES,
    NATIVE,
    UNSEEN,
    WALLS,
    Row,
)
from picobox.abi.table import BY_NAME, BY_NR, ROWS
from picobox.abi.types import Int
from picobox.abi.x86_64 import AUDIT_ARCH_X86_64, SYSCALL_LIMIT, X32_SYSCALL_BIT

FILTER = compile_filter(ROWS)
# linux/audit.h: i386, aarch64, and x86-64 without its 64-bit flag
FOREIGN_ARCHITECTURES = (0x40000003, 0xC00000B7, 0x4000003E, 0)


def _row(nr: int) -> Row:
    return Row("example", x86_64=nr, returns=Int, do=NATIVE)


def test_every_number_below_the_limit_stops_with_itself_as_data() -> None:
    for nr in range(SYSCALL_LIMIT):
        assert run(FILTER, nr=nr, arch=AUDIT_ARCH_X86_64) == SECCOMP_RET_TRACE | nr


@given(st.integers(SYSCALL_LIMIT, 0xFFFF_FFFF))
def test_every_other_number_stops_as_unknown(nr: int) -> None:
    assert run(FILTER, nr=nr, arch=AUDIT_ARCH_X86_64) == SECCOMP_RET_TRACE | UNKNOWN_NUMBER


@pytest.mark.parametrize(
    "nr", [SYSCALL_LIMIT, X32_SYSCALL_BIT, X32_SYSCALL_BIT | 59, X32_SYSCALL_BIT | 520, -1, -(2**31)]
)
def test_x32_and_negative_numbers_stop_as_unknown(nr: int) -> None:
    assert run(FILTER, nr=nr, arch=AUDIT_ARCH_X86_64) == SECCOMP_RET_TRACE | UNKNOWN_NUMBER


@pytest.mark.parametrize("arch", FOREIGN_ARCHITECTURES)
@pytest.mark.parametrize("nr", [0, 11, 59, 511, 512, X32_SYSCALL_BIT, -1])
def test_a_foreign_architecture_is_refused(arch: int, nr: int) -> None:
    assert run(FILTER, nr=nr, arch=arch) == SECCOMP_RET_ERRNO | ENOSYS


@given(nr=st.integers(0, 0xFFFF_FFFF), arch=st.sampled_from([AUDIT_ARCH_X86_64, *FOREIGN_ARCHITECTURES]))
def test_nothing_is_ever_allowed(nr: int, arch: int) -> None:
    assert run(FILTER, nr=nr, arch=arch) & ~SECCOMP_RET_DATA in (SECCOMP_RET_TRACE, SECCOMP_RET_ERRNO)


@given(address=st.integers(0, 2**64 - 1), args=st.tuples(*[st.integers(0, 2**64 - 1)] * 6))
def test_the_verdict_depends_on_number_and_architecture_alone(address: int, args: tuple[int, ...]) -> None:
    assert run(FILTER, nr=1, arch=AUDIT_ARCH_X86_64, address=address, args=args) == SECCOMP_RET_TRACE | 1


@given(st.frozensets(st.integers(0, SYSCALL_LIMIT - 1)))
def test_notified_numbers_and_no_others_go_to_the_channel(notified: frozenset[int]) -> None:
    program = compile_filter(ROWS, notified)
    passing = {BY_NAME[name].nr for name in ("wait4", "waitid", "exit_group")}
    for nr in range(SYSCALL_LIMIT):
        verdict = SECCOMP_RET_ALLOW if nr in passing else SECCOMP_RET_USER_NOTIF
        expected = verdict if nr in notified else SECCOMP_RET_TRACE | nr
        assert run(program, nr=nr, arch=AUDIT_ARCH_X86_64) == expected
    for nr in (SYSCALL_LIMIT, X32_SYSCALL_BIT, X32_SYSCALL_BIT | 1, 0xFFFF_FFFF):
        assert run(program, nr=nr, arch=AUDIT_ARCH_X86_64) == SECCOMP_RET_TRACE | UNKNOWN_NUMBER
    assert run(program, nr=0, arch=FOREIGN_ARCHITECTURES[0]) == SECCOMP_RET_ERRNO | ENOSYS


VM, VFORK, SETTID = 0x100, 0x4000, 0x0120_0000
THREAD, UNTRACED, NEW_USER = 0x10000, 0x80_0000, 0x1000_0000
HIGH = 1 << 32


@pytest.mark.parametrize(
    ("name", "args", "is_notified"),
    [
        *(("clone", (flags,), True) for flags in (0, 17, 17 | SETTID, VFORK | 17, VM | VFORK | 17, 0x10_00FF)),
        *(("clone", (flags,), False) for flags in (VM, VM | THREAD, THREAD, 17 | UNTRACED, 17 | NEW_USER, 17 | HIGH)),
        *(("clone", (1 << bit,), False) for bit in range(9, 64) if not 1 << bit & (VFORK | SETTID | 0x10_0000)),
    ],
)
def test_some_calls_are_notified_for_their_arguments(name: str, args: tuple[int, ...], is_notified: bool) -> None:
    nr = BY_NAME[name].nr
    arguments = (*args, *(0,) * (6 - len(args)))
    for there in (frozenset({nr}), frozenset({nr, nr + 1})):
        verdict = run(compile_filter(ROWS, there), nr=nr, arch=AUDIT_ARCH_X86_64, args=arguments)
        assert verdict == (SECCOMP_RET_USER_NOTIF if is_notified else SECCOMP_RET_TRACE | nr)
    elsewhere = compile_filter(ROWS, frozenset({nr + 1}))
    assert run(elsewhere, nr=nr, arch=AUDIT_ARCH_X86_64, args=arguments) == SECCOMP_RET_TRACE | nr


@pytest.mark.parametrize(
    ("name", "args", "passes"),
    [
        ("wait4", (2**64 - 1, 4096, 0), True),
        ("wait4", (1, 4096, 2 | 8 | HIGH, HIGH), True),
        ("wait4", (1, 4096, 1), False),
        ("wait4", (1, 4096, 1 | 1 << 31), False),
        ("waitid", (0, 0, 4096, 4), True),
        ("waitid", (HIGH | 1, 7, 4096, 4), True),
        ("waitid", (0, 0, 4096, 5), False),
        ("waitid", (3, 5, 4096, 4), False),
        ("waitid", (HIGH | 3, 5, 4096, 4), False),
        ("exit_group", (0,), True),
        ("exit_group", (2**64 - 1,), True),
    ],
)
def test_some_calls_pass_where_they_would_be_notified(name: str, args: tuple[int, ...], passes: bool) -> None:
    nr = BY_NAME[name].nr
    arguments = (*args, *(0,) * (6 - len(args)))
    for there in (frozenset({nr}), frozenset({nr, nr + 1})):
        verdict = run(compile_filter(ROWS, there), nr=nr, arch=AUDIT_ARCH_X86_64, args=arguments)
        assert verdict == (SECCOMP_RET_ALLOW if passes else SECCOMP_RET_TRACE | nr)
    elsewhere = compile_filter(ROWS, frozenset({nr + 1}))
    assert run(elsewhere, nr=nr, arch=AUDIT_ARCH_X86_64, args=arguments) == SECCOMP_RET_TRACE | nr


def test_who_looks_without_waiting_stops() -> None:
    for name, options in (("wait4", (0, 0, 1)), ("waitid", (0, 0, 0, 1))):
        nr = BY_NAME[name].nr
        program = compile_filter(ROWS, frozenset({nr}))
        verdict = run(program, nr=nr, arch=AUDIT_ARCH_X86_64, args=(*options, *(0,) * (6 - len(options))))
        assert verdict == SECCOMP_RET_TRACE | nr


def test_every_second_number_fits_a_program_of_the_kernel() -> None:
    """BPF_MAXINSNS: the most that a set of numbers can ask for."""
    assert len(compile_filter(ROWS, frozenset(range(0, SYSCALL_LIMIT, 2)))) // 8 <= 4096


def test_the_channel_gets_what_neither_python_nor_a_stop_must_see() -> None:
    for nr, word in enumerate(compile_dispositions(ROWS)):
        core_alone = word & DISPOSITION_ACTION in (ACTION_NATIVE, ACTION_ERRNO)
        yields = nr == BY_NAME["sched_yield"].nr
        is_told = nr == BY_NAME["close"].nr
        expected = is_told or (core_alone and not yields)
        assert bool(word & DISPOSITION_NOTIFY) == expected, nr
    for feature, names in ((WALLS, set()), (UNSEEN, UNSEEN_CALLS)):
        words = compile_dispositions(ROWS, features=frozenset((NAMES, feature)))
        told = {
            nr
            for nr, word in enumerate(words)
            if word & DISPOSITION_NOTIFY and word & DISPOSITION_ACTION == ACTION_CALL
        }
        assert told == {BY_NAME[name].nr for name in names}
    assert not any(word & DISPOSITION_NOTIFY for word in compile_dispositions(ROWS, subscribe=True))


def test_each_flag_of_a_disposition_has_a_bit_of_its_own() -> None:
    flags = [
        value
        for name, value in vars(filter_module).items()
        if name.startswith("DISPOSITION_") and name != "DISPOSITION_ACTION" and not name.endswith("_SHIFT")
    ]
    assert len(flags) == len(set(flags))
    assert all(value.bit_count() == 1 and value & 0x6FFF00FF == 0 for value in flags)


def test_interruptible_calls_are_rows() -> None:
    words = compile_dispositions(ROWS)
    marked = {row.name for row in ROWS if words[row.nr] & DISPOSITION_INTERRUPTIBLE}
    assert marked == INTERRUPTIBLE_CALLS
    assert {row.name for row in ROWS if words[row.nr] & DISPOSITION_RECEIVES} == RECEIVING_CALLS


def test_the_unknown_number_is_no_number_of_the_table() -> None:
    assert UNKNOWN_NUMBER not in BY_NR


@pytest.mark.parametrize("nr", [-1, SYSCALL_LIMIT, X32_SYSCALL_BIT])
def test_a_row_that_the_filter_cannot_express_is_refused(nr: int) -> None:
    with pytest.raises(ValueError, match=f"example: system call number {nr}"):
        compile_filter([_row(nr)])


@pytest.mark.parametrize(
    "program",
    [
        b"",
        FILTER[:-1],
        FILTER[:16],
        struct.pack("<HBBI", 0x15, 1, 0, 0) + struct.pack("<HBBI", 0x06, 0, 0, 0),
        struct.pack("<HBBI", 0x20, 0, 0, 0),
    ],
    ids=["empty", "cut", "jump out", "jump past the end", "no return"],
)
def test_the_interpreter_refuses_what_the_kernel_refuses(program: bytes) -> None:
    with pytest.raises(InvalidProgramError):
        disassemble(program)


def test_the_interpreter_sees_a_wrong_jump() -> None:
    """A filter that jumps one instruction too far must not pass for a right one."""
    broken = bytearray(FILTER)
    broken[9 + 1] ^= 1  # the jump_true of the architecture test
    verdicts = {run(bytes(broken), nr=1, arch=arch) for arch in (AUDIT_ARCH_X86_64, 0x40000003)}
    assert verdicts != {SECCOMP_RET_TRACE | 1, SECCOMP_RET_ERRNO | ENOSYS}


def test_each_disposition_is_its_rows() -> None:
    words = compile_dispositions(ROWS)
    assert len(words) == SYSCALL_LIMIT
    assert words.itemsize == 4
    for nr, word in enumerate(words):
        row = BY_NR.get(nr)
        if row is None:
            assert word == ACTION_UNKNOWN
            continue
        assert word & DISPOSITION_ACTION == row.do.action
        assert word >> DISPOSITION_ERRNO_SHIFT == row.do.errno
        assert bool(word & DISPOSITION_GUARD) == bool(row.guards)


def test_subscribing_makes_every_number_a_call_and_keeps_the_rest() -> None:
    words = compile_dispositions(ROWS)
    subscribed = compile_dispositions(ROWS, subscribe=True)
    for nr in range(SYSCALL_LIMIT):
        assert subscribed[nr] == words[nr] & ~(DISPOSITION_ACTION | DISPOSITION_NOTIFY) | ACTION_CALL


@given(st.frozensets(st.integers(0, SYSCALL_LIMIT - 1)))
def test_subscribing_to_some_numbers_leaves_the_others_alone(calls: frozenset[int]) -> None:
    words, all_words = compile_dispositions(ROWS), compile_dispositions(ROWS, subscribe=True)
    for nr, word in enumerate(compile_dispositions(ROWS, subscribe=True, calls=calls)):
        assert word == (all_words if nr in calls else words)[nr]


def test_a_feature_overrides_the_default() -> None:
    row = Row("example", x86_64=7, returns=Int, do=NATIVE, when={"locks": CALL})
    assert compile_dispositions([row])[7] & DISPOSITION_ACTION == ACTION_NATIVE
    assert compile_dispositions([row], features=frozenset({"locks"}))[7] & DISPOSITION_ACTION == ACTION_CALL


def test_guards_hold_argument_indices_plus_one() -> None:
    words, mmap_nr = compile_guards(ROWS)
    assert mmap_nr == 9
    assert words[BY_NAME["munmap"].nr] == 0x0201
    assert words[BY_NAME["mremap"].nr] == 0x0305_0201
    assert {nr for nr, word in enumerate(words) if word} == {row.nr for row in ROWS if row.guards}
