"""Owns the proof that the filter lets through what the gate may make, where the gate makes it, and nothing else."""

from __future__ import annotations

import pytest
from bpf import run
from hypothesis import given
from hypothesis import strategies as st

from picobox.abi.arguments import active_rules
from picobox.abi.filter import (
    DISPOSITION_ACTION,
    DISPOSITION_EMPTY_PATH,
    DISPOSITION_GATE,
    DISPOSITION_GUARD,
    DISPOSITION_NOTIFY,
    DISPOSITION_RECEIVES,
    SECCOMP_RET_ALLOW,
    Gate,
    compile_dispositions,
    compile_filter,
)
from picobox.abi.row import ACTION_NATIVE, CHECK, LOCKS, NAMES, SEEN, WALLS, WINDOWS
from picobox.abi.table import BY_NAME, ROWS
from picobox.abi.x86_64 import AUDIT_ARCH_X86_64, SYSCALL_LIMIT

START, SIZE = 0x7C00_0000, 0x10_0000
# What must never be made unseen: it makes tasks or ends them, runs programs, changes code or ids, names something.
NEVER = (
    "clone clone3 fork vfork execve execveat exit exit_group mmap munmap mprotect mremap shmat rt_sigreturn close dup2 "
    "open openat newfstatat stat kill ptrace prctl seccomp arch_prctl setuid connect bind recvmsg sendmsg ioctl fcntl "
    "process_vm_writev io_uring_setup wait4 waitid rt_sigaction"
)
NUMBERS = st.integers(0, SYSCALL_LIMIT - 1)


@given(
    calls=st.frozensets(NUMBERS),
    notified=st.frozensets(NUMBERS),
    nr=st.one_of(NUMBERS, st.integers(0, 0xFFFF_FFFF)),
    address=st.one_of(
        st.sampled_from([START - 1, START, START + SIZE - 1, START + SIZE, START | 1 << 32, START + SIZE + (1 << 32)]),
        st.integers(START, START + SIZE - 1),
        st.integers(0, 2**64 - 1),
    ),
)
def test_only_calls_of_the_gate_are_allowed_and_only_there(
    calls: frozenset[int], notified: frozenset[int], nr: int, address: int
) -> None:
    program = compile_filter(ROWS, notified, Gate(START, SIZE, calls))
    verdict = run(program, nr=nr, arch=AUDIT_ARCH_X86_64, address=address)
    if nr in calls and START <= address < START + SIZE:
        assert verdict == SECCOMP_RET_ALLOW
    else:
        assert verdict == run(compile_filter(ROWS, notified), nr=nr, arch=AUDIT_ARCH_X86_64, address=address)


def test_the_gate_ends_where_it_ends() -> None:
    program = compile_filter(ROWS, (), Gate(START, SIZE, frozenset({0, 110, SYSCALL_LIMIT - 1})))
    for address in (0, START - 1, START, START + SIZE - 1, START + SIZE, START | 1 << 32, 2**64 - 1):
        for nr in (0, 1, 109, 110, 111, SYSCALL_LIMIT - 1):
            is_allowed = START <= address < START + SIZE and nr in (0, 110, SYSCALL_LIMIT - 1)
            verdict = run(program, nr=nr, arch=AUDIT_ARCH_X86_64, address=address)
            assert (verdict == SECCOMP_RET_ALLOW) == is_allowed


def test_another_architecture_is_refused_in_the_gate_too() -> None:
    gate = Gate(START, SIZE, frozenset({1}))
    assert run(compile_filter(ROWS, (), gate), nr=1, arch=0x40000003, address=START) != SECCOMP_RET_ALLOW


def _gated(features: frozenset[str] = frozenset(), **how: object) -> set[str]:
    words = compile_dispositions(ROWS, features=features, gate=True, **how)  # type: ignore[arg-type]
    return {row.name for row in ROWS if words[row.nr] & DISPOSITION_GATE}


def test_without_a_gate_nothing_is_marked() -> None:
    assert not any(word & (DISPOSITION_GATE | DISPOSITION_EMPTY_PATH) for word in compile_dispositions(ROWS))


def test_what_is_marked_would_run_unchanged_without_a_stop() -> None:
    for features in (frozenset[str](), frozenset({NAMES, WALLS}), frozenset({NAMES, WINDOWS, CHECK})):
        for row in ROWS:
            word = compile_dispositions(ROWS, features=features, gate=True)[row.nr]
            if word & DISPOSITION_GATE:
                assert word & DISPOSITION_ACTION == ACTION_NATIVE
                assert word & DISPOSITION_NOTIFY
                assert not word & (DISPOSITION_GUARD | DISPOSITION_RECEIVES)
                assert row.harmless
                assert not row.paths()


def test_what_matters_to_us_is_never_marked() -> None:
    assert _gated() & set(NEVER.split()) == set()
    assert {name for name in NEVER.split() if BY_NAME[name].harmless} == set()


@pytest.mark.parametrize("name", ["getppid", "lseek", "pread64", "read", "write", "fstat", "futex", "epoll_wait"])
def test_what_programs_do_all_the_time_is(name: str) -> None:
    assert name in _gated()


def test_who_wants_to_see_a_call_sees_it() -> None:
    assert _gated(subscribe=True) == set()
    assert "getppid" not in _gated(subscribe=True, calls=frozenset({BY_NAME["getppid"].nr}))
    assert "lseek" in _gated(subscribe=True, calls=frozenset({BY_NAME["getppid"].nr}))
    assert "lseek" not in _gated(frozenset({SEEN + "lseek"}))
    assert "lseek" not in _gated(by_arguments=frozenset({"lseek"}))
    # Locks come later, and the filter stays.
    assert {row.name for row in ROWS if LOCKS in row.when} & _gated(frozenset({WINDOWS, NAMES})) == set()
    assert "fstat" not in _gated(frozenset({"times-100ns"}))


@pytest.mark.parametrize(
    ("features", "how", "marked"),
    [
        ({NAMES}, {}, True),
        (set(), {}, True),
        ({NAMES, "times-100ns"}, {}, False),
        ({NAMES, SEEN + "newfstatat"}, {}, False),
        ({NAMES}, {"subscribe": True, "calls": frozenset({262})}, False),
        ({NAMES}, {"subscribe": True, "calls": frozenset({5})}, False),
        ({NAMES}, {"by_arguments": frozenset({"newfstatat"})}, False),
    ],
)
def test_a_path_that_is_not_named_is_seen_by_who_asks_for_it(
    features: set[str], how: dict[str, object], marked: bool
) -> None:
    words = compile_dispositions(ROWS, features=frozenset(features), gate=True, **how)  # type: ignore[arg-type]
    assert bool(words[BY_NAME["newfstatat"].nr] & DISPOSITION_EMPTY_PATH) == marked


def test_every_rule_about_arguments_keeps_its_call_out() -> None:
    rules = active_rules(frozenset({WALLS, NAMES}))
    assert {rule.call for rule in rules} & _gated(by_arguments=frozenset(rule.call for rule in rules)) == set()
