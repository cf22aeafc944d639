"""Which of many paths have something, as the core tells it, against a look at each path by itself."""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING

import pytest

from picobox.confine.mounting import with_something

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("d", "e", "e-", "file", "link", "gone", "dangling")


def is_there(root: Path, path: str) -> bool:
    """No link leads there, and something is there."""
    above = [os.path.join(root, *path.split("/")[1:length]) for length in range(2, path.count("/") + 1)]
    return not any(map(os.path.islink, above)) and os.path.lexists(f"{root}{path}")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Directories in directories, with a file, a link to a directory and a link to nothing in each."""
    for path in ("", "d", "d/e", "d/e-", "e", "e/d", "e/d/e"):
        directory = tmp_path / path
        directory.mkdir(exist_ok=True)
        (directory / "file").touch()
        (directory / "link").symlink_to(tmp_path / "d")
        (directory / "dangling").symlink_to("nowhere")
    return tmp_path


@pytest.mark.parametrize(
    "order",
    [sorted, list, lambda paths: sorted(paths, reverse=True)],
    ids=["sorted", "as they come", "backwards"],
)
def test_each_path_as_if_it_were_alone(tree: Path, order: object) -> None:
    assert callable(order)
    words = ["/" + "/".join(names) for length in range(1, 5) for names in product(NAMES, repeat=length)]
    paths = order([path.encode() for path in (*words, "/")])
    root = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    try:
        found = with_something(root, paths)
        assert found == [path for path in paths if path == b"/" or is_there(tree, path.decode())]
        assert b"/d/e/dangling" in found
        assert all(with_something(root, [path]) == [path] for path in found)
    finally:
        os.close(root)


def test_what_cannot_be_told_counts(tree: Path) -> None:
    """Who opens it then hears why."""
    deep = b"/d" * 70 + b"/file"
    long = b"/" + b"n" * 300
    root = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    try:
        assert with_something(root, [b"/d/file", long, b"/" + b"n" * 5000 + b"/x"]) == [
            b"/d/file", long, b"/" + b"n" * 5000 + b"/x",
        ]  # fmt: skip
        assert with_something(root, [deep, b"/e/file"]) == [b"/e/file"]
        assert with_something(root, []) == []
    finally:
        os.close(root)


def test_more_directories_than_are_kept_open(tmp_path: Path) -> None:
    """Each in the one before it, and all of them asked for."""
    depth = 100
    (tmp_path / ("d/" * depth)).mkdir(parents=True)
    paths = [b"/d" * length for length in range(1, depth + 1)]
    before = len(os.listdir("/proc/self/fd"))
    root = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    try:
        assert with_something(root, paths) == paths
    finally:
        os.close(root)
    assert len(os.listdir("/proc/self/fd")) == before
