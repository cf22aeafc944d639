"""Rows of kind fileops that call Win32: the error of a call, or a status that NT gives afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.ob.object import DELETE, GENERIC_READ
from ntshim.win32.errors import Win32Error
from ntshim.win32.files import (
    CREATE_ALWAYS,
    CREATE_NEW,
    MOVEFILE_REPLACE_EXISTING,
    OPEN_EXISTING,
    Win32Files,
)

from .drive import READ, READ_ATTRIBUTES, Drive, status_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Action = Callable[[Drive, Win32Files], object]

READ_ONLY = 0x1


def error_of(call: Callable[[], object]) -> int:
    """Run a call and give its Win32 error, 0 if it succeeds."""
    try:
        call()
    except Win32Error as error:
        return error.error
    return 0


def _error(*actions: Action) -> Callable[[Drive], int]:
    """Do one action after the other; gives the error of the last."""

    def case(drive: Drive) -> int:
        files = Win32Files(drive.nt, drive.process)
        *before, last = actions
        for action in before:
            action(drive, files)
        return error_of(lambda: last(drive, files))

    return case


def _make(name: str, attributes: int = 0) -> Action:
    return lambda drive, _: drive.make(name, attributes)


def _make_directory(name: str) -> Action:
    return lambda drive, _: drive.make_directory(name)


def _open(name: str, share: int, access: int = READ) -> Action:
    return lambda drive, _: drive.open(name, access, share)


def _delete(name: str) -> Action:
    return lambda _, files: files.DeleteFileW(name)


def _remove(name: str) -> Action:
    return lambda _, files: files.RemoveDirectoryW(name)


def _move(source: str, target: str, flags: int = 0) -> Action:
    return lambda _, files: files.MoveFileExW(source, target, flags)


def _link(name: str, existing: str) -> Action:
    return lambda _, files: files.CreateHardLinkW(name, existing)


def _create(name: str, access: int, share: int, disposition: int) -> Action:
    return lambda _, files: files.CreateFileW(name, access, share, disposition)


def _name_after_delete(drive: Drive) -> int:
    drive.make("x")
    drive.open("x", READ, 7)
    Win32Files(drive.nt, drive.process).DeleteFileW("x")
    return drive.exists("x")


def _name_after_last_close(drive: Drive) -> int:
    drive.make("x")
    handle = drive.open("x", READ, 7)
    Win32Files(drive.nt, drive.process).DeleteFileW("x")
    drive.close(handle)
    return drive.exists("x")


def _conflict_through_link(drive: Drive) -> int:
    drive.make("x")
    Win32Files(drive.nt, drive.process).CreateHardLinkW("y", "x")
    drive.open("x", READ, 0)
    return status_of(lambda: drive.open("y", READ))


def _mark_for_deletion(drive: Drive, files: Win32Files) -> None:
    del files
    drive.set(drive.open("x", DELETE), True, 13)


_REPLACE = MOVEFILE_REPLACE_EXISTING
_OF_DELETION: dict[str, Callable[[Drive], int]] = {
    "DeleteFileW while open share RW": _error(_make("x"), _open("x", 3), _delete("x")),
    "DeleteFileW while open share RWD": _error(_make("x"), _open("x", 7), _delete("x")),
    "name query after": _name_after_delete,
    "CreateFileW CREATE_NEW after": _error(
        _make("x"), _open("x", 7), _delete("x"), _create("x", GENERIC_READ, 7, CREATE_NEW)
    ),
    "name query after last close": _name_after_last_close,
    "DeleteFileW readonly": _error(_make("x", READ_ONLY), _delete("x")),
    "DeleteFileW on directory": _error(_make_directory("d"), _delete("d")),
    "RemoveDirectoryW on file(absent)": _error(_remove("x")),
    "RemoveDirectoryW on file": _error(_make("x"), _remove("x")),
    "RemoveDirectoryW non-empty": _error(_make_directory("d"), _make("d\\x"), _remove("d")),
    "RemoveDirectoryW while dir open share RW": _error(_make_directory("d"), _open("d", 3), _remove("d")),
    "RemoveDirectoryW while dir open share RWD": _error(_make_directory("d"), _open("d", 7), _remove("d")),
}
_OF_RENAMES = {
    "MoveFileExW source open w/o SHARE_DELETE": _error(_make("x"), _open("x", 3), _move("x", "y")),
    "MoveFileExW REPLACE source open w/o SHARE_DELETE": _error(_make("x"), _open("x", 3), _move("x", "y", _REPLACE)),
    "MoveFileExW source open share all": _error(_make("x"), _open("x", 7), _move("x", "y")),
    "MoveFileExW target exists noreplace": _error(_make("x"), _make("y"), _move("x", "y")),
    "MoveFileExW REPLACE target open share all": _error(
        _make("x"), _make("y"), _open("y", 7), _move("x", "y", _REPLACE)
    ),
    "MoveFileExW file over dir REPLACE": _error(_make("x"), _make_directory("d"), _move("x", "d", _REPLACE)),
    "MoveFileExW dir over file REPLACE": _error(_make_directory("d"), _make("x"), _move("d", "x", _REPLACE)),
}
_OF_LINKS = {
    "CreateHardLinkW": _error(_make("x"), _link("y", "x")),
    "CreateHardLinkW existing": _error(_make("x"), _make("y"), _link("y", "x")),
    "CreateHardLinkW of dir": _error(_make_directory("d"), _link("y", "d")),
    "share conflict through other hard link (opened share 0)": _conflict_through_link,
    "CreateHardLinkW while source open share 0": _error(_make("x"), _open("x", 0), _link("y", "x")),
    "DeleteFileW other link while first link open w/o SHARE_DELETE": _error(
        _make("x"), _link("y", "x"), _open("x", 3), _delete("y")
    ),
}
_OF_SUITES = {
    "DELETE pending: CreateFileW attributes-only": _error(
        _make("x"), _mark_for_deletion, _create("x", READ_ATTRIBUTES, 7, OPEN_EXISTING)
    ),
    "rename directory containing an open file": _error(
        _make_directory("d"), _make("d\\x"), _open("d\\x", 7), _move("d", "e")
    ),
    "CREATE_ALWAYS+GENERIC_READ share R against GENERIC_READ share R": _error(
        _make("x"), _create("x", GENERIC_READ, 1, OPEN_EXISTING), _create("x", GENERIC_READ, 1, CREATE_ALWAYS)
    ),
    "CREATE_NEW on existing file": _error(_make("x"), _create("x", GENERIC_READ, 7, CREATE_NEW)),
}
CASES = {
    (group, phrase): case
    for group, cases in {
        "win32_delete": _OF_DELETION,
        "rename_misc": _OF_RENAMES,
        "hardlink": _OF_LINKS,
        "ntfs_suite_win32": _OF_SUITES,
    }.items()
    for phrase, case in cases.items()
}
