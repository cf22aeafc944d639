"""Owns the proof that arguments are taken as the kernel takes them: width, sign, strings, errors."""

from __future__ import annotations

from errno import EFAULT, ENAMETOOLONG

import pytest
from guest_memory import GuestMemory
from hypothesis import given
from hypothesis import strategies as st

from picobox.abi import types
from picobox.abi.table import BY_NAME
from picobox.errors import Errno

EMPTY = GuestMemory()
REGISTERS = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize(
    ("argument", "raw", "value"),
    [
        (types.Fd("fd"), 0xFFFF_FFFF, -1),
        (types.Fd("fd"), 0xFFFF_FFFF_FFFF_FFFF, -1),
        (types.Fd("fd"), 0xDEAD_0000_0000_0003, 3),
        (types.DirFd("dirfd"), 0xFFFF_FF9C, -100),
        (types.Int("n"), 0x8000_0000, -(2**31)),
        (types.Uint("n"), 0x1_FFFF_FFFF, 0xFFFF_FFFF),
        (types.Long("n"), 2**63, -(2**63)),
        (types.Offset("offset"), 2**64 - 1, -1),
        (types.Size("count"), 2**64 - 1, 2**64 - 1),
        (types.Mode("mode"), 0x1_01FF, 0o777),
        (types.Signal("sig"), 2**32 + 9, 9),
        (types.Pid("pid"), 2**32 - 1, -1),
        (types.UserId("uid"), 2**64 - 1, 0xFFFF_FFFF),
        (types.Flags("flags", "AT"), 2**32 + 0x100, 0x100),
        (types.Flags("flags", "W"), 0x8000_0000, 0x8000_0000),
        (types.LongFlags("prot", "PROT"), 2**32 + 1, 2**32 + 1),
        # CVE-2019-7303, CVE-2019-10063: TIOCSTI + 2**32 is TIOCSTI to the kernel
        (types.Choice("request", "IOCTL"), 2**32 + 0x5412, 0x5412),
        (types.UserPointer("buf"), 0x7FFF_FFFF_F000, 0x7FFF_FFFF_F000),
    ],
    ids=repr,
)
def test_a_register_is_cut_and_signed_as_the_kernel_does(argument: types.Argument, raw: int, value: int) -> None:
    assert argument.decode(raw, EMPTY) == value


@given(REGISTERS)
def test_values_agree_with_two_complement_arithmetic(raw: int) -> None:
    assert types.Int("n").value(raw) == int.from_bytes((raw % 2**32).to_bytes(4, "little"), "little", signed=True)
    assert types.Long("n").value(raw) == int.from_bytes(raw.to_bytes(8, "little"), "little", signed=True)
    assert types.Uint("n").value(raw) == raw % 2**32
    assert types.Ulong("n").value(raw) == raw
    assert types.Mode("n").value(raw) == raw % 2**16


@given(st.binary(max_size=types.PATH_MAX - 1).map(lambda data: data.replace(b"\0", b"x")))
def test_a_path_is_the_bytes_before_its_nul(path: bytes) -> None:
    memory = GuestMemory({0x1000: path + b"\0rest"})
    assert types.UserPath("path").decode(0x1000, memory) == path


@pytest.mark.parametrize(
    ("mappings", "address", "errno"),
    [
        ({}, 0, EFAULT),
        ({}, 0x1000, EFAULT),
        ({0x1000: b"no end"}, 0x1000, EFAULT),
        ({0x1000: b"x" * types.PATH_MAX + b"\0"}, 0x1000, ENAMETOOLONG),
    ],
    ids=["NULL", "unmapped", "runs out of the mapping", "4,096 bytes without NUL"],
)
def test_a_bad_path_fails_as_in_the_kernel(mappings: dict[int, bytes], address: int, errno: int) -> None:
    with pytest.raises(Errno) as failure:
        types.UserPath("path").decode(address, GuestMemory(mappings))
    assert failure.value.errno == errno


def test_the_longest_path_has_4095_bytes() -> None:
    memory = GuestMemory({0x1000: b"x" * (types.PATH_MAX - 1) + b"\0"})
    assert types.UserPath("path").decode(0x1000, memory) == b"x" * 4095


def test_null_is_no_path_where_the_kernel_allows_that() -> None:
    assert types.OptionalPath("path").decode(0, EMPTY) is None
    with pytest.raises(Errno):
        types.OptionalPath("path").decode(1, EMPTY)


def test_a_row_decodes_all_its_arguments() -> None:
    memory = GuestMemory({0x1000: b"/etc/hosts\0"})
    raw = (0xFFFF_FF9C, 0x1000, 0o2000000, 0xFFFF_0000, 5, 6)
    assert BY_NAME["openat"].decode(raw, memory) == (-100, b"/etc/hosts", 0o2000000, 0)


def test_a_row_decodes_nothing_it_does_not_have() -> None:
    assert BY_NAME["getppid"].decode((1, 2, 3, 4, 5, 6), EMPTY) == ()


def test_vectors_stay_addresses_for_the_kernel_reads_them_itself() -> None:
    memory = GuestMemory({0x1000: b"/bin/sh\0"})
    assert BY_NAME["execve"].decode((0x1000, 0x2000, 0x3000, 0, 0, 0), memory) == (b"/bin/sh", 0x2000, 0x3000)
