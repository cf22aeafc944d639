"""Win32 over NT: its error numbers, how long a path may be, and its calls on files."""

from __future__ import annotations

from functools import partial
from nt.drive import READ, WRITE, Drive, status_of
from typing import TYPE_CHECKING, Any

import pytest

from ntshim import status as st
from ntshim.fs import reparse
from ntshim.io.create import FILE_ATTRIBUTE_DIRECTORY
from ntshim.ob.object import DELETE, GENERIC_READ, GENERIC_WRITE
from ntshim.win32 import errors, files
from ntshim.win32.component import inner_component, last_component
from ntshim.win32.errors import CRT, LIBUV, POSIX, RtlNtStatusToDosError, Win32Error, errno_of_error
from ntshim.win32.files import Win32Files
from ntshim.win32.paths import check_length, nt_name

if TYPE_CHECKING:
    from collections.abc import Callable

EPERM, ENOENT, EIO, EACCES, EBUSY, EEXIST, ENOTDIR, EINVAL, ENAMETOOLONG = 1, 2, 5, 13, 16, 17, 20, 22, 36
HIDDEN, ARCHIVE, NORMAL, READ_ONLY = 0x2, 0x20, 0x80, 0x1
ALL = 7


def error_of(call: Callable[[], object]) -> int:
    try:
        call()
    except Win32Error as error:
        return error.error
    return 0


@pytest.fixture
def drive() -> Drive:
    return Drive()


@pytest.fixture
def win32(drive: Drive) -> Win32Files:
    return Win32Files(drive.nt, drive.process)


# facts/nt.md section 5: status, w, CRT, libuv; what Go and Rust show of the error.
STATUSES = [
    (st.STATUS_OBJECT_NAME_NOT_FOUND, 2, ENOENT, ENOENT, ENOENT),
    (st.STATUS_OBJECT_PATH_NOT_FOUND, 3, ENOENT, ENOENT, ENOENT),
    (st.STATUS_ACCESS_DENIED, 5, EACCES, EPERM, EACCES),
    (st.STATUS_DELETE_PENDING, 5, EACCES, EPERM, EACCES),
    (st.STATUS_FILE_IS_A_DIRECTORY, 5, EACCES, EPERM, EACCES),
    (st.STATUS_SHARING_VIOLATION, 32, EACCES, EBUSY, EBUSY),
    (st.STATUS_OBJECT_NAME_INVALID, 123, EINVAL, ENOENT, EINVAL),
    (st.STATUS_NAME_TOO_LONG, 206, ENOENT, ENAMETOOLONG, ENAMETOOLONG),
    (st.STATUS_OBJECT_NAME_COLLISION, 183, EEXIST, EEXIST, EEXIST),
    (st.STATUS_NOT_A_DIRECTORY, 267, ENOTDIR, ENOENT, ENOTDIR),
    (st.STATUS_USER_MAPPED_FILE, 1224, EINVAL, EIO, EINVAL),
]


@pytest.mark.parametrize(("status", "error", "crt", "libuv", "posix"), STATUSES)
def test_errors_and_their_errno(status: int, error: int, crt: int, libuv: int, posix: int) -> None:
    assert RtlNtStatusToDosError(status) == error
    assert [errno_of_error(error, runtime) for runtime in (CRT, LIBUV, POSIX)] == [crt, libuv, posix]


def test_the_c_runtime_shows_what_the_status_table_says() -> None:
    statuses = {name: value for name, value in vars(st).items() if name.startswith("STATUS_")}
    mapped = {value for value in statuses.values() if RtlNtStatusToDosError(value) != errors.ERROR_MR_MID_NOT_FOUND}
    assert len(mapped) > 120
    for status in mapped:
        assert errno_of_error(RtlNtStatusToDosError(status), CRT) == st.errno_of(status, "crt") or st.nt_success(status)


def test_what_has_no_error() -> None:
    assert RtlNtStatusToDosError(0xC0FF0001) == errors.ERROR_MR_MID_NOT_FOUND
    assert [errno_of_error(99999, runtime) for runtime in (CRT, LIBUV, POSIX)] == [EINVAL, EIO, EINVAL]


@pytest.mark.parametrize(
    ("units", "status", "directory_status"),
    [
        (247, st.STATUS_SUCCESS, st.STATUS_SUCCESS),
        (248, st.STATUS_SUCCESS, st.STATUS_NAME_TOO_LONG),
        (259, st.STATUS_SUCCESS, st.STATUS_NAME_TOO_LONG),
        (260, st.STATUS_OBJECT_PATH_NOT_FOUND, st.STATUS_NAME_TOO_LONG),
    ],
)
def test_lengths_of_paths(units: int, status: int, directory_status: int) -> None:
    for letter, per_letter in (("x", 1), ("\U0001f600", 2)):
        path = "C:\\" + letter * ((units - 3) // per_letter)
        path += "x" * (units - 3 - (units - 3) // per_letter * per_letter)
        assert status_of(partial(check_length, path)) == status
        assert status_of(partial(check_length, path, makes_directory=True)) == directory_status


def test_what_lifts_the_limit() -> None:
    long = "x\\" * 200 + "y"
    assert status_of(lambda: name_of(long)) == st.STATUS_OBJECT_PATH_NOT_FOUND
    assert name_of(long, long_paths=True) == "\\??\\C:\\windows\\" + long
    assert name_of("\\\\?\\C:\\" + long) == "\\??\\C:\\" + long
    assert status_of(lambda: name_of("\\\\?\\C:\\" + "x\\" * 16379 + "yy")) == st.STATUS_SUCCESS
    assert status_of(lambda: name_of("\\\\?\\C:\\" + "x\\" * 16379 + "yyy")) == st.STATUS_NAME_TOO_LONG


def name_of(path: str, **more: Any) -> str:
    return nt_name(path, "C:\\windows", lambda _: True, **more)


def test_names_that_are_none() -> None:
    assert error_of(lambda: name_of("")) == errors.ERROR_PATH_NOT_FOUND
    assert error_of(lambda: name_of("  ")) == errors.ERROR_PATH_NOT_FOUND
    assert status_of(lambda: name_of("a\0b")) == st.STATUS_OBJECT_NAME_INVALID
    assert name_of("con.txt") == "\\??\\con"
    assert name_of("con.txt", version=11) == "\\??\\C:\\windows\\con.txt"


@pytest.mark.parametrize(
    ("name", "inner", "last"),
    [
        ("x", "x", "x"),
        ("x.", "x", "x"),
        ("x..", "x.", "x"),
        ("x ", "x ", "x"),
        ("x. .", "x. ", "x"),
        ("...", None, ""),
        (" ", " ", ""),
        ("a*", None, None),
        ("a:", None, None),
        ("x" * 256, None, None),
    ],
)
def test_components(name: str, inner: str | None, last: str | None) -> None:
    for read, wanted in ((inner_component, inner), (lambda part: last_component(part).file, last)):
        if wanted is None:
            assert status_of(partial(read, name)) == st.STATUS_OBJECT_NAME_INVALID
        else:
            assert read(name) == wanted


def test_a_last_component_may_name_a_stream() -> None:
    assert last_component("x:s") == ("x", "s", "$DATA")
    assert last_component("x::$DATA").is_main_stream


@pytest.mark.parametrize(
    ("disposition", "absent", "present", "last_error"),
    [
        (files.CREATE_NEW, 0, 80, 80),
        (files.CREATE_ALWAYS, 0, 0, 183),
        (files.OPEN_EXISTING, 2, 0, 2),
        (files.OPEN_ALWAYS, 0, 0, 183),
        (files.TRUNCATE_EXISTING, 2, 0, 2),
        (0, 87, 87, 87),
        (6, 87, 87, 87),
    ],
)
def test_dispositions(
    drive: Drive, win32: Win32Files, disposition: int, absent: int, present: int, last_error: int
) -> None:
    drive.make("there")
    assert error_of(lambda: win32.CreateFileW("away", GENERIC_WRITE, ALL, disposition)) == absent
    assert win32.GetLastError() == absent
    assert error_of(lambda: win32.CreateFileW("there", GENERIC_WRITE, ALL, disposition)) == present
    assert win32.GetLastError() == last_error


def test_truncating_needs_the_right_to_write(drive: Drive, win32: Win32Files) -> None:
    drive.make("x")
    assert error_of(lambda: win32.CreateFileW("x", GENERIC_READ, ALL, files.TRUNCATE_EXISTING)) == 87


def test_directories_need_backup_semantics(win32: Win32Files) -> None:
    win32.CreateDirectoryW("d")
    assert error_of(lambda: win32.CreateFileW("d", GENERIC_READ, ALL, files.OPEN_EXISTING)) == 5
    win32.CloseHandle(win32.CreateFileW("d", GENERIC_READ, ALL, files.OPEN_EXISTING, files.FILE_FLAG_BACKUP_SEMANTICS))
    assert error_of(lambda: win32.CreateDirectoryW("D")) == 183
    assert error_of(lambda: win32.CreateDirectoryW("missing\\d")) == 3
    assert error_of(lambda: win32.CreateDirectoryW("d" * 245)) == 206
    assert error_of(lambda: win32.CreateDirectoryW("d" * 244)) == 0


def test_delete_on_close(drive: Drive, win32: Win32Files) -> None:
    handle = win32.CreateFileW("x", GENERIC_READ, ALL, files.CREATE_NEW, files.FILE_FLAG_DELETE_ON_CLOSE)
    assert drive.exists("x") == st.STATUS_SUCCESS
    win32.CloseHandle(handle)
    assert drive.exists("x") == st.STATUS_OBJECT_NAME_NOT_FOUND
    assert error_of(lambda: win32.CloseHandle(handle)) == 6


@pytest.mark.parametrize(
    ("build", "status", "error"), [(17134, st.STATUS_DELETE_PENDING, 5), (17763, st.STATUS_OBJECT_NAME_NOT_FOUND, 0)]
)
def test_the_name_of_a_deleted_file_is_free_since_1809(drive: Drive, build: int, status: int, error: int) -> None:
    win32 = Win32Files(drive.nt, drive.process, build=build)
    drive.make("x")
    handle = drive.open("x", READ)
    win32.DeleteFileW("x")
    assert drive.exists("x") == status
    assert error_of(lambda: win32.CreateFileW("x", GENERIC_READ, ALL, files.CREATE_NEW)) == error
    drive.close(handle)


@pytest.mark.parametrize(("build", "error"), [(19045, 2), (22000, 0)])
def test_devices_by_version(drive: Drive, build: int, error: int) -> None:
    """No such port is there."""
    win32 = Win32Files(drive.nt, drive.process, build=build)
    assert error_of(lambda: win32.CreateFileW("aux.txt", GENERIC_READ, ALL, files.CREATE_NEW)) == error
    assert win32.GetFileAttributesW("nul") == ARCHIVE
    assert error_of(lambda: win32.GetFileAttributesW("missing\\nul")) == 123


def test_attributes(drive: Drive, win32: Win32Files) -> None:
    drive.make("x")
    win32.SetFileAttributesW("x", HIDDEN | READ_ONLY | FILE_ATTRIBUTE_DIRECTORY)
    assert win32.GetFileAttributesW("X") == HIDDEN | READ_ONLY
    assert error_of(lambda: win32.CreateFileW("x", GENERIC_WRITE, ALL, files.OPEN_EXISTING)) == 5
    win32.SetFileAttributesW("x", 0)
    assert win32.GetFileAttributesW("x") == NORMAL
    assert error_of(lambda: win32.GetFileAttributesW("y")) == 2
    assert error_of(lambda: win32.SetFileAttributesW("y", 0)) == 2


def test_what_a_move_cannot_do(drive: Drive, win32: Win32Files) -> None:
    drive.make("x")
    assert error_of(lambda: win32.MoveFileExW("x", "y", 0x4)) == 50
    assert error_of(lambda: win32.MoveFileExW("y", "z")) == 2
    assert error_of(lambda: win32.MoveFileExW("x", "a*b")) == 123
    win32.MoveFileExW("x", "X", files.MOVEFILE_COPY_ALLOWED)
    assert drive.names("") == ["X"]


def test_symbolic_links_need_the_privilege(drive: Drive, win32: Win32Files) -> None:
    """The process has none: nothing is left of the link."""
    assert error_of(lambda: win32.CreateSymbolicLinkW("l", "x")) == 1314
    assert drive.names("") == []
    assert error_of(lambda: win32.CreateSymbolicLinkW("l", "x", 4)) == 87


def test_symbolic_links(drive: Drive, win32: Win32Files) -> None:
    drive.volume.developer_mode = True
    drive.make_directory("d")
    win32.CreateSymbolicLinkW("l", "d", files.SYMBOLIC_LINK_FLAG_DIRECTORY)
    win32.CreateSymbolicLinkW("full", "C:\\d\\x")
    win32.CloseHandle(win32.CreateFileW("l\\x", GENERIC_WRITE, ALL, files.CREATE_NEW))
    win32.CloseHandle(win32.CreateFileW("full", GENERIC_READ, ALL, files.OPEN_EXISTING))
    win32.DeleteFileW("full")
    win32.RemoveDirectoryW("l")
    assert (drive.names(""), drive.names("d")) == (["d"], ["x"])


def test_paths_count_from_the_current_directory(drive: Drive, win32: Win32Files) -> None:
    drive.make_directory("d")
    win32.current = "C:\\d"
    win32.CloseHandle(win32.CreateFileW("in. ", GENERIC_WRITE, ALL, files.CREATE_NEW))
    win32.CloseHandle(win32.CreateFileW("\\out", GENERIC_WRITE, ALL, files.CREATE_NEW))
    assert (drive.names("d"), drive.names("")) == (["in"], ["d", "out"])
    assert error_of(lambda: win32.CreateFileW("Q:\\x", GENERIC_READ, ALL, files.OPEN_EXISTING)) == 3


def test_opens_share_what_they_say(drive: Drive, win32: Win32Files) -> None:
    drive.make("x")
    handle = win32.CreateFileW("x", GENERIC_READ, 1, files.OPEN_EXISTING)
    assert error_of(lambda: win32.CreateFileW("x", GENERIC_WRITE, ALL, files.OPEN_EXISTING)) == 32
    assert error_of(lambda: win32.DeleteFileW("x")) == 32
    win32.CloseHandle(handle)
    assert status_of(lambda: drive.open("x", WRITE | DELETE)) == st.STATUS_SUCCESS


def test_links_lead_where_they_say() -> None:
    found = reparse.link_target(reparse.parse(reparse.build_symlink("a\\b", "a\\b", relative=True)))
    assert found == ("a\\b", True)


def test_a_native_volume_leaves_the_call_to_its_owner() -> None:
    drive = Drive(native=True)
    win32 = Win32Files(drive.nt, drive.process)
    assert error_of(lambda: win32.CreateFileW("x", GENERIC_READ, ALL, files.CREATE_NEW)) == 50
    assert not drive.volume.reservations
