"""Tests of the picture of a file tree: each property that a program can change shows in it."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from .tree import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = time.time()

CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda root: (root / "file").write_text("other"),
    "mode": lambda root: (root / "file").chmod(0o600),
    "mode of a directory": lambda root: (root / "directory").chmod(0o700),
    "name": lambda root: (root / "file").rename(root / "File"),
    "hard link": lambda root: os.link(root / "directory" / "inner", root / "directory" / "other"),
    "link count": lambda root: os.link(root / "file", root.parent / "outside"),
    "removal": lambda root: (root / "directory" / "inner").unlink(),
    "symlink target": lambda root: (root / "to elsewhere").rename(root / "link"),
    "type": lambda root: (root / "directory" / "inner").rename(root / "fifo"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "directory").mkdir(parents=True, mode=0o755)
    (root / "file").write_text("text")
    (root / "directory" / "inner").write_bytes(b"\0\1")
    (root / "link").symlink_to("gone")
    os.mkfifo(root / "fifo", 0o644)
    (root / "to elsewhere").symlink_to("elsewhere")
    return root


def test_every_entry_is_a_line(root: Path) -> None:
    (root / "file").chmod(0o640)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
    (root / "socket").chmod(0o755)
    lines = [line.rsplit(" sha256", 1)[0] for line in snapshot(root, NOW).decode().splitlines()]
    assert lines == [
        "directory: directory 0755",
        "directory/inner: file 0644 links=1",
        "fifo: fifo 0644",
        "file: file 0640 links=1",
        "link: symlink 0777 -> gone",
        "socket: socket 0755",
        "to elsewhere: symlink 0777 -> elsewhere",
    ]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_shows(root: Path, change: Callable[[Path], object]) -> None:
    before = snapshot(root, NOW)
    change(root)
    assert snapshot(root, NOW) != before


def test_times_near_now_in_a_text_do_not_show(root: Path) -> None:
    (root / "file").write_text(f"at {int(NOW)}")
    before = snapshot(root, NOW)
    (root / "file").write_text(f"at {int(NOW) + 5}")
    assert snapshot(root, NOW) == before


def test_a_symlink_to_a_directory_is_not_followed(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("directory")
    assert snapshot(root, NOW).count(b"inner") == 1


def test_names_are_kept_byte_for_byte(root: Path) -> None:
    (root / os.fsdecode(b"a\xffb")).touch()
    assert b"a\xffb: file" in snapshot(root, NOW)
