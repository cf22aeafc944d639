"""Win32 paths become NT names, and names are compared, as NT's run-time library does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntshim import rtl
from ntshim.fs.names import WINDOWS_11
from ntshim.status import STATUS_OBJECT_NAME_INVALID, NtError

CURRENT = "C:\\windows"


def convert(path: str, *, exists: bool = True, version: int = 10) -> str:
    return rtl.RtlDosPathNameToNtPathName_U(path, CURRENT, lambda _: exists, version)


# facts/nt.md section 4.3.
@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("x", 5, r"\??\C:\windows\x"),
        ("x/", 5, "\\??\\C:\\windows\\x\\"),
        ("x//y", 5, r"\??\C:\windows\x\y"),
        (r"\x", 4, r"\??\C:\x"),
        ("/x", 4, r"\??\C:\x"),
        ("C:x", 3, r"\??\C:\windows\x"),
        ("c:x", 3, r"\??\c:\windows\x"),
        ("D:x", 3, r"\??\D:\x"),
        ("C:", 3, "\\??\\C:\\windows\\"),
        ("c:/x/./y/../z", 2, r"\??\c:\x\z"),
        (r"C:\..\..\x", 2, r"\??\C:\x"),
        (r"C:\x\..", 2, "\\??\\C:\\"),
        (r"C:\x\y. . ", 2, r"\??\C:\x\y"),
        (r"C:\x.\y", 2, r"\??\C:\x\y"),
        (r"C:\x..\y", 2, r"\??\C:\x.\y"),
        (r"C:\x \y", 2, r"\??\C:\x \y"),
        (r"C:\x\...", 2, "\\??\\C:\\x\\"),
        (r"\\srv\shr\f", 1, r"\??\UNC\srv\shr\f"),
        (r"\\srv\shr\..\..\f", 1, r"\??\UNC\srv\shr\f"),
        (r"\\srv\shr", 1, r"\??\UNC\srv\shr"),
        (r"\\.x\shr", 1, r"\??\UNC\.x\shr"),
        (r"\\?\C:\x. ", 6, r"\??\C:\x. "),
        (r"\\?\C:\x/y", 6, r"\??\C:\x/y"),
        (r"\\.\C:\x. ", 6, r"\??\C:\x"),
        (r"\\.\C:\x\..\y", 6, r"\??\C:\y"),
        (r"\\.\COM1", 6, r"\??\COM1"),
        (r"\\.", 7, "\\??\\"),
        (r"\??\C:\x", 4, r"\??\C:\x"),
        ("NUL", 5, r"\??\NUL"),
        ("con.txt", 5, r"\??\con"),
        (r"C:\a\NUL", 2, r"\??\NUL"),
        ("c:aux", 3, r"\??\aux"),
    ],
)
def test_path(path: str, kind: int, name: str) -> None:
    assert rtl.RtlDetermineDosPathNameType_U(path) == kind
    assert convert(path) == name


@pytest.mark.parametrize("path", ["", " ", "   ", r"C:\gone\NUL", r"gone\con.txt"])
def test_no_name(path: str) -> None:
    with pytest.raises(NtError) as caught:
        convert(path, exists=False)
    assert caught.value.status == STATUS_OBJECT_NAME_INVALID


def test_a_device_needs_its_directory() -> None:
    asked: list[str] = []

    def is_directory(path: str) -> bool:
        asked.append(path)
        return True

    assert rtl.RtlDosPathNameToNtPathName_U("sub/nul", CURRENT, is_directory) == r"\??\nul"
    assert asked == [r"C:\windows\sub"]


@pytest.mark.parametrize(
    ("path", "windows_10", "windows_11"),
    [
        ("NUL", 6, 6),
        ("nul.txt", 6, 0),
        ("con ", 6, 0),
        (r"C:\a\NUL", 10 << 16 | 6, 10 << 16 | 6),
        (r"C:\a\con", 10 << 16 | 6, 0),
        ("conx", 0, 0),
        (r"\\.\NUL", 0, 0),
        (r"\\srv\shr\NUL", 0, 0),
    ],
)
def test_device(path: str, windows_10: int, windows_11: int) -> None:
    assert rtl.RtlIsDosDeviceName_U(path) == windows_10
    assert rtl.RtlIsDosDeviceName_U(path, WINDOWS_11) == windows_11


def test_windows_11_stores_what_has_an_extension() -> None:
    assert convert("con.txt", version=WINDOWS_11) == r"\??\C:\windows\con.txt"


@given(st.text(alphabet="aA.\\/: ?", max_size=12))
def test_any_path_becomes_an_nt_name_or_none(path: str) -> None:
    try:
        name = convert(path)
    except NtError as error:
        assert (error.status, path.strip(" ")) == (STATUS_OBJECT_NAME_INVALID, "")  # noqa: PT017
    else:
        assert name.startswith("\\??\\")


def test_comparison() -> None:
    assert rtl.RtlUpcaseUnicodeString("straße") == "STRAßE"
    assert rtl.RtlEqualUnicodeString("É", "é", case_in_sensitive=True)
    assert not rtl.RtlEqualUnicodeString("É", "é", case_in_sensitive=False)
    assert rtl.RtlCompareUnicodeString("a", "B", case_in_sensitive=True) < 0
    assert rtl.RtlCompareUnicodeString("a", "B", case_in_sensitive=False) > 0
    assert rtl.RtlCompareUnicodeString("\uff21", "😀", case_in_sensitive=True) > 0
