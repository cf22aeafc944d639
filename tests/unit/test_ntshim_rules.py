"""Kinds of volumes: how VolFs and DrvFs store names, where case counts on each, and new directories."""

from __future__ import annotations

import os
from nt.drive import READ, READ_ATTRIBUTES, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ntshim import status as st
from ntshim.fs.case_flag import CASE_XATTR
from ntshim.fs.drvfs import DrvFs
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.fs.names import check_component, units
from ntshim.fs.rules import FORBIDDEN, NTFS, CaseMode, VolumeRules
from ntshim.fs.volfs import VolFs
from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.create import FILE_DIRECTORY_FILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GONE = st.STATUS_OBJECT_NAME_NOT_FOUND
FLAG = query.FILE_CASE_SENSITIVE_INFORMATION
RULES: dict[str, VolumeRules] = {
    "ntfs": NTFS,
    "volfs": VolFs(),
    "drvfs off": DrvFs(CaseMode.INSENSITIVE),
    "drvfs flagged": DrvFs(CaseMode.FLAGGED),
    "drvfs dir": DrvFs(CaseMode.PER_DIRECTORY),
    "drvfs force": DrvFs(CaseMode.SENSITIVE),
}
# Is case counted in the root, in a flagged and in an unflagged directory; is a new directory flagged in those?
CASE = {
    "ntfs": (False, True, False),
    "volfs": (True, True, True),
    "drvfs off": (False, False, False),
    "drvfs flagged": (False, True, False),
    "drvfs dir": (False, True, False),
    "drvfs force": (False, True, True),
}
NEW = {
    "ntfs": (False, True, False),
    "volfs": (True, True, True),
    "drvfs off": (False, False, False),
    "drvfs flagged": (False, False, False),
    "drvfs dir": (True, True, True),
    "drvfs force": (True, True, True),
}
# What another program has put into the private use area means the forbidden unit to DrvFs.
_EXCLUDED = "\0/" + "".join(map(chr, range(0xF000, 0xF100)))
LINUX_NAMES = some.text(
    some.characters(exclude_characters=_EXCLUDED, exclude_categories=["Cs"]), min_size=1, max_size=40
)


@pytest.fixture(params=["memory", "host"])
def drive_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[VolumeRules], Drive]:
    """Makes the drive of some rules over either backend."""

    def make(rules: VolumeRules) -> Drive:
        return Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path), rules=rules), rules=rules)

    return make


def flag_of(drive: Drive, path: str) -> int:
    handle = drive.open(path, READ_ATTRIBUTES)
    try:
        flag: int = drive.get(handle, FLAG)
        return flag
    finally:
        drive.close(handle)


def set_flag(drive: Drive, path: str, flag: int) -> int:
    handle = drive.open(path, READ_ATTRIBUTES | WRITE_ATTRIBUTES)
    try:
        return status_of(lambda: drive.set(handle, flag, FLAG))
    finally:
        drive.close(handle)


@pytest.mark.parametrize("kind", RULES)
def test_case_counts_where_the_rules_say(kind: str, drive_of: Callable[[VolumeRules], Drive]) -> None:
    drive = drive_of(RULES[kind])
    for name, flag in (("flagged", 1), ("plain", 0)):
        drive.make_directory(name)
        assert set_flag(drive, name, flag) == 0
        assert flag_of(drive, name) == flag
    for prefix, exact, new in zip(("", "flagged\\", "plain\\"), CASE[kind], NEW[kind], strict=True):
        drive.make(prefix + "name")
        assert drive.exists(prefix + "NAME") == (GONE if exact else 0), prefix
        status = status_of(lambda prefix=prefix: drive.make(prefix + "NAME"))  # type: ignore[misc]
        assert status == (0 if exact else st.STATUS_OBJECT_NAME_COLLISION), prefix
        drive.make_directory(prefix + "new")
        assert flag_of(drive, prefix + "new") == new, prefix


@pytest.mark.parametrize("kind", ["ntfs", "drvfs dir"])
def test_patterns_match_as_names_do(kind: str, drive_of: Callable[[VolumeRules], Drive]) -> None:
    drive = drive_of(RULES[kind])
    for name, flag in (("flagged", 1), ("plain", 0)):
        drive.make_directory(name)
        set_flag(drive, name, flag)
        drive.make(f"{name}\\file.c")
    for name, status in (("flagged", st.STATUS_NO_SUCH_FILE), ("plain", 0)):
        handle = drive.open(name)
        ask = drive.nt.NtQueryDirectoryFile
        assert status_of(lambda: ask(drive.process, handle, 12, "*.C")) == status  # noqa: B023 - called at once
        assert len(drive.nt.NtQueryDirectoryFile(drive.process, drive.open(name), 12, "*.c")) == 1


@pytest.mark.parametrize(("kind", "status"), [("ntfs", 0), ("drvfs dir", st.STATUS_DIRECTORY_NOT_EMPTY)])
def test_who_flags_a_directory_with_entries(kind: str, status: int, drive_of: Callable[[VolumeRules], Drive]) -> None:
    drive = drive_of(RULES[kind])
    drive.make_directory("dir")
    set_flag(drive, "dir", 0)
    drive.make("dir\\file")
    assert set_flag(drive, "dir", 1) == status
    assert flag_of(drive, "dir") == (status == 0)
    drive.delete("dir\\file")
    assert set_flag(drive, "dir", 1) == 0
    drive.make("dir\\file")
    assert set_flag(drive, "dir", 1) == 0, "it is flagged already"
    drive.make("dir\\FILE")
    assert set_flag(drive, "dir", 0) == st.STATUS_CASE_DIFFERING_NAMES_IN_DIR


def test_a_new_directory_that_cannot_be_flagged_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no")

    drive = Drive(HostFs(str(tmp_path)), rules=DrvFs(CaseMode.PER_DIRECTORY))
    monkeypatch.setattr(os, "setxattr", refuse)
    assert status_of(lambda: drive.make_directory("dir")) != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rules", [DrvFs(), VolFs()], ids=["drvfs", "volfs"])
@given(name=LINUX_NAMES)
def test_names_come_back(rules: VolumeRules, name: str) -> None:
    stored = rules.escape(name)
    assert not any(ord(unit) in FORBIDDEN for unit in stored)
    assert rules.unescape(stored) == name


@given(name=LINUX_NAMES)
def test_drvfs_keeps_the_length(name: str) -> None:
    assert units(DrvFs().escape(name)) == units(name)


@pytest.mark.parametrize(
    ("rules", "name", "stored"),
    [
        (DrvFs(), 'a:b*?"<>|\\', "a\uf03ab\uf02a\uf03f\uf022\uf03c\uf03e\uf07c\uf05c"),
        (DrvFs(), "\x01\x1f\x7f. ", "\uf001\uf01f\x7f. "),
        (DrvFs(), "#é", "#é"),
        (VolFs(), 'a:b#"', "a#003Ab#0023#0022"),
        (VolFs(), "\x01\x7f. é", "#0001\x7f. é"),
    ],
)
def test_forbidden_units(rules: VolumeRules, name: str, stored: str) -> None:
    assert rules.escape(name) == stored
    assert rules.unescape(stored) == name
    check_component(stored)


@pytest.mark.parametrize("name", ["\uf041", "\uf0ff", "\uf000", "\uf100"])
def test_drvfs_leaves_the_rest_of_the_private_use_area(name: str) -> None:
    assert DrvFs().unescape(name) == name == DrvFs().escape(name)


@pytest.mark.parametrize("name", ["#0041", "#003a", "#3A", "a#"])
def test_volfs_takes_only_its_own_escapes_back(name: str) -> None:
    assert VolFs().unescape(name) == name


@pytest.mark.parametrize(("rules", "stored"), [(DrvFs(), "a\uf03ab"), (VolFs(), "a#003Ab")], ids=["drvfs", "volfs"])
def test_a_host_s_file_has_the_name_that_linux_gave_it(tmp_path: Path, rules: VolumeRules, stored: str) -> None:
    (tmp_path / "a:b").touch()
    drive = Drive(HostFs(str(tmp_path), rules=rules), rules=rules)
    assert drive.exists(stored) == 0
    # Which asks for a stream of a file `a`.
    assert drive.exists("a:b") == GONE
    handle = drive.open("", READ)
    listed = drive.nt.NtQueryDirectoryFile(drive.process, handle, query.FILE_NAMES_INFORMATION)
    assert [entry.file_name for entry in listed] == [stored]
    file = drive.open(stored, READ)
    assert drive.get(file, query.FILE_NAME_INFORMATION) == "\\" + stored
    drive.close(file)
    drive.make(stored.replace("a", "c"), options=0)
    drive.create(stored.replace("a", "d"), READ, disposition=io.FILE_CREATE, options=FILE_DIRECTORY_FILE)
    assert sorted(os.listdir(tmp_path)) == ["a:b", "c:b", "d:b"]


def test_volfs_has_one_form_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "a#b").touch()
    drive = Drive(HostFs(str(tmp_path), rules=VolFs()), rules=VolFs())
    assert drive.exists("a#0023b") == 0
    assert drive.exists("a#b") == GONE
    assert status_of(lambda: drive.make("a#b")) == st.STATUS_OBJECT_NAME_INVALID


def test_the_flag_is_an_attribute_of_the_host_s_directory(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    os.setxattr(tmp_path / "dir", CASE_XATTR, b"1")
    drive = Drive(HostFs(str(tmp_path)))
    assert flag_of(drive, "dir") == 1
    assert set_flag(drive, "dir", 0) == 0
    assert os.listxattr(tmp_path / "dir") == []
