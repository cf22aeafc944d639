"""The tree of a WSL run: where a directory of the host lies in it, and what it needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from picobox.errors import PlatformError
from picobox.platform import mounts
from picobox.platform.mounts import DriveMount, lay_out, place_of


def test_a_directory_lies_on_the_deepest_drive(tmp_path: Path) -> None:
    for name in ("a/b/c", "ab"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    root = os.fsencode(tmp_path.resolve())
    drives = [DriveMount("C", root + b"/a", False), DriveMount("D", root + b"/a/b", False)]
    places = {"a": b"/mnt/c", "a/b": b"/mnt/d", "a/b/c": b"/mnt/d/c", "link": b"/mnt/d", "ab": None, "": None}
    assert {name: place_of(drives, os.fsencode(tmp_path / name)) for name in places} == places
    assert place_of([DriveMount("E", b"/", False)], b"/usr") == b"/mnt/e/usr"


def test_there_must_be_a_place_for_drives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "MOUNT_ROOT", os.fsencode(tmp_path / "none"))
    before = Path("/proc/self/ns/mnt").readlink()
    with pytest.raises(PlatformError, match="make that directory"):
        lay_out([], {}, {})
    assert Path("/proc/self/ns/mnt").readlink() == before
