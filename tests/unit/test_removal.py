"""Nothing is left of a directory of ours, whatever guests have made of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from picobox.platform.removal import remove

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def close(directory: Path) -> None:
    directory.chmod(0)


def close_inner(directory: Path) -> None:
    (directory / "in" / "deeper").mkdir(parents=True)
    (directory / "in" / "deeper" / "file").touch()
    (directory / "in" / "deeper").chmod(0)
    (directory / "in").chmod(0)


def move(directory: Path) -> None:
    directory.rename(directory.parent / "moved")


def go_deep(directory: Path) -> None:
    """Beyond what a path can name, and what a recursion can do."""
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.chdir(directory)
        for _ in range(3000):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.fchdir(before)
        os.close(before)


def link_out(directory: Path) -> None:
    (directory / "link").symlink_to(directory.parent / "other")
    (directory / "nowhere").symlink_to("nothing")


def delete(directory: Path) -> None:
    directory.rmdir()


def replace(directory: Path) -> None:
    """Another one stands where ours was."""
    directory.rename(directory.parent / "moved")
    directory.mkdir()
    (directory / "kept").touch()


@pytest.mark.parametrize("harm", [close, close_inner, move, go_deep, link_out, delete, replace])
def test_nothing_is_left(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    ours, other = tmp_path / "ours", tmp_path / "other"
    ours.mkdir()
    other.mkdir()
    (other / "file").touch()
    directory = os.open(ours, os.O_RDONLY | os.O_DIRECTORY)
    try:
        harm(ours)
        remove(directory)
    finally:
        os.close(directory)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["other", "other/file"] + (["ours", "ours/kept"] if harm is replace else [])
