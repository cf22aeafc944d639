"""Rows of facts/nt.md section 4 on names: what NTFS takes, streams, the case rule, the flag of a directory, 8.3."""

from __future__ import annotations

from nt.drive import READ, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING

import pytest

from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query
from ntshim.rtl import RtlIsNameLegalDOS8Dot3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPEN, CREATE, OPEN_IF = 1, 2, 3
DIRECTORY, NON_DIRECTORY = io.FILE_DIRECTORY_FILE, io.FILE_NON_DIRECTORY_FILE
CASE = query.FILE_CASE_SENSITIVE_INFORMATION
NAME_INVALID, COLLISION, MISSING, INVALID = 0xC0000033, 0xC0000035, 0xC0000034, 0xC000000D
IS_DIRECTORY, NO_DIRECTORY, DIFFERING = 0xC00000BA, 0xC0000103, 0xC00004B3


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    drive.make_directory("dir")
    yield drive
    drive.process.handles.release()


@pytest.mark.parametrize("unit", [*map(chr, range(1, 0x20)), *'"*/<>?|'])
def test_section_4_2_units_that_no_name_has(drive: Drive, unit: str) -> None:
    for name in (unit, f"a{unit}", f"{unit}b", f"a{unit}b"):
        assert drive.exists(f"dir\\{name}") == NAME_INVALID
        status = status_of(lambda name=name: drive.make(f"dir\\{name}"))  # type: ignore[misc]
        assert status == NAME_INVALID
    assert drive.names("dir") == []


@pytest.mark.parametrize(
    "name",
    ["x.", "x..", "x ", " x", "CON", "con.txt", "aux", "\ufffe", "\u202e", "\x7f", "\x80", "$x", "a;b", "~", "'", "`"],
)
def test_section_4_2_what_nt_takes_as_it_is(drive: Drive, name: str) -> None:
    drive.make(f"dir\\{name}")
    assert drive.names("dir") == [name]


@pytest.mark.parametrize("name", [".", ".."])
def test_section_4_2_dots_are_no_components(drive: Drive, name: str) -> None:
    for path in (f"dir\\{name}", f"dir\\{name}\\x", name):
        assert drive.exists(path) == NAME_INVALID


@pytest.mark.parametrize("letter", ["a", "\u00e9"])
@pytest.mark.parametrize(("count", "status"), [(255, 0), (256, NAME_INVALID)])
def test_section_4_2_length(letter: str, count: int, status: int) -> None:
    drive = Drive()
    assert status_of(lambda: drive.make(letter * count)) == status
    assert status_of(lambda: drive.make("f:" + letter * count)) == status


# Path, disposition, options, status; `f` is a file with the stream `s`.
STREAMS = [
    ("f:", OPEN, 0, NAME_INVALID),
    ("f:a:b", CREATE, 0, NAME_INVALID),
    ("f:s:$OTHER", OPEN, 0, NAME_INVALID),
    ("f::$DATA", OPEN, 0, 0),
    ("F::$data", OPEN, 0, 0),
    ("f:S", OPEN, 0, 0),
    ("f:s:$DATA", OPEN, 0, 0),
    ("f:S", CREATE, 0, COLLISION),
    ("f:t", OPEN, 0, MISSING),
    ("new:s", CREATE, 0, 0),
    ("f:s", OPEN, DIRECTORY, NO_DIRECTORY),
    ("f:t", CREATE, DIRECTORY, NO_DIRECTORY),
    ("dir::$DATA", OPEN, 0, IS_DIRECTORY),
    ("dir::$INDEX_ALLOCATION", OPEN, 0, 0),
    ("dir:$I30:$INDEX_ALLOCATION", OPEN, 0, 0),
    ('f:<">|?*', CREATE, 0, 0),
    ("f:a/b", CREATE, 0, NAME_INVALID),
]


@pytest.mark.parametrize(("path", "disposition", "options", "status"), STREAMS)
def test_section_4_2_streams(path: str, disposition: int, options: int, status: int) -> None:
    drive = Drive()
    drive.make_directory("dir")
    drive.make("f")
    drive.make("f:s")
    got = status_of(lambda: drive.create(path, READ, disposition=disposition, options=options))
    assert got == status
    assert (drive.exists("new") == 0) == (path == "new:s")


# facts/nt.md section 4.1: whether NTFS takes two names for one.
PAIRS = [
    ("\u00e9", "\u00c9", True),
    ("\u00ff", "\u0178", True),
    ("\u24d0", "\u24b6", True),
    ("\uff41", "\uff21", True),
    ("\u2170", "\u2160", True),
    ("\u01c6", "\u01c4", True),
    ("\u03c3", "\u03a3", True),
    ("\u03c2", "\u03c3", False),
    ("\u03c2", "\u03a3", False),
    ("\u00df", "ss", False),
    ("\u00df", "\u1e9e", False),
    ("\ufb01", "fi", False),
    ("\u212a", "k", False),
    ("\u212b", "\u00e5", False),
    ("\u2126", "\u03c9", False),
    ("\u017f", "s", False),
    ("\u00b5", "\u03bc", False),
    ("\u01c5", "\u01c4", False),
    ("\u1e9b", "\u1e60", False),
    ("\u0130", "i", False),
    ("\u0131", "I", False),
    ("e\u0301", "\u00e9", False),
    ("\U00010428", "\U00010400", False),
    ("\u10d0", "\u1c90", False),
    ("\u13a0", "\uab70", False),
    ("\u0265", "\ua78d", False),
]


@pytest.mark.parametrize(("one", "other", "same"), PAIRS)
def test_section_4_1_two_spellings(drive: Drive, one: str, other: str, same: bool) -> None:
    for first, second in ((one, other), (other, one)):
        drive.make(f"dir\\a{first}b")
        assert drive.exists(f"dir\\A{second}B") == (0 if same else MISSING)
        drive.delete(f"dir\\a{first}b")


def test_section_4_5_the_flag(drive: Drive) -> None:
    drive.make("file")
    assert drive.get(drive.open("file", 0x80), CASE) == 0
    assert status_of(lambda: drive.set(drive.open("file", WRITE_ATTRIBUTES), 1, CASE)) == INVALID
    assert status_of(lambda: drive.set(drive.open("dir", WRITE), 1, CASE)) == 0xC0000022
    drive.make("dir\\before")
    handle = drive.open("dir", WRITE_ATTRIBUTES | 0x80)
    if status := status_of(lambda: drive.set(handle, 1, CASE)):
        # A host without extended attributes keeps no flag: nothing has changed then.
        assert status == 0xC00000BB
        assert drive.get(handle, CASE) == 0
        assert drive.exists("dir\\BEFORE") == 0
        return
    assert drive.get(handle, CASE) == 1
    assert drive.exists("dir\\BEFORE") == MISSING
    drive.make("dir\\Before")
    drive.make_directory("dir\\sub")
    assert drive.get(drive.open("dir\\sub", 0x80), CASE) == 1
    assert status_of(lambda: drive.set(handle, 0, CASE)) == DIFFERING
    drive.delete("dir\\before")
    drive.set(handle, 0, CASE)
    assert drive.exists("dir\\BEFORE") == 0


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        *[(name, True) for name in ("a", "plain.txt", "12345678.123", ".", "..", "CON", "com1.log", "$mft", "conin$")],
        *[(name, True) for name in ("\u00e9", "com\u00b9", "lpt\u00b3", "\u00ad", "{a}", "a'b", "a^b", "a!b", "a#b")],
        *[(name, False) for name in ("", ".hidden", "a..b", "trail.", "...", "123456789", "a.1234", "con.tar.gz")],
        *[(name, False) for name in ("a,b", "a=b", "a+b", "a;b", "a[b", "a]b", "a:b", "a/b", "a\\b", "a*b", 'a"b')],
        *[(name, False) for name in (" lead", "trail ", "con .txt", "a.b ", "\u4e00", "\U0001f600", "\ud800", "\x80")],
    ],
)
def test_section_4_4_legal_8_3_names(name: str, legal: bool) -> None:
    assert RtlIsNameLegalDOS8Dot3(name) == (legal, False)


def test_section_4_4_spaces_are_told_apart() -> None:
    assert RtlIsNameLegalDOS8Dot3("a b.c") == (True, True)


def test_section_4_4_no_short_names_are_made() -> None:
    drive = Drive()
    drive.make("a long name.text")
    handle = drive.open("a long name.text")
    assert status_of(lambda: drive.get(handle, query.FILE_ALTERNATE_NAME_INFORMATION)) == MISSING
    assert drive.exists("ALONGN~1.TEX") == MISSING
