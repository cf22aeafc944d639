"""Extended attributes of Linux on a WSL volume: values, flags, names, and the case flag of directories."""

from __future__ import annotations

import errno
from functools import partial
from nt.drive import Drive
from typing import TYPE_CHECKING

import pytest

from ntshim.fs.drvfs import DrvFs
from ntshim.fs.rules import CaseMode
from ntshim.io.ea import FileFullEaInformation
from ntshim.lx.errors import LxError
from ntshim.lx.links import symlink
from ntshim.lx.volume import LxVolume, Owner
from ntshim.lx.xattrs import (
    CASE_FLAG,
    LONGEST_VALUE,
    XATTR_CREATE,
    XATTR_REPLACE,
    getxattr,
    listxattr,
    removexattr,
    setxattr,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Owner(0, 0)


@pytest.fixture
def drive() -> Drive:
    return Drive(rules=DrvFs(CaseMode.FLAGGED))


@pytest.fixture
def lx(drive: Drive) -> LxVolume:
    volume = LxVolume(drive.nt, drive.process, "\\??\\C:", DrvFs(CaseMode.FLAGGED))
    volume.create("file", 0o644, ROOT)
    volume.mkdir("dir", 0o755, ROOT)
    symlink(volume, b"nowhere", "link")
    return volume


def said(call: Callable[[], object]) -> str:
    try:
        call()
    except LxError as error:
        return errno.errorcode[error.errno]
    return "OK"


def test_what_is_set_is_there(lx: LxVolume) -> None:
    setxattr(lx, "file", "user.Name", b"value")
    setxattr(lx, "file", "security.x", b"")
    assert getxattr(lx, "file", "user.nAME") == b"value"
    assert getxattr(lx, "file", "security.x") == b""
    assert sorted(listxattr(lx, "file")) == ["security.x", "user.name"]
    removexattr(lx, "file", "user.name")
    assert listxattr(lx, "file") == ["security.x"]


@pytest.mark.parametrize(
    ("present", "flags", "expected"),
    [
        (False, 0, "OK"), (True, 0, "OK"), (False, XATTR_CREATE, "OK"), (True, XATTR_CREATE, "EEXIST"),
        (False, XATTR_REPLACE, "ENODATA"), (True, XATTR_REPLACE, "OK"), (True, 4, "EINVAL"),
    ],
)  # fmt: skip
def test_flags(lx: LxVolume, *, present: bool, flags: int, expected: str) -> None:
    if present:
        setxattr(lx, "file", "user.x", b"old")
    assert said(partial(setxattr, lx, "file", "user.x", b"new", flags)) == expected


def test_names_and_lengths(lx: LxVolume) -> None:
    for name in ("x", "system.posix_acl_access", "other.x", ""):
        assert said(partial(setxattr, lx, "file", name, b"")) == "ENOTSUP"
        assert said(partial(getxattr, lx, "file", name)) == "ENOTSUP"
        assert said(partial(removexattr, lx, "file", name)) == "ENOTSUP"
    assert said(partial(setxattr, lx, "file", "user.a:b", b"")) == "EINVAL"
    assert said(partial(setxattr, lx, "file", "user.x", b"x" * (LONGEST_VALUE + 1))) == "E2BIG"
    assert said(partial(getxattr, lx, "file", "user.x")) == "ENODATA"
    assert said(partial(removexattr, lx, "file", "user.x")) == "ENODATA"
    assert said(partial(getxattr, lx, "missing", "user.x")) == "ENOENT"


def test_what_linux_has_not_set_is_not_shown(drive: Drive, lx: LxVolume) -> None:
    handle = drive.open("file", 0x10)
    for name, value in (("LX.USER.X", b"lxe"), ("USER.Y", b"lxeavalue"), ("$LXUID", b"\0\0\0\0")):
        drive.nt.NtSetEaFile(drive.process, handle, [FileFullEaInformation(0, name, value)])
    drive.close(handle)
    assert listxattr(lx, "file") == []
    assert said(partial(getxattr, lx, "file", "user.x")) == "ENODATA"


def test_the_case_flag(lx: LxVolume) -> None:
    assert (listxattr(lx, "dir"), listxattr(lx, "file"), listxattr(lx, "link")) == ([CASE_FLAG], [], [])
    assert getxattr(lx, "dir", CASE_FLAG) == b"0"
    setxattr(lx, "dir", CASE_FLAG, b"1")
    assert getxattr(lx, "dir", CASE_FLAG) == b"1"
    lx.create("dir/a", 0o644, ROOT)
    lx.create("dir/A", 0o644, ROOT)
    assert said(partial(setxattr, lx, "dir", CASE_FLAG, b"0")) != "OK"
    lx.unlink("dir/A")
    setxattr(lx, "dir", CASE_FLAG, b"0")
    assert said(partial(setxattr, lx, "dir", CASE_FLAG, b"1")) == "ENOTEMPTY"


@pytest.mark.parametrize(
    ("path", "value", "flags", "expected"),
    [
        ("dir", b"1", XATTR_CREATE, "EEXIST"),
        ("dir", b"1", XATTR_REPLACE, "OK"),
        ("dir", b"2", 0, "EINVAL"),
        ("dir", b"", 0, "EINVAL"),
        ("dir", b"01", 0, "EINVAL"),
        ("file", b"1", 0, "ENOTSUP"),
        ("link", b"1", 0, "ENOTSUP"),
    ],
)
def test_setting_the_case_flag(lx: LxVolume, path: str, value: bytes, flags: int, expected: str) -> None:
    assert said(partial(setxattr, lx, path, CASE_FLAG, value, flags)) == expected
    assert said(partial(removexattr, lx, path, CASE_FLAG)) == "ENOTSUP"
