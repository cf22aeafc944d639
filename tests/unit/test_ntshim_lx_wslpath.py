"""Paths between Windows and Linux: the vectors of facts/wsl1.md section 6.2 and what follows from its rules."""

from __future__ import annotations

import pytest

from ntshim.fs.drvfs import DrvFs
from ntshim.lx.errors import LxError
from ntshim.lx.wslpath import drive_mounts, to_linux, to_windows

DRIVES = {"C": "/mnt/c", "D": "/mnt/c/inner", "E": "/"}
MOUNTINFO = r"""45 44 254:0 / / rw,noatime - wslfs rootfs rw
50 45 254:0 / /mnt/c rw,noatime - drvfs C:\134 rw,uid=0
51 45 254:0 / /mnt/with\040space rw shared:3 master:2 - drvfs e:\134 rw
52 45 254:0 / /mnt/share rw - drvfs \134\134server\134share rw
half a line - drvfs F:\134
53 45 254:0 / /mnt/g rw - drvfs
54 45 254:0 / /mnt/h rw - ext4 H:\134 rw
"""


def test_drives_of_mountinfo() -> None:
    assert drive_mounts(MOUNTINFO) == {"C": "/mnt/c", "E": "/mnt/with space"}


@pytest.mark.parametrize(
    ("windows", "linux"),
    [
        ("C:\\", "/mnt/c/"),
        ("C:/Foo/bar", "/mnt/c/Foo/bar"),
        ("c:\\foo\\", "/mnt/c/foo/"),
        ("foo\\", "foo/"),
        ("foo\\..\\bar", "foo/../bar"),
        ("..", ".."),
        ("C:\\a\\..\\b\\.\\\\c", "/mnt/c/b/c"),
        ("\\\\?\\C:\\a", "/mnt/c/a"),
        ("C:\\a\uf03ab", "/mnt/c/a\uf03ab"),
        ("E:\\usr", "/usr"),
        ("C:\\..", None),
        ("C:\\a\\..\\..\\b", None),
        ("X:\\a", None),
        ("C:", None),
        ("C:a", None),
        ("\\\\server\\share", None),
        ("/mnt/c", None),
        ("", None),
    ],
)
def test_to_linux(windows: str, linux: str | None) -> None:
    if linux is None:
        with pytest.raises(LxError, match="22"):
            to_linux(windows, DRIVES)
    else:
        assert to_linux(windows, DRIVES) == linux


def test_to_linux_absolute() -> None:
    assert to_linux("foo\\", DRIVES, absolute=True, working_directory="/mnt/c") == "/mnt/c/foo/"
    assert to_linux("D:\\a", DRIVES, absolute=True, working_directory="/mnt/c") == "/mnt/c/inner/a"


@pytest.mark.parametrize(
    ("linux", "windows"),
    [
        ("/mnt/c", "C:\\"),
        ("/mnt/c/", "C:\\"),
        ("/mnt/c/Foo/bar", "C:\\Foo\\bar"),
        ("/mnt/c/Foo/", "C:\\Foo\\"),
        ("/mnt/c/inner/x", "D:\\x"),
        ("/mnt/c/innermost", "C:\\innermost"),
        ("/mnt/c/a:b*", "C:\\a\uf03ab\uf02a"),
        ("/mnt/c/../c/x", "C:\\x"),
        ("x/y", "x\\y"),
        ("./x/", "x\\"),
        ("../x", "C:\\x"),
        (".", "C:\\here"),
    ],
)
def test_to_windows(linux: str, windows: str) -> None:
    assert to_windows(linux, {"C": "/mnt/c", "D": "/mnt/c/inner"}, DrvFs(), working_directory="/mnt/c/here") == windows


def test_to_windows_absolute() -> None:
    drives = {"C": "/mnt/c"}
    assert to_windows("x", drives, DrvFs(), absolute=True, working_directory="/mnt/c/here") == "C:\\here\\x"


def test_links_are_followed() -> None:
    links = {"/home/link": "/mnt/c/target"}
    assert to_windows("/home/link", {"C": "/mnt/c"}, DrvFs(), real=lambda path: links.get(path, path)) == "C:\\target"


def test_what_is_on_no_drive() -> None:
    assert to_windows("/home/me/", {}, DrvFs(), root_name="Debian") == "\\\\wsl$\\Debian\\home\\me\\"
    assert to_windows("/", {}, DrvFs(), root_name="Debian") == "\\\\wsl$\\Debian\\"
    for path in ("/home", ""):
        with pytest.raises(LxError, match="22"):
            to_windows(path, {}, DrvFs())
