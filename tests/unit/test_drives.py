"""Volumes of a run: which one a path lies on, its NT name, and where on them look-ups fold names."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from host_index import KINDS, index

from ntshim.fs.backend import Inode
from ntshim.fs.case_flag import CASE_XATTR
from ntshim.fs.native import NativeInode, NativeVolume
from ntshim.fs.nodes import Nodes
from ntshim.fs.rules import CaseMode
from picobox.platform.drives import CaseFlag, Drives, real_directory
from picobox.platform.host import own_tid
from picobox.platform.lookup import Lookup, Start

if TYPE_CHECKING:
    from pathlib import Path

MODES = list(CaseMode)
# Relative to the drive's root: where another spelling is found in each mode.
FOLDED = {
    CaseMode.INSENSITIVE: {"", "Flagged", "Plain", "../Off"},
    CaseMode.FLAGGED: {"", "Plain"},
    CaseMode.PER_DIRECTORY: {"", "Plain"},
    CaseMode.SENSITIVE: {""},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a drive, with a file in each directory."""
    made = tmp_path / "drive"
    for name in ("", "Flagged", "Plain", "../Off"):
        (made / name).mkdir(parents=True, exist_ok=True)
        (made / name / "File").touch()
    os.setxattr(made / "Flagged", CASE_XATTR, b"1")
    return made


def test_the_deepest_volume_has_a_path() -> None:
    drives = Drives({"D": b"/a/b", "C": b"/a", "E": b"/a/b", "F": b"/ab"}, CaseMode.INSENSITIVE)
    paths = {
        b"/": "",
        b"/x": "",
        b"/a": "C",
        b"/a/x": "C",
        b"/a/b": "DE",
        b"/a/b/c/d": "DE",
        b"/ab/c": "F",
        b"/abc": "",
    }
    assert {path: "".join(drives.of(path).letters) for path in paths} == paths
    assert [volume.device for volume in drives.volumes] == [f"\\Device\\HarddiskVolume{nr}" for nr in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (b"/", "\\Device\\HarddiskVolume1\\"),
        (b"/usr/bin/ls", r"\Device\HarddiskVolume1\usr\bin\ls"),
        (b"/x#:", r"\Device\HarddiskVolume1\x#0023#003A"),
        (b"/a", "\\??\\C:\\"),
        (b"/a/b\\c/d", "\\??\\C:\\b\uf05cc\\d"),
        (b"/a/\xff", "\\??\\C:\\\udcff"),
    ],
)
def test_nt_names(path: bytes, name: str) -> None:
    assert Drives({"C": b"/a"}, CaseMode.INSENSITIVE).of(path).nt_name(path) == name


def test_a_drive_may_be_the_whole_tree() -> None:
    volume = Drives({"Q": b"/"}, CaseMode.INSENSITIVE).of(b"/usr")
    assert (volume.letters, volume.nt_name(b"/usr")) == (("Q",), r"\??\Q:\usr")


def test_the_root_of_a_drive_is_a_directory_without_links_on_its_way(root: Path) -> None:
    (root / "Link").symlink_to("Plain")
    assert real_directory(os.fsencode(root / "Link")) == os.fsencode(root / "Plain")
    for name, error in (("File", NotADirectoryError), ("Missing", FileNotFoundError)):
        with pytest.raises(error):
            real_directory(os.fsencode(root / name))


@pytest.mark.parametrize("kind", KINDS[:2])
@pytest.mark.parametrize("mode", MODES)
def test_look_ups_and_the_executive_go_by_one_rule(root: Path, mode: CaseMode, kind: str) -> None:
    drives = Drives({"C": real_directory(os.fsencode(root))}, mode)
    volume = NativeVolume(Nodes(), drives.is_case_sensitive)
    with index(kind) as made:
        lookup = Lookup(made, drives)
        start = Start(own_tid(), os.fsencode(root) + b"/", b"/", moved=False)
        for name in ("", "Flagged", "Plain", "../Off"):
            path = os.path.realpath(os.fsencode(root / name))
            folded = name in FOLDED[mode]
            asked = os.path.join(os.fsencode(name), b"fILE")
            found = lookup.find(start, asked, follow=True, creates=False).path
            assert found == (asked.replace(b"fILE", b"File") if folded else None), name
            new = lookup.find(start, asked, follow=True, creates=True)
            assert new.stored == (b"File" if folded else None)
            new.close()
            found_info = os.stat(path)
            inode = NativeInode((found_info.st_dev, found_info.st_ino), path)
            assert volume.fold(inode, "fILE") == ("FILE" if folded else "fILE"), name


def test_a_volume_of_the_host_needs_the_path_of_a_directory() -> None:
    with pytest.raises(TypeError):
        NativeVolume(Nodes(), lambda _: True).is_case_sensitive(Inode((1, 1), is_directory=True))


def test_a_sensitive_directory_on_the_way(root: Path) -> None:
    (root / "Flagged" / "Inner").mkdir()
    (root / "Flagged" / "Inner" / "File").touch()
    drives = Drives({"C": real_directory(os.fsencode(root))}, CaseMode.PER_DIRECTORY)
    start = Start(own_tid(), os.fsencode(root) + b"/", b"/", moved=False)
    with index("native") as made:
        lookup = Lookup(made, drives)
        found = {
            path: lookup.find(start, path, follow=True, creates=False).path
            for path in (b"fLAGGED/Inner/fILE", b"Flagged/iNNER/fILE", b"Flagged/Inner/File")
        }
    assert found == {
        b"fLAGGED/Inner/fILE": b"Flagged/Inner/File",
        b"Flagged/iNNER/fILE": None,
        b"Flagged/Inner/File": None,
    }


def flag_at(directory: Path) -> CaseFlag:
    """The flag of a directory, which is on a drive."""
    flag = Drives({"C": real_directory(os.fsencode(directory.parent))}, CaseMode.PER_DIRECTORY).flag_of(
        os.fsencode(directory), follow=False
    )
    assert flag is not None
    return flag


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_what_takes_the_place_of_a_directory_is_left_alone(root: Path, kind: str) -> None:
    """A guest that is faster than we are gets nothing changed that our rights reach and its own may not."""
    directory, victim = root / "Plain", root / "Victim"
    victim.mkdir(0o500)
    flag = flag_at(directory)
    directory.rename(root / "Away")
    if kind == "link":
        directory.symlink_to(victim)
    else:
        victim.rename(directory)
    with pytest.raises(FileNotFoundError):
        flag.set(True)
    with pytest.raises(FileNotFoundError):
        flag.remove()
    assert flag.settle(False) == errno.ENOENT
    assert not flag.is_set()
    assert not flag.is_kept()
    assert os.listxattr(directory) == []
    assert directory.stat().st_mode & 0o777 == 0o500


def test_a_new_directory_of_somebody_else_is_not_flagged(root: Path) -> None:
    drives = Drives({"C": real_directory(os.fsencode(root))}, CaseMode.PER_DIRECTORY)
    assert drives.flag_new(os.fsencode(root / "Plain"), os.getuid() + 1) == 0
    assert os.listxattr(root / "Plain") == []


def test_a_flag_is_set_where_its_owner_may_not_write(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = root / "Plain"
    directory.chmod(0o500)
    setxattr = os.setxattr

    def checked(path: bytes, *more: str) -> None:
        """What the kernel does for all but root."""
        if not os.stat(path).st_mode & 0o200:
            raise PermissionError(1, "no")
        setxattr(path, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "setxattr", checked)
    flag = flag_at(directory)
    flag.set(True)
    assert flag.is_set()
    assert directory.stat().st_mode & 0o777 == 0o500


def test_only_directories_on_drives_are_flagged(root: Path) -> None:
    drives = Drives({"C": real_directory(os.fsencode(root))}, CaseMode.PER_DIRECTORY)
    on, off = root / "Plain", root.parent / "Off"
    assert [drives.flag_new(os.fsencode(path), os.getuid()) for path in (on, off)] == [0, 0]
    assert os.listxattr(on) == [CASE_XATTR]
    assert os.listxattr(off) == []
