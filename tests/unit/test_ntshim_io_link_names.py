"""FileHardLinkInformation: all names of a file, with the directories that they are in (WDK, FILE_LINKS_INFORMATION)."""

from __future__ import annotations

from nt.drive import DELETE, READ, Drive
from typing import TYPE_CHECKING

import pytest

from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HARD_LINKS, INTERNAL = query.FILE_HARD_LINK_INFORMATION, query.FILE_INTERNAL_INFORMATION


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    drive.make_directory("dir")
    drive.make_directory("dir\\sub")
    drive.make("dir\\File")
    yield drive
    drive.process.handles.release()


def id_of(drive: Drive, path: str) -> int:
    handle = drive.open(path)
    file_id: int = drive.get(handle, INTERNAL)
    drive.close(handle)
    return file_id


def names_of(drive: Drive, handle: int) -> list[tuple[int, str]]:
    return sorted(tuple(entry) for entry in drive.get(handle, HARD_LINKS))


def test_each_link_is_told_with_its_directory(drive: Drive) -> None:
    handle = drive.open("dir\\file", READ | DELETE)
    top, above, below = id_of(drive, ""), id_of(drive, "dir"), id_of(drive, "dir\\sub")
    assert names_of(drive, handle) == [(above, "File")]
    for path in ("top", "dir\\sub\\deep", "dir\\second"):
        drive.link(handle, path)
    assert names_of(drive, handle) == sorted([(above, "File"), (top, "top"), (below, "deep"), (above, "second")])
    drive.rename(handle, "dir\\sub\\Other")
    drive.delete("top")
    through_other = drive.open("dir\\second")
    expected = sorted([(below, "Other"), (below, "deep"), (above, "second")])
    assert names_of(drive, handle) == names_of(drive, through_other) == expected


def test_a_directory_has_one_name_and_the_root_is_told_as_itself(drive: Drive) -> None:
    assert names_of(drive, drive.open("dir\\sub")) == [(id_of(drive, "dir"), "sub")]
    assert names_of(drive, drive.open("")) == [(id_of(drive, ""), ".")]


def test_what_was_deleted_the_posix_way_has_none(drive: Drive) -> None:
    kept, deleter = drive.open("dir\\file"), drive.open("dir\\file", DELETE)
    drive.set(deleter, 3, query.FILE_DISPOSITION_INFORMATION_EX)
    drive.close(deleter)
    assert names_of(drive, kept) == []
