"""The status table: NT values, both errno profiles, the way back."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from ntshim import status as st

STATUSES = {name: value for name, value in vars(st).items() if name.startswith("STATUS_")}


def test_values_are_unsigned_32_bit_and_unique() -> None:
    assert all(0 <= value < 1 << 32 for value in STATUSES.values())
    assert len(set(STATUSES.values())) == len(STATUSES) >= 160


@pytest.mark.parametrize(
    ("status", "value", "wsl", "crt"),
    [
        (st.STATUS_SUCCESS, 0x00000000, 0, 0),
        (st.STATUS_TIMEOUT, 0x00000102, errno.EAGAIN, 0),
        (st.STATUS_OBJECT_NAME_EXISTS, 0x40000000, errno.EEXIST, 0),
        (st.STATUS_INFO_LENGTH_MISMATCH, 0xC0000004, errno.EOVERFLOW, errno.EACCES),
        (st.STATUS_INVALID_HANDLE, 0xC0000008, errno.EBADF, errno.EBADF),
        (st.STATUS_ACCESS_DENIED, 0xC0000022, errno.EACCES, errno.EACCES),
        (st.STATUS_OBJECT_TYPE_MISMATCH, 0xC0000024, errno.EPROTOTYPE, errno.EBADF),
        (st.STATUS_OBJECT_NAME_INVALID, 0xC0000033, errno.ENOENT, errno.EINVAL),
        (st.STATUS_SHARING_VIOLATION, 0xC0000043, errno.EACCES, errno.EACCES),
        (st.STATUS_DELETE_PENDING, 0xC0000056, errno.ENOENT, errno.EACCES),
        (st.STATUS_INSUFFICIENT_RESOURCES, 0xC000009A, errno.ENOMEM, errno.EINVAL),
        (st.STATUS_FILE_IS_A_DIRECTORY, 0xC00000BA, errno.EISDIR, errno.EACCES),
        (st.STATUS_NOT_SUPPORTED, 0xC00000BB, errno.EPERM, errno.EINVAL),
        (st.STATUS_PROCESS_IS_TERMINATING, 0xC000010A, errno.EINVAL, errno.EACCES),
        (st.STATUS_CANNOT_DELETE, 0xC0000121, errno.EIO, errno.EACCES),
        (st.STATUS_TOO_LATE, 0xC0000189, errno.EINVAL, errno.EINVAL),
        (st.STATUS_HANDLE_NOT_CLOSABLE, 0xC0000235, errno.EINVAL, errno.EBADF),
        (st.STATUS_INVALID_PARAMETER_12, 0xC00000FA, errno.EINVAL, errno.EINVAL),
    ],
)
def test_rows_that_matter(status: int, value: int, wsl: int, crt: int) -> None:
    assert status == value
    assert st.errno_of(status) == st.errno_of(status, "wsl") == wsl
    assert st.errno_of(status, "crt") == crt


def test_linux_numbers_are_the_kernels() -> None:
    for name, value in st.LINUX_ERRNO.items():
        assert name == "0" or getattr(errno, name) == value


def test_contexts_change_only_what_wsl_documents() -> None:
    assert st.errno_of(st.STATUS_ACCESS_DENIED, "wsl", "rw") == errno.EBADF
    assert st.errno_of(st.STATUS_END_OF_FILE, "wsl", "rw") == 0
    assert st.errno_of(st.STATUS_CANNOT_DELETE, "wsl", "delete directory") == errno.ENOTEMPTY
    assert st.errno_of(st.STATUS_ACCESS_DENIED, "crt", "rw") == errno.EACCES
    changed = [
        (value, context)
        for value in STATUSES.values()
        for context in ("rw", "delete directory")
        if st.errno_of(value, "wsl", context) != st.errno_of(value, "wsl")
    ]
    assert len(changed) == 3


@pytest.mark.parametrize("profile", ["wsl", "crt"])
def test_unknown_statuses(profile: str) -> None:
    assert st.errno_of(0xC0FF0001, profile) == errno.EINVAL
    assert st.errno_of(0x80FF0001, profile) == errno.EINVAL
    assert st.errno_of(0x00FF0001, profile) == 0


def test_a_failure_is_never_a_success() -> None:
    for value in STATUSES.values():
        if not st.nt_success(value):
            assert st.errno_of(value, "wsl") != 0
            assert st.errno_of(value, "crt") != 0


def test_way_back_round_trips_where_wsl_has_the_errno() -> None:
    wsl_knows = {st.errno_of(value) for value in STATUSES.values()}
    for number in st.LINUX_ERRNO.values():
        status = st.status_of_errno(number)
        if number in wsl_knows and status != st.STATUS_UNSUCCESSFUL:
            # These two have a plain name in NT that WSL folds into EINVAL.
            folded = status in (st.STATUS_INVALID_IMAGE_FORMAT, st.STATUS_PIPE_BROKEN)
            assert st.errno_of(status) == (errno.EINVAL if folded else number)


def test_every_errno_but_three_has_a_status() -> None:
    nameless = {name for name, n in st.LINUX_ERRNO.items() if st.status_of_errno(n) == st.STATUS_UNSUCCESSFUL}
    assert nameless == {"E2BIG", "ECHILD", "ENOLCK"}
    assert st.status_of_errno(9999) == st.STATUS_UNSUCCESSFUL


def test_names_and_message() -> None:
    assert st.name_of(0xC0000022) == "STATUS_ACCESS_DENIED"
    assert st.name_of(0xC0FF0001) == "0xc0ff0001"
    error = st.NtError(st.STATUS_SHARING_VIOLATION)
    assert error.status == 0xC0000043
    assert str(error) == "STATUS_SHARING_VIOLATION (0xc0000043)"


def test_import_takes_nothing_of_picobox_and_nothing_heavy() -> None:
    script = "import sys, ntshim.nt, ntshim.ps; print(*sorted(sys.modules))"
    command = [sys.executable, "-S", "-c", script]
    here = st.__file__.rsplit("/", 2)[0]
    modules = subprocess.run(command, check=True, capture_output=True, text=True, cwd=here).stdout.split()
    assert "ntshim.nt" in modules
    heavy = {"dataclasses", "enum", "ctypes", "cffi", "rich", "picobox", "subprocess", "inspect", "errno"}
    # typing itself brings re and so enum before Python 3.13; what counts is that nothing more comes.
    plain = subprocess.run(
        [sys.executable, "-S", "-c", "import sys, typing; print(*sys.modules)"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert not (set(modules) - set(plain)) & heavy
