"""Owns the proof that the table is complete, agrees with the kernel's header and contradicts itself nowhere."""

from __future__ import annotations

import ast
import re
import sys
from errno import EINVAL, ENOSYS, EPERM
from pathlib import Path

import pytest

from picobox.abi.flags import VOCABULARIES
from picobox.abi.row import CALL, ERRNO, FULL, NAMES, NATIVE, NONE, PARTIAL, Row
from picobox.abi.table import BY_NAME, BY_NR, ROWS
from picobox.abi.types import Address, Argument, CountedPointer, Fd, Int, Named, OpenMode, Size, Ulong, UserPath
from picobox.abi.x86_64 import (
    ARGUMENT_REGISTERS,
    MAX_ARGUMENTS,
    NUMBER_REGISTER,
    RESULT_REGISTER,
    SYSCALL_LIMIT,
    USER_REGS,
    X32_SYSCALL_BIT,
)

HEADERS = (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h"))

# What Linux 6.18 has beyond the headers of Linux 6.1; uretprobe and uprobe are the kernel's own.
NEWER = {
    "uretprobe": 335, "uprobe": 336, "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454,
    "futex_wait": 455, "futex_requeue": 456, "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459,
    "lsm_set_self_attr": 460, "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463, "getxattrat": 464,
    "listxattrat": 465, "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468, "file_setattr": 469,
}  # fmt: skip

# Numbers that no kernel serves any more or ever did: syscall_64.tbl gives them no entry point.
GONE = {
    "uselib", "_sysctl", "create_module", "get_kernel_syms", "query_module", "nfsservctl", "getpmsg", "putpmsg",
    "afs_syscall", "tuxcall", "security", "set_thread_area", "get_thread_area", "lookup_dcookie", "epoll_ctl_old",
    "epoll_wait_old", "vserver",
}  # fmt: skip

REFUSED = {
    "seccomp": EINVAL, "io_uring_setup": ENOSYS, "io_uring_enter": ENOSYS,
    "io_uring_register": ENOSYS, "userfaultfd": ENOSYS, "uretprobe": ENOSYS, "uprobe": ENOSYS,
}  # fmt: skip

CALLS = {
    "fork", "vfork", "clone", "clone3", "execve", "execveat", "exit", "exit_group", "unshare", "prctl",
    "close", "dup", "dup2", "dup3", "fcntl", "close_range", "sched_getaffinity", "sched_setaffinity",
    "ptrace",
    "landlock_restrict_self",
}  # fmt: skip

GUARDS = {
    "mmap": ((0, 1),), "mprotect": ((0, 1),), "munmap": ((0, 1),), "mremap": ((0, 1), (4, 2)),
    "remap_file_pages": ((0, 1),), "pkey_mprotect": ((0, 1),), "shmat": ((1, 1),), "madvise": ((0, 1),),
}  # fmt: skip

# The classes of strace(1), each without its first percent sign.
CLASSES = {
    "file", "desc", "memory", "process", "signal", "ipc", "network", "creds", "clock", "pure",
    "stat", "lstat", "fstat", "%stat", "statfs", "fstatfs", "%statfs",
}  # fmt: skip


def header_numbers() -> dict[str, int]:
    header = next((path for path in HEADERS if path.exists()), None)
    if header is None:
        pytest.fail(f"no kernel header at {' or '.join(map(str, HEADERS))}: install linux-libc-dev")
    return {name: int(nr) for name, nr in re.findall(r"#define __NR_(\w+)\s+(\d+)", header.read_text())}


def test_the_table_has_every_number_of_the_kernels_header() -> None:
    numbers = header_numbers()
    assert len(numbers) > 350
    assert {name: nr for name, nr in numbers.items() if getattr(BY_NAME.get(name), "nr", None) != nr} == {}


def test_what_the_header_lacks_is_known_to_be_newer() -> None:
    numbers = header_numbers()
    assert {row.name: row.nr for row in ROWS if row.name not in numbers}.items() <= NEWER.items()
    assert {name: BY_NAME[name].nr for name in NEWER} == NEWER


def test_numbers_and_names_are_unique_and_in_order() -> None:
    numbers = [row.nr for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert len(BY_NAME) == len(BY_NR) == len(ROWS)
    assert all(0 <= nr < SYSCALL_LIMIT < X32_SYSCALL_BIT for nr in numbers)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_contradicts_itself_nowhere(row: Row) -> None:
    assert re.fullmatch(r"[a-z_][a-z0-9_]*", row.name)
    assert len(row.args) <= MAX_ARGUMENTS
    names = [argument.name for argument in row.args]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert issubclass(row.returns, Argument)
    assert (row.nt is None) != (row.served is None)
    assert row.served in (None, "provider")
    assert row.nt is None or re.fullmatch(r"Nt([A-Z][a-z0-9]+)+", row.nt)
    assert row.tags <= CLASSES
    assert row.support in (FULL, PARTIAL, NONE)
    assert row.support == FULL or row.note
    assert (row.do.errno != 0) == (row.support == NONE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_arguments_refer_to_what_exists(row: Row) -> None:
    names = {argument.name for argument in row.args}
    for argument in row.args:
        if isinstance(argument, Named):
            assert argument.vocabulary in VOCABULARIES
        if isinstance(argument, CountedPointer):
            assert argument.length in names
        if isinstance(argument, OpenMode):
            assert argument.flags in names


@pytest.mark.parametrize("row", [row for row in ROWS if row.guards], ids=lambda row: row.name)
def test_guards_point_at_an_address_and_its_length(row: Row) -> None:
    assert len(row.guards) <= 2
    for address, length in row.guards:
        assert isinstance(row.args[address], Address)
        assert isinstance(row.args[length], Size) or (row.name == "shmat" and length == address)


def test_every_vocabulary_belongs_to_an_argument() -> None:
    used = {argument.vocabulary for row in ROWS for argument in row.args if isinstance(argument, Named)}
    # O, MAP, CLONE, SOCK, FUTEX, FD, POLL and SIGNAL belong to types of their own.
    assert set(VOCABULARIES) - used <= {"O", "MAP", "SOCK_TYPE", "FUTEX", "FD", "POLL", "SIGNAL"}


def test_the_dispositions_of_the_linux_profile() -> None:
    expected = dict.fromkeys(BY_NAME, NATIVE)
    expected.update(dict.fromkeys(CALLS, CALL))
    expected.update(dict.fromkeys(GONE, ERRNO(ENOSYS)))
    expected.update({name: ERRNO(errno) for name, errno in REFUSED.items()})
    assert {name: row.do for name, row in BY_NAME.items()} == expected


def test_guards_are_on_every_call_that_changes_a_given_range() -> None:
    assert {row.name: row.guards for row in ROWS if row.guards} == GUARDS
    assert "SHM_REMAP" in BY_NAME["shmat"].note


def test_calls_without_nt_counterpart_are_the_providers() -> None:
    """facts/wsl1.md section 2.2: what lxcore wrote from scratch."""
    own = "fork vfork clone clone3 execve wait4 futex pipe pipe2 eventfd2 epoll_wait kill socketpair setuid flock semop"
    assert {name for name in own.split() if BY_NAME[name].served != "provider"} == set()
    assert BY_NAME["sched_yield"].nt == "NtYieldExecution"
    assert BY_NAME["getdents64"].nt == "NtQueryDirectoryFile"
    assert BY_NAME["rename"].nt == "NtSetInformationFile"
    assert BY_NAME["openat"].nt == "NtCreateFile"


def test_path_calls_are_tagged_file() -> None:
    """strace(1): %file is every call that takes a file name; the exceptions here name no file by path."""
    with_path = {row.name for row in ROWS if any(type(argument) is UserPath for argument in row.args)}
    assert with_path - {row.name for row in ROWS if "file" in row.tags} == set()


def test_a_disposition_compares_by_value() -> None:
    assert ERRNO(EPERM) == ERRNO(EPERM) != ERRNO(EINVAL)
    assert len({ERRNO(EPERM), ERRNO(EPERM), NATIVE, CALL}) == 3
    assert NATIVE != 1
    assert [repr(value) for value in (NATIVE, CALL, ERRNO(EPERM))] == ["NATIVE", "CALL", "ERRNO(1)"]


def test_call_wins_among_overrides() -> None:
    row = Row("example", x86_64=1, returns=Int, do=NATIVE, when={"a": ERRNO(EPERM), "b": CALL})
    assert row.disposition() == NATIVE
    assert row.disposition(frozenset({"a"})) == ERRNO(EPERM)
    assert row.disposition(frozenset({"a", "b"})) == CALL
    assert row.disposition(frozenset({"c"})) == NATIVE


def test_what_changes_the_machine_by_a_name_is_refused_where_names_are_looked_up() -> None:
    for name in ("swapon", "swapoff", "acct"):
        assert BY_NAME[name].disposition(frozenset({NAMES})) == ERRNO(EPERM)
        assert BY_NAME[name].disposition() == NATIVE


def test_the_registers_are_those_of_user_regs_struct() -> None:
    """sys/user.h has 27 fields of 8 bytes; the offsets of some are known from <sys/reg.h>."""
    assert len(USER_REGS) == len(set(USER_REGS)) == 27
    known = {"rbx": 5, "r10": 7, "r9": 8, "r8": 9, "rax": 10, "rdx": 12, "rsi": 13, "rdi": 14, "orig_rax": 15}
    known |= {"rip": 16, "eflags": 18, "rsp": 19, "gs": 26}
    assert {name: USER_REGS.index(name) for name in known} == known
    assert {NUMBER_REGISTER, RESULT_REGISTER, *ARGUMENT_REGISTERS} <= set(USER_REGS)
    assert len(ARGUMENT_REGISTERS) == MAX_ARGUMENTS


def test_a_row_with_a_result_type_says_so() -> None:
    assert BY_NAME["openat"].returns is Fd
    assert BY_NAME["mmap"].returns is Address
    assert BY_NAME["read"].returns is Size
    assert isinstance(BY_NAME["readv"].args[2], Ulong)


RUN_PATH = ("row", "types", "table", "filter", "x86_64")


@pytest.mark.parametrize("module", RUN_PATH)
def test_modules_on_the_run_path_import_only_each_other(module: str) -> None:
    """Start-up is a feature: names of flags are loaded only to show a call."""
    source = Path(sys.modules["picobox.abi.table"].__file__ or "").with_name(f"{module}.py")
    imported = {
        statement.module
        for statement in ast.parse(source.read_text()).body
        if isinstance(statement, ast.ImportFrom) and statement.module
    }
    own = {name for name in imported if name.startswith("picobox")}
    assert own <= {f"picobox.abi.{name}" for name in RUN_PATH} | {"picobox.errors"}
    assert imported - own <= {"__future__", "typing", "errno", "array"}
