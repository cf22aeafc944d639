"""Owns the proof that calls are shown as strace shows them, and that showing one never fails."""

from __future__ import annotations

import fcntl
import mmap
import os
import resource
import select
import signal
import socket
import struct
import termios
import time
from errno import EBADF, ENOENT, EOPNOTSUPP
from itertools import product
from typing import TYPE_CHECKING

import pytest
from guest_memory import GuestMemory
from hypothesis import given, settings
from hypothesis import strategies as st

from picobox.abi.flags import VOCABULARIES
from picobox.abi.rendering import render_result
from picobox.abi.table import BY_NAME, ROWS
from picobox.abi.view import quote, signal_name

if TYPE_CHECKING:
    from picobox.abi.row import Row

BASE = 0x1000
NOWHERE = 0xDEAD_0000


def text(name: str, *raw: int, result: int | None = None, memory: dict[int, bytes] | None = None) -> str:
    registers = tuple(value % 2**64 for value in raw) + (0,) * (6 - len(raw))
    return ", ".join(BY_NAME[name].render(registers, GuestMemory(memory), result))


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


PATH = {BASE: b"/etc/hosts\0"}
LONG_PATH = {BASE: b"/" + b"a" * 99 + b"\0"}
TEXT = {BASE: b"hello\n"}
ARGV = {BASE: words(0x2000, 0x2008, NOWHERE, 0), 0x2000: b"ls\0\0\0\0\0\0-l\0"}
IPV4 = struct.pack("<H", socket.AF_INET) + struct.pack(">H", 80) + bytes([127, 0, 0, 1]) + bytes(8)
IPV6 = struct.pack("<H", socket.AF_INET6) + struct.pack(">HI", 443, 0) + bytes(15) + b"\1" + bytes(4)
LOOPBACK = 'inet_pton(AF_INET6, "::1", &sin6_addr)'
UNIX = struct.pack("<H", socket.AF_UNIX) + b"/run/x\0"
ABSTRACT = struct.pack("<H", socket.AF_UNIX) + b"\0bus\0"

# What strace 6.1 prints for the same calls.
CASES = {
    "paths are never cut": (text("chdir", BASE, memory=LONG_PATH), '"/' + "a" * 99 + '"'),
    "mode is shown when a file may be created": (
        text("openat", -100, BASE, 0o1101, 0o644, memory=PATH),
        'AT_FDCWD, "/etc/hosts", O_WRONLY|O_CREAT|O_TRUNC, 0644',
    ),
    "mode is left out otherwise": (
        text("openat", -100, BASE, 0o2000000, 0o644, memory=PATH),
        'AT_FDCWD, "/etc/hosts", O_RDONLY|O_CLOEXEC',
    ),
    "O_TMPFILE takes a mode": (
        text("open", BASE, 0o20200002, 0o600, memory=PATH),
        '"/etc/hosts", O_RDWR|O_TMPFILE, 0600',
    ),
    "O_DIRECTORY alone takes none": (
        text("open", BASE, 0o200000, 0, memory=PATH),
        '"/etc/hosts", O_RDONLY|O_DIRECTORY',
    ),
    "unreadable paths are pointers": (text("chdir", NOWHERE), "0xdead0000"),
    "NULL": (text("chdir", 0), "NULL"),
    "written bytes": (text("write", 1, BASE, 6, memory=TEXT), r'1, "hello\n", 6'),
    "written bytes are cut at 32": (
        text("write", 1, BASE, 40, memory={BASE: b"x" * 40}),
        f'1, "{"x" * 32}"..., 40',
    ),
    "a count that lies": (text("write", 1, BASE, 10, memory=TEXT), "1, 0x1000, 10"),
    "read before its end": (text("read", 0, BASE, 6, memory=TEXT), "0, 0x1000, 6"),
    "read after its end": (text("read", 0, BASE, 6, result=5, memory=TEXT), '0, "hello", 6'),
    "read that failed": (text("read", 0, BASE, 6, result=-EBADF, memory=TEXT), "0, 0x1000, 6"),
    "read at the end of a file": (text("read", 0, BASE, 6, result=0, memory=TEXT), '0, "", 6'),
    "mmap": (
        text("mmap", 0, 4096, 3, 0x22, -1, 0),
        "NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0",
    ),
    "huge pages": (
        text("mmap", 0, 4096, 0, 0x40022 | 21 << 26, -1, 0x1000),
        "NULL, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|21<<MAP_HUGE_SHIFT, -1, 0x1000",
    ),
    "clone": (
        text("clone", 0x1200011, 0, 0, 0x7000, 0),
        "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, NULL, NULL, 0x7000, NULL",
    ),
    "argv, one string of it unreadable, and envp": (
        text("execve", 0x2000, BASE, BASE, memory=ARGV),
        '"ls", ["ls", "-l", 0xdead0000], 0x1000 /* 3 vars */',
    ),
    "one variable": (
        text("execve", 0x2000, BASE + 16, BASE + 16, memory=ARGV),
        '"ls", [0xdead0000], 0x1010 /* 1 var */',
    ),
    "pipe before its end": (text("pipe2", BASE, 0o2000000, memory={BASE: b""}), "0x1000, O_CLOEXEC"),
    "pipe after its end": (
        text("pipe2", BASE, 0, result=0, memory={BASE: struct.pack("<ii", 3, 4)}),
        "[3, 4], 0",
    ),
    "dup3": (text("dup3", 3, 4, 0o2000000), "3, 4, O_CLOEXEC"),
    "fcntl without argument": (text("fcntl", 3, 1, 99), "3, F_GETFD"),
    "fcntl F_SETFD": (text("fcntl", 3, 2, 1), "3, F_SETFD, FD_CLOEXEC"),
    "fcntl F_SETFL": (text("fcntl", 3, 4, 0o4002), "3, F_SETFL, O_RDWR|O_NONBLOCK"),
    "fcntl F_DUPFD": (text("fcntl", 3, 1030, 10), "3, F_DUPFD_CLOEXEC, 10"),
    "fcntl F_SETLK": (text("fcntl", 3, 6, NOWHERE), "3, F_SETLK, 0xdead0000"),
    "kill": (text("kill", -1, 15), "-1, SIGTERM"),
    "signal 0": (text("kill", 1, 0), "1, 0"),
    "a realtime signal": (text("tgkill", 5, 6, 34), "5, 6, SIGRT_2"),
    "sigset": (
        text("rt_sigprocmask", 0, BASE, 0, 8, memory={BASE: words(1 << 1 | 1 << 16)}),
        "SIG_BLOCK, [INT CHLD], NULL, 8",
    ),
    "a nearly full sigset": (
        text("rt_sigprocmask", 2, BASE, 0, 8, memory={BASE: words(~(3 << 31))}),
        "SIG_SETMASK, ~[RTMIN RT_1], NULL, 8",
    ),
    "an empty sigset that was written": (
        text("rt_sigprocmask", 2, 0, BASE, 8, result=0, memory={BASE: words(0)}),
        "SIG_SETMASK, NULL, [], 8",
    ),
    "nanosleep": (
        text("nanosleep", BASE, NOWHERE, memory={BASE: words(1, 500)}),
        "{tv_sec=1, tv_nsec=500}, 0xdead0000",
    ),
    "clock_gettime": (
        text("clock_gettime", 1, BASE, result=0, memory={BASE: words(7, 9)}),
        "CLOCK_MONOTONIC, {tv_sec=7, tv_nsec=9}",
    ),
    "utimensat": (
        text("utimensat", -100, 0, BASE, 0x100, memory={BASE: words(0, 0x3FFFFFFF, 0, 0x3FFFFFFE)}),
        "AT_FDCWD, NULL, [UTIME_NOW, UTIME_OMIT], AT_SYMLINK_NOFOLLOW",
    ),
    "exited": (
        text("wait4", -1, BASE, 1, 0, result=5, memory={BASE: struct.pack("<i", 3 << 8)}),
        "-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], WNOHANG, NULL",
    ),
    "killed": (
        text("wait4", -1, BASE, 0, 0, result=5, memory={BASE: struct.pack("<i", 11 | 0x80)}),
        "-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, NULL",
    ),
    "stopped": (
        text("wait4", -1, BASE, 2, 0, result=5, memory={BASE: struct.pack("<i", 20 << 8 | 0x7F)}),
        "-1, [{WIFSTOPPED(s) && WSTOPSIG(s) == SIGTSTP}], WSTOPPED, NULL",
    ),
    "no child has changed": (
        text("wait4", -1, BASE, 1, 0, result=0, memory={BASE: bytes(4)}),
        "-1, 0x1000, WNOHANG, NULL",
    ),
    "socket": (text("socket", 2, 0o2004001, 0), "AF_INET, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0"),
    "connect to IPv4": (
        text("connect", 3, BASE, 16, memory={BASE: IPV4}),
        '3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16',
    ),
    "connect to IPv6": (
        text("connect", 3, BASE, 28, memory={BASE: IPV6}),
        f"3, {{sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), {LOOPBACK}}}, 28",
    ),
    "connect to a path": (
        text("connect", 3, BASE, 9, memory={BASE: UNIX}),
        '3, {sa_family=AF_UNIX, sun_path="/run/x"}, 9',
    ),
    "connect to an abstract name": (
        text("connect", 3, BASE, 6, memory={BASE: ABSTRACT}),
        '3, {sa_family=AF_UNIX, sun_path=@"bus"}, 6',
    ),
    "accepted from": (
        text("accept", 3, BASE, 0x3000, result=4, memory={BASE: IPV4, 0x3000: struct.pack("<I", 16)}),
        '3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 0x3000',
    ),
    "poll": (
        text("poll", BASE, 1, -1, memory={BASE: struct.pack("<iHH", 3, 1, 0)}),
        "[{fd=3, events=POLLIN}], 1, -1",
    ),
    "writev": (
        text("writev", 1, BASE, 2, memory={BASE: words(0x2000, 2, 0x2008, 2), 0x2000: b"ls\0\0\0\0\0\0-l\0"}),
        '1, [{iov_base="ls", iov_len=2}, {iov_base="-l", iov_len=2}], 2',
    ),
    "readv shows what was read": (
        text("readv", 0, BASE, 2, result=3, memory={BASE: words(0x2000, 2, 0x2008, 2), 0x2000: b"ls\0\0\0\0\0\0-l\0"}),
        '0, [{iov_base="ls", iov_len=2}, {iov_base="-", iov_len=2}], 2',
    ),
    "futex": (
        text("futex", NOWHERE, 0x80, 2, 0, 0, 0),
        "0xdead0000, FUTEX_WAIT_PRIVATE, 2, 0, NULL, 0",
    ),
    "a futex with a clock": (
        text("futex", NOWHERE, 0x189, 2, 0, 0, -1),
        "0xdead0000, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 2, 0, NULL, 4294967295",
    ),
    "ioctl": (text("ioctl", 1, 0x5413, 0x7000), "1, TIOCGWINSZ, 0x7000"),
    "an unknown ioctl": (text("ioctl", 1, 0x12345678, 0), "1, 0x12345678, 0"),
    "unknown bits": (text("unlinkat", -100, 0, 0x201), "AT_FDCWD, NULL, AT_REMOVEDIR|0x1"),
    "only unknown bits": (text("unlinkat", -100, 0, 1), "AT_FDCWD, NULL, 0x1 /* AT_UNLINK_??? */"),
    "an unknown choice": (text("lseek", 3, -1, 9), "3, -1, 0x9 /* SEEK_??? */"),
    "no owner": (text("fchown", 3, -1, 0), "3, -1, 0"),
    "a device": (
        text("mknod", BASE, 0o20666, 0x103, memory=PATH),
        '"/etc/hosts", S_IFCHR|0666, makedev(0x1, 0x3)',
    ),
    "small modes have three digits": (text("umask", 0o22), "022"),
    "mode zero": (text("umask", 0), "000"),
    "link text": (
        text("readlink", BASE, 0x2000, 64, result=5, memory={BASE: b"x\0", 0x2000: b"hosts"}),
        '"x", "hosts", 64',
    ),
    "working directory": (
        text("getcwd", BASE, 64, result=5, memory={BASE: b"/tmp\0"}),
        '"/tmp", 64',
    ),
}


@pytest.mark.parametrize(("shown", "expected"), CASES.values(), ids=CASES)
def test_arguments_read_like_strace(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize(
    ("name", "result", "expected"),
    [
        ("openat", 3, "3"),
        ("openat", -ENOENT, "-1 ENOENT (No such file or directory)"),
        ("accept", -EOPNOTSUPP, "-1 EOPNOTSUPP (Operation not supported)"),
        ("mmap", 0x7F00_0000_0000, "0x7f0000000000"),
        ("mmap", -12, "-1 ENOMEM (Cannot allocate memory)"),
        ("umask", 0o22, "022"),
        ("read", -512, "? ERESTARTSYS (To be restarted if SA_RESTART is set)"),
        ("nanosleep", -516, "? ERESTART_RESTARTBLOCK (Interrupted by signal)"),
        ("exit_group", None, "?"),
        ("lseek", -5000, "-5000"),
    ],
)
def test_results_read_like_strace(name: str, result: int | None, expected: str) -> None:
    assert render_result(BY_NAME[name], result) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'a"b\\c', r'"a\"b\\c"'),
        (b"\t\n\v\f\r", r'"\t\n\v\f\r"'),
        (b"\0", r'"\0"'),
        (b"\x001", r'"\0001"'),
        (b"\xff\xfe", r'"\377\376"'),
        (b"\x7f", r'"\177"'),
        (b"x" * 33, '"' + "x" * 32 + '"...'),
        (b"x" * 32, '"' + "x" * 32 + '"'),
    ],
)
def test_strings_are_quoted_like_strace(data: bytes, expected: str) -> None:
    assert quote(data) == expected


@given(st.binary(max_size=64))
def test_quoting_loses_nothing(data: bytes) -> None:
    literal = quote(data, limit=None)[1:-1]
    assert literal.encode("ascii").decode("unicode_escape").encode("latin-1") == data


@pytest.mark.parametrize("number", range(1, 32))
def test_signal_names_are_those_of_the_host(number: int) -> None:
    names = {name for name, value in vars(signal).items() if name.startswith("SIG") and value == number}
    # Python knows SIGSTKFLT, signal 16, from 3.11 on only where its libc has it.
    assert signal_name(number) in names or signal_name(number) == "SIGSTKFLT"


HOST_MODULES = (os, fcntl, mmap, signal, socket, select, resource, time, termios)


def test_values_are_those_of_the_host() -> None:
    """Python's own modules hold the same constants, taken from the C headers when it was built."""
    checked = 0
    for vocabulary, names in VOCABULARIES.items():
        for value, name in names.items():
            for module in HOST_MODULES:
                # glibc's O_LARGEFILE is 0 on x86-64, the kernel's is not.
                known = getattr(module, name, None)
                if isinstance(known, int) and name != "O_LARGEFILE":
                    assert int(known) % 2**32 == value % 2**32, f"{vocabulary}: {name}"
                    checked += 1
    assert checked > 200


def test_names_are_unique_in_a_vocabulary() -> None:
    for names in VOCABULARIES.values():
        assert len(set(names.values())) == len(names)


RAW = st.one_of(
    st.integers(0, 2**64 - 1),
    st.integers(0, 64),
    st.integers(BASE - 8, BASE + 260),
    st.sampled_from([2**32 - 1, 2**63, 2**64 - 1, 2**64 - 100]),
)


@settings(max_examples=2000, deadline=None)
@given(
    row=st.sampled_from(ROWS),
    raw=st.lists(RAW, min_size=6, max_size=6),
    content=st.binary(max_size=256),
    result=st.none() | st.integers(-600, 300) | st.just(2**40),
)
def test_showing_a_call_never_fails(row: Row, raw: list[int], content: bytes, result: int | None) -> None:
    shown = [*row.render(raw, GuestMemory({BASE: content}), result), render_result(row, result)]
    assert all(text.isprintable() for text in shown)


@pytest.mark.parametrize("raw", [0, 1, BASE, 2**32 - 1, 2**63, 2**64 - 1], ids=hex)
def test_every_row_is_shown_whatever_its_registers_hold(raw: int) -> None:
    memories = (GuestMemory(), GuestMemory({BASE: bytes(range(256)) * 16}))
    for row, result, memory in product(ROWS, (None, -ENOENT, 0, 8), memories):
        shown = row.render((raw,) * 6, memory, result)
        assert len(shown) <= len(row.args), row
        assert len(shown) >= len(row.args) - (2 if row.name == "mq_open" else 1), row
        assert all(shown), row
