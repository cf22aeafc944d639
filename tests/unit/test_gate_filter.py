"""Owns the proof that the filter lets through what the gate may make, where the gate makes it, and nothing else."""

from __future__ import annotations

import pytest
from bpf import run
from hypothesis import given
from hypothesis import strategies as st

from picobox.abi.arguments import active_rules
from picobox.abi.filter import (
    ASKING_REQUESTS,
    BOUNDED_CALLS,
    DISPOSITION_ACTION,
    DISPOSITION_DECIDED,
    DISPOSITION_EMPTY_PATH,
    DISPOSITION_GATE,
    DISPOSITION_GUARD,
    DISPOSITION_NOTIFY,
    DISPOSITION_OPEN_FLAGS_SHIFT,
    DISPOSITION_PASSES,
    DISPOSITION_RECEIVES,
    SECCOMP_RET_ALLOW,
    SECCOMP_RET_USER_NOTIF,
    Gate,
    compile_dispositions,
    compile_filter,
)
from picobox.abi.row import (
    ACTION_NATIVE,
    CASE_FLAGS,
    CHECK,
    LOCKS,
    NAMES,
    NATIVE,
    READ_BACK,
    SEEN,
    SUPERVISED,
    WALLS,
    WINDOWS,
    WSL,
)
from picobox.abi.table import BY_NAME, ROWS
from picobox.abi.x86_64 import AUDIT_ARCH_X86_64, SYSCALL_LIMIT

START, SIZE = 0x7C00_0000, 0x10_0000
# What must never be made unseen: it makes tasks or ends them, runs programs, changes code or ids, names something.
NEVER = (
    "clone clone3 fork vfork execve execveat exit exit_group mmap munmap mprotect mremap shmat rt_sigreturn mount "
    "openat2 chdir chroot kill ptrace prctl seccomp arch_prctl setuid connect bind recvmsg sendmsg ioctl "
    "process_vm_writev io_uring_setup wait4 waitid"
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
    program = compile_filter(ROWS, notified, [Gate(START, SIZE, calls)])
    verdict = run(program, nr=nr, arch=AUDIT_ARCH_X86_64, address=address)
    if nr in calls and START <= address < START + SIZE:
        assert verdict == SECCOMP_RET_ALLOW
    else:
        assert verdict == run(compile_filter(ROWS, notified), nr=nr, arch=AUDIT_ARCH_X86_64, address=address)


def test_the_gate_ends_where_it_ends() -> None:
    program = compile_filter(ROWS, (), [Gate(START, SIZE, frozenset({0, 110, SYSCALL_LIMIT - 1}))])
    for address in (0, START - 1, START, START + SIZE - 1, START + SIZE, START | 1 << 32, 2**64 - 1):
        for nr in (0, 1, 109, 110, 111, SYSCALL_LIMIT - 1):
            is_allowed = START <= address < START + SIZE and nr in (0, 110, SYSCALL_LIMIT - 1)
            verdict = run(program, nr=nr, arch=AUDIT_ARCH_X86_64, address=address)
            assert (verdict == SECCOMP_RET_ALLOW) == is_allowed


def test_another_architecture_is_refused_in_the_gate_too() -> None:
    gate = Gate(START, SIZE, frozenset({1}))
    assert run(compile_filter(ROWS, (), [gate]), nr=1, arch=0x40000003, address=START) != SECCOMP_RET_ALLOW


# Above 4 GiB nothing is ours. mmap: address, length, rights, flags; mprotect: address,
# length, rights; munmap: address, length.
HIGH, LOW = 0x1_0000_0000, 0xFFFF_FFFF
READ, WRITE, EXECUTE, GROWS_DOWN = 1, 2, 4, 0x0100_0000
PRIVATE, FIXED, FIXED_NOREPLACE = 0x02, 0x10, 0x10_0000
SET_GS, SET_FS, GET_GS = 0x1001, 0x1002, 0x1004
BOUNDED = frozenset(BY_NAME[each].nr for each in BOUNDED_CALLS)


@pytest.mark.parametrize(
    ("name", "args", "is_harmless"),
    [
        ("mmap", (0, 4096, READ | WRITE, PRIVATE), True),
        ("mmap", (START, 4096, READ | WRITE, PRIVATE), True),
        ("mmap", (START, 4096, READ | WRITE, PRIVATE | FIXED_NOREPLACE), True),
        ("mmap", (START, 4096, READ, PRIVATE | FIXED), False),
        ("mmap", (LOW, 1 << 40, READ, PRIVATE | FIXED), False),
        ("mmap", (HIGH, 4096, READ, PRIVATE | FIXED), True),
        ("mmap", (HIGH | START, 4096, READ, PRIVATE | FIXED), True),
        ("mmap", (HIGH, 4096, READ | EXECUTE, PRIVATE | FIXED), False),
        ("mmap", (0, 4096, READ | EXECUTE, PRIVATE), False),
        ("mprotect", (HIGH, 4096, READ), True),
        ("mprotect", (HIGH, 4096, READ | EXECUTE), True),
        ("mprotect", (HIGH, 4096, READ | WRITE), False),
        ("mprotect", (HIGH, 4096, READ | GROWS_DOWN), False),
        ("mprotect", (START, 4096, READ), False),
        ("mprotect", (LOW, 1 << 40, READ), False),
        ("munmap", (HIGH, 4096), True),
        ("munmap", (START, 4096), False),
        ("munmap", (LOW, 1 << 40), False),
        *(("ioctl", (3, request, START), True) for request in ASKING_REQUESTS),
        ("ioctl", (3, 1 << 32 | 0x5401, START), True),
        *(("ioctl", (3, request, START), False) for request in (0, 0x5402, 0x5410, 0x5412, 0x541C, 0x5421, 0x5423)),
        ("fcntl", (3, 0, 0), False),  # F_DUPFD
        *(("fcntl", (3, command, 0), True) for command in (1, 2, 3, 4)),
        ("fcntl", (3, 1 << 32 | 3, 0), True),
        ("fcntl", (3, 5, 0), False),
        ("fcntl", (3, 1 << 32, 0), False),
        ("fcntl", (3, 1030, 0), False),
        ("fcntl", (3, 0xFFFF_FFFF, 0), False),
        ("arch_prctl", (SET_FS, START), True),
        ("arch_prctl", (SET_GS, HIGH), False),
        ("arch_prctl", (GET_GS, HIGH), False),
        ("prlimit64", (0, 3, 0, START), True),
        ("prlimit64", (0, 3, START, 0), False),
        ("prlimit64", (0, 3, HIGH, 0), False),
        ("prlimit64", (1, 3, 0, START), False),
    ],
)
def test_some_calls_pass_for_their_arguments(name: str, args: tuple[int, ...], is_harmless: bool) -> None:
    nr = BY_NAME[name].nr
    notified = frozenset({nr})
    gate = Gate(START, SIZE, frozenset({110}), BOUNDED)
    program = compile_filter(ROWS, notified, [gate])
    arguments = (*args, *(0,) * (6 - len(args)))
    for address, is_there in ((START, True), (START + SIZE, False)):
        verdict = run(program, nr=nr, arch=AUDIT_ARCH_X86_64, address=address, args=arguments)
        assert verdict == (SECCOMP_RET_ALLOW if is_harmless and is_there else SECCOMP_RET_USER_NOTIF)
    assert run(program, nr=110, arch=AUDIT_ARCH_X86_64, address=START, args=arguments) == SECCOMP_RET_ALLOW


def test_where_code_is_exchanged_it_is_mapped() -> None:
    program = compile_filter(ROWS, BOUNDED, [Gate(START, SIZE, frozenset({110}), maps_code=True)])
    for start, passes in ((HIGH, True), (START, False)):
        args = (start, 4096, READ | EXECUTE, PRIVATE | FIXED, 3, 0)
        verdict = run(program, nr=BY_NAME["mmap"].nr, arch=AUDIT_ARCH_X86_64, address=START, args=args)
        assert (verdict == SECCOMP_RET_ALLOW) == passes
        verdict = run(program, nr=BY_NAME["munmap"].nr, arch=AUDIT_ARCH_X86_64, address=START, args=args)
        assert verdict == SECCOMP_RET_USER_NOTIF


def test_they_pass_only_where_nobody_looks_at_them() -> None:
    numbers = sorted(BOUNDED)

    def passing(**how: object) -> list[int]:
        found = compile_dispositions(ROWS, **how)  # type: ignore[arg-type]
        return [nr for nr, word in enumerate(found) if word & DISPOSITION_PASSES]

    assert numbers == passing(gate=True) == passing(gate=True, features=frozenset({NAMES, WALLS}))
    assert passing() == passing(gate=True, subscribe=True) == []
    assert numbers[0] not in passing(gate=True, features=frozenset({WINDOWS}))
    assert numbers[1] not in passing(gate=True, by_arguments=frozenset({"mprotect"}))
    for feature in ("locks", WINDOWS, CHECK, SEEN + "fcntl"):
        assert BY_NAME["fcntl"].nr not in passing(gate=True, features=frozenset({feature}))


@pytest.mark.parametrize("features", [frozenset[str](), frozenset({WALLS}), frozenset({SUPERVISED})])
def test_no_rule_is_about_arguments_with_which_calls_pass(features: frozenset[str]) -> None:
    asked = {
        "ioctl": [(0, request, 0, 0, 0, 0) for request in ASKING_REQUESTS],
        "prlimit64": [(0, resource, 0, START, 0, 0) for resource in range(16)],
    }
    for rule in active_rules(features):
        for args in asked.get(rule.call, ()):
            applies = all(args[index] & mask == value for index, value, mask in rule.conditions)
            assert not applies or not rule.errno, rule


def _gated(features: frozenset[str] = frozenset(), **how: object) -> set[str]:
    words = compile_dispositions(ROWS, features=features, gate=True, **how)  # type: ignore[arg-type]
    return {row.name for row in ROWS if words[row.nr] & DISPOSITION_GATE}


def words(text: str) -> set[str]:
    return set(text.split())


def _decided(features: frozenset[str] = frozenset(), **how: object) -> set[str]:
    words = compile_dispositions(ROWS, features=features, gate=True, **how)  # type: ignore[arg-type]
    return {row.name for row in ROWS if words[row.nr] & DISPOSITION_DECIDED}


def test_without_a_gate_nothing_is_marked() -> None:
    marks = DISPOSITION_GATE | DISPOSITION_EMPTY_PATH | DISPOSITION_DECIDED
    assert not any(word & marks for word in compile_dispositions(ROWS, features=frozenset({NAMES})))


def test_each_place_of_the_gate_has_calls_of_its_own() -> None:
    gates = [Gate(START, SIZE, frozenset({5, 110})), Gate(START + SIZE, SIZE, frozenset({4, 110}))]
    program = compile_filter(ROWS, (), gates)
    for address in (START - 1, START, START + SIZE - 1, START + SIZE, START + 2 * SIZE - 1, START + 2 * SIZE):
        allowed = {
            nr for nr in range(120) if run(program, nr=nr, arch=AUDIT_ARCH_X86_64, address=address) == SECCOMP_RET_ALLOW
        }
        expected = {gate.start: set(gate.calls) for gate in gates}.get(address // SIZE * SIZE, set())
        assert allowed == expected


def test_where_names_are_looked_up_calls_that_find_what_they_name_are_decided_on() -> None:
    decided = _decided(frozenset({NAMES, WALLS}))
    assert decided >= words("stat lstat newfstatat access readlink open openat statx getxattr unlink rmdir close")
    assert decided >= words("creat mkdir mkdirat rename renameat renameat2 link linkat symlink symlinkat")
    assert not decided & words("mknod mknodat bind openat2 execve inotify_add_watch")
    assert words("close dup dup2 dup3 fcntl") == _decided()  # there each path call is made as it is
    assert "getxattr" not in _decided(frozenset({NAMES, CASE_FLAGS}))


@pytest.mark.parametrize("feature", [WINDOWS, CHECK, WSL, SUPERVISED])
def test_who_looks_at_names_that_are_there_sees_every_call_of_one(feature: str) -> None:
    decided = [BY_NAME[name] for name in _decided(frozenset({NAMES, feature}))]
    calls = {row.name for row in decided if row.disposition(frozenset({NAMES, feature})) is not NATIVE}
    assert not [row for row in decided if row.paths()]
    assert calls == (words("close dup dup2 dup3 fcntl") if feature == CHECK else set())


def test_what_may_be_wanted_later_is_made_until_then() -> None:
    looks = words("stat lstat fstat newfstatat statx")
    transfers = words("read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2")
    # The filter stays as it was installed: whether they are wanted by now makes no difference to it.
    for wanted in (frozenset[str](), frozenset({LOCKS}), frozenset({READ_BACK}), frozenset({LOCKS, READ_BACK})):
        decided = _decided(frozenset({WINDOWS, CHECK}) | wanted)
        assert decided == looks | transfers | words(
            "open openat mkdir mkdirat rt_sigaction flock close dup dup2 dup3 fcntl"
        )
        assert _decided(frozenset({WINDOWS}) | wanted - {READ_BACK}) == transfers
    assert not _decided(frozenset({WINDOWS, CHECK, SUPERVISED}))
    assert "read" not in _decided(frozenset({WINDOWS, CHECK, SEEN + "read"}))
    assert "openat" not in _decided(frozenset({WINDOWS, CHECK, SEEN + "openat"}))


def test_who_wants_to_see_a_name_or_a_close_sees_it() -> None:
    names = frozenset({NAMES})
    assert _decided(names, subscribe=True) == set()
    assert "openat" not in _decided(names, subscribe=True, calls=frozenset({BY_NAME["openat"].nr}))
    assert "close" not in _decided(names | {SEEN + "close"})
    assert "stat" not in _decided(names | {SEEN + "stat"})
    assert "fcntl" not in _decided(names | {SEEN + "fcntl"}) | _decided(names | {"locks"})
    assert "mkdir" not in _decided(names | {SEEN + "mkdir"}) | _decided(names | {CASE_FLAGS})
    shown = {"openat", "stat", "mkdir"}
    calls = frozenset(BY_NAME[each].nr for each in shown)
    assert not _decided(names, subscribe=True, calls=calls) & shown
    assert _decided(names, subscribe=True, calls=calls, judged=calls) & shown == shown
    assert "stat" not in _decided(names, by_arguments=frozenset({"stat"}))


def test_the_core_finds_the_flags_of_an_open() -> None:
    words = compile_dispositions(ROWS, features=frozenset({NAMES}), gate=True)
    places = {
        name: words[BY_NAME[name].nr] >> DISPOSITION_OPEN_FLAGS_SHIFT for name in ("open", "openat", "stat", "close")
    }
    assert places == {"open": 1, "openat": 2, "stat": 0, "close": 0}


def test_what_is_marked_would_run_unchanged_without_a_stop() -> None:
    for features in (frozenset[str](), frozenset({NAMES, WALLS}), frozenset({NAMES, WINDOWS, CHECK})):
        for row in ROWS:
            word = compile_dispositions(ROWS, features=features, gate=True)[row.nr]
            if word & DISPOSITION_GATE:
                assert word & DISPOSITION_ACTION == ACTION_NATIVE
                assert word & DISPOSITION_NOTIFY
                assert not word & (DISPOSITION_GUARD | DISPOSITION_RECEIVES)
                assert row.harmless
                assert not (NAMES in features and row.paths())


def test_what_matters_to_us_is_never_marked() -> None:
    assert (_gated() | _decided(frozenset({NAMES}))) & set(NEVER.split()) == set()
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
        ({NAMES, SUPERVISED}, {}, True),
        ({NAMES}, {}, False),  # it is decided on whole
        (set(), {}, False),  # it is made in any case
        ({NAMES, WSL, "times-100ns"}, {}, False),
        ({NAMES, SUPERVISED, SEEN + "newfstatat"}, {}, False),
        ({NAMES, SUPERVISED}, {"subscribe": True, "calls": frozenset({262})}, False),
        ({NAMES, SUPERVISED}, {"subscribe": True, "calls": frozenset({5})}, False),
        ({NAMES, SUPERVISED}, {"by_arguments": frozenset({"newfstatat"})}, False),
    ],
)
def test_a_path_that_is_not_named_is_seen_by_who_asks_for_it(
    features: set[str], how: dict[str, object], marked: bool
) -> None:
    words = compile_dispositions(ROWS, features=frozenset(features), gate=True, **how)  # type: ignore[arg-type]
    assert bool(words[BY_NAME["newfstatat"].nr] & DISPOSITION_EMPTY_PATH) == marked


def test_every_rule_about_arguments_keeps_its_call_out() -> None:
    features = frozenset({WALLS, NAMES})
    calls = frozenset(rule.call for rule in active_rules(features))
    assert calls & (_gated(features, by_arguments=calls) | _decided(features, by_arguments=calls)) == set()
